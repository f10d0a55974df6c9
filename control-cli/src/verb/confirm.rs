//! `confirm REVISION`: keeps a topology that would go back by itself.

use clap::Args;
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The revision that apply has named
    revision: u64,
}

pub(super) async fn run(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ConfirmRequest {
        revision: options.revision,
    };
    let reply = client.verbs().confirm(request).await?;
    let confirmed = Confirmed {
        revision: reply.into_inner().revision,
    };
    session.show(&confirmed, |confirmed| {
        format!("revision {} stays\n", confirmed.revision)
    })
}

/// A topology that stays.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Confirmed {
    /// The revision that stays.
    revision: u64,
}
