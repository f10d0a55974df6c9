//! `export`: the topology in force, as files that `apply` takes.

use clap::Args;
use control_api::v1;
use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only this network; may be given several times
    #[arg(long = "network", value_name = "NAME")]
    networks: Vec<String>,
}

pub(super) async fn run(options: Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let mut client = session.connect().await?;
    let request = v1::ExportRequest {
        networks: options.networks,
    };
    let mut pieces = client.verbs().export(request).await?.into_inner();
    // Half a topology is worse than none: written when all of it is here.
    let mut text = String::new();
    while let Some(piece) = pieces.message().await? {
        text += &piece.text;
    }
    session.show(&Export { text }, |export| export.text.clone())
}

/// The topology in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Export {
    /// A YAML stream, one document per network; applied again it changes
    /// nothing.
    text: String,
}
