//! Refusals as a client sees them.
//!
//! | refusal | gRPC code |
//! |---|---|
//! | a value out of its range, faults in the text of a port | `INVALID_ARGUMENT` |
//! | no such segment, network, port, revision | `NOT_FOUND` |
//! | the topology owns the address; the state of things does not allow it | `FAILED_PRECONDITION` |
//! | another revision than expected: look again, then try again | `ABORTED` |
//! | a table is full | `RESOURCE_EXHAUSTED` |
//! | the state file cannot be written | `INTERNAL` |
//! | the vswitch is ending, or another one is taking over | `UNAVAILABLE` |
//! | that far back nothing is remembered (`Watch`) | `OUT_OF_RANGE` |
//! | a message larger than the verb takes | `RESOURCE_EXHAUSTED`, from 1 MiB on `OUT_OF_RANGE` |
//! | the client did not go on in time | `DEADLINE_EXCEEDED` |
//! | not for this user | `PERMISSION_DENIED` |
//!
//! Faults in applied files are no refusal: they come in the answer, with their
//! places. Nor are refused transactions of a `ChangeMappings` stream: each has
//! its answer there, with a [`v1::Refusal`].

use control_api::v1;
use tonic::{Code, Status};

use crate::commit::{Pending, Refusal, TooOld};

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = match &refusal {
            Refusal::Invalid { .. } | Refusal::Faults(_) => Code::InvalidArgument,
            Refusal::NoSuchSegment { .. } | Refusal::NotFound(_) => Code::NotFound,
            Refusal::Drawn { .. } | Refusal::NotNow(_) => Code::FailedPrecondition,
            Refusal::Stale { .. } => Code::Aborted,
            Refusal::TableFull { .. } => Code::ResourceExhausted,
            Refusal::NotDurable(_) => Code::Internal,
            Refusal::TakenOver => Code::Unavailable,
        };
        Self::new(code, shortened(refusal.to_string()))
    }
}

/// A status travels in a header, where clients take little.
fn shortened(mut words: String) -> String {
    if words.len() > LONGEST_STATUS {
        words.truncate(words.floor_char_boundary(LONGEST_STATUS));
        words.push('…');
    }
    words
}

const LONGEST_STATUS: usize = 2000;

impl From<TooOld> for Status {
    fn from(too_old: TooOld) -> Self {
        Self::out_of_range(too_old.to_string())
    }
}

/// The answer to an order, once there is one.
pub(super) async fn answer<T>(pending: Pending<T>) -> Result<T, Status> {
    match pending.await {
        Ok(answer) => answer.map_err(Status::from),
        Err(_) => Err(unanswered()),
    }
}

/// The daemon ended before it answered.
pub(super) fn unanswered() -> Status {
    Status::unavailable(UNANSWERED)
}

/// The transaction in the words of its stream.
pub(super) fn in_stream(refusal: &Refusal) -> v1::MappingsRefused {
    let kind = match refusal {
        Refusal::Invalid { .. } | Refusal::Faults(_) => v1::Refusal::Invalid,
        Refusal::NoSuchSegment { .. } | Refusal::NotFound(_) => v1::Refusal::NoSuchSegment,
        Refusal::Drawn { .. } => v1::Refusal::Drawn,
        Refusal::Stale { .. } => v1::Refusal::StaleRevision,
        Refusal::TableFull { .. } => v1::Refusal::TableFull,
        Refusal::NotDurable(_) => v1::Refusal::NotDurable,
        Refusal::NotNow(_) | Refusal::TakenOver => v1::Refusal::Unavailable,
    };
    v1::MappingsRefused {
        refusal: kind.into(),
        message: refusal.to_string(),
        change: refusal.change().and_then(|place| u32::try_from(place).ok()),
    }
}

pub(super) const UNANSWERED: &str = "the vswitch is ending, and did not say whether the change \
                                     came into force; when it is back, look, or try again with the \
                                     same request id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_refusal_still_fits_a_header() {
        let status = Status::from(Refusal::NotFound("é".repeat(5000)));
        assert_eq!(status.code(), Code::NotFound);
        assert_eq!(status.message().chars().count(), LONGEST_STATUS / 2 + 1);
        let short = Status::from(Refusal::NotFound("nothing".to_owned()));
        assert_eq!(short.message(), "nothing");
    }
}
