//! Who may connect, and who may ask. These tests need to be root, to run
//! `vswitchctl` as somebody else; for others they pass without having looked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use control_api::{Client, v1};
use nix::unistd::{Gid, Group, Uid};
use tonic::Code;

use crate::changes::{options, piece, put, transaction};
use crate::fake::Fake;
use crate::hostile::inputs::client_side;
use crate::lab::{Lab, Outcome};

/// A user and a group that nothing on this machine uses.
const STRANGER: u32 = 54_321;

/// `vswitchctl` as an unprivileged process of some group.
fn ask_as(lab: &Lab, gid: u32) -> Outcome {
    // The lab's directory and the program must be within the stranger's reach.
    fs::set_permissions(lab.directory.path(), Permissions::from_mode(0o755)).unwrap();
    let program = lab.directory.path().join("vswitchctl");
    fs::copy(env!("CARGO_BIN_EXE_vswitchctl"), &program).unwrap();
    let mut command = Command::new(program);
    command.arg("--socket").arg(&lab.socket).arg("status");
    command.uid(STRANGER).gid(gid);
    Outcome::of(command)
}

/// The socket that [`what_somebody_may`] tries.
const SOCKET: &str = "VSWITCH_TEST_SOCKET";

/// No test by itself: tries every verb, as whoever runs it, and prints what
/// came of it. The tests below run it as somebody else.
#[test]
#[ignore = "run by other tests"]
fn what_somebody_may() {
    let Some(socket) = std::env::var_os(SOCKET) else {
        return;
    };
    client_side(async {
        let mut client = match Client::connect(socket.as_ref(), "test").await {
            Ok(client) => client,
            Err(error) => return println!("= connect: {error}"),
        };
        let verbs = client.verbs();
        let told = |verb: &str, code: Option<tonic::Status>| {
            let code = code.map_or(Code::Ok, |status| status.code());
            println!("= {verb}: {code:?}");
        };
        let files = |dry_run| {
            let options = v1::ApplyOptions {
                dry_run,
                ..v1::ApplyOptions::default()
            };
            tokio_stream::iter([self::options(options), piece("z.yaml", "unchanged")])
        };
        let back = |dry_run| v1::RollbackRequest {
            dry_run,
            ..v1::RollbackRequest::default()
        };
        told("status", verbs.status(v1::StatusRequest {}).await.err());
        told(
            "list-tables",
            verbs.list_tables(v1::ListTablesRequest {}).await.err(),
        );
        told("history", verbs.history(v1::HistoryRequest {}).await.err());
        told(
            "export",
            verbs.export(v1::ExportRequest::default()).await.err(),
        );
        told(
            "watch",
            verbs.watch(v1::WatchRequest::default()).await.err(),
        );
        told("compare", verbs.apply(files(true)).await.err());
        told("rollback?", verbs.rollback(back(true)).await.err());
        told("apply", verbs.apply(files(false)).await.err());
        told("rollback", verbs.rollback(back(false)).await.err());
        // Nothing waits to be confirmed: that much only those learn who may.
        told(
            "confirm",
            verbs
                .confirm(v1::ConfirmRequest { revision: 1 })
                .await
                .err(),
        );
        let changes = tokio_stream::once(transaction("", vec![put(10)]));
        told(
            "change-mappings",
            verbs.change_mappings(changes).await.err(),
        );
        let add = v1::AddPortRequest {
            port: "{ name: vm-b }".to_owned(),
            request_id: String::new(),
        };
        told("add-port", verbs.add_port(add).await.err());
        let remove = v1::RemovePortRequest {
            name: "vm-b".to_owned(),
            request_id: String::new(),
        };
        told("remove-port", verbs.remove_port(remove).await.err());
    });
}

/// What came of the verbs, as an unprivileged process of some group.
fn tried_as(lab: &Lab, gid: u32) -> Vec<String> {
    fs::set_permissions(lab.directory.path(), Permissions::from_mode(0o755)).unwrap();
    let program = lab.directory.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let mut command = Command::new(program);
    command.args(["--exact", "permissions::what_somebody_may"]);
    command.args(["--ignored", "--nocapture"]);
    command.current_dir("/").env(SOCKET, &lab.socket);
    command.uid(STRANGER).gid(gid);
    let outcome = Outcome::of(command);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let lines = outcome.stdout.lines();
    lines
        .filter_map(|line| Some(line.split_once("= ")?.1.to_owned()))
        .collect()
}

