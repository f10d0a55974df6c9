//! `apply -f FILE…`: puts networks into force.

use core::time::Duration;
use std::sync::Arc;

use clap::Args;
use control_api::v1;

use crate::failure::Failure;
use crate::plan::Applied;
use crate::request::{fresh_id, until_answered};
use crate::session::Session;
use crate::topology_files::{Files, TopologyFile, pieces};

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl apply -f z.yaml --dry-run
  vswitchctl apply -f networks/ --prune --confirm-within 60s
  vswitchctl export | sed s/vm-g/vm-h/ | vswitchctl apply -f -

Networks that the files do not draw stay as they are, unless --prune is given.";

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    files: Files,
    /// Go back to what was, unless confirmed within this time: 60s, 5m, 1h
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        conflicts_with = "dry_run"
    )]
    confirm_within: Option<Duration>,
    /// Refuse if the topology in force has another revision
    #[arg(long, value_name = "REVISION")]
    expected_revision: Option<u64>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(options: Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let within = options.confirm_within.map(|within| within.as_millis());
    let order = v1::ApplyOptions {
        dry_run: options.dry_run,
        prune: options.files.prune(),
        expected_revision: options.expected_revision,
        confirm_within_ms: within.map(|ms| u64::try_from(ms).unwrap_or(u64::MAX)),
        request_id: fresh_id(),
    };
    let applied = submit(&order, &options.files, session).await?;
    applied.show(session, |applied| done(applied, options.dry_run))
}

/// Sends the files, and again if the answer was lost on the way.
pub(super) async fn submit(
    order: &v1::ApplyOptions,
    files: &Files,
    session: &Session<'_>,
) -> Result<Applied, Failure> {
    let files = files.read()?;
    let attempt = async || {
        let mut client = session.connect().await?;
        let messages = messages(order.clone(), Arc::clone(&files));
        let reply = client.verbs().apply(tokio_stream::iter(messages)).await?;
        Ok(Applied::from(reply.into_inner()))
    };
    until_answered(attempt).await
}

/// First the options, then the files.
fn messages(
    order: v1::ApplyOptions,
    files: Arc<[TopologyFile]>,
) -> impl Iterator<Item = v1::ApplyRequest> {
    use v1::apply_request::Part;
    let parts = core::iter::once(Part::Options(order)).chain(pieces(files).map(Part::Piece));
    parts.map(|part| v1::ApplyRequest { part: Some(part) })
}

fn done(applied: &Applied, dry_run: bool) -> String {
    let Some(revision) = applied.revision else {
        return match applied.changes() {
            true if dry_run => "a dry run: nothing was changed\n",
            _ => "nothing to change\n",
        }
        .to_owned();
    };
    let back = applied.reverts_at.map(|at| {
        format!(
            "; confirm with: vswitchctl confirm {revision}     (rolls back at {})",
            at.local()
        )
    });
    format!(
        "applied as revision {revision}{}\n",
        back.unwrap_or_default()
    )
}

/// A time with its unit.
fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        _ => return Err("write a number and a unit: 60s, 5m or 1h".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("\"{digits}\" is not a whole number; write e.g. 60s"))?;
    match number.checked_mul(unit) {
        Some(seconds @ 1..=MAX_SECONDS) => Ok(Duration::from_secs(seconds)),
        _ => Err("write a time from 1s to 720h".to_owned()),
    }
}

/// Thirty days: what is meant to last longer is not on trial.
const MAX_SECONDS: u64 = 720 * 3600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        assert_eq!(duration("60s"), Ok(Duration::from_secs(60)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("2min"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for wrong in [
            "60",
            "",
            "s",
            "1d",
            "-1s",
            "0s",
            "721h",
            "99999999999999999999s",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(duration(&format!("{}h", u64::MAX)).is_err());
    }
}
