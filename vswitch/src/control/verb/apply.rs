//! `Apply`: files put together from pieces, checked, and put into force.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use control_api::v1;
use control_api::v1::apply_request::Part;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use tonic::{Status, Streaming};
use vnet::diagnostic::{Diagnostic, Severity};
use vnet::plan::{Change, Plan, PlanLine};

use crate::commit::{Administration, Applied, Apply, RequestId, Revision};
use crate::control::limits::TimeLimits;
use crate::control::peer::{Access, Peer};
use crate::control::refused::answer;
use crate::control::request::request_id;
use crate::control::wire;

pub(in crate::control) async fn apply(
    administration: &dyn Administration,
    space: &Space,
    limits: TimeLimits,
    peer: &Peer,
    mut parts: Streaming<v1::ApplyRequest>,
) -> Result<v1::ApplyReply, Status> {
    let over = Instant::now() + limits.pieces;
    let first = next(&mut parts, over, limits).await?;
    let Some(Part::Options(options)) = first else {
        return Err(Status::invalid_argument("the options come first"));
    };
    if !options.dry_run {
        peer.may(Access::Write)?;
    }
    let options = Options::checked(&options)?;
    let mut files = Files::new(space.of(peer));
    while let Some(part) = next(&mut parts, over, limits).await? {
        match part {
            Part::Piece(piece) => files.add(piece)?,
            Part::Options(_) => {
                return Err(Status::invalid_argument("the options come once"));
            }
        }
    }
    // The files' space stays taken until they are read.
    let (files, _taken) = files.whole()?;
    let order = Apply {
        author: peer.author(),
        request: options.request,
        files,
        prune: options.prune,
        dry_run: options.dry_run,
        expected: options.expected,
        confirm_within: options.confirm_within,
    };
    answer(administration.apply(order)).await.map(reply)
}

/// The next part that means something; `None` at the end.
async fn next(
    parts: &mut Streaming<v1::ApplyRequest>,
    over: Instant,
    limits: TimeLimits,
) -> Result<Option<Part>, Status> {
    let until = over.min(Instant::now() + limits.piece);
    match timeout_at(until, parts.message()).await {
        Ok(Ok(None)) => Ok(None),
        Ok(Ok(Some(v1::ApplyRequest { part: Some(part) }))) => Ok(Some(part)),
        Ok(Ok(Some(v1::ApplyRequest { part: None }))) => Err(Status::invalid_argument(
            "a part is neither options nor a piece of a file",
        )),
        Ok(Err(broken)) => Err(broken),
        Err(_) => Err(Status::deadline_exceeded(format!(
            "the files did not arrive in time: the next piece is awaited for {} s, all of them \
             for {} s; nothing was changed",
            limits.piece.as_secs(),
            limits.pieces.as_secs()
        ))),
    }
}

struct Options {
    request: Option<RequestId>,
    prune: bool,
    dry_run: bool,
    expected: Option<Revision>,
    confirm_within: Option<Duration>,
}

impl Options {
    fn checked(options: &v1::ApplyOptions) -> Result<Self, Status> {
        let confirm_within = options.confirm_within_ms.map(Duration::from_millis);
        if confirm_within.is_some_and(|time| time.is_zero() || time > LONGEST_TRIAL) {
            return Err(Status::invalid_argument(format!(
                "confirm_within_ms must be 1 ms to {} hours",
                LONGEST_TRIAL.as_secs() / 3600
            )));
        }
        Ok(Self {
            request: request_id(&options.request_id)?,
            prune: options.prune,
            dry_run: options.dry_run,
            expected: options.expected_revision.map(Revision),
            confirm_within,
        })
    }
}

/// Memory for files that are being put together, whoever sends them. Those who
/// may only read have a share of their own, so that they cannot take up what
/// an administrator needs.
#[derive(Debug)]
pub(in crate::control) struct Space {
    writers: Arc<Semaphore>,
    readers: Arc<Semaphore>,
}

