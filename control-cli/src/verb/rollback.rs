//! `rollback [REVISION]`: goes back to an earlier topology.

use clap::Args;
use control_api::v1;

use crate::failure::Failure;
use crate::plan::Applied;
use crate::request::{fresh_id, until_answered};
use crate::session::Session;

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl rollback --dry-run
  vswitchctl rollback 809

Which revisions there are says: vswitchctl history";

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// To the topology of this revision [default: the one before the current]
    revision: Option<u64>,
    /// Only say what would change
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let request = v1::RollbackRequest {
        revision: options.revision,
        dry_run: options.dry_run,
        request_id: fresh_id(),
    };
    let attempt = async || {
        let mut client = session.connect().await?;
        let reply = client.verbs().rollback(request.clone()).await?;
        Ok(Applied::from(reply.into_inner()))
    };
    let applied = until_answered(attempt).await?;
    applied.show(session, |applied| done(applied, options))
}

fn done(applied: &Applied, options: &Options) -> String {
    let to = match options.revision {
        Some(revision) => format!("the topology of revision {revision}"),
        None => "the topology before".to_owned(),
    };
    match applied.revision {
        Some(revision) => format!("back at {to}, as revision {revision}\n"),
        None if options.dry_run && applied.changes() => {
            "a dry run: nothing was changed\n".to_owned()
        }
        None => "nothing to change\n".to_owned(),
    }
}
