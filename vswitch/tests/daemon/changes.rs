//! What can be changed while the daemon runs, and what a restart remembers.

use std::time::Duration;

use control_api::{Client, v1};
use tonic::Code;

use crate::process::Daemon;

const FRONT: u32 = 0xa001;
const EMPTY: &str = "network: z\nsegments:\n  - { name: front, id: 0xa001, subnet: 10.0.0.0/8 }\n";

/// Network z with these nodes on host s, by the last octet of their addresses.
fn z(nodes: &[u8]) -> String {
    let node =
        |n: &u8| format!("  - {{ name: n{n}, host: s, segment: front, address: 10.0.1.{n} }}\n");
    let nodes: String = nodes.iter().map(node).collect();
    format!("{EMPTY}nodes:\n{nodes}")
}

async fn apply(
    client: &mut Client,
    options: v1::ApplyOptions,
    text: &str,
) -> Result<v1::ApplyReply, tonic::Status> {
    let piece = v1::FilePiece {
        name: "z.yaml".to_owned(),
        text: text.to_owned(),
    };
    let parts = [
        v1::apply_request::Part::Options(options),
        v1::apply_request::Part::Piece(piece),
    ];
    let parts = parts.map(|part| v1::ApplyRequest { part: Some(part) });
    let reply = client.verbs().apply(tokio_stream::iter(parts)).await?;
    Ok(reply.into_inner())
}

fn put(address: u32, mac: u64) -> v1::MappingChange {
    v1::MappingChange {
        segment: FRONT,
        address,
        locator: 0xfd00_0000_0000_0077,
        mac: 0x0200_0000_0000 + mac,
        ..v1::MappingChange::default()
    }
}

async fn change(
    client: &mut Client,
    request: v1::ChangeMappingsRequest,
) -> v1::change_mappings_reply::Outcome {
    let answers = client
        .verbs()
        .change_mappings(tokio_stream::iter([request]));
    let mut answers = answers.await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().outcome.unwrap()
}

async fn committed(client: &mut Client, changes: Vec<v1::MappingChange>) -> v1::MappingsCommitted {
    let request = v1::ChangeMappingsRequest {
        changes,
        ..v1::ChangeMappingsRequest::default()
    };
    match change(client, request).await {
        v1::change_mappings_reply::Outcome::Committed(committed) => committed,
        refused => panic!("{refused:?}"),
    }
}

async fn refused(client: &mut Client, request: v1::ChangeMappingsRequest) -> v1::MappingsRefused {
    match change(client, request).await {
        v1::change_mappings_reply::Outcome::Refused(refused) => refused,
        committed => panic!("{committed:?}"),
    }
}

/// All mappings as `address mac origin`.
async fn listed(client: &mut Client) -> Vec<String> {
    let pages = client
        .verbs()
        .list_mappings(v1::ListMappingsRequest::default())
        .await;
    let mut pages = pages.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(page) = pages.message().await.unwrap() {
        for mapping in page.mappings {
            let origin = mapping
                .origin()
                .as_str_name()
                .rsplit('_')
                .next()
                .unwrap()
                .to_owned();
            let address = std::net::Ipv4Addr::from_bits(mapping.address);
            all.push(format!("{address} {:02x} {origin}", mapping.mac[5]));
        }
    }
    all
}

async fn status(client: &mut Client) -> v1::StatusReply {
    client
        .verbs()
        .status(v1::StatusRequest {})
        .await
        .unwrap()
        .into_inner()
}

