//! Who is at the other end of a connection (`SO_PEERCRED`, unix(7)), and what
//! they may do.

use std::ffi::CString;
use std::sync::Arc;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use tokio::net::unix::UCred;
use tonic::Status;

use super::socket::{ControlConfig, ControlError};
use crate::commit::Author;

/// What a peer may do; each step includes the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Nothing.
    Nothing,
    /// Ask.
    Read,
    /// Change.
    Write,
}

/// The process at the other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Its effective user id.
    pub uid: u32,
    /// What it may do.
    pub access: Access,
    /// Who would be let in: for the refusal.
    admitted: Arc<Admitted>,
}

/// Who may do what, in words.
#[derive(Debug)]
struct Admitted {
    readers: String,
    writers: String,
}

impl Peer {
    /// Does this peer run as root or as the daemon's own user?
    pub(super) fn owns_the_daemon(&self) -> bool {
        self.uid == 0 || self.uid == own_uid()
    }

    /// Some peer.
    #[cfg(test)]
    pub(super) fn of(uid: u32, access: Access) -> Self {
        let admitted = AccessRules::of(uid, None, None).admitted;
        Self {
            uid,
            access,
            admitted,
        }
    }

    /// The peer as the author of a change.
    pub(super) fn author(&self) -> Author {
        Author {
            uid: Some(self.uid),
        }
    }

    /// Lets the peer pass if it may do that.
    pub(super) fn may(&self, wanted: Access) -> Result<(), Status> {
        if self.access >= wanted {
            return Ok(());
        }
        let (what, admitted) = match wanted {
            Access::Nothing | Access::Read => ("read", &self.admitted.readers),
            Access::Write => ("change anything", &self.admitted.writers),
        };
        Err(Status::permission_denied(format!(
            "user id {} is not among those who may {what} here: {admitted}",
            self.uid
        )))
    }
}

/// Who may do what, with group names resolved.
#[derive(Debug, Clone)]
pub struct AccessRules {
    owner: u32,
    read: Option<NamedGroup>,
    write: Option<NamedGroup>,
    admitted: Arc<Admitted>,
}

#[derive(Debug, Clone)]
struct NamedGroup {
    name: String,
    gid: u32,
}

impl AccessRules {
    /// The rules of a configuration.
    ///
    /// # Errors
    /// [`ControlError::NoSuchGroup`] for a group that this host does not have.
    pub fn new(config: &ControlConfig) -> Result<Self, ControlError> {
        let read = resolve("read-group", config.read_group.as_deref())?;
        let write = resolve("write-group", config.write_group.as_deref())?;
        Ok(Self::of(own_uid(), read, write))
    }

    fn of(owner: u32, read: Option<NamedGroup>, write: Option<NamedGroup>) -> Self {
        let admitted = Arc::new(Admitted {
            readers: in_words([&read, &write]),
            writers: in_words([&None, &write]),
        });
        Self {
            owner,
            read,
            write,
            admitted,
        }
    }

    /// Can the peer be judged by its user id alone, without the user database?
    pub(super) fn knows(&self, credentials: &UCred) -> bool {
        credentials.uid() == 0 || credentials.uid() == self.owner
    }

    /// The group that the socket's file should belong to.
    pub(super) fn socket_group(&self) -> Option<u32> {
        self.read.as_ref().or(self.write.as_ref()).map(|g| g.gid)
    }

    /// The mode under which everyone who is named can connect.
    pub(super) fn socket_mode(&self) -> u32 {
        match (&self.read, &self.write) {
            (Some(read), Some(write)) if read.gid != write.gid => 0o666,
            _ => 0o660,
        }
    }

    /// What a connection's peer may do. May wait for the user database.
    pub fn judge(&self, credentials: &UCred) -> Peer {
        let (uid, gid) = (credentials.uid(), credentials.gid());
        let member_of = |group: &Option<NamedGroup>| {
            group
                .as_ref()
                .is_some_and(|g| g.gid == gid || is_member(uid, gid, g.gid))
        };
        let nobody_named = self.read.is_none() && self.write.is_none();
        let access = if uid == 0 || uid == self.owner || member_of(&self.write) {
            Access::Write
        } else if nobody_named || member_of(&self.read) {
            Access::Read
        } else {
            Access::Nothing
        };
        Peer {
            uid,
            access,
            admitted: Arc::clone(&self.admitted),
        }
    }
}

