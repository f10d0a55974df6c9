//! Values that several changing verbs take from messages.

use tonic::Status;

use crate::commit::RequestId;

/// A request id; empty means none.
pub(super) fn request_id(text: &str) -> Result<Option<RequestId>, Status> {
    if text.is_empty() {
        return Ok(None);
    }
    match RequestId::new(text) {
        Some(id) => Ok(Some(id)),
        None => Err(Status::invalid_argument(too_long(text))),
    }
}

/// What to say of a request id that is none.
pub(super) fn too_long(text: &str) -> String {
    format!(
        "request_id has {} bytes; use at most {}",
        text.len(),
        RequestId::MAX
    )
}
