//! Commits written into the tables of the file, and read back from them.

use std::sync::Arc;

use prost::Message as _;
use redb::{
    Database, ReadTransaction, ReadableDatabase as _, ReadableTable as _, TableError,
    WriteTransaction,
};

use super::history::{self, History, HistoryError};
use super::layout::{self, Head, Pieces, REQUESTS, ROW_PORTS, ROWS, base_name, log_name};
use super::piece::{self, PieceWriter};
use super::record::{
    Commit, Confirmation, MappingChange, PortText, Recovered, RequestId, Revision, Unconfirmed,
};

/// What the file has, as far as it takes that to write on.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) head: Head,
    history: Arc<History>,
    /// The rows of [`REQUESTS`]: the first, and the one after the last.
    requests: (u64, u64),
    /// The next row of the log.
    pub(super) next_piece: u64,
}

impl Image {
    /// Writes commits in their order.
    pub(super) fn append<'a>(
        &mut self,
        commits: impl Iterator<Item = &'a Commit>,
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        let mut writer = PieceWriter::default();
        for commit in commits {
            self.head.revision = commit.revision.0;
            if !commit.mappings.is_empty() {
                self.append_mappings(&mut writer, &commit.mappings, transaction)?;
            }
            if let Some(topology) = &commit.topology {
                Arc::make_mut(&mut self.history).append(topology, transaction)?;
            }
            if let Some(confirmation) = &commit.confirmation {
                self.head.unconfirmed = match confirmation {
                    Confirmation::Awaited(unconfirmed) => Some(layout::Unconfirmed {
                        revision: unconfirmed.revision.0,
                        until: history::nanoseconds(unconfirmed.until),
                        back_to: unconfirmed.back_to.0,
                    }),
                    Confirmation::Settled => None,
                };
            }
            if let Some(ports) = &commit.ports {
                write_ports(ports, transaction)?;
            }
            if let Some(request) = &commit.request {
                self.append_request(request, commit.revision, transaction)?;
            }
        }
        if let Some(piece) = writer.finish() {
            self.append_piece(&piece, transaction)?;
        }
        Ok(())
    }

    fn append_mappings(
        &mut self,
        writer: &mut PieceWriter,
        changes: &[MappingChange],
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        for change in changes {
            if let Some(piece) = writer.push(change) {
                self.append_piece(&piece, transaction)?;
            }
        }
        self.head.log_changes += changes.len() as u64;
        Ok(())
    }

    fn append_piece(
        &mut self,
        piece: &[u8],
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        let name = log_name(self.head.log);
        let mut log = transaction.open_table(Pieces::new(&name))?;
        log.insert(self.next_piece, piece)?;
        self.next_piece += 1;
        Ok(())
    }

    fn append_request(
        &mut self,
        request: &RequestId,
        revision: Revision,
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        let mut requests = transaction.open_table(REQUESTS)?;
        let (first, next) = &mut self.requests;
        requests.insert(*next, (revision.0, request.as_str()))?;
        *next += 1;
        while *next - *first > Recovered::REQUESTS as u64 {
            requests.remove(*first)?;
            *first += 1;
        }
        Ok(())
    }

    /// Reads everything but the mappings.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub(super) fn read(database: &Database, head: Head) -> Result<(Self, Recovered), String> {
        let transaction = database.begin_read().map_err(in_words)?;
        let (history, topologies) =
            History::read(&transaction).map_err(|error: HistoryError| error.to_string())?;
        let requests = read_requests(&transaction)?;
        let next_piece = next_piece(&transaction, head.log).map_err(in_words)?;
        let unconfirmed = head.unconfirmed.map(|unconfirmed| Unconfirmed {
            revision: Revision(unconfirmed.revision),
            until: history::time(unconfirmed.until),
            back_to: Revision(unconfirmed.back_to),
        });
        let rows = requests.first().zip(requests.last());
        let recovered = Recovered {
            revision: Revision(head.revision),
            history: topologies,
            unconfirmed,
            ports: read_ports(&transaction)?,
            requests: requests
                .iter()
                .map(|(_, request, revision)| (request.clone(), *revision))
                .collect(),
        };
        let image = Self {
            head,
            history: Arc::new(history),
            requests: rows.map_or((0, 0), |(first, last)| (first.0, last.0 + 1)),
            next_piece,
        };
        Ok((image, recovered))
    }
}