fn in_words(groups: [&Option<NamedGroup>; 2]) -> String {
    let mut names = vec!["root".to_owned(), "the user vswitch runs as".to_owned()];
    for group in groups.into_iter().flatten() {
        names.push(format!("group {}", group.name));
    }
    names.join(", ")
}

fn resolve(field: &'static str, name: Option<&str>) -> Result<Option<NamedGroup>, ControlError> {
    let Some(name) = name else { return Ok(None) };
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(Some(NamedGroup {
            name: name.to_owned(),
            gid: group.gid.as_raw(),
        })),
        _ => Err(ControlError::NoSuchGroup {
            field,
            group: name.to_owned(),
        }),
    }
}

/// Is the user, by the system's database, a member of the group?
fn is_member(uid: u32, gid: u32, group: u32) -> bool {
    let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else {
        return false;
    };
    CString::new(user.name)
        .ok()
        .and_then(|name| getgrouplist(&name, Gid::from_raw(gid)).ok())
        .is_some_and(|groups| groups.contains(&Gid::from_raw(group)))
}

fn own_uid() -> u32 {
    Uid::effective().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(read: Option<u32>, write: Option<u32>) -> AccessRules {
        let group = |gid: u32| NamedGroup {
            name: format!("g{gid}"),
            gid,
        };
        AccessRules::of(500, read.map(group), write.map(group))
    }

    /// Credentials of this very process, over a socket pair.
    async fn own_credentials() -> UCred {
        let (one, _other) = tokio::net::UnixStream::pair().unwrap();
        one.peer_cred().unwrap()
    }

    #[test]
    fn the_mode_lets_in_whoever_is_named() {
        assert_eq!(rules(None, None).socket_mode(), 0o660);
        assert_eq!(rules(Some(7), None).socket_mode(), 0o660);
        assert_eq!(rules(Some(7), Some(7)).socket_mode(), 0o660);
        assert_eq!(rules(Some(7), Some(8)).socket_mode(), 0o666);
        assert_eq!(rules(Some(7), Some(8)).socket_group(), Some(7));
        assert_eq!(rules(None, Some(8)).socket_group(), Some(8));
    }

    #[tokio::test]
    async fn owner_and_root_may_write() {
        let credentials = own_credentials().await;
        let mut rules = rules(Some(4_000_000), Some(4_000_001));
        rules.owner = credentials.uid();
        assert_eq!(rules.judge(&credentials).access, Access::Write);
    }

    #[test]
    fn an_unknown_group_is_named_with_its_field() {
        let config = ControlConfig {
            read_group: Some("no-such-group-here".to_owned()),
            ..ControlConfig::default()
        };
        let text = AccessRules::new(&config).unwrap_err().to_string();
        assert!(text.contains("control.read-group"), "{text}");
        assert!(text.contains("groupadd no-such-group-here"), "{text}");
    }

    fn someone(access: Access) -> Peer {
        Peer {
            uid: 1000,
            access,
            admitted: rules(Some(7), Some(8)).admitted,
        }
    }

    #[test]
    fn a_refusal_says_who_may() {
        let status = someone(Access::Nothing).may(Access::Read).unwrap_err();
        let says = status.message();
        assert!(says.contains("user id 1000"), "{says}");
        assert!(says.contains("group g7, group g8"), "{says}");
        let status = someone(Access::Read).may(Access::Write).unwrap_err();
        let says = status.message();
        assert!(says.contains("may change anything"), "{says}");
        assert!(says.contains("group g8") && !says.contains("g7"), "{says}");
    }

    #[test]
    fn each_step_includes_the_ones_before() {
        use Access::{Nothing, Read, Write};
        for (has, wants, may) in [
            (Nothing, Read, false),
            (Nothing, Write, false),
            (Read, Read, true),
            (Read, Write, false),
            (Write, Read, true),
            (Write, Write, true),
        ] {
            assert_eq!(someone(has).may(wants).is_ok(), may, "{has:?} {wants:?}");
        }
    }
}
