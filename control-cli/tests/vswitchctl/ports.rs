//! `port add` and `port remove`, as typed.

use std::sync::Arc;

use crate::administration::{FakeAdministration, Order};
use crate::fake::Fake;
use crate::lab::Lab;

#[test]
fn ports_come_and_go_by_name() {
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    lab.ctl(&[
        "port",
        "add",
        "vm-b",
        "--vhost",
        "/run/b.sock",
        "--queues",
        "2",
    ])
    .shows("port vm-b added as revision 813\n");
    let orders = administration.orders();
    let [Order::AddPort(order)] = &orders[..] else {
        panic!("{orders:?}");
    };
    assert_eq!(
        order.port,
        r#"{"name":"vm-b","vhost":{"path":"/run/b.sock","client":false},"queues":2}"#
    );
    lab.ctl(&["port", "add", "vm-b", "--tap", "t0"])
        .fails(1, &["vswitchctl: there is a port \"vm-b\" already"]);
    lab.ctl(&["port", "add", "vm-c"])
        .fails(2, &["--vhost", "--pci"]);
    let json = lab.json(&["port", "remove", "vm-b"]);
    assert_eq!(json["port"], "vm-b");
    assert_eq!(json["revision"], 814);
    lab.ctl(&["port", "remove", "vm-b"])
        .fails(1, &["there is no port \"vm-b\""]);
    lab.ctl(&["port", "remove", "vm-a"])
        .fails(1, &["has nodes behind it"]);
}
