//! What is no HTTP/2 (RFC 9113), or bad HTTP/2.

use core::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::{Outcome, SECONDS};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// How the server should meet it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Met {
    /// It ends the connection, or the stream.
    Refused,
    /// It takes no notice: the connection goes on.
    Ignored,
}

/// What the server did.
enum Reaction {
    HungUp,
    /// GOAWAY, with its error code.
    SentAway(u32),
    /// `RST_STREAM`, with its error code.
    Reset(u32),
    /// Response headers.
    Answered,
    /// It answers a ping, and does nothing else.
    Alive,
    Silent,
}

impl fmt::Display for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HungUp => f.write_str("hung up"),
            Self::SentAway(code) => write!(f, "sent away with error {code}"),
            Self::Reset(code) => write!(f, "stream reset with error {code}"),
            Self::Answered => f.write_str("answered"),
            Self::Alive => f.write_str("took no notice"),
            Self::Silent => f.write_str("stays silent"),
        }
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap();
    header(kind, flags, stream, length, payload)
}

/// A frame that may lie about its length.
fn header(kind: u8, flags: u8, stream: u32, length: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = length.to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// After a proper beginning.
fn begun(frames: &[Vec<u8>]) -> Vec<u8> {
    let settings = frame(SETTINGS, 0, 0, &[]);
    [PREFACE, &settings, &frames.concat()].concat()
}

/// Literal header fields without indexing (RFC 7541 §6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).unwrap());
            block.extend(text.bytes());
        }
    }
    block
}