impl Default for Space {
    fn default() -> Self {
        Self {
            writers: Arc::new(Semaphore::new(WRITERS_BYTES)),
            readers: Arc::new(Semaphore::new(READERS_BYTES)),
        }
    }
}

impl Space {
    fn of(&self, peer: &Peer) -> Arc<Semaphore> {
        match peer.access {
            Access::Write => Arc::clone(&self.writers),
            Access::Read | Access::Nothing => Arc::clone(&self.readers),
        }
    }
}

/// Files as far as they have arrived.
struct Files {
    files: Vec<(Arc<Path>, String)>,
    bytes: usize,
    space: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
}

impl Files {
    fn new(space: Arc<Semaphore>) -> Self {
        Self {
            files: Vec::new(),
            bytes: 0,
            space,
            taken: None,
        }
    }

    fn add(&mut self, piece: v1::FilePiece) -> Result<(), Status> {
        let v1::FilePiece { name, text } = piece;
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Err(Status::invalid_argument(format!(
                "a file's name has 1 to {LONGEST_NAME} bytes, not {}",
                name.len()
            )));
        }
        if text.len() > LONGEST_PIECE {
            return Err(Status::invalid_argument(format!(
                "a piece of {} has {} bytes; send at most {LONGEST_PIECE}",
                name.escape_debug(),
                text.len()
            )));
        }
        let again = self
            .files
            .last()
            .is_some_and(|(last, _)| **last == *Path::new(&name));
        let mut bytes = text.len();
        if !again {
            if self.files.len() >= MOST_FILES {
                return Err(Status::resource_exhausted(format!(
                    "more than {MOST_FILES} files; put several networks into one"
                )));
            }
            bytes += name.len();
        }
        self.take(bytes)?;
        match self.files.last_mut() {
            Some((_, whole)) if again => whole.push_str(&text),
            _ => self.files.push((Path::new(&name).into(), text)),
        }
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<(), Status> {
        self.bytes += bytes;
        if self.bytes > LARGEST_APPLY {
            return Err(Status::resource_exhausted(format!(
                "the files have more than {} MiB; apply them in several steps",
                LARGEST_APPLY >> 20
            )));
        }
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        let Ok(more) = Arc::clone(&self.space).try_acquire_many_owned(permits) else {
            return Err(Status::resource_exhausted(
                "too much is being applied or compared at once; try again when that is done",
            ));
        };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            none => *none = Some(more),
        }
        Ok(())
    }

    fn whole(self) -> Result<Whole, Status> {
        if self.files.is_empty() {
            return Err(Status::invalid_argument("no file was sent"));
        }
        Ok((self.files, self.taken))
    }
}

type Whole = (Vec<(Arc<Path>, String)>, Option<OwnedSemaphorePermit>);

/// The answer to `Apply` and to `Rollback`.
pub(super) fn reply(applied: Applied) -> v1::ApplyReply {
    let lost = applied.loaded_mappings_lost;
    v1::ApplyReply {
        diagnostics: diagnostics(applied.diagnostics),
        revision: applied.revision.map(|revision| revision.0),
        plan: Some(plan(applied.plan, lost)),
        reverts_at_ms: applied.reverts_at.map(wire::since_1970),
        durable: applied.durable,
        seen_us: applied.seen.map(wire::microseconds),
        repeated: applied.repeated,
    }
}

/// As many as anybody reads; the last one says how many there are beyond.
fn diagnostics(all: Vec<Diagnostic>) -> Vec<v1::Diagnostic> {
    let more = all.len().saturating_sub(MOST_LINES);
    let errors = |d: &Diagnostic| d.severity == Severity::Error;
    let more_errors = all.iter().skip(MOST_LINES).any(errors);
    let mut shown: Vec<_> = all.into_iter().take(MOST_LINES).map(diagnostic).collect();
    if more > 0 {
        let severity = if more_errors {
            v1::Severity::Error
        } else {
            v1::Severity::Warning
        };
        shown.push(v1::Diagnostic {
            severity: severity.into(),
            message: format!("there are {more} more"),
            remedy: "mend these first".to_owned(),
            ..shown.last().cloned().unwrap_or_default()
        });
    }
    shown
}

