//! `port remove NAME`: removes a port while the vswitch runs.

use clap::Args;
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use super::add::kept;
use crate::failure::Failure;
use crate::request::{fresh_id, until_answered};
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The port's name
    name: String,
}

pub(super) async fn run(options: Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let request = v1::RemovePortRequest {
        name: options.name,
        request_id: fresh_id(),
    };
    let attempt = async || {
        let mut client = session.connect().await?;
        let reply = client.verbs().remove_port(request.clone()).await?;
        Ok(reply.into_inner())
    };
    let reply = until_answered(attempt).await?;
    let removed = Removed {
        port: request.name,
        revision: reply.revision,
        durable: reply.durable,
    };
    session.show(&removed, |removed| {
        let Removed { port, revision, .. } = removed;
        format!(
            "port {port} removed as revision {revision}{}\n",
            kept(removed.durable)
        )
    })
}

/// A port that was removed.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::verb) struct Removed {
    /// Its name.
    port: String,
    /// The revision that this made.
    revision: u64,
    /// It stays away after a restart of the daemon.
    durable: bool,
}
