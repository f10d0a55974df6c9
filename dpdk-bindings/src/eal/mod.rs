//! DPDK's environment (EAL): started once per process, and never ended.

mod config;
mod error;
mod probe;

use std::ffi::CString;

use parking_lot::Mutex;

use crate::errno::Errno;
use crate::log;
use crate::sys;

pub use config::{EalConfig, EalMemory, is_pci_address};
pub use error::EalError;
pub use probe::FreeHugepages;

/// Proof that the EAL runs.
///
/// There is no cleanup: buffers, pools and queues may be anywhere in the
/// program, and all of them end with the process. What must be removed from the
/// system when a port goes is removed by [`crate::Device`].
#[derive(Clone, Copy, Debug)]
pub struct Eal(());

static STARTED: Mutex<bool> = Mutex::new(false);

impl Eal {
    /// Starts the EAL. The calling thread's CPU affinity is as before when this
    /// returns, so threads spawned later inherit the same.
    ///
    /// # Errors
    /// [`EalError`], which says what is missing and what to do. After
    /// [`EalError::Refused`] the process cannot try again.
    pub fn start(config: &EalConfig) -> Result<Self, EalError> {
        let mut started = STARTED.lock();
        if *started {
            return Err(EalError::AlreadyStarted);
        }
        config.check()?;
        probe::preconditions(config)?;

        let affinity = rustix::thread::sched_getaffinity(None).map_err(EalError::Affinity)?;
        let arguments = config.arguments(&probe::cpus(&affinity), probe::has_iommu());
        let mark = log::mark();
        log::redirect();
        let status = init(&arguments);
        rustix::thread::sched_setaffinity(None, &affinity).map_err(EalError::Affinity)?;
        match status {
            Ok(()) => {
                *started = true;
                Ok(Self(()))
            }
            Err(Errno::ALREADY) => Err(EalError::AlreadyStarted),
            Err(errno) => Err(EalError::Refused {
                errno,
                arguments: arguments.join(" "),
                said: log::quote_since(mark),
            }),
        }
    }

    /// The EAL, if it has been started.
    pub fn running() -> Option<Self> {
        STARTED.lock().then_some(Self(()))
    }
}

fn init(arguments: &[String]) -> Result<(), Errno> {
    let mut argv = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let c_argument = CString::new(argument.as_str()).map_err(|_| Errno(22))?;
        // DPDK may keep pointers into its arguments: they live forever, once.
        argv.push(c_argument.into_raw());
    }
    let argc = i32::try_from(argv.len()).map_err(|_| Errno(7))?;
    let argv: &'static mut [_] = argv.leak();
    // SAFETY: argv has argc writable, NUL-terminated strings that live forever;
    // the caller holds `STARTED`, so no two threads are here.
    let status = unsafe { sys::rte_eal_init(argc, argv.as_mut_ptr()) };
    if status < 0 {
        return Err(Errno::last());
    }
    Ok(())
}
