//! Good HTTP/2, but no gRPC, or bad gRPC.

use core::convert::Infallible;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::collections::VecDeque;
use std::path::Path;

use http_body::Frame;
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::body::Body;
use tonic::codegen::{Bytes, http};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Status};
use tower::{Service as _, ServiceExt as _, service_fn};

use super::{Outcome, SECONDS, client_side};

const STATUS: &str = "/vswitch.control.v1.Control/Status";
const HELLO: &str = "/vswitch.control.v1.Control/Hello";
const APPLY: &str = "/vswitch.control.v1.Control/Apply";
const CHANGE: &str = "/vswitch.control.v1.Control/ChangeMappings";

/// A length-prefixed message.
fn message(flag: u8, length: u32, bytes: &[u8]) -> Vec<u8> {
    [&[flag][..], &length.to_be_bytes(), bytes].concat()
}

fn whole(bytes: &[u8]) -> Vec<u8> {
    message(0, u32::try_from(bytes.len()).unwrap(), bytes)
}

struct Bad {
    name: &'static str,
    path: &'static str,
    header: (&'static str, &'static str),
    body: Vec<u8>,
    code: Code,
}

fn bad(name: &'static str, path: &'static str, body: Vec<u8>, code: Code) -> Bad {
    Bad {
        name,
        path,
        header: ("te", "trailers"),
        body,
        code,
    }
}

fn table() -> Vec<Bad> {
    let with = |bad: Bad, name, value| Bad {
        header: (name, value),
        ..bad
    };
    let huge = || message(0, u32::MAX, &[0; 64]);
    let deep = |tag: u8| {
        // Messages in messages, each of all that follows.
        let mut bytes: Vec<u8> = Vec::new();
        for _ in 0..30_000 {
            bytes.extend([tag, 0x80 | 0x7f, 0x80 | 0x7f, 0x03]);
        }
        whole(&bytes)
    };
    vec![
        bad(
            "a verb that is none",
            "/vswitch.control.v1.Control/Reboot",
            whole(&[]),
            Code::Unimplemented,
        ),
        bad(
            "a service that is none",
            "/vswitch.control.v9.Control/Status",
            whole(&[]),
            Code::Unimplemented,
        ),
        bad("a path that is none", "/", whole(&[]), Code::Unimplemented),
        bad(
            "a path of 4000 octets",
            LONG_PATH,
            whole(&[]),
            Code::Unimplemented,
        ),
        bad("no message", STATUS, Vec::new(), Code::Internal),
        bad("half a prefix", STATUS, vec![0, 0], Code::Internal),
        bad(
            "a prefix without its message",
            STATUS,
            message(0, 100, &[]),
            Code::Internal,
        ),
        bad(
            "a message broken off",
            HELLO,
            message(0, 100, &[0x0a, 0x02, 0x08]),
            Code::Internal,
        ),
        bad("a message of 4 GiB", STATUS, huge(), Code::OutOfRange),
        bad(
            "a message of 4 GiB in a stream",
            APPLY,
            huge(),
            Code::OutOfRange,
        ),
        bad(
            "a message of 4 GiB among transactions",
            CHANGE,
            huge(),
            Code::OutOfRange,
        ),
        bad(
            "a message just above 1 MiB",
            HELLO,
            message(0, (1 << 20) + 1, &[0; 64]),
            Code::OutOfRange,
        ),
        bad(
            "a compressed message",
            STATUS,
            message(1, 4, &[0; 4]),
            Code::Internal,
        ),
        with(
            bad(
                "a message in gzip",
                STATUS,
                message(1, 4, &[0; 4]),
                Code::Unimplemented,
            ),
            "grpc-encoding",
            "gzip",
        ),
        with(
            bad(
                "a message in an unheard-of encoding",
                STATUS,
                message(1, 4, &[0; 4]),
                Code::Unimplemented,
            ),
            "grpc-encoding",
            "rot13",
        ),
        bad(
            "a flag that is none",
            STATUS,
            message(7, 0, &[]),
            Code::Internal,
        ),
        bad(
            "a wire type that is none",
            HELLO,
            whole(&[0x0f]),
            Code::Internal,
        ),
        bad(
            "a number without end",
            HELLO,
            whole(&[0x08; 1]),
            Code::Internal,
        ),
        bad(
            "a number of 11 octets",
            HELLO,
            whole(&[&[0x08][..], &[0xff; 11]].concat()),
            Code::Internal,
        ),
        bad(
            "a field longer than its message",
            HELLO,
            whole(&[0x12, 0xff, 0xff, 0xff, 0x7f]),
            Code::Internal,
        ),
        bad(
            "a name that is no UTF-8",
            HELLO,
            whole(&[0x12, 2, 0xc3, 0x28]),
            Code::Internal,
        ),
        bad(
            "a field of another type",
            HELLO,
            whole(&[0x0d, 1, 2, 3, 4]),
            Code::Internal,
        ),
        bad(
            "messages in messages in messages",
            HELLO,
            deep(0x0a),
            Code::Internal,
        ),
        bad(
            "groups in groups in groups",
            HELLO,
            whole(&[0x1b; 60_000]),
            Code::Internal,
        ),
        bad(
            "noise among transactions",
            CHANGE,
            whole(&[0xfe; 999]),
            Code::Internal,
        ),
        bad(
            "noise among files",
            APPLY,
            whole(&[0xfe; 999]),
            Code::Internal,
        ),
        bad(
            "half a transaction",
            CHANGE,
            message(0, 5000, &[0x22; 100]),
            Code::Internal,
        ),
    ]
}

