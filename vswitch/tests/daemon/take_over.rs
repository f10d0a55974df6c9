//! `vswitch --take-over`: what was answered is there afterwards, and whatever
//! goes wrong before the ports change hands, the one that runs goes on.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use control_api::v1::change_mappings_reply::Outcome;
use control_api::{Client, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Streaming};

use crate::process::{Daemon, PATIENCE};

const FRONT: u32 = 0xa001;
const DRAWN: &str = "network: z\nsegments:\n  - { name: front, id: 0xa001, subnet: 10.0.0.0/8 }\n";

fn put(address: u32) -> v1::ChangeMappingsRequest {
    let change = v1::MappingChange {
        segment: FRONT,
        address,
        locator: 0xfd00_0000_0000_0077,
        mac: 0x0200_0000_0000 + u64::from(address),
        ..v1::MappingChange::default()
    };
    v1::ChangeMappingsRequest {
        request_id: format!("put {address:#x}"),
        changes: vec![change],
        ..v1::ChangeMappingsRequest::default()
    }
}

/// `None`: the connection broke before the answer.
async fn change(client: &mut Client, request: v1::ChangeMappingsRequest) -> Option<Outcome> {
    let requests = tokio_stream::iter([request]);
    let mut answers = client
        .verbs()
        .change_mappings(requests)
        .await
        .ok()?
        .into_inner();
    answers.message().await.ok()??.outcome
}

async fn is_committed(client: &mut Client, address: u32) -> bool {
    matches!(
        change(client, put(address)).await,
        Some(Outcome::Committed(_))
    )
}

