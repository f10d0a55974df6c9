//! Routers, and ways past them. (What people see is compared with the
//! reference: see `documented`.)

use serde_json::{Value, json};

use crate::fake::Fake;
use crate::lab::Lab;

fn lab() -> Lab {
    Lab::start(Fake::default())
}

fn twice() -> Lab {
    Lab::start(Fake {
        two_routers: true,
        ..Fake::default()
    })
}

#[test]
fn router_list() {
    let json = lab().json(&["router", "list"]);
    assert_eq!(json[0]["segment"]["name"], "front");
    assert_eq!(json[0]["addresses"], json!(["10.0.0.1"]));
    assert_eq!(
        (&json[0]["routes"], &json[0]["source"]),
        (&json!(3), &json!("10.0.0.1"))
    );
    // Without a leg.
    assert_eq!(json[2]["router"], "m");
    assert_eq!(
        (&json[2]["segment"], &json[2]["mac"]),
        (&Value::Null, &Value::Null)
    );
}

#[test]
fn router_list_of_a_network() {
    let lab = twice();
    let count = |options: &[&str]| {
        let json = lab.json(&[&["router", "list"], options].concat());
        json.as_array().unwrap().len()
    };
    assert_eq!(count(&[]), 4);
    assert_eq!(count(&["--network", "y"]), 1);
    lab.ctl(&["router", "list", "--network", "x"])
        .fails(1, &["there is no network \"x\""]);
}

#[test]
fn router_show() {
    let json = lab().json(&["router", "show", "j"]);
    assert_eq!(json["legs"][0]["subnet"], "10.0.0.0/24");
    assert_eq!(json["legs"][0]["mtu_bytes"], 1500);
    assert_eq!(json["routes"][0]["to"], "10.1.0.0/16");
    assert_eq!(json["routes"][0]["next_hops"][0]["router"], "l");
    assert_eq!(json["routes"][1]["next_hops"][0]["router"], Value::Null);
    assert_eq!(json["routes"][2]["next_hops"][1]["router"], "m");
}

#[test]
fn a_router_must_be_one() {
    let lab = twice();
    lab.ctl(&["router", "show", "j"]).fails(
        1,
        &["several networks have a router \"j\"; say which with --network: z, y"],
    );
    let of_y = lab.json(&["router", "show", "j", "--network", "y"]);
    assert_eq!((&of_y["network"], &of_y["legs"]), (&json!("y"), &json!([])));
    lab.ctl(&["router", "show", "l", "--network", "y"])
        .fails(1, &["there is no router \"l\" in network \"y\"; see"]);
    lab.ctl(&["router", "show", "k"]).fails(
        1,
        &["there is no router \"k\"; see: vswitchctl router list"],
    );
}

#[test]
fn route_get() {
    let lab = lab();
    let json = lab.json(&["route", "get", "--from", "0x00a001", "--to", "10.1.5.3"]);
    assert_eq!(json["arrives"], true);
    assert_eq!(json["end"], "delivered");
    let hops = json["hops"].as_array().unwrap().iter();
    let hops: Vec<_> = hops.map(|hop| hop["address"].as_str().unwrap()).collect();
    assert_eq!(hops, ["10.0.0.1", "10.1.5.1"]);
    assert_eq!(json["destination"]["host"], "s");
    assert_eq!(json["destination"]["mac"], "00:00:7d:a2:34:11");
    assert_eq!(json["to_segment"]["name"], "far");
    assert_eq!(json["mtu_bytes"], 1500);
    assert_eq!(json["other_routers"], json!(["m"]));
}

#[test]
fn route_get_to_a_router() {
    let lab = lab();
    let to_l = ["route", "get", "--from", "10.0.0.2", "--to", "10.1.5.1"];
    lab.ctl(&to_l).shows(
        "from 10.0.0.2 in front (0x00a001), network z\n \
         1  10.0.0.1  router j\n \
         2  10.1.5.1  router l\n\
         mtu 1500\n\
         other routers in front (--router): m\n",
    );
    assert_eq!(lab.json(&to_l)["end"], "router");
}

