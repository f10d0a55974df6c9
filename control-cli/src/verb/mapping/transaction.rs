//! A transaction on mappings: what is asked, and what is answered.

use control_api::v1;
use tonic::Status;

use crate::failure::Failure;

/// What became of a transaction.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is in force.
    Committed(v1::MappingsCommitted),
    /// Nothing of it is.
    Refused(Refused),
}

/// Why a transaction was refused.
#[derive(Debug)]
pub(super) struct Refused {
    /// Why, and what to do.
    pub(super) message: String,
    /// The place of the change at fault among its changes.
    pub(super) change: Option<usize>,
}

impl Outcome {
    /// What the daemon answered to the transaction with this id.
    ///
    /// # Errors
    /// It is about to end, as if it had not been reached; or the answer is to
    /// something else.
    pub(super) fn of(reply: v1::ChangeMappingsReply, id: &str) -> Result<Self, Failure> {
        use v1::change_mappings_reply::Outcome as Wire;
        if reply.request_id != id {
            let words = format!("an answer to \"{}\", not to \"{id}\"", reply.request_id);
            return Err(Failure::Malformed(words));
        }
        match reply.outcome {
            Some(Wire::Committed(committed)) => Ok(Self::Committed(committed)),
            Some(Wire::Refused(refused)) => {
                if refused.refusal() == v1::Refusal::Unavailable {
                    return Err(Status::unavailable(refused.message).into());
                }
                Ok(Self::Refused(Refused {
                    message: refused.message,
                    change: refused.change.and_then(|index| index.try_into().ok()),
                }))
            }
            None => Err(Failure::Malformed(
                "an answer without an outcome".to_owned(),
            )),
        }
    }
}

/// The conversation ended before all was answered.
pub(super) fn ended_early() -> Failure {
    Status::unavailable("the daemon ended the conversation; is it stopping?").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ending_daemon_is_one_that_was_not_reached() {
        let refused = |refusal: v1::Refusal| {
            let refused = v1::MappingsRefused {
                refusal: refusal.into(),
                message: "because".to_owned(),
                change: Some(3),
            };
            let reply = v1::ChangeMappingsReply {
                request_id: "x".to_owned(),
                outcome: Some(v1::change_mappings_reply::Outcome::Refused(refused)),
            };
            Outcome::of(reply, "x")
        };
        let ending = refused(v1::Refusal::Unavailable).unwrap_err();
        assert!(ending.lost_the_daemon());
        let Ok(Outcome::Refused(full)) = refused(v1::Refusal::TableFull) else {
            panic!("refused is an outcome");
        };
        assert_eq!((full.message.as_str(), full.change), ("because", Some(3)));
    }

    #[test]
    fn answers_belong_to_their_questions() {
        let reply = v1::ChangeMappingsReply::default();
        let wrong = Outcome::of(reply.clone(), "x").unwrap_err().to_string();
        assert!(wrong.contains("an answer to"), "{wrong}");
        let empty = Outcome::of(reply, "").unwrap_err().to_string();
        assert!(empty.contains("without an outcome"), "{empty}");
    }
}