const READING: [&str; 7] = [
    "status",
    "list-tables",
    "history",
    "export",
    "watch",
    "compare",
    "rollback?",
];
const WRITING: [&str; 6] = [
    "apply",
    "rollback",
    "confirm",
    "change-mappings",
    "add-port",
    "remove-port",
];

fn is_root() -> bool {
    Uid::effective().is_root()
}

/// Some group that every machine has, and one more.
fn groups() -> [Group; 2] {
    [1, 2].map(|gid| Group::from_gid(Gid::from_raw(gid)).unwrap().unwrap())
}

#[test]
fn the_sockets_mode_keeps_strangers_out() {
    if is_root() {
        let lab = Lab::start(Fake::default());
        let outcome = ask_as(&lab, STRANGER);
        outcome.fails(3, &["not allowed to connect", "mode 0660", "run as root"]);
    }
}

#[test]
fn members_of_the_read_group_may_ask() {
    if is_root() {
        let [group, _] = groups();
        let lab = Lab::configured(Fake::default(), |config| {
            config.read_group = Some(group.name.clone());
        });
        assert_eq!(ask_as(&lab, group.gid.as_raw()).code, 0);
        let outcome = ask_as(&lab, STRANGER);
        outcome.fails(3, &["not allowed", &format!("usermod -aG {}", group.name)]);
    }
}

#[test]
fn with_two_groups_the_daemon_itself_keeps_strangers_out() {
    if is_root() {
        let [read, write] = groups();
        let lab = Lab::configured(Fake::default(), |config| {
            config.read_group = Some(read.name.clone());
            config.write_group = Some(write.name.clone());
        });
        assert_eq!(ask_as(&lab, read.gid.as_raw()).code, 0);
        assert_eq!(ask_as(&lab, write.gid.as_raw()).code, 0);
        let outcome = ask_as(&lab, STRANGER);
        let named = format!("group {}", write.name);
        outcome.fails(1, &["refuses", "user id 54321", &named]);
    }
}

#[test]
fn an_open_socket_without_groups_is_for_everybody() {
    if is_root() {
        let lab = Lab::configured(Fake::default(), |config| config.mode = Some(0o666));
        assert_eq!(ask_as(&lab, STRANGER).code, 0);
    }
}

#[test]
fn members_of_the_read_group_may_compare_and_watch_and_change_nothing() {
    if is_root() {
        let [read, write] = groups();
        let administration =
            std::sync::Arc::new(crate::administration::FakeAdministration::default());
        let fake = Fake {
            administration: administration.clone(),
            ..Fake::default()
        };
        let lab = Lab::configured(fake, |config| {
            config.read_group = Some(read.name.clone());
            config.write_group = Some(write.name.clone());
        });
        let allowed = READING.map(|verb| format!("{verb}: Ok"));
        let refused = WRITING.map(|verb| format!("{verb}: PermissionDenied"));
        let expected: Vec<String> = allowed.into_iter().chain(refused).collect();
        assert_eq!(tried_as(&lab, read.gid.as_raw()), expected);
        // The two dry runs are all that the administration has heard of.
        assert_eq!(administration.orders().len(), 2);

        let expected: Vec<String> = READING
            .iter()
            .chain(&WRITING)
            .map(|verb| match *verb {
                "confirm" => format!("{verb}: FailedPrecondition"),
                _ => format!("{verb}: Ok"),
            })
            .collect();
        assert_eq!(tried_as(&lab, write.gid.as_raw()), expected);

        let stranger = tried_as(&lab, STRANGER);
        assert!(
            stranger[0].contains("user id 54321 is not among those who may read"),
            "{stranger:?}"
        );
    }
}

#[test]
fn a_network_with_a_secret_is_exported_to_those_who_may_change_it() {
    if is_root() {
        let [read, write] = groups();
        let administration = crate::administration::FakeAdministration {
            secret: true,
            ..crate::administration::FakeAdministration::default()
        };
        let fake = Fake {
            administration: std::sync::Arc::new(administration),
            ..Fake::default()
        };
        let lab = Lab::configured(fake, |config| {
            config.read_group = Some(read.name.clone());
            config.write_group = Some(write.name.clone());
        });
        let export = |gid: u32| {
            let told = tried_as(&lab, gid);
            told.into_iter().find(|line| line.starts_with("export"))
        };
        let told = |code| Some(format!("export: {code}"));
        assert_eq!(export(read.gid.as_raw()), told("PermissionDenied"));
        assert_eq!(export(write.gid.as_raw()), told("Ok"));
    }
}