#[test]
fn a_way_that_ends_early_exits_1_and_says_why() {
    let lab = lab();
    let reference = include_str!("../../../docs/vswitchctl.md");
    let ends = |to: &str, end: &str, says: &str| {
        let typed = ["route", "get", "--from", "10.0.0.2", "--to", to];
        let table = lab.ctl(&typed);
        assert_eq!((table.code, table.stderr.as_str()), (1, ""));
        assert!(table.stdout.contains(says), "{}", table.stdout);
        let json = lab.ctl(&[&typed[..], &["-o", "json"]].concat());
        assert_eq!(json.code, 1);
        let json: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(
            (&json["end"], &json["arrives"]),
            (&json!(end), &json!(false))
        );
        table.stdout
    };
    let lost = ends("8.8.8.8", "no-route", "router j has no route to 8.8.8.8");
    assert!(reference.contains(&lost), "{lost}");
    ends("10.1.5.99", "nobody", "nobody has address 10.1.5.99");
    let circle = ends("10.9.9.9", "circle", "router j again and again");
    assert!(circle.contains(" 2  *  router l"), "{circle}");
    assert!(circle.contains("one of its equal ways"), "{circle}");
}

#[test]
fn the_flow_is_passed_on() {
    let lab = lab();
    let options = "route get --from 10.0.0.2 --to 10.9.9.9 --protocol udp --destination-port 53";
    let typed: Vec<&str> = options.split(' ').collect();
    let circle = lab.ctl(&typed).stdout;
    assert!(circle.contains(" 2  10.1.5.1  router l"), "{circle}");
}

#[test]
fn senders_that_are_none_are_refused() {
    let lab = lab();
    let from = |from: &str| lab.ctl(&["route", "get", "--from", from, "--to", "10.1.5.3"]);
    from("10.0.0.9").fails(1, &["no node has address 10.0.0.9:"]);
    from("0x00a009").fails(1, &["there is no segment 0x00a009;"]);
    from("front").fails(2, &["neither an IPv4 address"]);
}

#[test]
fn mtu_check_leads_past_routers() {
    let lab = lab();
    let json = lab.json(&["mtu", "check", "--to", "10.1.5.3"]);
    assert_eq!(json.as_array().unwrap().len(), 1);
    assert_eq!(json[0]["to_segment"]["name"], "far");
    assert_eq!(
        (&json[0]["host"], &json[0]["verdict"]),
        (&json!("s"), &json!("ok"))
    );
    let table = lab.ctl(&["mtu", "check", "--to", "10.1.5.3"]).stdout;
    assert!(table.contains("  s in far (0x00a003)  "), "{table}");
    assert_eq!(lab.json(&["mtu", "check"])[1]["to_segment"], Value::Null);
}

#[test]
fn switch_list() {
    let json = lab().json(&["switch", "list"]);
    assert_eq!(json[0]["switch"], "sw");
    assert_eq!(json[0]["segment"]["name"], "front");
    assert_eq!(
        (&json[0]["address"], &json[0]["ports"]),
        (&json!("10.0.0.250"), &json!(2))
    );
    assert_eq!(
        (&json[1]["address"], &json[1]["mac"]),
        (&Value::Null, &Value::Null)
    );
    lab()
        .ctl(&["switch", "list", "--network", "x"])
        .fails(1, &["there is no network \"x\""]);
}

#[test]
fn switch_show() {
    let json = lab().json(&["switch", "show", "sw"]);
    assert_eq!(json["ports"][0]["in_packets"], 4711);
    assert_eq!(json["ports"][0]["out_packets"], 4650);
    assert_eq!(json["ports"][1]["out_packets"], Value::Null);
    lab().ctl(&["switch", "show", "other"]).fails(
        1,
        &["there is no switch \"other\"; see: vswitchctl switch list"],
    );
}
