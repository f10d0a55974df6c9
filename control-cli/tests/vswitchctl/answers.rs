//! What each verb shows to programs. (What people see is compared with the
//! reference: see `documented`.)

use crate::fake::Fake;
use crate::lab::Lab;

fn lab() -> Lab {
    Lab::start(Fake::default())
}

#[test]
fn status() {
    let lab = lab();
    let json = lab.json(&["status"]);
    assert_eq!(json["host"], "r");
    assert_eq!(json["locator"], "fd00:0:0:a::/64");
    assert_eq!(json["api"], "1.6");
    assert_eq!(json["uptime_seconds"], 7385.25);
    assert_eq!(json["workers"][0]["idle_polls"], 12_197_529);
    assert_eq!(json["workers"][0]["queues"][1]["port"], "vm-a");
}

#[test]
fn port_list() {
    let lab = lab();
    let json = lab.json(&["port", "list"]);
    assert_eq!(json[0]["role"], "substrate");
    assert_eq!(json[0]["rx_bytes"], 987_654_321);
    assert_eq!(json[0]["mac"], "02:00:00:00:0a:01");
    assert_eq!(json[1]["speed_mbps"], serde_json::Value::Null);
    assert_eq!(
        json[0]["offloads"],
        serde_json::json!(["checksum", "segmentation"])
    );
    assert_eq!(json[1]["offloads"], serde_json::json!([]));
}

#[test]
fn interface_list() {
    let lab = lab();
    let json = lab.json(&["interface", "list"]);
    assert_eq!(json[0]["segment"]["id"], "0x00a001");
    assert_eq!(json[0]["segment"]["entity"], "Z");
    assert_eq!(json[0]["tag"], serde_json::Value::Null);
    assert_eq!(json[1]["tag"], 200);
    assert_eq!(json[1]["addresses"][1], "10.0.5.11");
}

#[test]
fn mapping_list() {
    let lab = lab();
    let json = lab.json(&["mapping", "list"]);
    assert_eq!(json[0]["kind"], "router");
    assert_eq!(json[1]["port"], "vm-a");
    assert_eq!(json[2]["expires_in_seconds"], 288.0);
    assert_eq!(json.as_array().unwrap().len(), 3);
}

#[test]
fn mapping_list_of_one_segment() {
    let lab = lab();
    let of = |id| lab.json(&["mapping", "list", "--segment", id]);
    assert_eq!(of("0x00a001").as_array().unwrap().len(), 3);
    assert_eq!(of("0x00a002").as_array().unwrap().len(), 0);
    assert_eq!(of("0x00a000").as_array().unwrap().len(), 0);
}

#[test]
fn a_long_list_arrives_whole_and_in_order() {
    let lab = Lab::start(Fake {
        more_mappings: 5000,
        ..Fake::default()
    });
    let json = lab.json(&["mapping", "list"]);
    let list = json.as_array().unwrap();
    assert_eq!(list.len(), 5003);
    let bits = |m: &serde_json::Value| {
        let text = m["address"].as_str().unwrap();
        text.parse::<core::net::Ipv4Addr>().unwrap().to_bits()
    };
    assert!(list.windows(2).all(|w| bits(&w[0]) + 1 == bits(&w[1])));
    let table = lab.ctl(&["mapping", "list"]).stdout;
    assert_eq!(table.lines().count(), 5004);
}

#[test]
fn neighbor_list() {
    let lab = lab();
    let json = lab.json(&["neighbor", "list"]);
    assert_eq!(json[0]["state"], "reachable");
    assert_eq!(json[1]["mac"], serde_json::Value::Null);
    assert_eq!(json[1]["held_packets"], 3);
}

#[test]
fn group_list() {
    let lab = lab();
    let json = lab.json(&["group", "list"]);
    assert_eq!(json[0]["group"], serde_json::Value::Null);
    assert_eq!(json[0]["known_by"], "querier");
    assert_eq!(json[1]["group"], "239.7.7.7");
    assert_eq!(json[1]["filter"], "only");
    assert_eq!(json[1]["sources"], serde_json::json!(["10.0.0.3"]));
    assert_eq!(json[3]["host"], "s");
    assert_eq!(json[3]["node"], serde_json::Value::Null);
    let table = lab.ctl(&["group", "list"]).stdout;
    assert!(table.lines().nth(1).unwrap().contains("every"), "{table}");
}

#[test]
fn uplink_list() {
    let lab = lab();
    let json = lab.json(&["uplink", "list"]);
    assert_eq!(json.as_array().unwrap().len(), 2);
    assert_eq!(json[0]["address"], "fd00:0:0:ff::a");
    assert_eq!(json[0]["kind"], "configured");
    assert_eq!(json[0]["state"], "preferred");
    assert_eq!(json[0]["since_seconds"], 7384.0);
    assert_eq!(json[0]["mtu_bytes"], 9000);
    assert_eq!(json[0]["announce"], "routed");
    assert_eq!(json[1]["kind"], "link-local");
    assert_eq!(json[1]["link"], "up");
    assert_eq!(json[1]["next_hops"], 2);
    assert_eq!(json[1]["next_hops_resolved"], 1);
}

