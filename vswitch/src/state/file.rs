//! The state file on the disk: made, opened, moved aside.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;
use redb::{Database, DatabaseError, ReadableDatabase as _, StorageError, TableError};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::error::{Notice, StateError};
use super::layout::{FORMAT, HISTORY, Head, REQUESTS, ROW_FORMAT, ROW_HEAD, ROWS, TEXTS};

/// Pages that the store keeps in memory, in bytes: what it writes in a few
/// commits. Nearly nothing is read twice.
const CACHE: usize = 32 << 20;

/// What opening an existing file led to.
pub(super) enum Opening {
    /// There is none.
    Missing,
    /// It is open, and says this of itself.
    Open(Database, Head),
    /// It is there, and no use.
    Useless(Useless),
}

/// Why a file is no use.
pub(super) enum Useless {
    Corrupt(String),
    OtherFormat(u32),
}

impl Useless {
    /// What is appended to the name of the file that is moved aside.
    fn suffix(&self) -> String {
        match self {
            Self::Corrupt(_) => "corrupt".to_owned(),
            Self::OtherFormat(format) => format!("format-{format}"),
        }
    }

    fn reason(&self) -> String {
        match self {
            Self::Corrupt(reason) => format!("corrupt ({reason})"),
            Self::OtherFormat(format) => {
                format!("written in format {format}, this vswitch reads and writes {FORMAT}")
            }
        }
    }
}

/// Opens what is at `path`; every page that matters is checked.
pub(super) fn open(path: &Path) -> Result<Opening, StateError> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Opening::Missing),
        Err(error) => return Err(unopened(path, &error)),
        Ok(about) if !about.is_file() => {
            return Err(StateError::Unopened {
                path: path.into(),
                problem: "it is not a file".to_owned(),
                remedy: "name a file, e.g. state: /var/lib/vswitch/state",
            });
        }
        Ok(_) => {}
    }
    let mut builder = Database::builder();
    builder
        .set_cache_size(CACHE)
        .set_check_integrity_on_open(true);
    let database = match builder.open(path) {
        Ok(database) => database,
        Err(error) => return not_opened(path, error).map(Opening::Useless),
    };
    Ok(match head(&database) {
        Ok(Ok(head)) => Opening::Open(database, head),
        Ok(Err(useless)) => Opening::Useless(useless),
        Err(error) => Opening::Useless(Useless::Corrupt(error.to_string())),
    })
}

/// Opens the file again after an error, as it is.
pub(super) fn reopen(path: &Path) -> Result<(Database, Head), String> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE);
    let database = builder.open(path).map_err(|error| error.to_string())?;
    match head(&database) {
        Ok(Ok(head)) => Ok((database, head)),
        Ok(Err(useless)) => Err(useless.reason()),
        Err(error) => Err(error.to_string()),
    }
}

/// A fault of the file makes it useless; one of its surroundings is an error.
fn not_opened(path: &Path, error: DatabaseError) -> Result<Useless, StateError> {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            Err(StateError::Held {
                path: path.into(),
                holder: holder(path),
            })
        }
        // The store's own formats have small numbers too, but none was ever
        // ours.
        DatabaseError::UpgradeRequired(_) => Ok(Useless::OtherFormat(0)),
        DatabaseError::Storage(StorageError::Io(error)) => {
            let of_the_file = matches!(
                error.kind(),
                ErrorKind::InvalidData | ErrorKind::UnexpectedEof | ErrorKind::InvalidInput
            );
            let unreadable = error.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error());
            if of_the_file || unreadable {
                Ok(Useless::Corrupt(error.to_string()))
            } else {
                Err(unopened(path, &error))
            }
        }
        error => Ok(Useless::Corrupt(error.to_string())),
    }
}

/// What the file says of itself.
fn head(database: &Database) -> Result<Result<Head, Useless>, redb::Error> {
    let transaction = database.begin_read()?;
    let not_ours = || Useless::Corrupt("it is not a state file of vswitch".to_owned());
    let rows = match transaction.open_table(ROWS) {
        Ok(rows) => rows,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Ok(Err(not_ours())),
    };
    let format = rows.get(ROW_FORMAT)?;
    let format =
        format.and_then(|format| Some(u32::from_le_bytes(format.value().try_into().ok()?)));
    match format {
        None => return Ok(Err(not_ours())),
        Some(FORMAT) => {}
        Some(other) => return Ok(Err(Useless::OtherFormat(other))),
    }
    let Some(head) = rows.get(ROW_HEAD)? else {
        return Ok(Err(not_ours()));
    };
    Ok(Head::decode(head.value()).map_err(|error| Useless::Corrupt(error.to_string())))
}

