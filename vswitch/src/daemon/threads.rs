//! How the daemon's threads begin and end.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use packet::PacketBuf;

use super::{DaemonError, WorkerPrologue};
use crate::commit::Administration;
use crate::control::ControlServer;
use crate::cores;
use crate::notify;
use crate::observe::Observer;
use crate::slow_path::residence::Residence;
use crate::worker::Worker;

/// The control thread: answers clients until `ending` completes.
pub(super) fn serve(
    server: ControlServer,
    observer: Arc<Observer>,
    mut residence: Residence,
    administration: Arc<dyn Administration>,
    ending: impl Future<Output = ()> + Send + 'static,
) -> Result<(), DaemonError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DaemonError::Thread {
            what: "control thread",
            source,
        })?;
    runtime.block_on(async {
        let sampled = Arc::clone(&observer);
        let sampler = tokio::spawn(async move {
            let mut every_second = tokio::time::interval(Duration::from_secs(1));
            loop {
                every_second.tick().await;
                sampled.every_second();
                let (addresses, uplinks) = sampled.addresses();
                residence.note(&addresses, &uplinks);
            }
        });
        let ending = async {
            ending.await;
            notify::stopping();
        };
        notify::ready();
        tracing::info!(host = observer.config.host, "forwarding");
        let served = server.serve(observer, administration, ending).await;
        sampler.abort();
        Ok(served?)
    })
}

pub(super) fn spawn_worker<B: PacketBuf + 'static>(
    worker: Worker<B>,
    index: u16,
    core: Option<u16>,
    prologue: &WorkerPrologue,
) -> Result<JoinHandle<()>, DaemonError> {
    let prologue = Arc::clone(prologue);
    spawn(&format!("worker-{index}"), "worker", move || {
        if let Some(core) = core {
            cores::pin(core);
        }
        let _registration = prologue();
        worker.run();
    })
}

pub(super) fn spawn<T: Send + 'static>(
    name: &str,
    what: &'static str,
    body: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, DaemonError> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(|source| DaemonError::Thread { what, source })
}

pub(super) fn join<T>(thread: JoinHandle<T>, what: &str) -> Option<T> {
    let ended = thread.join();
    if ended.is_err() {
        tracing::error!("{what} ended with a panic");
    }
    ended.ok()
}