#[test]
fn mtu_check() {
    let lab = lab();
    let json = lab.json(&["mtu", "check"]);
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert_eq!(json[0]["same_host"], true);
    assert_eq!(json[0]["path_mtu_bytes"], serde_json::Value::Null);
    assert_eq!(json[0]["raw_bytes"], 1500);
    assert_eq!(json[1]["host"], "s");
    assert_eq!(json[1]["next_hops"][0]["port"], "uplink0");
    assert_eq!(json[1]["next_hops"][0]["mtu_bytes"], 9000);
    assert_eq!(json[1]["learned_mtu_bytes"], serde_json::Value::Null);
    assert_eq!(json[1]["verdict"], "ok");
}

#[test]
fn mtu_check_of_some_paths() {
    let lab = lab();
    let count = |options: &[&str]| {
        let json = lab.json(&[&["mtu", "check"], options].concat());
        json.as_array().unwrap().len()
    };
    assert_eq!(count(&["--segment", "0x00a001"]), 2);
    assert_eq!(count(&["--host", "r"]), 2);
    assert_eq!(count(&["--segment", "0x00a001", "--host", "s"]), 1);
    let g = lab.json(&["mtu", "check", "--to", "10.0.0.3"]);
    assert_eq!(
        (g.as_array().unwrap().len(), &g[0]["host"]),
        (1, &"s".into())
    );
    let refused = |options: &[&str], says: &str| {
        lab.ctl(&[&["mtu", "check"], options].concat())
            .fails(1, &[says]);
    };
    refused(
        &["--segment", "0x00bbbb"],
        "no node of this host is in segment 0x00bbbb",
    );
    refused(
        &["--host", "t"],
        "no such path leads to a host \"t\"; they lead to: r, s",
    );
    refused(
        &["--to", "10.0.0.9"],
        "nobody has address 10.0.0.9 in a segment",
    );
    refused(&["--to", "10.0.0.3", "--host", "r"], "they lead to: s");
}

#[test]
fn a_path_that_is_too_narrow_exits_1() {
    let reference = include_str!("../../../docs/vswitchctl.md");
    let narrow = |fake: Fake, verdict: &str| {
        let lab = Lab::start(fake);
        let table = lab.ctl(&["mtu", "check", "--to", "10.0.0.3"]);
        assert_eq!((table.code, table.stderr.as_str()), (1, ""));
        assert!(reference.contains(&table.stdout), "{}", table.stdout);
        let json = lab.ctl(&["mtu", "check", "-o", "json"]);
        assert_eq!(json.code, 1);
        let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(json[1]["verdict"], verdict);
        json[1].clone()
    };
    let learned = Fake {
        learned_mtu: Some(1400),
        ..Fake::default()
    };
    let path = narrow(learned, "narrow");
    assert_eq!(path["learned_for_seconds"], 492.0);
    assert_eq!(path["whole_bytes"], 1380);
    let no_route = Fake {
        no_route: true,
        ..Fake::default()
    };
    let path = narrow(no_route, "no-route");
    assert_eq!(path["whole_bytes"], serde_json::Value::Null);
}

/// All that the segment promises passes, but for what travels raw.
#[test]
fn a_tight_path_is_no_failure() {
    let lab = Lab::start(Fake {
        learned_mtu: Some(1540),
        ..Fake::default()
    });
    let json = lab.json(&["mtu", "check", "--host", "s"]);
    assert_eq!(json[0]["verdict"], "tight");
    assert_eq!(json[0]["raw_bytes"], 1484);
    let meaning = json[0]["meaning"].as_str().unwrap();
    assert!(
        meaning.starts_with("ok but for raw packets above 1484 bytes"),
        "{meaning}"
    );
}

#[test]
fn a_duplicate_address_is_in_the_status() {
    let healthy = lab();
    assert!(!healthy.ctl(&["status"]).stdout.contains("DUPLICATE"));
    assert_eq!(
        healthy.json(&["status"])["duplicates"],
        serde_json::json!([])
    );
    let lab = Lab::start(Fake {
        duplicate: true,
        ..Fake::default()
    });
    let text = lab.ctl(&["status"]).stdout;
    let lines: Vec<&str> = text.lines().filter(|l| l.contains("DUPLICATE")).collect();
    let expected = "DUPLICATE address fd00:0:0:ff::a on uplink0: another station has it, \
                    so it is not used; see: vswitchctl uplink list";
    assert_eq!(lines, [expected], "{text}");
    let reference = include_str!("../../../docs/vswitchctl.md");
    assert!(reference.contains(expected), "the reference shows the line");
    assert_eq!(lab.json(&["status"])["duplicates"][0]["port"], "uplink0");
    assert_eq!(lab.json(&["uplink", "list"])[0]["state"], "duplicate");
}

