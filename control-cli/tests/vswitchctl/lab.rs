//! A server over a fake daemon on a socket of its own, and the real
//! `vswitchctl` in front of it.

use core::time::Duration;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::oneshot;
use vswitch::control::{ControlConfig, ControlError, ControlServer, TimeLimits};

use crate::fake::Fake;

pub(crate) struct Lab {
    pub(crate) directory: tempfile::TempDir,
    pub(crate) socket: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<Result<(), ControlError>>>,
}

impl Lab {
    pub(crate) fn start(fake: Fake) -> Self {
        Self::configured(fake, |_| ())
    }

    pub(crate) fn configured(fake: Fake, change: impl FnOnce(&mut ControlConfig)) -> Self {
        Self::run(fake, change, TimeLimits::default())
    }

    pub(crate) fn with_limits(fake: Fake, limits: TimeLimits) -> Self {
        Self::run(fake, |_| (), limits)
    }

    fn run(fake: Fake, change: impl FnOnce(&mut ControlConfig), limits: TimeLimits) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = ControlConfig {
            socket: directory.path().join("control.sock"),
            ..ControlConfig::default()
        };
        change(&mut config);
        let socket = config.socket.clone();
        // Bound before anyone asks: no test has to wait for it.
        let bound = ControlServer::bind(&config).unwrap().with_limits(limits);
        let (stop, stopped) = oneshot::channel::<()>();
        let administration = fake.administration.clone();
        let serve = move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap()
                .block_on(bound.serve(Arc::new(fake), administration, async {
                    let _ = stopped.await;
                }))
        };
        let server = std::thread::Builder::new().name("server".to_owned());
        let server = server.spawn(serve).unwrap();
        Self {
            directory,
            socket,
            stop: Some(stop),
            server: Some(server),
        }
    }

    /// Runs `vswitchctl` against this lab's socket.
    pub(crate) fn ctl(&self, arguments: &[&str]) -> Outcome {
        Outcome::of(self.command(arguments))
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.socket, arguments)
    }

    /// The verb's answer as JSON, which must be a success.
    pub(crate) fn json(&self, arguments: &[&str]) -> serde_json::Value {
        let outcome = self.ctl(&[arguments, &["-o", "json"]].concat());
        assert_eq!(outcome.code, 0, "{outcome:?}");
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// Ends the server as the daemon would, and waits until it has ended.
    pub(crate) fn stop(&mut self) -> Result<(), ControlError> {
        if let Some(stop) = self.stop.take() {
            stop.send(()).unwrap();
        }
        match self.server.take() {
            Some(server) => server.join().unwrap(),
            None => Ok(()),
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(server) = self.server.take() {
            let _ = server.join();
        }
    }
}

/// `vswitchctl`, in front of any socket.
pub(crate) fn command(socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vswitchctl"));
    command.env("VSWITCH_SOCKET", socket).args(arguments);
    command.env("TZ", "UTC");
    command
}

/// What a run of `vswitchctl` left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a program. One that was copied just now may still be open for writing
/// in a process that another test is starting at this moment.
fn output(command: &mut Command) -> Output {
    loop {
        match command.output() {
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(5));
            }
            ended => return ended.unwrap(),
        }
    }
}

impl Outcome {
    pub(crate) fn of(mut command: Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = output(&mut command);
        Self {
            code: status.code().expect("ended by a signal"),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// A success whose answer is exactly this.
    #[track_caller]
    pub(crate) fn shows(&self, expected: &str) {
        assert_eq!(self.stderr, "");
        assert_eq!(self.stdout, expected);
        assert_eq!(self.code, 0);
    }

    /// A failure with this exit code that says these things on stderr only.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, says: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "{self:?}");
        for words in says {
            assert!(self.stderr.contains(words), "no \"{words}\" in {self:?}");
        }
    }
}
