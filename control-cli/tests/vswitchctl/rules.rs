//! Access rules, and flows. (What people see is compared with the reference: see
//! `documented`.)

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::lab::Lab;

fn lab() -> Lab {
    Lab::start(Fake::default())
}

#[test]
fn rule_list() {
    let json = lab().json(&["rule", "list"]);
    assert_eq!(json[0]["rule"], "front -> far allow icmp, tcp/443");
    let first = (&json[0]["number"], &json[0]["name"], &json[0]["packets"]);
    assert_eq!(first, (&json!(1), &Value::Null, &json!(41_207)));
    assert_eq!(json[1]["name"], "no-telnet");
    assert_eq!(json[1]["action"], "reject");
    let kinds: Vec<&Value> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|r| &r["kind"])
        .collect();
    assert_eq!(kinds, ["rule", "rule", "replies", "inside", "between"]);
    let none = lab();
    none.ctl(&["rule", "list", "--network", "x"])
        .fails(1, &["there is no network \"x\""]);
}

#[test]
fn flow_list_goes_on_where_it_stopped() {
    let json = lab().json(&["flow", "list"]);
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[0]["to"]["port"], 443);
    assert_eq!(
        (&json[0]["protocol"], &json[0]["phase"]),
        (&json!(6), &json!("open"))
    );
    assert_eq!(json[1]["from"]["segment"]["id"], "0x00a001");
    assert_eq!(json[1]["expires_in_seconds"], 59.0);
}

#[test]
fn route_get_says_which_rule_refuses() {
    let lab = lab();
    let ask = ["route", "get", "--from", "10.0.0.2", "--to", "10.1.5.3"];
    let json = lab.json(&ask);
    assert_eq!(
        (&json["arrives"], &json["rule"]["number"]),
        (&json!(true), &json!(1))
    );
    let telnet = ["--protocol", "tcp", "--destination-port", "23"];
    let refused = lab.ctl(&[&ask[..], &telnet].concat());
    assert_eq!((refused.code, refused.stderr.as_str()), (1, ""));
    let says = "ends: refused by rule 2 of network z (no-telnet): any -> any deny tcp/23\n";
    assert!(refused.stdout.contains(says), "{}", refused.stdout);
    let reference = include_str!("../../../docs/vswitchctl.md");
    assert!(reference.contains(&refused.stdout), "{}", refused.stdout);
}