/// The headers of a call of `Status`.
fn call() -> Vec<u8> {
    fields(&[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/vswitch.control.v1.Control/Status"),
        (":authority", "vswitch"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ])
}

fn repeated(count: u32, frames: impl Fn(u32) -> Vec<u8>) -> Vec<u8> {
    begun(&(0..count).map(frames).collect::<Vec<_>>())
}

/// Bytes without any sense, the same in every run.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

fn table() -> Vec<(&'static str, Vec<u8>, Met)> {
    use Met::{Ignored, Refused};
    let whole = END_STREAM | END_HEADERS;
    let upside_down = [call(), fields(&[(":path", "/late")])].concat();
    vec![
        (
            "HTTP/1.1",
            b"GET / HTTP/1.1\r\nHost: vswitch\r\n\r\n".to_vec(),
            Refused,
        ),
        (
            "a TLS handshake",
            [&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc][..], &noise(500)].concat(),
            Refused,
        ),
        ("ones", vec![0xff; 4096], Refused),
        ("zeros", vec![0; 4096], Refused),
        ("noise", noise(64 << 10), Refused),
        ("silence", Vec::new(), Refused),
        (
            "half of the preface, then silence",
            PREFACE[..12].to_vec(),
            Refused,
        ),
        (
            "a preface that ends in a fault",
            [&PREFACE[..23], b"x"].concat(),
            Refused,
        ),
        (
            "noise after the preface",
            [PREFACE, &noise(4096)].concat(),
            Refused,
        ),
        (
            "no settings first",
            [PREFACE, &frame(PING, 0, 0, &[0; 8])].concat(),
            Ignored,
        ),
        (
            "a frame of 16 MiB",
            begun(&[header(DATA, 0, 1, 0xff_ffff, &[0; 64])]),
            Refused,
        ),
        (
            "a frame above the limit",
            begun(&[header(SETTINGS, 0, 0, 16_386, &[0; 64])]),
            Refused,
        ),
        (
            "settings of 5 octets",
            begun(&[frame(SETTINGS, 0, 0, &[0; 5])]),
            Refused,
        ),
        (
            "settings of a stream",
            begun(&[frame(SETTINGS, 0, 3, &[])]),
            Refused,
        ),
        (
            "a window of 4 GiB",
            begun(&[frame(SETTINGS, 0, 0, &[0, 4, 0xff, 0xff, 0xff, 0xff])]),
            Refused,
        ),
        (
            "frames of no size",
            begun(&[frame(SETTINGS, 0, 0, &[0, 5, 0, 0, 0, 0])]),
            Refused,
        ),
        (
            "a ping of 7 octets",
            begun(&[frame(PING, 0, 0, &[0; 7])]),
            Refused,
        ),
        (
            "a ping of a stream",
            begun(&[frame(PING, 0, 1, &[0; 8])]),
            Refused,
        ),
        (
            "data of no stream",
            begun(&[frame(DATA, 0, 0, &[0; 8])]),
            Refused,
        ),
        (
            "data of an idle stream",
            begun(&[frame(DATA, 0, 5, &[0; 8])]),
            Refused,
        ),
        (
            "a reset of an idle stream",
            begun(&[frame(RST_STREAM, 0, 5, &[0; 4])]),
            Refused,
        ),
        (
            "a window grown by nothing",
            begun(&[frame(WINDOW_UPDATE, 0, 0, &[0; 4])]),
            Refused,
        ),
        (
            "a window grown beyond all bounds",
            repeated(2, |_| frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
            Refused,
        ),
        (
            "headers of no stream",
            begun(&[frame(HEADERS, whole, 0, &call())]),
            Refused,
        ),
        (
            "headers of a server's stream",
            begun(&[frame(HEADERS, whole, 2, &call())]),
            Refused,
        ),
        (
            "headers that cannot be decoded",
            begun(&[frame(HEADERS, whole, 1, &[0xff; 32])]),
            Refused,
        ),
        (
            "a header table of 4 GiB",
            begun(&[frame(
                HEADERS,
                whole,
                1,
                &[0x3f, 0xe1, 0xff, 0xff, 0xff, 0x0f],
            )]),
            Refused,
        ),
        (
            "headers without a path",
            begun(&[frame(
                HEADERS,
                whole,
                1,
                &fields(&[(":method", "POST"), (":scheme", "http")]),
            )]),
            Refused,
        ),
        (
            "headers in a wrong order",
            begun(&[frame(HEADERS, whole, 1, &upside_down)]),
            Refused,
        ),
        (
            "headers with capitals",
            begun(&[frame(
                HEADERS,
                whole,
                1,
                &[call(), fields(&[("Shout", "x")])].concat(),
            )]),
            Refused,
        ),
        (
            "padding longer than its frame",
            begun(&[frame(
                HEADERS,
                whole | 8,
                1,
                &[&[0xff][..], &call()].concat(),
            )]),
            Refused,
        ),
        (
            "a stream that depends on itself",
            begun(&[frame(PRIORITY, 0, 1, &[0, 0, 0, 1, 0])]),
            Refused,
        ),
        (
            "a continuation of nothing",
            begun(&[frame(CONTINUATION, END_HEADERS, 1, &call())]),
            Refused,
        ),
        (
            "headers that never end",
            begun(&[
                frame(HEADERS, END_STREAM, 1, &call()),
                (0..400)
                    .flat_map(|_| {
                        frame(
                            CONTINUATION,
                            0,
                            1,
                            &fields(&[("x", &"y".repeat(100))]).repeat(100),
                        )
                    })
                    .collect(),
            ]),
            Refused,
        ),
        (
            "headers broken off by a ping",
            begun(&[
                frame(HEADERS, END_STREAM, 1, &call()),
                frame(PING, 0, 0, &[0; 8]),
            ]),
            Refused,
        ),
        (
            "a promise from a client",
            begun(&[frame(
                PUSH_PROMISE,
                END_HEADERS,
                1,
                &[&[0, 0, 0, 2][..], &call()].concat(),
            )]),
            Refused,
        ),
        (
            "more data than the window holds",
            begun(&[
                frame(HEADERS, END_HEADERS, 1, &call()),
                (0..200)
                    .flat_map(|_| frame(DATA, 0, 1, &vec![0xff; 16_384]))
                    .collect(),
            ]),
            Refused,
        ),
        (
            "streams that go backwards",
            begun(&[
                frame(HEADERS, whole, 7, &call()),
                frame(HEADERS, whole, 5, &call()),
            ]),
            Refused,
        ),
        (
            "more streams than there may be",
            repeated(2000, |n| frame(HEADERS, END_HEADERS, 2 * n + 1, &call())),
            Refused,
        ),
        (
            "streams opened and reset at once, ten thousand times",
            repeated(10_000, |n| {
                let stream = 2 * n + 1;
                [
                    frame(HEADERS, END_HEADERS, stream, &call()),
                    frame(RST_STREAM, 0, stream, &[0, 0, 0, 8]),
                ]
                .concat()
            }),
            Refused,
        ),
        (
            "a farewell",
            begun(&[frame(GOAWAY, 0, 0, &[0; 8])]),
            Refused,
        ),
        (
            "a flood of settings, the answers not read",
            repeated(100_000, |_| frame(SETTINGS, 0, 0, &[])),
            Ignored,
        ),
        (
            "a flood of pings, the answers not read",
            repeated(100_000, |_| frame(PING, 0, 0, &[7; 8])),
            Ignored,
        ),
        (
            "a flood of empty data",
            begun(&[
                frame(HEADERS, END_HEADERS, 1, &call()),
                (0..50_000).flat_map(|_| frame(DATA, 0, 1, &[])).collect(),
            ]),
            Refused,
        ),
        (
            "a flood of frames of an unknown kind",
            repeated(10_000, |n| frame(0xbe, 0, n, &[0; 64])),
            Ignored,
        ),
    ]
}

/// Each on a connection of its own.
pub(super) fn all(socket: &Path) -> impl Iterator<Item = (String, Outcome)> {
    let each = table().into_iter();
    each.map(move |(name, bytes, met)| {
        let reaction = meet(socket, &bytes);
        let as_expected = match reaction {
            Reaction::HungUp | Reaction::SentAway(_) | Reaction::Reset(_) | Reaction::Answered => {
                met == Met::Refused
            }
            Reaction::Alive => met == Met::Ignored,
            Reaction::Silent => false,
        };
        let told = reaction.to_string();
        (
            name.to_owned(),
            if as_expected { Ok(told) } else { Err(told) },
        )
    })
}

fn meet(socket: &Path, bytes: &[u8]) -> Reaction {
    let mut stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(SECONDS)).unwrap();
    let mut writing = stream.try_clone().unwrap();
    std::thread::scope(|scope| {
        let speaks = bytes.len() > PREFACE.len();
        scope.spawn(move || {
            // It may hang up in between.
            let _ = writing.write_all(bytes);
            if speaks {
                let _ = writing.write_all(&frame(PING, 0, 0, b"the last"));
            }
        });
        let reaction = reaction(&mut stream);
        let _ = stream.shutdown(std::net::Shutdown::Both);
        reaction
    })
}

/// The first thing the server does that means something.
fn reaction(stream: &mut UnixStream) -> Reaction {
    loop {
        let mut header = [0; 9];
        if let Err(error) = stream.read_exact(&mut header) {
            return match error.kind() {
                std::io::ErrorKind::WouldBlock => Reaction::Silent,
                _ => Reaction::HungUp,
            };
        }
        let [a, b, c, kind, flags, ..] = header;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut payload).is_err() {
            return Reaction::HungUp;
        }
        let code = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match kind {
            HEADERS => return Reaction::Answered,
            RST_STREAM => return Reaction::Reset(code(0)),
            GOAWAY => return Reaction::SentAway(code(4)),
            // What it says of a stream may come after its answer to a ping.
            PING if flags & ACK != 0 && payload == b"the last" => {
                // Where it has hung up, the next read says so.
                let _ = stream.write_all(&frame(PING, 0, 0, b"farewell"));
            }
            PING if flags & ACK != 0 && payload == b"farewell" => return Reaction::Alive,
            _ => {}
        }
    }
}
