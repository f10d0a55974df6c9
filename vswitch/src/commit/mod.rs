//! Changes while packets fly: one thread, the only writer of the tables.
//!
//! Every change takes the same way: checked, planned, made durable, put into
//! the tables where nobody sees it yet, published, and answered when all
//! workers act on it. A change that fails on its way leaves nothing behind.
//!
//! * [`order`]: what may be asked, and what is answered; [`refusal`]: why not.
//! * `handle`: where orders are left; `clerk`: the thread that takes them.
//! * [`topology`], `mappings`, `ports`: how each is carried out.
//! * [`claims`]: what interfaces claim, which nobody orders.
//! * [`durable`]: the state file; `requests`: what was done before; `survey`:
//!   all mappings, for a new state file.
//! * [`writer`]: the tables; `occupancy`: how full they are.
//! * `custody`: who has the state file while another vswitch takes over.
//! * [`in_force`]: what others see of it; [`event`]: what watchers are told.

pub mod claims;
mod clerk;
mod custody;
pub mod durable;
pub mod event;
mod handle;
pub mod in_force;
mod mappings;
mod occupancy;
pub mod order;
mod ports;
pub mod refusal;
mod requests;
mod survey;
pub mod topology;
pub mod writer;

use tokio::sync::oneshot;

pub use self::clerk::{Beginning, Clerk};
pub use self::durable::Durable;
pub use self::event::{Event, Events, TooOld, Watch, What};
pub use self::handle::{Commits, ordering};
pub use self::in_force::{InForce, Showcase};
pub use self::order::{
    AddPort, Applied, Apply, Author, Cause, ChangeMappings, Committed, HistoryEntry, MAX_CHANGES,
    MappingChange, MappingPlace, PortChanged, RemovePort, RequestId, Revision, Rollback,
};
pub use self::refusal::Refusal;
pub use self::writer::{SharedPublisher, TableWriter};

/// An answer that comes when the change is in force, or refused. Dropping it
/// does not take the change back.
pub type Pending<T> = oneshot::Receiver<Result<T, Refusal>>;

/// Where changes are asked for. The daemon implements it with a thread of its
/// own; methods return at once.
pub trait Administration: Send + Sync + 'static {
    /// Puts networks into force, or says what would change.
    fn apply(&self, order: Apply) -> Pending<Applied>;

    /// Goes back to an earlier topology.
    fn rollback(&self, order: Rollback) -> Pending<Applied>;

    /// Keeps the topology of this revision, which would go back by itself.
    fn confirm(&self, author: Author, revision: Revision) -> Pending<Revision>;

    /// Carries out a transaction on mappings. Waits in a queue behind others;
    /// callers keep few of them unanswered.
    fn change_mappings(&self, order: ChangeMappings) -> Pending<Committed>;

    /// Adds a port.
    fn add_port(&self, order: AddPort) -> Pending<PortChanged>;

    /// Removes a port.
    fn remove_port(&self, order: RemovePort) -> Pending<PortChanged>;

    /// Closes the state file for another vswitch that takes over; changes are
    /// refused from then on.
    fn hand_over(&self) -> Pending<()>;

    /// The other vswitch is gone: changes are accepted again.
    fn take_back(&self);

    /// The topologies that were in force, newest first.
    fn history(&self) -> Vec<HistoryEntry>;

    /// The topology in force as a stream of YAML documents; of these networks,
    /// or of all.
    ///
    /// # Errors
    /// [`Refusal::NotFound`]: there is no network of that name.
    fn export(&self, networks: &[String]) -> Result<String, Refusal>;

    /// The first of these networks (none named: of all) whose text holds a secret
    /// of its tenant's.
    fn secretive(&self, networks: &[String]) -> Option<String>;

    /// Follows what changes after a revision, or from now on.
    ///
    /// # Errors
    /// [`TooOld`]: that much is not remembered.
    fn watch(&self, after: Option<Revision>) -> Result<Watch, TooOld>;
}
