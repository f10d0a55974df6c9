//! Clients that are slow, silent, strange, or there at the end.

use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

use control_api::{Client, v1};

use crate::fake::Fake;
use crate::hostile::inputs::client_side;
use crate::lab::Lab;

#[test]
fn a_client_that_does_not_read_costs_nothing() {
    let reads = Arc::new(AtomicUsize::new(0));
    let lab = Lab::start(Fake {
        more_mappings: 1_000_000,
        mapping_reads: reads.clone(),
        ..Fake::default()
    });
    client_side(async {
        let mut client = Client::connect(&lab.socket, "test").await.unwrap();
        let request = v1::ListMappingsRequest::default();
        let mut pages = client
            .verbs()
            .list_mappings(request)
            .await
            .unwrap()
            .into_inner();
        let first = pages.message().await.unwrap().unwrap();
        assert_eq!(first.mappings.len(), 256);
        // The daemon may run ahead as far as the connection buffers, no more.
        let mut before = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = reads.load(Ordering::Relaxed);
            if now == before {
                break;
            }
            before = now;
        }
        // All of it would be 3907 pages.
        assert!(before < 500, "{before} pages were made");
        assert_eq!(lab.ctl(&["status"]).code, 0);
        // And the list goes on where it stood.
        let mut seen = first.mappings.len();
        while let Some(page) = pages.message().await.unwrap() {
            seen += page.mappings.len();
        }
        assert_eq!(seen, 1_000_003);
    });
}

#[test]
fn an_unknown_major_version_is_refused_in_words() {
    let lab = Lab::start(Fake::default());
    client_side(async {
        let mut client = Client::connect(&lab.socket, "test").await.unwrap();
        assert_eq!(client.daemon().version, "0.1.0");
        let hello = |major| v1::HelloRequest {
            api: Some(v1::ApiVersion { major, minor: 0 }),
            client: "test".to_owned(),
        };
        let refused = client.verbs().hello(hello(2)).await.unwrap_err();
        assert_eq!(refused.code(), tonic::Code::FailedPrecondition);
        assert!(
            refused
                .message()
                .contains("speaks control protocol version 1")
        );
        assert!(client.verbs().hello(hello(1)).await.is_ok());
    });
}

#[test]
fn garbage_ends_only_its_own_connection() {
    let lab = Lab::start(Fake::default());
    let mut silent = UnixStream::connect(&lab.socket).unwrap();
    for garbage in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0xff; 4096]] {
        let mut stream = UnixStream::connect(&lab.socket).unwrap();
        stream.write_all(garbage).unwrap();
    }
    silent.write_all(b"PRI * HTTP/2.0").unwrap();
    assert_eq!(lab.ctl(&["status"]).code, 0);
}

#[test]
fn a_crowd_does_not_keep_out_who_runs_the_daemon() {
    let lab = Lab::start(Fake::default());
    let _crowd: Vec<UnixStream> = (0..100)
        .map(|_| UnixStream::connect(&lab.socket).unwrap())
        .collect();
    assert_eq!(lab.ctl(&["status"]).code, 0);
}

#[test]
fn the_end_takes_the_socket_along_and_waits_for_nobody() {
    let mut lab = Lab::start(Fake {
        more_mappings: 1_000_000,
        ..Fake::default()
    });
    let socket = lab.socket.clone();
    client_side(async {
        let mut client = Client::connect(&socket, "test").await.unwrap();
        let request = v1::ListMappingsRequest::default();
        // A list that nobody reads to its end.
        let _pages = client.verbs().list_mappings(request).await.unwrap();
        lab.stop().unwrap();
    });
    assert!(!socket.exists());
    lab.ctl(&["status"]).fails(3, &["is vswitch running?"]);
}