#[tokio::test]
async fn a_topology_is_planned_applied_taken_back_and_found_again() {
    let mut daemon = Daemon::new(1000, EMPTY);
    daemon.start();
    let mut client = daemon.client().await;
    let dry = v1::ApplyOptions {
        dry_run: true,
        ..v1::ApplyOptions::default()
    };
    let planned = apply(&mut client, dry, &z(&[2, 3])).await.unwrap();
    assert_eq!(planned.revision, None);
    assert_eq!(planned.plan.unwrap().mappings_added, 2);
    assert!(
        listed(&mut client).await.is_empty(),
        "a dry run changes nothing"
    );

    let options = v1::ApplyOptions::default;
    let applied = apply(&mut client, options(), &z(&[2, 3])).await.unwrap();
    assert_eq!((applied.revision, applied.durable), (Some(2), true));
    let faulty = apply(&mut client, options(), &z(&[4, 4])).await.unwrap();
    assert_eq!(faulty.revision, None);
    let named = |d: &v1::Diagnostic| d.message.contains("\"n4\"") && d.line == 6;
    assert!(faulty.diagnostics.iter().any(named), "{faulty:?}");
    assert_eq!(
        listed(&mut client).await,
        ["10.0.1.2 02 DRAWN", "10.0.1.3 03 DRAWN"]
    );

    let again = v1::ApplyOptions {
        expected_revision: Some(1),
        ..v1::ApplyOptions::default()
    };
    let stale = apply(&mut client, again, &z(&[9])).await.unwrap_err();
    assert!(stale.message().contains("the topology is at 2"), "{stale}");

    let export = client
        .verbs()
        .export(v1::ExportRequest::default())
        .await
        .unwrap();
    let mut export = export.into_inner();
    let mut text = String::new();
    while let Some(piece) = export.message().await.unwrap() {
        text += &piece.text;
    }
    assert_eq!(text, z(&[2, 3]));
    let same = apply(&mut client, options(), &text).await.unwrap();
    assert_eq!(same.revision, None, "an export changes nothing");

    let back = v1::RollbackRequest::default();
    let back = client.verbs().rollback(back).await.unwrap().into_inner();
    assert_eq!(back.revision, Some(3));
    assert!(listed(&mut client).await.is_empty());
    apply(&mut client, options(), &z(&[5])).await.unwrap();

    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(listed(&mut client).await, ["10.0.1.5 05 DRAWN"]);
    let history = client.verbs().history(v1::HistoryRequest {}).await.unwrap();
    let page = history.into_inner().message().await.unwrap().unwrap();
    let revisions: Vec<_> = page.entries.iter().map(|entry| entry.revision).collect();
    assert_eq!(revisions, [4, 3, 2, 1]);
    let far_back = v1::RollbackRequest {
        revision: Some(2),
        ..v1::RollbackRequest::default()
    };
    client.verbs().rollback(far_back).await.unwrap();
    assert_eq!(listed(&mut client).await.len(), 2);
}

