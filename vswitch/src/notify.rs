//! The daemon and whoever started it: readiness to systemd (`sd_notify`), and
//! the signals that end it.

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

/// Tells the service manager that packets are being forwarded.
pub fn ready() {
    // Without a service manager there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

/// Tells the service manager that this process is the service's from now on. It
/// believes that only with `NotifyAccess=all`.
pub fn main_process() {
    let _ = sd_notify::notify(&[NotifyState::MainPid(std::process::id())]);
}

/// Tells the service manager that the end has begun.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Waits for SIGTERM or SIGINT.
pub async fn until_told_to_end() {
    let terminate = signal(SignalKind::terminate());
    let interrupt = signal(SignalKind::interrupt());
    match (terminate, interrupt) {
        (Ok(mut terminate), Ok(mut interrupt)) => {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
        _ => {
            tracing::error!("cannot listen for signals: SIGTERM ends this process undrained");
            core::future::pending::<()>().await;
        }
    }
}
