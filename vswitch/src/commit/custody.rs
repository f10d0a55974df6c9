//! Who has the state file while another vswitch takes over: it, so that it can
//! read it; this one forwards, and changes nothing. If the other one goes away
//! before it has taken the ports, this one takes the file back.

use packet::PacketBuf;

use super::clerk::Clerk;
use super::refusal::Refusal;
use crate::state::StateError;

/// Who has the state file.
#[derive(Debug, Default)]
pub(super) enum Custody {
    /// The commit thread; or there is none.
    #[default]
    Here,
    /// The vswitch that takes over.
    Lent,
    /// Nobody should, and it is being opened again.
    Returning { complained: bool },
    /// It is not as it was lent: why.
    Lost(String),
}

impl<B: PacketBuf + 'static> Clerk<B> {
    /// Everything that was answered is in the file, and the file is closed.
    pub(super) fn hand_over(&mut self) -> Result<(), Refusal> {
        self.may_change()?;
        self.custody = Custody::Lent;
        match self.durable.lend() {
            Ok(()) => {
                tracing::info!("another vswitch takes over: changes are refused until it has");
                Ok(())
            }
            Err(error) => {
                self.take_back();
                Err(Refusal::NotDurable(error.to_string()))
            }
        }
    }

    /// The vswitch that was to take over is gone.
    pub(super) fn take_back(&mut self) {
        if matches!(self.custody, Custody::Lent) {
            self.custody = Custody::Returning { complained: false };
            self.open_again();
        }
    }

    /// Opens the file that was lent, as soon as the other process has let go.
    pub(super) fn open_again(&mut self) {
        let Custody::Returning { complained } = &mut self.custody else {
            return;
        };
        match self.durable.take_back() {
            // The other one may have written down that its configuration is
            // another.
            Ok(revision) if revision.is_none_or(|revision| revision >= self.revision) => {
                self.revision = revision.unwrap_or(self.revision);
                self.show.show_revision(self.revision);
                self.custody = Custody::Here;
                tracing::warn!("the vswitch that was to take over is gone: this one goes on");
            }
            Ok(_) => {
                let lost = "the vswitch that was to take over has put the state file aside; \
                            restart this one to go on with a new one";
                tracing::error!("{lost}");
                self.custody = Custody::Lost(lost.to_owned());
            }
            Err(StateError::Held { .. }) => {}
            Err(error) => {
                if !*complained {
                    tracing::error!(%error, "changes are refused until the state file is open");
                }
                *complained = true;
            }
        }
    }

    /// Changes are refused while somebody else has the state file.
    pub(super) fn may_change(&self) -> Result<(), Refusal> {
        match &self.custody {
            Custody::Here => Ok(()),
            Custody::Lent | Custody::Returning { .. } => Err(Refusal::TakenOver),
            Custody::Lost(why) => Err(Refusal::NotDurable(why.clone())),
        }
    }
}