#[tokio::test]
async fn what_is_not_confirmed_goes_back_even_after_a_kill() {
    let mut daemon = Daemon::new(1000, EMPTY);
    daemon.start();
    let mut client = daemon.client().await;
    let for_a_moment = |ms| v1::ApplyOptions {
        confirm_within_ms: Some(ms),
        ..v1::ApplyOptions::default()
    };
    let applied = apply(&mut client, for_a_moment(3_600_000), &z(&[2]))
        .await
        .unwrap();
    assert!(applied.reverts_at_ms.is_some());
    let meanwhile = apply(&mut client, v1::ApplyOptions::default(), &z(&[3])).await;
    assert!(
        meanwhile
            .unwrap_err()
            .message()
            .contains("vswitchctl confirm 2")
    );
    let wrong = client
        .verbs()
        .confirm(v1::ConfirmRequest { revision: 1 })
        .await;
    assert!(wrong.is_err());
    client
        .verbs()
        .confirm(v1::ConfirmRequest { revision: 2 })
        .await
        .unwrap();
    assert_eq!(status(&mut client).await.reverts_at_ms, None);

    apply(&mut client, for_a_moment(300), &z(&[3]))
        .await
        .unwrap();
    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    let mut looks = 0;
    while listed(&mut client).await != ["10.0.1.2 02 DRAWN"] {
        looks += 1;
        assert!(looks < 1000, "it never went back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(status(&mut client).await.topology_revision, Some(4));
}

#[tokio::test]
async fn transactions_are_whole_refused_with_a_reason_and_done_once() {
    let mut daemon = Daemon::new(20, &z(&[2]));
    daemon.start();
    let mut client = daemon.client().await;
    let at = |n: u32| 0x0a00_0200 + n;
    let done = committed(
        &mut client,
        vec![put(at(1), 1), put(at(2), 2), put(at(1), 9)],
    )
    .await;
    assert_eq!((done.added, done.changed, done.durable), (2, 1, true));
    let same = committed(&mut client, vec![put(at(2), 2)]).await;
    assert_eq!((same.unchanged, same.revision), (1, done.revision + 1));

    let of = |changes: Vec<v1::MappingChange>| v1::ChangeMappingsRequest {
        changes,
        ..v1::ChangeMappingsRequest::default()
    };
    let stays = [
        "10.0.1.2 02 DRAWN",
        "10.0.2.1 09 LOADED",
        "10.0.2.2 02 LOADED",
    ];
    let drawn = refused(&mut client, of(vec![put(at(3), 3), put(0x0a00_0102, 3)])).await;
    assert_eq!(
        (drawn.refusal(), drawn.change),
        (v1::Refusal::Drawn, Some(1))
    );
    let nowhere = v1::MappingChange {
        segment: 0xbad,
        ..put(at(3), 3)
    };
    let nowhere = refused(&mut client, of(vec![put(at(4), 4), nowhere])).await;
    assert_eq!(nowhere.refusal(), v1::Refusal::NoSuchSegment);
    let many = (0..30).map(|n| put(at(10 + n), 1)).collect();
    let full = refused(&mut client, of(many)).await;
    assert_eq!(full.refusal(), v1::Refusal::TableFull);
    assert!(full.message.contains("tables.mappings"), "{}", full.message);
    let calm = status(&mut client).await.attention;
    assert!(calm.is_empty(), "{calm:?}");
    let stale = v1::ChangeMappingsRequest {
        expected_revision: Some(1),
        ..of(vec![put(at(3), 3)])
    };
    assert_eq!(
        refused(&mut client, stale).await.refusal(),
        v1::Refusal::StaleRevision
    );
    let outside = refused(&mut client, of(vec![put(0x0b00_0001, 1)])).await;
    assert!(
        outside.message.contains("10.0.0.0/8"),
        "{}",
        outside.message
    );
    let ours = v1::MappingChange {
        locator: 0xfd00_0000_0000_000a,
        ..put(at(3), 3)
    };
    let ours = refused(&mut client, of(vec![ours])).await;
    assert!(ours.message.contains("own locator"), "{}", ours.message);
    assert_eq!(listed(&mut client).await, stays);

    let once = |mac| v1::ChangeMappingsRequest {
        request_id: "the very same".to_owned(),
        ..of(vec![put(at(5), mac)])
    };
    let outcome = change(&mut client, once(5)).await;
    let v1::change_mappings_reply::Outcome::Committed(first) = outcome else {
        panic!("{outcome:?}");
    };
    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    let outcome = change(&mut client, once(6)).await;
    let v1::change_mappings_reply::Outcome::Committed(second) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(second.repeated && !first.repeated);
    assert_eq!(second.revision, first.revision);
    assert_eq!(listed(&mut client).await[3], "10.0.2.5 05 LOADED");

    // The topology takes an address over, and does not give it back.
    let options = v1::ApplyOptions::default;
    let applied = apply(&mut client, options(), &format!("{}  - {{ name: x, host: s, segment: front, address: 10.0.2.5, mac: 02:00:00:00:00:aa }}\n", z(&[2]))).await;
    assert_eq!(applied.unwrap().plan.unwrap().loaded_mappings_lost, 1);
    assert_eq!(listed(&mut client).await[3], "10.0.2.5 aa DRAWN");
    // With the segment go the mappings in it.
    let other = "network: z\nsegments:\n  - { name: other, id: 0xa002, subnet: 10.0.0.0/8 }\n";
    let applied = apply(&mut client, options(), other).await.unwrap();
    assert_eq!(applied.plan.unwrap().loaded_mappings_lost, 2);
    assert!(listed(&mut client).await.is_empty());
    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    apply(&mut client, options(), &z(&[2])).await.unwrap();
    assert_eq!(listed(&mut client).await, ["10.0.1.2 02 DRAWN"]);
}

/// How many hosts are known: a way is looked for to each.
async fn hosts(client: &mut Client) -> u64 {
    let tables = client.verbs().list_tables(v1::ListTablesRequest {}).await;
    let tables = tables.unwrap().into_inner().tables;
    tables.iter().find(|t| t.name == "hosts").unwrap().used
}

#[tokio::test]
async fn only_what_is_committed_makes_a_host_known() {
    let mut daemon = Daemon::new(20, &z(&[2]));
    daemon.start();
    let mut client = daemon.client().await;
    let before = hosts(&mut client).await;
    let of = |changes: Vec<v1::MappingChange>| v1::ChangeMappingsRequest {
        changes,
        ..v1::ChangeMappingsRequest::default()
    };
    let on = |host: u64, n: u32| v1::MappingChange {
        locator: 0xfd00_0000_0000_0100 + host,
        ..put(0x0a00_0200 + n, 1)
    };
    let drawn = put(0x0a00_0102, 3);
    let stale = v1::ChangeMappingsRequest {
        expected_revision: Some(99),
        ..of(vec![on(1, 1)])
    };
    for refusal in [
        of(vec![on(1, 1), on(2, 2), drawn]),
        of((0..30).map(|n| on(3, n)).collect()),
        stale,
    ] {
        refused(&mut client, refusal).await;
    }
    // Together with one that is refused, and after hosts that are not to be.
    let asked = [
        of(vec![on(4, 4), drawn]),
        of(vec![on(5, 5), on(6, 6), on(5, 7)]),
        of(vec![on(6, 8), on(7, 9)]),
    ];
    let answers = client.verbs().change_mappings(tokio_stream::iter(asked));
    let mut answers = answers.await.unwrap().into_inner();
    let mut done = 0;
    while let Some(answer) = answers.message().await.unwrap() {
        let outcome = answer.outcome.unwrap();
        done += u32::from(matches!(
            outcome,
            v1::change_mappings_reply::Outcome::Committed(_)
        ));
    }
    assert_eq!(done, 2);
    // What is shown may come a moment after the answer.
    let known = loop {
        match hosts(&mut client).await {
            known if known >= before + 3 => break known,
            _ => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!(known, before + 3);
    let all = v1::ListMappingsRequest::default();
    let mut pages = client
        .verbs()
        .list_mappings(all)
        .await
        .unwrap()
        .into_inner();
    let mut places = pages.message().await.unwrap().unwrap().mappings;
    places.retain(|mapping| mapping.address > 0x0a00_0200);
    places.sort_by_key(|mapping| mapping.address);
    let places: Vec<_> = places.iter().map(|m| m.locator & 0xff).collect();
    assert_eq!(places, [5, 6, 5, 6, 7]);
}

#[tokio::test]
async fn who_watches_sees_what_changes_and_where_to_go_on() {
    let mut daemon = Daemon::new(1000, EMPTY);
    daemon.start();
    let mut client = daemon.client().await;
    let watch = client
        .verbs()
        .watch(v1::WatchRequest::default())
        .await
        .unwrap();
    let mut watch = watch.into_inner();
    let first = watch.message().await.unwrap().unwrap();
    assert_eq!((first.revision, first.events.len()), (1, 0));
    let mut other = daemon.client().await;
    apply(&mut other, v1::ApplyOptions::default(), &z(&[2]))
        .await
        .unwrap();
    committed(&mut other, vec![put(0x0a00_0201, 1), put(0x0a00_0202, 1)]).await;
    let mut events = Vec::new();
    while events.len() < 3 {
        events.extend(watch.message().await.unwrap().unwrap().events);
    }
    let revisions: Vec<_> = events.iter().map(|event| event.revision).collect();
    assert_eq!(revisions, [2, 3, 3]);
    let again = v1::WatchRequest {
        after_revision: Some(2),
    };
    let again = client.verbs().watch(again).await.unwrap();
    let mut again = again.into_inner();
    let mut seen = 0;
    while seen < 2 {
        seen += again.message().await.unwrap().unwrap().events.len();
    }
    let future = v1::WatchRequest {
        after_revision: Some(77),
    };
    let future = client.verbs().watch(future).await.unwrap_err();
    assert_eq!(future.code(), Code::OutOfRange);
}

#[tokio::test]
async fn ports_come_and_go_and_are_there_again() {
    let mut daemon = Daemon::new(1000, EMPTY);
    daemon.start();
    let mut client = daemon.client().await;
    let add = |port: &str| v1::AddPortRequest {
        port: port.to_owned(),
        ..v1::AddPortRequest::default()
    };
    let remove = |name: &str| v1::RemovePortRequest {
        name: name.to_owned(),
        ..v1::RemovePortRequest::default()
    };
    let added = client
        .verbs()
        .add_port(add("{ name: vm-b, memory: true }"))
        .await
        .unwrap();
    assert!(added.get_ref().durable);
    let twice = client
        .verbs()
        .add_port(add("{ name: vm-b, memory: true }"))
        .await;
    assert!(twice.unwrap_err().message().contains("vm-b"));
    let broken = client
        .verbs()
        .add_port(add("{ name: vm-c }"))
        .await
        .unwrap_err();
    assert!(broken.message().contains("names no device"), "{broken}");

    let node = "nodes:\n  - { name: b, host: r, port: vm-b, segment: front, address: 10.0.0.2 }\n";
    let options = v1::ApplyOptions::default;
    let applied = apply(&mut client, options(), &format!("{EMPTY}{node}"))
        .await
        .unwrap();
    assert!(applied.revision.is_some(), "{applied:?}");
    let used = client
        .verbs()
        .remove_port(remove("vm-b"))
        .await
        .unwrap_err();
    assert!(
        used.message()
            .contains("node \"b\" is behind port \"vm-b\""),
        "{used}"
    );
    let uplink = client.verbs().remove_port(remove("uplink0")).await;
    assert!(uplink.is_err());

    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    let ports = async |client: &mut Client| {
        let ports = client
            .verbs()
            .list_ports(v1::ListPortsRequest {})
            .await
            .unwrap();
        let page = ports.into_inner().message().await.unwrap().unwrap();
        page.ports
            .into_iter()
            .map(|port| port.name)
            .collect::<Vec<_>>()
    };
    assert_eq!(ports(&mut client).await, ["uplink0", "vm-a", "vm-b"]);
    let interfaces = client
        .verbs()
        .list_interfaces(v1::ListInterfacesRequest {})
        .await;
    let page = interfaces
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(page.interfaces[0].port, "vm-b");
    apply(&mut client, options(), EMPTY).await.unwrap();
    client.verbs().remove_port(remove("vm-b")).await.unwrap();
    assert_eq!(ports(&mut client).await, ["uplink0", "vm-a"]);
    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(ports(&mut client).await, ["uplink0", "vm-a"]);
}

/// The files rule until something else has been applied.
#[tokio::test]
async fn a_changed_file_counts_until_something_was_applied() {
    let mut daemon = Daemon::new(1000, &z(&[2]));
    daemon.start();
    let mut client = daemon.client().await;
    committed(&mut client, vec![put(0x0a00_0201, 1)]).await;
    daemon.kill();
    std::fs::write(daemon.path("topology.yaml"), z(&[3])).unwrap();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(
        listed(&mut client).await,
        ["10.0.1.3 03 DRAWN", "10.0.2.1 01 LOADED"]
    );
    apply(&mut client, v1::ApplyOptions::default(), &z(&[4]))
        .await
        .unwrap();
    daemon.kill();
    std::fs::write(daemon.path("topology.yaml"), z(&[5])).unwrap();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(
        listed(&mut client).await,
        ["10.0.1.4 04 DRAWN", "10.0.2.1 01 LOADED"]
    );
}

#[tokio::test]
async fn a_corrupt_state_file_does_not_keep_the_daemon_from_starting() {
    let mut daemon = Daemon::new(1000, &z(&[2]));
    daemon.start();
    let mut client = daemon.client().await;
    committed(&mut client, vec![put(0x0a00_0201, 1)]).await;
    daemon.kill();
    std::fs::write(daemon.path("state.redb"), b"no database at all").unwrap();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(listed(&mut client).await, ["10.0.1.2 02 DRAWN"]);
    let attention = status(&mut client).await.attention;
    assert!(attention[0].contains("corrupt"), "{attention:?}");
    committed(&mut client, vec![put(0x0a00_0201, 1)]).await;
}

#[tokio::test]
async fn a_table_that_is_nearly_full_says_so() {
    let mut daemon = Daemon::new(10, EMPTY);
    daemon.start();
    let mut client = daemon.client().await;
    let watch = client
        .verbs()
        .watch(v1::WatchRequest::default())
        .await
        .unwrap();
    let mut watch = watch.into_inner();
    watch.message().await.unwrap();
    let nine = (0..9).map(|n| put(0x0a00_0201 + n, 1)).collect();
    committed(&mut client, nine).await;
    let attention = status(&mut client).await.attention;
    assert!(attention[0].contains("9 of 10"), "{attention:?}");
    let tables = client
        .verbs()
        .list_tables(v1::ListTablesRequest {})
        .await
        .unwrap();
    let mappings = &tables.get_ref().tables[0];
    assert_eq!(
        (mappings.used, mappings.capacity, mappings.alarm),
        (9, Some(10), true)
    );
    let mut events = Vec::new();
    while events.len() < 10 {
        events.extend(watch.message().await.unwrap().unwrap().events);
    }
    let alarm = events.pop().unwrap().what.unwrap();
    let v1::event::What::Alarm(alarm) = alarm else {
        panic!("{alarm:?}");
    };
    assert!(alarm.raised && alarm.table == "mappings");
}