/// It takes changes again, soon.
async fn commits_again(client: &mut Client, address: u32) {
    let began = Instant::now();
    while !is_committed(client, address).await {
        assert!(began.elapsed() < PATIENCE, "changes are refused for ever");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn mappings(client: &mut Client) -> Vec<u32> {
    let request = v1::ListMappingsRequest::default();
    let pages = client.verbs().list_mappings(request).await.unwrap();
    let (mut pages, mut all) = (pages.into_inner(), Vec::new());
    while let Some(page) = pages.message().await.unwrap() {
        all.extend(page.mappings.iter().map(|mapping| mapping.address));
    }
    all
}

async fn pid(client: &mut Client) -> u32 {
    let status = client.verbs().status(v1::StatusRequest {}).await;
    status.unwrap().into_inner().pid
}

/// A take-over that stands between its steps.
struct Taker {
    _say: mpsc::Sender<v1::TakeOverRequest>,
    answers: Streaming<v1::TakeOverReply>,
}

impl Taker {
    async fn begin(client: &mut Client) -> Result<Self, tonic::Status> {
        let (say, words) = mpsc::channel(2);
        say.send(step(v1::TakeOverStep::Begin)).await.unwrap();
        let answers = client.verbs().take_over(ReceiverStream::new(words));
        let mut taker = Self {
            answers: answers.await?.into_inner(),
            _say: say,
        };
        let reply = taker.answers.message().await?.unwrap();
        assert_eq!(reply.step(), v1::TakeOverStep::Begin);
        Ok(taker)
    }
}

fn step(step: v1::TakeOverStep) -> v1::TakeOverRequest {
    v1::TakeOverRequest { step: step.into() }
}

/// Sends one transaction after the other to whoever listens, each until it is
/// answered as committed. Gives the last one's address.
async fn keep_changing(
    mut daemon: impl AsyncFnMut() -> Client,
    from: u32,
    enough: Arc<AtomicBool>,
    committed: Arc<AtomicU64>,
) -> u32 {
    let mut client = daemon().await;
    let mut address = from;
    loop {
        match change(&mut client, put(address)).await {
            Some(Outcome::Committed(_)) => {
                committed.fetch_add(1, Ordering::Relaxed);
                if enough.load(Ordering::Relaxed) {
                    return address;
                }
                address += 1;
            }
            Some(Outcome::Refused(refused)) => {
                assert_eq!(refused.refusal(), v1::Refusal::Unavailable, "{refused:?}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            None => client = daemon().await,
        }
    }
}

/// A client of whichever daemon listens on a socket.
async fn some_client(socket: std::path::PathBuf) -> Client {
    loop {
        match Client::connect(&socket, "test").await {
            Ok(client) => return client,
            Err(_) => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn what_was_answered_is_there_after_a_take_over_under_changes() {
    let mut daemon = Daemon::new(10_000, DRAWN);
    daemon.start();
    let mut client = daemon.client().await;
    let first = pid(&mut client).await;
    for address in 0x0a02_0000..0x0a02_0010 {
        assert!(is_committed(&mut client, address).await);
    }
    let (enough, committed) = (Arc::new(AtomicBool::new(false)), Arc::default());
    let socket = daemon.socket();
    let changing = tokio::spawn(keep_changing(
        move || some_client(socket.clone()),
        0x0a03_0000,
        Arc::clone(&enough),
        Arc::clone(&committed),
    ));
    while committed.load(Ordering::Relaxed) < 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // With another configuration, too.
    let path = daemon.path("host.yaml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, config.replace("mappings: 10000", "mappings: 20000")).unwrap();
    let old = daemon.take_over();
    assert!(daemon.ended(old).await.success(), "{}", daemon.log());

    let mut client = daemon.client().await;
    assert_ne!(pid(&mut client).await, first);
    let before = committed.load(Ordering::Relaxed);
    while committed.load(Ordering::Relaxed) < before + 5 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    enough.store(true, Ordering::Relaxed);
    let last = changing.await.unwrap();
    let expected: Vec<u32> = (0x0a02_0000..0x0a02_0010)
        .chain(0x0a03_0000..=last)
        .collect();
    assert_eq!(mappings(&mut client).await, expected);
    let tables = client.verbs().list_tables(v1::ListTablesRequest {}).await;
    let tables = tables.unwrap().into_inner().tables;
    let table = tables
        .iter()
        .find(|table| table.name == "mappings")
        .unwrap();
    assert_eq!(table.capacity, Some(20_000));
}

#[tokio::test]
async fn a_taker_that_goes_away_leaves_the_other_as_it_was() {
    let mut daemon = Daemon::new(10_000, DRAWN);
    daemon.start();
    let mut client = daemon.client().await;
    assert!(is_committed(&mut client, 0x0a02_0001).await);
    let mut other = daemon.client().await;
    let taker = Taker::begin(&mut other).await.unwrap();

    let Some(Outcome::Refused(refused)) = change(&mut client, put(0x0a02_0002)).await else {
        panic!("changed while another takes over");
    };
    assert_eq!(refused.refusal(), v1::Refusal::Unavailable);
    assert!(refused.message.contains("try again"), "{refused:?}");
    assert_eq!(mappings(&mut client).await, [0x0a02_0001], "reads go on");

    let mut third = daemon.client().await;
    let second = Taker::begin(&mut third).await.err().unwrap();
    assert_eq!(second.code(), Code::Unavailable);
    let second = daemon.taker();
    assert!(!daemon.ended(second).await.success());
    assert!(daemon.log().contains("another vswitch is taking over"));

    // As the end of its process does.
    drop((taker, other));
    commits_again(&mut client, 0x0a02_0002).await;
    daemon.kill();
    daemon.start();
    let mut client = daemon.client().await;
    assert_eq!(mappings(&mut client).await, [0x0a02_0001, 0x0a02_0002]);
}

/// At every moment of its first 40 ms: most often before it has told the other
/// one to end, and at times after.
#[tokio::test]
async fn a_taker_that_is_killed_leaves_a_daemon_or_a_state_that_is_whole() {
    let mut daemon = Daemon::new(10_000, DRAWN);
    let (mut expected, mut late) = (Vec::new(), 0);
    daemon.start();
    for round in 0..20 {
        let mut taker = daemon.taker();
        tokio::time::sleep(Duration::from_millis(2 * u64::from(round))).await;
        taker.kill().unwrap();
        taker.wait().unwrap();
        let address = 0x0a02_0000 + round;
        let began = Instant::now();
        loop {
            if daemon.has_ended() {
                late += 1;
                daemon.start();
            }
            let client = Client::connect(&daemon.socket(), "test").await;
            if let Ok(mut client) = client
                && is_committed(&mut client, address).await
            {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{}", daemon.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        expected.push(address);
    }
    eprintln!("{late} of 20 were killed after they had told the first one to end");
    daemon.kill();
    daemon.start();
    assert_eq!(mappings(&mut daemon.client().await).await, expected);
}

#[tokio::test]
async fn a_wrong_configuration_does_not_disturb_the_one_that_runs() {
    let mut daemon = Daemon::new(10_000, DRAWN);
    daemon.start();
    let mut client = daemon.client().await;
    let first = pid(&mut client).await;
    let path = daemon.path("host.yaml");
    let right = fs::read_to_string(&path).unwrap();
    fs::write(&path, right.replace("mtu: 1600", "mtu: many")).unwrap();
    let taker = daemon.taker();
    assert!(!daemon.ended(taker).await.success());
    let log = daemon.log();
    assert!(log.contains("many") && !log.contains("takes over"), "{log}");
    assert!(is_committed(&mut client, 0x0a02_0001).await);
    assert_eq!(pid(&mut client).await, first);
}

#[tokio::test]
async fn where_nobody_runs_it_is_a_usual_start() {
    let mut daemon = Daemon::new(10_000, DRAWN);
    let nobody = daemon.take_over();
    assert!(nobody.is_none());
    let mut client = daemon.client().await;
    assert!(is_committed(&mut client, 0x0a02_0001).await);
    assert!(
        daemon.log().contains("this is a usual start"),
        "{}",
        daemon.log()
    );
    daemon.kill();
    // Nor where one was killed, and has left its socket.
    let _ = daemon.take_over();
    let mut client = daemon.client().await;
    assert_eq!(mappings(&mut client).await, [0x0a02_0001]);
}
