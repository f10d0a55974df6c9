//! Ports come and go while others forward: the others lose nothing.

use core::time::Duration;
use std::sync::Arc;

use control_api::{Client, v1};

use super::switch::Options;
use super::{Lab, during};

/// How often.
const TIMES: u32 = 50;

#[tokio::test]
async fn no_packet_is_lost_while_ports_come_and_go() {
    let mut lab = Lab::start(Options {
        workers: 1,
        state: false,
    })
    .await;
    let traffic = Arc::clone(&lab.traffic);
    let mut client = lab.client.clone();
    let (took, _) = during(&traffic, async {
        let mut took = Duration::ZERO;
        for round in 0..TIMES {
            let began = tokio::time::Instant::now();
            come_and_go(&mut client, round).await;
            took = took.max(began.elapsed());
            lab.changes.one_by_one(Duration::from_millis(5)).await;
        }
        took
    })
    .await;
    assert_eq!(ports(&mut client).await, ["vm-a", "vm-c", "uplink0"]);
    let sum = lab.end().await;
    eprintln!(
        "{TIMES} times two ports came and went, in {took:?} at most, beside {} packets",
        sum.sent
    );
    assert!(sum.sent > 10_000, "too little");
}

/// Two ports come; the first to come is the first to go.
async fn come_and_go(client: &mut Client, round: u32) {
    let request_id = String::new;
    let names = ["x", "y"].map(|port| format!("vm-{port}{}", round % 3));
    for name in &names {
        let request = v1::AddPortRequest {
            port: format!("{{ name: {name}, memory: true }}"),
            request_id: request_id(),
        };
        client.verbs().add_port(request).await.unwrap();
    }
    assert_eq!(ports(client).await[3..], names);
    for name in names {
        let request = v1::RemovePortRequest {
            name,
            request_id: request_id(),
        };
        client.verbs().remove_port(request).await.unwrap();
    }
}

async fn ports(client: &mut Client) -> Vec<String> {
    let pages = client.verbs().list_ports(v1::ListPortsRequest {}).await;
    let mut pages = pages.unwrap().into_inner();
    let mut names = Vec::new();
    while let Some(page) = pages.message().await.unwrap() {
        names.extend(page.ports.into_iter().map(|port| port.name));
    }
    names
}
