//! A daemon's seat: its control socket, and the right to open its ports. It is
//! taken at the start; or, of a vswitch that runs, as late as can be.

use super::tenure::{Tenure, TenureError};
use super::{TakeOver, TakeOverError};
use crate::control::{ControlConfig, ControlError, ControlServer};
use crate::notify;

/// The seat cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// The control socket.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// The ports.
    #[error(transparent)]
    Tenure(#[from] TenureError),
    /// The vswitch that runs.
    #[error(transparent)]
    TakeOver(#[from] TakeOverError),
}

/// A seat that is taken.
#[derive(Debug)]
pub struct Seat {
    /// The control socket, listening.
    pub server: ControlServer,
    /// To be kept until all ports are closed.
    pub tenure: Tenure,
}

impl Seat {
    /// Takes one that is free. A daemon that is about to end is waited for; one
    /// that listens is not disturbed.
    ///
    /// # Errors
    /// [`SeatError`].
    pub fn take(control: &ControlConfig) -> Result<Self, SeatError> {
        let server = ControlServer::bind(control)?;
        let tenure = Tenure::begin(&control.socket)?;
        Ok(Self { server, tenure })
    }
}

/// The way to the seat.
#[derive(Debug)]
pub enum Door {
    /// It was free.
    Inside(Seat),
    /// A vswitch has it, and leaves when told to.
    Waiting(TakeOver, ControlConfig),
}

impl Door {
    /// A seat that is free is taken now; for one that is not, it is made sure
    /// that nothing is wrong with the socket's configuration.
    ///
    /// # Errors
    /// [`SeatError`].
    pub fn before(control: ControlConfig, from: Option<TakeOver>) -> Result<Self, SeatError> {
        match from {
            None => Seat::take(&control).map(Self::Inside),
            Some(take_over) => {
                control.check()?;
                Ok(Self::Waiting(take_over, control))
            }
        }
    }

    /// Takes the seat. If another vswitch has it, packets wait from here on.
    ///
    /// # Errors
    /// [`SeatError`].
    pub fn enter(self) -> Result<Seat, SeatError> {
        let (take_over, control) = match self {
            Self::Inside(seat) => return Ok(seat),
            Self::Waiting(take_over, control) => (take_over, control),
        };
        // Before the other one ends: else the service manager takes that for the
        // end of the service.
        notify::main_process();
        let left = take_over.now();
        if let Err(error) = &left {
            tracing::warn!(%error, "the vswitch that was to hand over broke off");
        }
        // It may have been ended by somebody else: then the seat is free, too.
        let tenure = match Tenure::begin(&control.socket) {
            Ok(tenure) => tenure,
            Err(held) => return Err(left.map_or_else(SeatError::from, |()| held.into())),
        };
        let server = ControlServer::bind(&control)?;
        Ok(Seat { server, tenure })
    }
}
