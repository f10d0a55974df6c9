//! `Rollback` and `Confirm`: back to an earlier topology, or not back.

use control_api::v1;
use tonic::Status;

use crate::commit::{Administration, Author, Revision, Rollback};
use crate::control::refused::answer;
use crate::control::request::request_id;
use crate::control::verb::apply;

pub(in crate::control) async fn roll_back(
    administration: &dyn Administration,
    author: Author,
    request: v1::RollbackRequest,
) -> Result<v1::ApplyReply, Status> {
    let order = Rollback {
        author,
        request: request_id(&request.request_id)?,
        to: request.revision.map(Revision),
        dry_run: request.dry_run,
    };
    answer(administration.rollback(order))
        .await
        .map(apply::reply)
}

pub(in crate::control) async fn confirm(
    administration: &dyn Administration,
    author: Author,
    request: v1::ConfirmRequest,
) -> Result<v1::ConfirmReply, Status> {
    let confirmed = administration.confirm(author, Revision(request.revision));
    let revision = answer(confirmed).await?.0;
    Ok(v1::ConfirmReply { revision })
}
