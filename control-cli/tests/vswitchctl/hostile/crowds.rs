//! Too much of what would be fine: connections, streams, silence.

use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use control_api::{Client, v1};
use vswitch::commit::Revision;

use super::{ALONE, LEFT_BEHIND_KIB, SECONDS, resident_kib};
use crate::administration::{FakeAdministration, Order};
use crate::changes::{options, piece, put, transaction};
use crate::fake::Fake;
use crate::hostile::inputs::client_side;
use crate::lab::Lab;

/// What HTTP/2 clients begin with, and the empty settings.
const GREETING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let _alone = ALONE.lock();
    let lab = Lab::start(Fake::default());
    let before = resident_kib();
    let mut crowd = Vec::new();
    for n in 0..1000 {
        let mut stream = UnixStream::connect(&lab.socket).unwrap();
        if n % 2 == 0 {
            // The server may have hung up already.
            let _ = stream.write_all(GREETING);
        }
        crowd.push(stream);
    }
    assert_eq!(lab.ctl(&["status"]).code, 0);
    // Those that had to make room see it; at most as many as there is room for
    // are still there.
    let hung_up = |stream: &mut UnixStream| {
        stream
            .set_read_timeout(Some(Duration::from_millis(1)))
            .unwrap();
        let mut buffer = [0; 512];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
            }
        }
    };
    let waited = Instant::now();
    let mut alive = crowd.len();
    while alive > 72 && waited.elapsed() < SECONDS {
        crowd.retain_mut(|stream| !hung_up(stream));
        alive = crowd.len();
    }
    assert!(alive <= 72, "{alive} are still connected");
    assert_eq!(lab.ctl(&["status"]).code, 0);
    let grown = resident_kib().saturating_sub(before);
    println!("{alive} of 1000 idle connections stay; {grown} KiB more memory");
    assert!(grown < LEFT_BEHIND_KIB, "{grown} KiB");
}

#[test]
fn who_is_in_the_middle_of_something_stays_in_a_crowd() {
    let _alone = ALONE.lock();
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    client_side(async {
        let mut client = Client::connect(&lab.socket, "test").await.unwrap();
        let request = v1::WatchRequest::default();
        let mut told = client.verbs().watch(request).await.unwrap().into_inner();
        told.message().await.unwrap().unwrap();
        let _crowd: Vec<UnixStream> = (0..300)
            .map(|_| UnixStream::connect(&lab.socket).unwrap())
            .collect();
        let mut other = Client::connect(&lab.socket, "test").await.unwrap();
        other.verbs().status(v1::StatusRequest {}).await.unwrap();
        administration.happens(vswitch::commit::What::PortAdded("vm-b".to_owned()));
        assert_eq!(told.message().await.unwrap().unwrap().revision, 813);
    });
}

#[test]
fn connections_that_come_and_go_leave_nothing_behind() {
    let _alone = ALONE.lock();
    let lab = Lab::start(Fake::default());
    assert_eq!(lab.ctl(&["status"]).code, 0);
    let before = open_files();
    for round in 0..2000 {
        let mut stream = UnixStream::connect(&lab.socket).unwrap();
        let _ = stream.write_all(&GREETING[..round % GREETING.len()]);
    }
    assert_eq!(lab.ctl(&["status"]).code, 0);
    let waited = Instant::now();
    // Other tests of this process open files too.
    while open_files() > before + 200 && waited.elapsed() < SECONDS {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(open_files() <= before + 200, "{} files", open_files());
}

#[test]
fn who_leaves_in_the_middle_of_an_apply_has_applied_nothing() {
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    for _ in 0..20 {
        client_side(async {
            let mut client = Client::connect(&lab.socket, "test").await.unwrap();
            let (give, parts) = tokio::sync::mpsc::channel(4);
            give.send(options(v1::ApplyOptions::default()))
                .await
                .unwrap();
            give.send(piece("z.yaml", "network: z\n")).await.unwrap();
            let parts = tokio_stream::wrappers::ReceiverStream::new(parts);
            let apply = client.verbs().apply(parts);
            // It has not said that this was all.
            assert!(
                tokio::time::timeout(Duration::from_millis(20), apply)
                    .await
                    .is_err()
            );
        });
    }
    assert_eq!(lab.ctl(&["status"]).code, 0);
    assert!(administration.orders().is_empty());
}

/// What was taken is carried out whole, what was not, not at all.
#[test]
fn who_leaves_in_the_middle_of_a_load_leaves_whole_transactions() {
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    client_side(async {
        let mut client = Client::connect(&lab.socket, "test").await.unwrap();
        let endless = tokio_stream::iter((0..).map(|n: u32| {
            let changes = (0..100).map(|low| put(256 + 100 * (n % 500) + low));
            transaction("", changes.collect())
        }));
        let mut answers = client
            .verbs()
            .change_mappings(endless)
            .await
            .unwrap()
            .into_inner();
        for _ in 0..50 {
            answers.message().await.unwrap().unwrap();
        }
    });
    assert_eq!(lab.ctl(&["status"]).code, 0);
    assert!(administration.loaded() >= 5000);
    assert_eq!(administration.loaded() % 100, 0);
    let orders = administration.orders();
    let whole = |order: &Order| matches!(order, Order::ChangeMappings(o) if o.changes.len() == 100);
    assert!(orders.iter().all(whole));
    assert_eq!(
        administration.revision(),
        Revision(812 + orders.len() as u64)
    );
}

/// Eight watchers that do not read, and more changes than the ring remembers.
#[test]
fn a_watcher_that_does_not_read_is_told_that_it_was_too_slow() {
    let administration = Arc::new(FakeAdministration::default());
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    client_side(async {
        let mut client = Client::connect(&lab.socket, "test").await.unwrap();
        let request = v1::WatchRequest::default();
        let mut told = client.verbs().watch(request).await.unwrap().into_inner();
        told.message().await.unwrap().unwrap();
        for _ in 0..400_000 {
            administration.happens(vswitch::commit::What::PortAdded("vm-b".repeat(8)));
        }
        let mut seen = 0;
        let status = loop {
            match told.message().await {
                Ok(Some(page)) => seen += page.events.len(),
                Ok(None) => panic!("ended without a word"),
                Err(status) => break status,
            }
        };
        assert_eq!(status.code(), tonic::Code::OutOfRange, "{status}");
        assert!(seen < 400_000, "{seen}");
    });
    assert_eq!(lab.ctl(&["status"]).code, 0);
}
