//! `Export`: the topology in force, piece by piece.
//!
//! The text is made whole, of one moment. It waits in memory while the client
//! takes it, so there is room for few at a time, and who does not take it in
//! time loses it.

use core::time::Duration;
use std::sync::Arc;

use control_api::v1;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tonic::Status;

use super::taken::{Giver, Taken};
use crate::commit::Administration;
use crate::control::peer::{Access, Peer};

pub(in crate::control) fn export(
    administration: &dyn Administration,
    room: &Room,
    peer: &Peer,
    request: &v1::ExportRequest,
    patience: Duration,
) -> Result<Taken<v1::ExportReply>, Status> {
    if peer.may(Access::Write).is_err()
        && let Some(network) = administration.secretive(&request.networks)
    {
        return Err(Status::permission_denied(format!(
            "the text of network \"{network}\" has a community, which is for those who may \
             change networks; export others with --network NAME"
        )));
    }
    let place = room.place(peer)?;
    let text = administration.export(&request.networks)?;
    let (give, taken) = Taken::new("export", patience);
    tokio::spawn(hand_out(text, give, place, patience));
    Ok(taken)
}

/// How many exports may wait for their clients.
#[derive(Debug)]
pub(in crate::control) struct Room(Arc<Semaphore>);

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(EXPORTS)))
    }
}

impl Room {
    /// Whoever administers the daemon finds one always.
    fn place(&self, peer: &Peer) -> Result<Option<OwnedSemaphorePermit>, Status> {
        let place = Arc::clone(&self.0).try_acquire_owned().ok();
        if place.is_none() && !peer.owns_the_daemon() {
            return Err(Status::resource_exhausted(
                "too many clients export at once; try again in a moment",
            ));
        }
        Ok(place)
    }
}

async fn hand_out(
    text: String,
    give: Giver<v1::ExportReply>,
    _place: Option<OwnedSemaphorePermit>,
    patience: Duration,
) {
    let all = async {
        for piece in pieces(&text) {
            let text = piece.to_owned();
            if give.send(Some(v1::ExportReply { text })).await.is_err() {
                return;
            }
        }
        let _ = give.send(None).await;
    };
    let _ = timeout(patience, all).await;
}

/// Cuts a text where characters end.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    core::iter::from_fn(move || {
        let (piece, rest) = text.split_at(text.floor_char_boundary(LARGEST_PIECE));
        text = rest;
        (!piece.is_empty()).then_some(piece)
    })
}

const LARGEST_PIECE: usize = 64 << 10;
const EXPORTS: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_characters_and_make_up_the_text() {
        for text in ["", "a", &"a".repeat(LARGEST_PIECE), &"aé∞𝄞".repeat(40_000)] {
            let cut: Vec<&str> = pieces(text).collect();
            assert!(
                cut.iter()
                    .all(|piece| (1..=LARGEST_PIECE).contains(&piece.len()))
            );
            assert_eq!(cut.concat(), text);
        }
    }
}
