//! Clients that begin, and do not go on: each loses what it has begun, when
//! its time is over and not before. The clock is one that jumps to the next
//! thing that is due, so nobody waits.

use core::time::Duration;
use std::io::ErrorKind;
use std::sync::Arc;

use control_api::{Client, v1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::{Instant, sleep};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Code, Status};
use vswitch::control::{ControlConfig, ControlServer, TimeLimits};

use super::inputs::{client_side, messages};
use crate::administration::FakeAdministration;
use crate::changes::{options, piece};
use crate::fake::Fake;
use crate::lab::Lab;

/// All different, so that it shows which of them has ended something.
const LIMITS: TimeLimits = TimeLimits {
    greeting: Duration::from_secs(3),
    silence: Duration::from_secs(9),
    request: Duration::from_secs(7),
    piece: Duration::from_secs(11),
    pieces: Duration::from_secs(24),
    export: Duration::from_secs(17),
    page: Duration::from_millis(20),
};

/// A server and its clients on one thread, under one clock.
async fn meet<F: Future>(fake: Fake, clients: impl FnOnce(std::path::PathBuf) -> F) -> F::Output {
    let directory = tempfile::tempdir().unwrap();
    let config = ControlConfig {
        socket: directory.path().join("control.sock"),
        ..ControlConfig::default()
    };
    let server = ControlServer::bind(&config).unwrap().with_limits(LIMITS);
    let administration = fake.administration.clone();
    let server = server.serve(Arc::new(fake), administration, core::future::pending());
    tokio::select! {
        ended = server => panic!("the server ended: {ended:?}"),
        output = clients(config.socket) => output,
    }
}

/// It took as long as that, by the clock that jumps.
fn took(began: Instant, limit: Duration) {
    let took = began.elapsed();
    let soon = limit + Duration::from_millis(100);
    assert!((limit..soon).contains(&took), "{took:?}, not {limit:?}");
}

/// Says that, nothing more, and does not answer.
async fn until_hung_up(stream: &mut UnixStream, says: &[u8]) {
    stream.write_all(says).await.unwrap();
    loop {
        match stream.read(&mut [0; 512]).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_greet_is_hung_up_on() {
    meet(Fake::default(), async |socket| {
        for says in [&b""[..], b"PRI * HTTP/2.0\r\n"] {
            let mut stream = UnixStream::connect(&socket).await.unwrap();
            let began = Instant::now();
            until_hung_up(&mut stream, says).await;
            took(began, LIMITS.greeting);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_shows_no_sign_of_life_is_hung_up_on() {
    meet(Fake::default(), async |socket| {
        let mut stream = UnixStream::connect(&socket).await.unwrap();
        let began = Instant::now();
        // Settings, and then nothing: pings stay unanswered.
        let greeting = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
        until_hung_up(&mut stream, greeting).await;
        took(began, 2 * LIMITS.silence);
        // Whoever answers them may be as idle as it likes.
        let mut idle = Client::connect(&socket, "idle").await.unwrap();
        sleep(100 * LIMITS.silence).await;
        idle.verbs().status(v1::StatusRequest {}).await.unwrap();
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_stays_half_is_refused() {
    meet(Fake::default(), async |socket| {
        let began = Instant::now();
        let status = messages::ask_half(&socket).await;
        took(began, LIMITS.request);
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        assert!(status.message().contains("within 7 s"), "{status}");
    })
    .await;
}

/// What an `apply` of these parts is told; nothing of it was carried out.
async fn applied(parts: impl Stream<Item = v1::ApplyRequest> + Send + 'static) -> Status {
    let administration = Arc::new(FakeAdministration::default());
    let fake = Fake {
        administration: administration.clone(),
        ..Fake::default()
    };
    let told = meet(fake, async |socket| {
        let mut client = Client::connect(&socket, "late").await.unwrap();
        client.verbs().apply(parts).await.unwrap_err()
    });
    let told = told.await;
    assert!(administration.orders().is_empty());
    told
}

#[tokio::test(start_paused = true)]
async fn files_that_stop_half_way_are_not_applied() {
    let began = Instant::now();
    let parts = [
        options(v1::ApplyOptions::default()),
        piece("z.yaml", "network: z\n"),
    ];
    let status = applied(tokio_stream::iter(parts).chain(tokio_stream::pending())).await;
    took(began, LIMITS.piece);
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("awaited for 11 s"), "{status}");
}

#[tokio::test(start_paused = true)]
async fn files_that_trickle_in_are_not_applied() {
    let began = Instant::now();
    let parts = async_pieces(Duration::from_secs(5));
    let status = applied(parts).await;
    took(began, LIMITS.pieces);
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(status.message().contains("for 24 s"), "{status}");
}

/// Another piece each time, without end.
fn async_pieces(every: Duration) -> impl Stream<Item = v1::ApplyRequest> + Send + 'static {
    let (give, parts) = tokio::sync::mpsc::channel(1);
    tokio::spawn(async move {
        let mut next = options(v1::ApplyOptions::default());
        while give.send(next).await.is_ok() {
            next = piece("z.yaml", "# more\n");
            sleep(every).await;
        }
    });
    tokio_stream::wrappers::ReceiverStream::new(parts)
}

#[tokio::test(start_paused = true)]
async fn an_export_that_is_not_taken_says_that_it_is_not_whole() {
    let administration = FakeAdministration {
        export_padding: 8 << 20,
        ..FakeAdministration::default()
    };
    let fake = Fake {
        administration: Arc::new(administration),
        ..Fake::default()
    };
    meet(fake, async |socket| {
        let mut client = Client::connect(&socket, "late").await.unwrap();
        let pieces = client.verbs().export(v1::ExportRequest::default()).await;
        let mut pieces = pieces.unwrap().into_inner();
        pieces.message().await.unwrap().unwrap();
        sleep(2 * LIMITS.export).await;
        let status = loop {
            match pieces.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a part was given for the whole"),
                Err(status) => break status,
            }
        };
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        assert!(status.message().contains("within 17 s"), "{status}");
    })
    .await;
}

/// By the real clock: listings are made on threads of their own.
#[test]
fn a_listing_that_is_not_taken_makes_room_for_others() {
    let fake = Fake {
        more_mappings: 200_000,
        ..Fake::default()
    };
    let lab = Lab::with_limits(fake, LIMITS);
    client_side(async {
        let list = async || {
            let mut client = Client::connect(&lab.socket, "late").await.unwrap();
            let all = v1::ListMappingsRequest::default();
            client.verbs().list_mappings(all).await
        };
        let mut stalled = Vec::new();
        // More than there is room for, so the first have to give way.
        while stalled.len() < 40 {
            match list().await {
                Ok(pages) => stalled.push(pages.into_inner()),
                Err(full) => assert_eq!(full.code(), Code::ResourceExhausted, "{full}"),
            }
            sleep(Duration::from_millis(2)).await;
        }
        let mut first = stalled.swap_remove(0);
        let status = loop {
            match first.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("a part was given for the whole"),
                Err(status) => break status,
            }
        };
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    });
}