const LONG_PATH: &str = {
    const LONG: [u8; 4000] = [b'/'; 4000];
    match core::str::from_utf8(&LONG) {
        Ok(path) => path,
        Err(_) => "/",
    }
};

/// Each is told the code, in words.
pub(super) fn all(socket: &Path) -> impl Iterator<Item = (String, Outcome)> {
    let each = table().into_iter();
    each.map(move |bad| {
        let name = bad.name.to_owned();
        let code = bad.code;
        let status = client_side(async { tokio::time::timeout(SECONDS, ask(socket, bad)).await });
        let outcome = match status {
            Ok(status) if status.code() == code && !status.message().is_empty() => {
                Ok(format!("{:?}: {}", status.code(), status.message()))
            }
            // A verb that is none is none; there is nothing to add.
            Ok(status) if status.code() == code && code == Code::Unimplemented => {
                Ok("Unimplemented".to_owned())
            }
            other => Err(format!("{other:?}")),
        };
        (name, outcome)
    })
}

/// Bytes as they are; after them the end, or nothing for ever.
struct Raw(VecDeque<Bytes>, End);

#[derive(PartialEq)]
enum End {
    Said,
    Open,
}

impl http_body::Body for Raw {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.0.pop_front() {
            None if self.1 == End::Open => Poll::Pending,
            next => Poll::Ready(next.map(|bytes| Ok(Frame::data(bytes)))),
        }
    }
}

async fn ask(socket: &Path, bad: Bad) -> Status {
    send(socket, bad, End::Said).await
}

/// Half a request, and nothing after it.
pub(crate) async fn ask_half(socket: &Path) -> Status {
    let half = message(0, 100, &[0x0a, 0x02, 0x08]);
    send(
        socket,
        bad("half a request", HELLO, half, Code::Ok),
        End::Open,
    )
    .await
}

async fn send(socket: &Path, bad: Bad, end: End) -> Status {
    let mut channel = open(socket).await;
    let (name, value) = bad.header;
    let request = http::Request::builder()
        .method("POST")
        .uri(format!("http://vswitch{}", bad.path))
        .header("content-type", "application/grpc")
        .header(name, value)
        .body(Body::new(Raw([bad.body.into()].into(), end)))
        .unwrap();
    let response = match channel.ready().await.unwrap().call(request).await {
        Ok(response) => response,
        Err(error) => return Status::unknown(format!("{error:?}")),
    };
    if let Some(status) = Status::from_header_map(response.headers()) {
        return status;
    }
    trailers(response.into_body()).await
}

async fn open(socket: &Path) -> Channel {
    let path = socket.to_owned();
    let connector = service_fn(move |_: Uri| {
        let path = path.clone();
        async move { UnixStream::connect(path).await.map(TokioIo::new) }
    });
    let endpoint = Endpoint::from_static("http://vswitch");
    endpoint.connect_with_connector(connector).await.unwrap()
}

async fn trailers(mut body: Body) -> Status {
    use http_body::Body as _;
    loop {
        let next = core::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await;
        match next {
            Some(Ok(frame)) => {
                let trailers = frame.into_trailers().ok();
                if let Some(status) = trailers.and_then(|t| Status::from_header_map(&t)) {
                    return status;
                }
            }
            Some(Err(error)) => return error,
            None => return Status::unknown("no status"),
        }
    }
}
