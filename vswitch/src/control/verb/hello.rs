//! `Hello`: do the two sides understand each other?

use control_api::{API_VERSION, v1};
use tonic::Status;

use crate::control::source::ControlSource;

pub(in crate::control) fn answer(
    source: &dyn ControlSource,
    request: &v1::HelloRequest,
) -> Result<v1::HelloReply, Status> {
    let version = source.status().version;
    let theirs = request.api.unwrap_or_default();
    if theirs.major != API_VERSION.major {
        return Err(Status::failed_precondition(format!(
            "vswitch {version} speaks control protocol version {}, the client {}",
            API_VERSION.major, theirs.major
        )));
    }
    tracing::debug!(client = %request.client.escape_debug(), "control client");
    Ok(v1::HelloReply {
        api: Some(API_VERSION),
        version,
    })
}
