//! `diff -f FILE…`: what applying would change.

use clap::Args;
use control_api::v1;

use super::apply;
use crate::failure::Failure;
use crate::session::Session;
use crate::topology_files::Files;

pub(crate) const HELP: &str = "\
Examples:
  vswitchctl diff -f z.yaml
  vswitchctl diff -f networks/ --prune

Exit codes, as of diff(1): 0 nothing would change; 1 something would; 2 wrong usage,
faulty files, or a refusal; 3 no daemon reached";

#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    files: Files,
}

pub(super) async fn run(options: Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let undecided = |failure| Failure::Undecided(Box::new(failure));
    let order = v1::ApplyOptions {
        dry_run: true,
        prune: options.files.prune(),
        ..Default::default()
    };
    let applied = apply::submit(&order, &options.files, session).await;
    let applied = applied.map_err(undecided)?;
    let nothing = |differs| match differs {
        true => String::new(),
        false => "nothing to change\n".to_owned(),
    };
    applied
        .show(session, |applied| nothing(applied.changes()))
        .map_err(undecided)?;
    if applied.changes() {
        return Err(Failure::Negative);
    }
    Ok(())
}