fn in_words(error: impl Into<redb::Error>) -> String {
    error.into().to_string()
}

fn write_ports(ports: &[PortText], transaction: &WriteTransaction) -> Result<(), redb::Error> {
    let ports = ports.iter().map(|port| layout::Port {
        name: port.name.clone(),
        text: port.text.clone(),
    });
    let message = layout::Ports {
        ports: ports.collect(),
    };
    let mut rows = transaction.open_table(ROWS)?;
    rows.insert(ROW_PORTS, message.encode_to_vec().as_slice())?;
    Ok(())
}

fn read_ports(transaction: &ReadTransaction) -> Result<Vec<PortText>, String> {
    let rows = transaction.open_table(ROWS).map_err(in_words)?;
    let Some(message) = rows.get(ROW_PORTS).map_err(in_words)? else {
        return Ok(Vec::new());
    };
    let message = layout::Ports::decode(message.value());
    let message = message.map_err(|error| format!("ports: {error}"))?;
    let ports = message.ports.into_iter().map(|port| PortText {
        name: port.name,
        text: port.text,
    });
    Ok(ports.collect())
}

/// The rows, with their numbers.
fn read_requests(transaction: &ReadTransaction) -> Result<Vec<(u64, RequestId, Revision)>, String> {
    let table = transaction.open_table(REQUESTS).map_err(in_words)?;
    let mut requests = Vec::new();
    for row in table.iter().map_err(in_words)? {
        let (number, request) = row.map_err(in_words)?;
        let (revision, id) = request.value();
        let id = RequestId::new(id).ok_or("a request's id is empty or too long")?;
        requests.push((number.value(), id, Revision(revision)));
    }
    Ok(requests)
}

fn next_piece(transaction: &ReadTransaction, log: u64) -> Result<u64, redb::Error> {
    let name = log_name(log);
    let log = match transaction.open_table(Pieces::new(&name)) {
        Ok(log) => log,
        Err(TableError::TableDoesNotExist(_)) => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    Ok(log.last()?.map_or(0, |(number, _)| number.value() + 1))
}

/// What [`super::Store::replay`] went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Changes that were handed out: puts and removals, in order.
    pub changes: u64,
}

/// Hands out the mappings of the base, then the changes of the logs.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn replay(
    database: &Database,
    head: &Head,
    mut each: impl FnMut(&[MappingChange]),
) -> Result<Replayed, String> {
    let transaction = database.begin_read().map_err(in_words)?;
    let mut changes = Vec::new();
    let mut pieces = |name: &str| -> Result<u64, String> {
        let table = match transaction.open_table(Pieces::new(name)) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(0),
            Err(error) => return Err(in_words(error)),
        };
        let mut count = 0;
        for row in table.iter().map_err(in_words)? {
            let (number, piece) = row.map_err(in_words)?;
            changes.clear();
            piece::read(piece.value(), &mut changes)
                .map_err(|error| format!("{name}, piece {}: {error}", number.value()))?;
            count += changes.len() as u64;
            each(&changes);
        }
        Ok(count)
    };
    let in_base = pieces(&base_name(head.base))?;
    let mut in_logs = 0;
    for log in head.base..=head.log {
        in_logs += pieces(&log_name(log))?;
    }
    if (in_base, in_logs) != (head.base_mappings, head.log_changes) {
        return Err(format!(
            "{in_base} mappings and {in_logs} changes where {} and {} should be",
            head.base_mappings, head.log_changes
        ));
    }
    Ok(Replayed {
        changes: in_base + in_logs,
    })
}
