//! `kill -9` at any moment: what a restart finds is the state before or after
//! some commit, never older than the last one that was answered, never a mix.
//!
//! Every topology and every transaction writes its own number all over: into
//! the names of twenty nodes, into the MACs of fifty mappings. Whatever is
//! found must bear one number each.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use control_api::{Client, v1};
use tokio_stream::wrappers::ReceiverStream;

use crate::process::Daemon;

/// How often, unless `VSWITCH_KILLS` says otherwise.
const KILLS: u64 = 6;

const SEGMENT: u32 = 0xa001;
const NODES: u32 = 20;
const MAPPINGS: u32 = 50;

/// The topology of a number. Its nodes' addresses overlap with those of the
/// one before: they are moved, added and removed.
fn topology(number: u64) -> String {
    use core::fmt::Write as _;
    let mut text = format!(
        "network: z\nentity: Z{number}\nsegments:\n  - {{ name: front, id: {SEGMENT}, subnet: \
         10.0.0.0/8 }}\nnodes:\n"
    );
    for node in 0..NODES {
        let address = node + u32::try_from(number % 10).unwrap();
        let _ = writeln!(
            text,
            "  - {{ name: n{node}-{number}, host: s, segment: front, address: 10.0.1.{address} }}"
        );
    }
    text
}

fn transaction(number: u64) -> v1::ChangeMappingsRequest {
    let change = |at: u32| v1::MappingChange {
        segment: SEGMENT,
        address: 0x0a02_0000 + at,
        remove: false,
        locator: 0xfd00_0000_0000_0100 + number % 7,
        slot: 0,
        mac: 0x0200_0000_0000 + number,
    };
    v1::ChangeMappingsRequest {
        request_id: format!("transaction {number}"),
        changes: (0..MAPPINGS).map(change).collect(),
        ..v1::ChangeMappingsRequest::default()
    }
}

/// The newest numbers that were answered.
#[derive(Default)]
struct Answered {
    topology: AtomicU64,
    transaction: AtomicU64,
}

async fn apply(client: &mut Client, number: u64) -> Option<v1::ApplyReply> {
    let (options, file) = (v1::ApplyOptions::default(), topology(number));
    let piece = v1::FilePiece {
        name: "z.yaml".to_owned(),
        text: file,
    };
    let parts = [
        v1::apply_request::Part::Options(options),
        v1::apply_request::Part::Piece(piece),
    ];
    let parts = parts.map(|part| v1::ApplyRequest { part: Some(part) });
    let reply = client.verbs().apply(tokio_stream::iter(parts)).await;
    Some(reply.ok()?.into_inner())
}

/// Applies one topology after the other until the daemon is gone.
async fn keep_applying(mut client: Client, answered: Arc<Answered>) {
    for number in answered.topology.load(Ordering::Relaxed) + 1.. {
        let Some(reply) = apply(&mut client, number).await else {
            return;
        };
        assert!(reply.durable && reply.revision.is_some(), "{reply:?}");
        answered.topology.store(number, Ordering::Relaxed);
    }
}

/// Sends one transaction after the other until the daemon is gone.
async fn keep_changing(mut client: Client, answered: Arc<Answered>) {
    let (give, requests) = tokio::sync::mpsc::channel(4);
    let first = answered.transaction.load(Ordering::Relaxed) + 1;
    let sending = tokio::spawn(async move {
        for number in first.. {
            if give.send(transaction(number)).await.is_err() {
                return;
            }
        }
    });
    let answers = client
        .verbs()
        .change_mappings(ReceiverStream::new(requests));
    if let Ok(answers) = answers.await {
        let mut answers = answers.into_inner();
        let mut number = first;
        while let Ok(Some(answer)) = answers.message().await {
            let outcome = answer.outcome.unwrap();
            let v1::change_mappings_reply::Outcome::Committed(committed) = outcome else {
                panic!("{outcome:?}");
            };
            assert!(committed.durable);
            answered.transaction.store(number, Ordering::Relaxed);
            number += 1;
        }
    }
    sending.abort();
}

/// What is in force, read over the socket.
struct Found {
    topology: u64,
    transaction: u64,
}

async fn look(client: &mut Client) -> Found {
    let request = v1::ListMappingsRequest::default();
    let pages = client.verbs().list_mappings(request).await.unwrap();
    let mut pages = pages.into_inner();
    let mut nodes = BTreeSet::new();
    let (mut drawn, mut loaded) = (0, Vec::new());
    while let Some(page) = pages.message().await.unwrap() {
        for mapping in page.mappings {
            if mapping.origin() == v1::MappingOrigin::Drawn {
                let name = mapping.name.unwrap();
                let number: u64 = name.split_once('-').unwrap().1.parse().unwrap();
                let entity = mapping.segment.unwrap().entity;
                assert_eq!(entity, format!("Z{number}"), "a mix of two topologies");
                nodes.insert(number);
                drawn += 1;
            } else {
                let mut mac = [0; 8];
                mac[2..].copy_from_slice(&mapping.mac);
                let number = u64::from_be_bytes(mac) - 0x0200_0000_0000;
                assert_eq!(mapping.locator, 0xfd00_0000_0000_0100 + number % 7);
                loaded.push(number);
            }
        }
    }
    assert_eq!(
        (drawn, nodes.len()),
        (NODES, 1),
        "a mix of topologies: {nodes:?}"
    );
    loaded.dedup();
    assert!(loaded.len() <= 1, "a mix of transactions: {loaded:?}");
    Found {
        topology: nodes.pop_first().unwrap(),
        transaction: loaded.first().copied().unwrap_or(0),
    }
}

#[tokio::test]
async fn what_was_answered_survives_and_nothing_is_half_done() {
    let kills = std::env::var("VSWITCH_KILLS").ok();
    let kills = kills.and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let mut daemon = Daemon::new(10_000, &topology(0));
    let answered = Arc::new(Answered::default());
    let (mut before_answer, mut with_work) = (0, 0);
    for round in 0..kills {
        daemon.start();
        let mut client = daemon.client().await;
        let found = look(&mut client).await;
        let topology = answered.topology.load(Ordering::Relaxed);
        let transaction = answered.transaction.load(Ordering::Relaxed);
        // One topology, and as many transactions as are under way, may be in
        // force without having been answered.
        assert!(found.topology == topology || found.topology == topology + 1);
        assert!(
            found.transaction >= transaction,
            "{} < {transaction}",
            found.transaction
        );
        before_answer += u64::from(found.topology > topology || found.transaction > transaction);
        with_work += u64::from(found.transaction > 0);
        answered.topology.store(found.topology, Ordering::Relaxed);
        answered
            .transaction
            .store(found.transaction, Ordering::Relaxed);

        let other = daemon.client().await;
        let applying = tokio::spawn(keep_applying(client, Arc::clone(&answered)));
        let changing = tokio::spawn(keep_changing(other, Arc::clone(&answered)));
        // Every moment in the work's first quarter of a second, in disorder.
        tokio::time::sleep(Duration::from_millis(1 + round * 97 % 250)).await;
        daemon.kill();
        applying.await.unwrap();
        changing.await.unwrap();
    }
    eprintln!(
        "{kills} kills: {before_answer} found more than was answered, {} topologies and {} \
         transactions in force",
        answered.topology.load(Ordering::Relaxed),
        answered.transaction.load(Ordering::Relaxed),
    );
    assert!(
        with_work > 0 || kills < 3,
        "nothing was ever changed: {}",
        daemon.log()
    );
}
