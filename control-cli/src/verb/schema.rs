//! `schema [VERB…]`: the JSON schemas of the verbs' answers.

use clap::Args;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

use super::{
    address, books, confirm, counter, export, flow, group, history, interface, mapping, mtu,
    neighbor, network, port, route, router, rule, segment, status, switch, table, uplink, watch,
};
use crate::failure::Failure;
use crate::plan::Applied;
use crate::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The verb, e.g. mapping list [default: all, by their names]
    #[arg(value_name = "VERB")]
    verb: Vec<String>,
}

pub(super) fn print(options: &Options, session: &mut Session<'_>) -> Result<(), Failure> {
    let schemas = all();
    let verb = options.verb.join(" ");
    let value = if verb.is_empty() {
        let named = schemas.into_iter();
        Value::Object(named.map(|(v, schema)| (v.to_owned(), schema)).collect())
    } else {
        let mut schemas = schemas;
        schemas.retain(|(name, _)| *name == verb);
        let found = schemas.pop().map(|(_, schema)| schema);
        found.ok_or_else(|| {
            let known: Vec<&str> = all().iter().map(|(name, _)| *name).collect();
            Failure::File(format!(
                "no verb \"{verb}\" answers in JSON; these do: {}",
                known.join(", ")
            ))
        })?
    };
    // Whatever the format: a schema is JSON.
    let mut text =
        serde_json::to_vec_pretty(&value).map_err(|error| Failure::Output(error.into()))?;
    text.push(b'\n');
    session.write(&text)
}

/// The verbs that answer in JSON, each with what it answers.
pub(super) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("status", one::<status::Status>("status")),
        ("apply", one::<Applied>("apply")),
        ("diff", one::<Applied>("diff")),
        ("export", one::<export::Export>("export")),
        ("confirm", one::<confirm::Confirmed>("confirm")),
        ("rollback", one::<Applied>("rollback")),
        ("history", list::<history::Entry>("history")),
        ("watch", lines::<watch::Event>("watch")),
        ("port list", list::<port::list::Port>("port list")),
        ("port add", one::<port::add::Added>("port add")),
        ("port remove", one::<port::remove::Removed>("port remove")),
        (
            "interface list",
            list::<interface::Interface>("interface list"),
        ),
        (
            "interface show",
            list::<interface::Interface>("interface show"),
        ),
        ("network list", list::<network::Network>("network list")),
        ("network show", one::<network::Whole>("network show")),
        ("segment list", list::<segment::Facts>("segment list")),
        ("segment show", one::<segment::Facts>("segment show")),
        (
            "mapping list",
            list::<mapping::list::Mapping>("mapping list"),
        ),
        ("mapping load", one::<mapping::load::Loaded>("mapping load")),
        ("mapping save", one::<mapping::save::Saved>("mapping save")),
        (
            "mapping set",
            one::<mapping::change::Changed>("mapping set"),
        ),
        (
            "mapping remove",
            one::<mapping::change::Changed>("mapping remove"),
        ),
        ("table list", list::<table::Table>("table list")),
        ("neighbor list", list::<neighbor::Neighbor>("neighbor list")),
        ("group list", list::<group::Member>("group list")),
        ("uplink list", list::<uplink::Address>("uplink list")),
        ("mtu check", list::<mtu::Path>("mtu check")),
        ("router list", list::<router::Entry>("router list")),
        ("router show", one::<router::Whole>("router show")),
        ("switch list", list::<switch::Entry>("switch list")),
        ("switch show", one::<switch::Whole>("switch show")),
        ("route get", one::<route::Way>("route get")),
        ("rule list", list::<rule::Rule>("rule list")),
        ("flow list", list::<flow::Flow>("flow list")),
        ("counter list", list::<counter::Counter>("counter list")),
        ("books", one::<books::Books>("books")),
        ("address decode", one::<address::Parts>("address decode")),
        ("address encode", one::<address::Parts>("address encode")),
    ]
}

/// Of a verb that answers with one object.
fn one<T: JsonSchema>(verb: &str) -> Value {
    titled(verb, generator().into_root_schema_for::<T>())
}

/// Of a verb that answers with an array.
fn list<T: JsonSchema>(verb: &str) -> Value {
    titled(verb, generator().into_root_schema_for::<Vec<T>>())
}

/// Of a verb that answers with one object per line.
fn lines<T: JsonSchema>(verb: &str) -> Value {
    titled(
        &format!("{verb}, each line"),
        generator().into_root_schema_for::<T>(),
    )
}

/// Of what is written, not of what could be read.
fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
}

fn titled(title: &str, mut schema: Schema) -> Value {
    schema.insert(
        "title".to_owned(),
        format!("vswitchctl {title} -o json").into(),
    );
    schema.to_value()
}