fn diagnostic(diagnostic: Diagnostic) -> v1::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => v1::Severity::Error,
        Severity::Warning => v1::Severity::Warning,
    };
    v1::Diagnostic {
        severity: severity.into(),
        file: diagnostic.place.file.display().to_string(),
        line: diagnostic.place.line,
        column: diagnostic.place.column,
        message: diagnostic.message,
        remedy: diagnostic.remedy,
    }
}

fn plan(plan: Plan, loaded_mappings_lost: u64) -> v1::Plan {
    let more_lines = plan.lines.len().saturating_sub(MOST_LINES) as u64;
    v1::Plan {
        lines: plan.lines.into_iter().take(MOST_LINES).map(line).collect(),
        more_lines,
        mappings_added: plan.mappings_added,
        mappings_changed: plan.mappings_changed,
        mappings_removed: plan.mappings_removed,
        loaded_mappings_lost,
        entities: plan.entities,
        losses: plan.losses,
    }
}

fn line(line: PlanLine) -> v1::PlanLine {
    let change = match line.change {
        Change::Added => v1::ChangeKind::Added,
        Change::Changed => v1::ChangeKind::Changed,
        Change::Removed => v1::ChangeKind::Removed,
    };
    v1::PlanLine {
        change: change.into(),
        what: line.what.to_owned(),
        name: line.name,
        network: line.network,
        detail: line.detail,
        mappings: line.mappings,
    }
}

const LONGEST_TRIAL: Duration = Duration::from_secs(24 * 3600);
const LONGEST_NAME: usize = 4096;
const LONGEST_PIECE: usize = 64 << 10;
const MOST_FILES: usize = 10_000;
const LARGEST_APPLY: usize = 256 << 20;
const WRITERS_BYTES: usize = LARGEST_APPLY;
const READERS_BYTES: usize = 64 << 20;
/// Lines of a plan, and diagnostics, in one answer.
const MOST_LINES: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn files(space: usize) -> Files {
        Files::new(Arc::new(Semaphore::new(space)))
    }

    fn piece(name: &str, text: &str) -> v1::FilePiece {
        v1::FilePiece {
            name: name.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn files_of_more_than_anybody_needs_are_refused() {
        let mut files = files(LARGEST_APPLY * 2);
        files.bytes = LARGEST_APPLY - 8;
        files.add(piece("a", "1234567")).unwrap();
        let status = files.add(piece("a", "8")).unwrap_err();
        assert_eq!(status.code(), tonic::Code::ResourceExhausted);
        assert!(status.message().contains("more than 256 MiB"), "{status}");
    }

    #[test]
    fn what_others_put_together_counts_and_is_given_back() {
        let space = Arc::new(Semaphore::new(20));
        let mut one = Files::new(Arc::clone(&space));
        one.add(piece("a", "0123456789")).unwrap();
        let mut other = Files::new(Arc::clone(&space));
        let status = other.add(piece("b", "0123456789")).unwrap_err();
        assert!(
            status.message().contains("too much is being applied"),
            "{status}"
        );
        let (_, taken) = one.whole().unwrap();
        assert_eq!(space.available_permits(), 9);
        drop(taken);
        assert_eq!(space.available_permits(), 20);
    }

    #[test]
    fn readers_do_not_take_what_writers_need() {
        let space = Space::default();
        let reader = space.of(&Peer::of(1000, Access::Read));
        let all = u32::try_from(READERS_BYTES).unwrap();
        let _all = reader.try_acquire_many(all).unwrap();
        let mut files = Files::new(space.of(&Peer::of(1001, Access::Write)));
        files.add(piece("a", "b")).unwrap();
    }
}
