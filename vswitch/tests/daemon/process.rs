//! A daemon in a directory of its own.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use control_api::Client;
use tempfile::TempDir;

/// The longest that a daemon may take to answer. Machines may be very busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A directory with a configuration, and the daemon that runs on it, if it does.
pub(crate) struct Daemon {
    directory: TempDir,
    process: Option<Child>,
}

impl Daemon {
    /// A configuration with so much room for mappings, and nothing drawn but
    /// what `topology` says.
    pub(crate) fn new(mappings: u32, topology: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let config = format!(
            "\
host: r
workers: {{ cores: [0], poll: adaptive }}
memory: none
substrate:
  locator: fd00:0:0:a::/64
  ports: [uplink0]
  address: fd00:0:0:ff::a/64
  routes: [{{ to: ::/0, via: fd00:0:0:ff::1 }}]
  mtu: 1600
ports:
  - {{ name: uplink0, memory: true }}
  - {{ name: vm-a, memory: true }}
hosts: [{{ name: s, locator: fd00:0:0:b::/64 }}]
control: {{ socket: control.sock }}
state: state.redb
tables: {{ mappings: {mappings} }}
topology: topology.yaml
"
        );
        fs::write(directory.path().join("host.yaml"), config).unwrap();
        fs::write(directory.path().join("topology.yaml"), topology).unwrap();
        Self {
            directory,
            process: None,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path("control.sock")
    }

    /// Starts it. What it says goes to the end of `log`.
    pub(crate) fn start(&mut self) {
        self.process = Some(self.spawn(&[]));
    }

    /// Starts one that takes over, and is the daemon from now on. Gives the one
    /// that was.
    pub(crate) fn take_over(&mut self) -> Option<Child> {
        let taker = self.taker();
        self.process.replace(taker)
    }

    /// Starts one that tries to take over.
    pub(crate) fn taker(&self) -> Child {
        self.spawn(&["--take-over"])
    }

    fn spawn(&self, options: &[&str]) -> Child {
        let log = self.path("log");
        let log = fs::File::options().append(true).create(true).open(log);
        let process = Command::new(env!("CARGO_BIN_EXE_vswitch"))
            .arg("--config")
            .arg(self.path("host.yaml"))
            .args(options)
            .stdout(Stdio::null())
            .stderr(log.unwrap())
            .spawn();
        process.unwrap()
    }

    /// How a process that was started here ends by itself.
    pub(crate) async fn ended(&self, process: impl Into<Option<Child>>) -> ExitStatus {
        let mut process = process.into().unwrap();
        let began = Instant::now();
        loop {
            if let Some(status) = process.try_wait().unwrap() {
                return status;
            }
            if began.elapsed() > PATIENCE {
                process.kill().unwrap();
                panic!("it does not end: {}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Has the daemon ended by itself?
    pub(crate) fn has_ended(&mut self) -> bool {
        let process = self.process.as_mut();
        process.is_none_or(|process| process.try_wait().unwrap().is_some())
    }

    /// A client, as soon as the daemon answers.
    pub(crate) async fn client(&mut self) -> Client {
        let began = Instant::now();
        loop {
            match Client::connect(&self.socket(), "test").await {
                Ok(client) => return client,
                Err(error) => {
                    let ended = self.process.as_mut().unwrap().try_wait().unwrap();
                    assert!(ended.is_none(), "the daemon ended: {}", self.log());
                    assert!(began.elapsed() < PATIENCE, "{error}; {}", self.log());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.kill();
    }
}
