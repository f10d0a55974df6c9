//! `AddPort` and `RemovePort`.

use control_api::v1;
use tonic::Status;

use crate::commit::{AddPort, Administration, Author, RemovePort};
use crate::control::refused::answer;
use crate::control::request::request_id;

pub(in crate::control) async fn add(
    administration: &dyn Administration,
    author: Author,
    request: v1::AddPortRequest,
) -> Result<v1::AddPortReply, Status> {
    let order = AddPort {
        author,
        request: request_id(&request.request_id)?,
        port: request.port,
    };
    let added = answer(administration.add_port(order)).await?;
    Ok(v1::AddPortReply {
        revision: added.revision.0,
        name: added.name,
        durable: added.durable,
    })
}

pub(in crate::control) async fn remove(
    administration: &dyn Administration,
    author: Author,
    request: v1::RemovePortRequest,
) -> Result<v1::RemovePortReply, Status> {
    let order = RemovePort {
        author,
        request: request_id(&request.request_id)?,
        name: request.name,
    };
    let removed = answer(administration.remove_port(order)).await?;
    Ok(v1::RemovePortReply {
        revision: removed.revision.0,
        durable: removed.durable,
    })
}