/// Makes an empty state file. It gets its name when it is complete, so that
/// nobody ever finds half of one.
pub(super) fn create(path: &Path, host: &str) -> Result<(), StateError> {
    let new = beside(path, "new");
    // Left behind by a process that was killed while it made one.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unopened(path, &error)),
        _ => {}
    }
    let made = fill(&new, host);
    made.and_then(|()| {
        renameat_with(CWD, &new, CWD, path, RenameFlags::NOREPLACE).map_err(Into::into)
    })
    .and_then(|()| sync_folder(path))
    .map_err(|error| unopened(path, &error))
}

fn fill(new: &Path, host: &str) -> io::Result<()> {
    let put = || -> Result<(), redb::Error> {
        let database = Database::builder().set_cache_size(CACHE).create(new)?;
        // Networks' texts hold secrets.
        fs::set_permissions(new, fs::Permissions::from_mode(0o600))?;
        let transaction = database.begin_write()?;
        {
            transaction.open_table(HISTORY)?;
            transaction.open_table(TEXTS)?;
            transaction.open_table(REQUESTS)?;
            let mut rows = transaction.open_table(ROWS)?;
            let head = Head {
                host: host.to_owned(),
                closed: true,
                ..Head::default()
            };
            rows.insert(ROW_FORMAT, FORMAT.to_le_bytes().as_slice())?;
            rows.insert(ROW_HEAD, head.encode_to_vec().as_slice())?;
        }
        transaction.commit()?;
        database.close()?;
        Ok(())
    };
    put().map_err(|error| match error {
        redb::Error::Io(error) => error,
        error => io::Error::other(error),
    })
}

/// Makes the names in the file's folder durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Moves a useless file out of the way; no file is ever overwritten.
pub(super) fn set_aside(path: &Path, useless: &Useless) -> Result<Notice, StateError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seconds = now.unwrap_or_default().as_secs();
    let suffix = useless.suffix();
    let mut aside = beside(path, &format!("{suffix}-{seconds}"));
    let mut again = 1;
    loop {
        match renameat_with(CWD, path, CWD, &aside, RenameFlags::NOREPLACE) {
            Ok(()) => break,
            Err(rustix::io::Errno::EXIST) => {
                again += 1;
                aside = beside(path, &format!("{suffix}-{seconds}-{again}"));
            }
            Err(error) => return Err(unopened(path, &error.into())),
        }
    }
    sync_folder(path).map_err(|error| unopened(path, &error))?;
    Ok(Notice {
        path: path.into(),
        reason: useless.reason(),
        done: format!(
            "it was moved to {}, and this start begins with an empty one",
            aside.display()
        ),
    })
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

pub(super) fn unopened(path: &Path, error: &io::Error) -> StateError {
    let remedy = match error.kind() {
        ErrorKind::NotFound => "create its folder, or name another file (state: FILE)",
        ErrorKind::PermissionDenied => {
            "let vswitch's user read and write the file and its folder, or name another file \
             (state: FILE)"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some space on its disk",
        ErrorKind::ReadOnlyFilesystem => "name a file on a disk that can be written (state: FILE)",
        _ => "repair that, or name another file (state: FILE)",
    };
    StateError::Unopened {
        path: path.into(),
        problem: error.to_string(),
        remedy,
    }
}

/// Who has the file locked, in words.
fn holder(path: &Path) -> String {
    let pid = || -> Option<u32> {
        let about = fs::metadata(path).ok()?;
        let (major, minor) = (
            rustix::fs::major(about.dev()),
            rustix::fs::minor(about.dev()),
        );
        let file = format!("{major:02x}:{minor:02x}:{}", about.ino());
        // 1: FLOCK  ADVISORY  WRITE 812 fe:00:5472335 0 EOF
        let locks = fs::read_to_string("/proc/locks").ok()?;
        let mut pids = locks.lines().filter_map(|line| {
            let mut fields = line.split_whitespace().skip(4);
            let pid: u32 = fields.next()?.parse().ok()?;
            (fields.next()? == file).then_some(pid)
        });
        pids.next()
    };
    let Some(pid) = pid() else {
        return "another process".to_owned();
    };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    format!("process {pid} ({})", name.trim_end())
}
