//! `history`: the topologies that were in force.

use control_api::v1;
use nix::unistd::{Uid, User};
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::listing::Row;
use crate::session::Session;
use crate::table::{Column, number, words};
use crate::wire::{Moment, word};

pub(super) async fn list(session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::HistoryRequest {};
    let mut pages = client.verbs().history(request).await?.into_inner();
    let mut listing = session.list();
    while let Some(page) = pages.message().await? {
        for entry in page.entries {
            listing.push(&Entry::from(entry))?;
        }
    }
    listing.finish()
}

/// A topology that was in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Entry {
    /// Its revision.
    revision: u64,
    /// When it came into force.
    applied_at: Moment,
    /// The user id of who put it into force; null: the daemon itself.
    uid: Option<u32>,
    /// The name of that user on this machine, where there is one.
    user: Option<String>,
    /// Why: `configured` (read from the configuration's files), `applied`,
    /// `rolled-back` (somebody went back to it), `unconfirmed` (the one after
    /// it was not confirmed in time).
    cause: String,
    /// What it changed, in one line.
    summary: String,
    /// It is in force.
    current: bool,
    /// When it goes back by itself unless confirmed; null: never.
    reverts_at: Option<Moment>,
}

impl From<v1::HistoryEntry> for Entry {
    fn from(entry: v1::HistoryEntry) -> Self {
        Self {
            revision: entry.revision,
            applied_at: Moment::from_ms(entry.applied_at_ms),
            uid: entry.uid,
            user: entry.uid.and_then(user_name),
            cause: word(entry.cause, v1::HistoryCause::as_str_name, "HISTORY_CAUSE_"),
            summary: entry.summary,
            current: entry.current,
            reverts_at: entry.reverts_at_ms.map(Moment::from_ms),
        }
    }
}

fn user_name(uid: u32) -> Option<String> {
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map(|user| user.name)
}

impl Row for Entry {
    const COLUMNS: &'static [Column] = &[
        number("revision"),
        words("in force since"),
        words("by"),
        words("cause"),
        words("state"),
        words("summary"),
    ];

    fn cells(&self) -> Vec<String> {
        let by = match (&self.user, self.uid) {
            (Some(user), _) => user.clone(),
            (None, Some(uid)) => format!("uid {uid}"),
            (None, None) => "vswitch".to_owned(),
        };
        let state = match (self.current, self.reverts_at) {
            (true, Some(at)) => format!("in force until {}", at.local()),
            (true, None) => "in force".to_owned(),
            (false, _) => String::new(),
        };
        vec![
            self.revision.to_string(),
            self.applied_at.local(),
            by,
            self.cause.clone(),
            state,
            self.summary.clone(),
        ]
    }
}
