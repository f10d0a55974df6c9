//! The topologies that were in force, in the file: each network's text is kept
//! once, however many topologies have it.

use core::time::Duration;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message as _;
use redb::{ReadTransaction, ReadableTable as _, WriteTransaction};

use super::layout::{self, HISTORY, TEXTS};
use super::record::{Author, Cause, NetworkText, Recovered, Revision, TopologyRecord};

/// Which texts the file has, and who needs them.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The rows of [`HISTORY`], oldest first, each with its texts.
    topologies: VecDeque<(u64, Vec<u64>)>,
    /// The rows of [`TEXTS`].
    texts: HashMap<Arc<str>, u64>,
    next_text: u64,
}

/// Why the history could not be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    #[error(transparent)]
    Store(#[from] redb::Error),
    #[error("topology {revision}: {problem}")]
    Message {
        revision: u64,
        problem: prost::DecodeError,
    },
    #[error("topology {revision}: {what} {number} is not known")]
    Unknown {
        revision: u64,
        what: &'static str,
        number: i64,
    },
}

impl History {
    /// Appends a topology, and drops the oldest where there are too many.
    pub(super) fn append(
        &mut self,
        topology: &TopologyRecord,
        transaction: &WriteTransaction,
    ) -> Result<(), redb::Error> {
        let mut texts = transaction.open_table(TEXTS)?;
        let mut history = transaction.open_table(HISTORY)?;
        let mut networks = Vec::with_capacity(topology.networks.len());
        for network in &topology.networks {
            let number = match self.texts.get(&network.text) {
                Some(number) => *number,
                None => {
                    let number = self.next_text;
                    texts.insert(number, &*network.text)?;
                    self.texts.insert(Arc::clone(&network.text), number);
                    self.next_text += 1;
                    number
                }
            };
            networks.push(layout::Network {
                name: network.name.clone(),
                label: network.label.clone(),
                first_line: network.first_line,
                text: number,
            });
        }
        let revision = topology.revision.0;
        let needed = networks.iter().map(|network| network.text).collect();
        let message = layout::Topology {
            at: nanoseconds(topology.at),
            uid: topology.author.uid,
            cause: cause_to_layout(topology.cause).into(),
            summary: topology.summary.clone(),
            networks,
        };
        history.insert(revision, message.encode_to_vec().as_slice())?;
        self.topologies.push_back((revision, needed));
        let mut dropped = false;
        while self.topologies.len() > Recovered::HISTORY {
            if let Some((oldest, _)) = self.topologies.pop_front() {
                history.remove(oldest)?;
                dropped = true;
            }
        }
        if dropped {
            let kept = self.topologies.iter();
            let needed: BTreeSet<u64> = kept.flat_map(|(_, texts)| texts).copied().collect();
            let unused = self.texts.extract_if(|_, number| !needed.contains(number));
            for (_, number) in unused {
                texts.remove(number)?;
            }
        }
        Ok(())
    }

    /// Reads all topologies, oldest first.
    pub(super) fn read(
        transaction: &ReadTransaction,
    ) -> Result<(Self, Vec<TopologyRecord>), HistoryError> {
        let mut by_number = HashMap::new();
        let mut history = Self::default();
        for row in transaction
            .open_table(TEXTS)
            .map_err(redb::Error::from)?
            .iter()
            .map_err(redb::Error::from)?
        {
            let (number, text) = row.map_err(redb::Error::from)?;
            let (number, text): (u64, Arc<str>) = (number.value(), text.value().into());
            history.next_text = number + 1;
            history.texts.insert(Arc::clone(&text), number);
            by_number.insert(number, text);
        }
        let mut topologies = Vec::new();
        for row in transaction
            .open_table(HISTORY)
            .map_err(redb::Error::from)?
            .iter()
            .map_err(redb::Error::from)?
        {
            let (revision, message) = row.map_err(redb::Error::from)?;
            let revision = revision.value();
            let message = layout::Topology::decode(message.value())
                .map_err(|problem| HistoryError::Message { revision, problem })?;
            let needed = message.networks.iter().map(|network| network.text);
            history.topologies.push_back((revision, needed.collect()));
            topologies.push(record(revision, message, &by_number)?);
        }
        Ok((history, topologies))
    }
}

fn record(
    revision: u64,
    message: layout::Topology,
    texts: &HashMap<u64, Arc<str>>,
) -> Result<TopologyRecord, HistoryError> {
    let unknown = |what, number| HistoryError::Unknown {
        revision,
        what,
        number,
    };
    let cause = cause_from_layout(message.cause());
    let mut networks = Vec::with_capacity(message.networks.len());
    for network in message.networks {
        let text = texts.get(&network.text);
        networks.push(NetworkText {
            name: network.name,
            label: network.label,
            first_line: network.first_line,
            text: text
                .map(Arc::clone)
                .ok_or_else(|| unknown("text", network.text.cast_signed()))?,
        });
    }
    Ok(TopologyRecord {
        revision: Revision(revision),
        at: time(message.at),
        author: Author { uid: message.uid },
        cause: cause.ok_or_else(|| unknown("cause", message.cause.into()))?,
        summary: message.summary,
        networks,
    })
}

const fn cause_to_layout(cause: Cause) -> layout::Cause {
    match cause {
        Cause::Configured => layout::Cause::Configured,
        Cause::Applied => layout::Cause::Applied,
        Cause::RolledBack => layout::Cause::RolledBack,
        Cause::Unconfirmed => layout::Cause::Unconfirmed,
    }
}

const fn cause_from_layout(cause: layout::Cause) -> Option<Cause> {
    match cause {
        layout::Cause::Unspecified => None,
        layout::Cause::Configured => Some(Cause::Configured),
        layout::Cause::Applied => Some(Cause::Applied),
        layout::Cause::RolledBack => Some(Cause::RolledBack),
        layout::Cause::Unconfirmed => Some(Cause::Unconfirmed),
    }
}

/// Nanoseconds since 1970; a time outside of 64 bits of them is its nearest
/// end.
pub(super) fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The time that [`nanoseconds`] made a number of.
pub(super) fn time(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
