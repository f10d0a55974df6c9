//! Who may connect, and who may ask. These tests need to be root, to run
//! `vswitchctl` as somebody else; for others they pass without having looked.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use nix::unistd::{Gid, Group, Uid};

use crate::fake::Fake;
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