#[test]
fn counter_list() {
    let lab = lab();
    let json = lab.json(&["counter", "list"]);
    assert_eq!(json.as_array().unwrap().len(), 4);
    assert_eq!(json[3]["name"], "host.icmp-unknown");
    assert_eq!(json[3]["port"], serde_json::Value::Null);
    assert_eq!(json[0]["unit"], "packets");
    assert_eq!(json[0]["kind"], "event");
    assert_eq!(json[1]["value"], 3);
    assert_eq!(json[1]["last_seen_seconds"], 2.0);
}

#[test]
fn counter_list_of_a_port_and_with_zeros() {
    let lab = lab();
    let count = |options: &[&str]| {
        let json = lab.json(&[&["counter", "list"], options].concat());
        json.as_array().unwrap().len()
    };
    assert_eq!(count(&["--all"]), 5);
    assert_eq!(count(&["--port", "vm-a"]), 2);
    assert_eq!(count(&["--port", "vm-a", "--drops"]), 1);
    assert_eq!(count(&["--port", "uplink0", "--drops", "--all"]), 1);
}

#[test]
fn books_that_balance() {
    let lab = lab();
    let json = lab.json(&["books"]);
    assert_eq!(json["balanced"], true);
    assert_eq!(json["whole"]["difference"], 0);
    assert_eq!(json["inputs"][1]["segment"]["name"], "front");
    assert_eq!(json["inputs"][1]["extra_fragments"], 2);
}

#[test]
fn books_that_do_not_balance_exit_1() {
    let lab = Lab::start(Fake {
        lost: 5,
        ..Fake::default()
    });
    let table = lab.ctl(&["books"]);
    assert_eq!((table.code, table.stderr.as_str()), (1, ""));
    assert!(table.stdout.contains("the books do not balance"));
    assert!(table.stdout.contains("+5"), "{}", table.stdout);
    let json = lab.ctl(&["books", "--within", "1", "-o", "json"]);
    assert_eq!(json.code, 1);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json["balanced"], false);
    assert_eq!(json["inputs"][1]["difference"], 5);
    assert_eq!(json["outputs"][0]["difference"], 0);
}

#[test]
fn network_list() {
    let json = lab().json(&["network", "list"]);
    assert_eq!(json[0]["network"], "z");
    assert_eq!(json[0]["segments"], 3);
    assert_eq!(json[1]["interfaces_here"], 0);
}

#[test]
fn network_show() {
    let json = lab().json(&["network", "show", "z"]);
    assert_eq!(
        (&json["entity"], &json["routers"]),
        (&"Z".into(), &2.into())
    );
    assert_eq!(json["segment_list"][2]["segment"]["name"], "far");
    lab()
        .ctl(&["network", "show", "x"])
        .fails(1, &["there is no network \"x\""]);
}

#[test]
fn segment_list() {
    let json = lab().json(&["segment", "list", "--network", "z"]);
    assert_eq!(json.as_array().unwrap().len(), 3);
    assert_eq!(
        (&json[0]["vlan"], &json[0]["label"]),
        (&100.into(), &1000.into())
    );
    assert_eq!(json[1]["label"], serde_json::Value::Null);
    assert_eq!(json[2]["routers"][0]["router"], "l");
    lab()
        .ctl(&["segment", "list", "--network", "x"])
        .fails(1, &["there is no network \"x\""]);
}

#[test]
fn segment_show() {
    let json = lab().json(&["segment", "show", "far"]);
    assert_eq!(
        (&json["subnet"], &json["unknown_mac"]),
        (&"10.1.5.0/24".into(), &"resolve".into())
    );
    // By its id, too, which is one of all networks.
    let json = lab().json(&["segment", "show", "0x00a001"]);
    assert_eq!(json["segment"]["name"], "front");
    assert_eq!(json["ethertypes"][0], "0x88cc");
    lab().ctl(&["segment", "show", "front"]).fails(
        1,
        &[
            "several networks have a segment \"front\"",
            "--network",
            "z",
            "y",
        ],
    );
    let json = lab().json(&["segment", "show", "front", "--network", "y"]);
    assert_eq!(json["segment"]["id"], "0x00b001");
    lab()
        .ctl(&["segment", "show", "nowhere"])
        .fails(1, &["there is no segment \"nowhere\""]);
}

#[test]
fn interface_show() {
    let json = lab().json(&["interface", "show", "c"]);
    assert_eq!(
        (&json[0]["tag"], &json[0]["link"]),
        (&200.into(), &"trunk".into())
    );
    lab()
        .ctl(&["interface", "show", "nobody"])
        .fails(1, &["node \"nobody\" has no interface on this host"]);
    let json = lab().json(&["interface", "list", "--segment", "0x00a002"]);
    assert_eq!(json.as_array().unwrap().len(), 1);
}
