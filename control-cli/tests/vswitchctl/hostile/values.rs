//! Well-formed requests that cannot be carried out.

use control_api::v1;
use control_api::v1::apply_request::Part;
use control_api::v1::change_mappings_reply::Outcome as Fate;
use control_api::{API_VERSION, Client};
use tonic::{Code, Status};

use super::{Outcome, SECONDS};
use crate::changes::put;
use crate::hostile::inputs::client_side;
use crate::lab::Lab;

/// What is asked.
enum Ask {
    Hello(u32),
    Mappings(u32),
    Paths(u32),
    Describe(usize),
    Counters(String),
    Apply(Vec<v1::ApplyRequest>),
    Confirm(u64),
    Rollback(v1::RollbackRequest),
    Change(v1::ChangeMappingsRequest),
    AddPort(&'static str, usize),
    RemovePort(String),
    Export(&'static str),
    Watch(u64),
}

/// What is answered.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Code(Code),
    Refusal(v1::Refusal),
    /// An error in the files.
    Fault,
    Done,
}

type Row = (&'static str, Ask, Told, &'static str);

fn options() -> v1::ApplyOptions {
    v1::ApplyOptions::default()
}

fn first(options: v1::ApplyOptions) -> v1::ApplyRequest {
    v1::ApplyRequest {
        part: Some(Part::Options(options)),
    }
}

fn piece(name: &str, text: &str) -> v1::ApplyRequest {
    v1::ApplyRequest {
        part: Some(Part::Piece(v1::FilePiece {
            name: name.to_owned(),
            text: text.to_owned(),
        })),
    }
}

/// A fine file, with these options.
fn with(options: v1::ApplyOptions) -> Ask {
    Ask::Apply(vec![first(options), piece("z.yaml", "network: z\n")])
}

fn one(change: v1::MappingChange) -> Ask {
    Ask::Change(v1::ChangeMappingsRequest {
        // Nothing of it may happen, the good change before it neither.
        changes: vec![put(200), change],
        ..v1::ChangeMappingsRequest::default()
    })
}

fn transaction(change: impl FnOnce(&mut v1::ChangeMappingsRequest)) -> Ask {
    let mut request = v1::ChangeMappingsRequest {
        changes: vec![put(200)],
        ..v1::ChangeMappingsRequest::default()
    };
    change(&mut request);
    Ask::Change(request)
}

fn put_at(address: [u8; 4]) -> v1::MappingChange {
    v1::MappingChange {
        address: u32::from_be_bytes(address),
        ..put(0)
    }
}

fn table() -> Vec<Row> {
    use Code::{
        Aborted, FailedPrecondition, InvalidArgument, NotFound, OutOfRange, ResourceExhausted,
    };
    use Told::Fault;
    let invalid = || Told::Code(InvalidArgument);
    let refused = || Told::Refusal(v1::Refusal::Invalid);
    let long_id = || "x".repeat(65);
    let text = "x".repeat((64 << 10) + 1);
    let many = (0..10_001).map(|n| piece(&n.to_string(), "a: b\n"));
    let back = |revision, request_id| v1::RollbackRequest {
        revision,
        request_id,
        dry_run: false,
    };
    vec![
        (
            "a client of another age",
            Ask::Hello(API_VERSION.major + 8),
            Told::Code(FailedPrecondition),
            "speaks control protocol version 1",
        ),
        (
            "mappings of segment 0",
            Ask::Mappings(0),
            invalid(),
            "0x000001 to 0xffffff",
        ),
        (
            "mappings of a segment of 25 bits",
            Ask::Mappings(1 << 24),
            invalid(),
            "0x000001 to 0xffffff",
        ),
        (
            "paths in a segment of 32 bits",
            Ask::Paths(u32::MAX),
            invalid(),
            "0x000001 to 0xffffff",
        ),
        (
            "an address of 3 octets",
            Ask::Describe(3),
            invalid(),
            "16 octets",
        ),
        (
            "an address of 60 000 octets",
            Ask::Describe(60_000),
            invalid(),
            "16 octets",
        ),
        (
            "counters of a port that is none",
            Ask::Counters("vm-x".to_owned()),
            Told::Code(NotFound),
            "the ports are: uplink0, vm-a",
        ),
        (
            "a port's name of 100 000 octets",
            Ask::Counters("x".repeat(100_000)),
            Told::Code(ResourceExhausted),
            "at most 65536",
        ),
        (
            "a port's name of 2 000 000 octets",
            Ask::Counters("x".repeat(2_000_000)),
            Told::Code(OutOfRange),
            "the limit is",
        ),
        (
            "files without options",
            Ask::Apply(vec![piece("z.yaml", "a: b\n")]),
            invalid(),
            "the options come first",
        ),
        (
            "no part at all",
            Ask::Apply(vec![]),
            invalid(),
            "the options come first",
        ),
        (
            "options twice",
            Ask::Apply(vec![first(options()), first(options())]),
            invalid(),
            "the options come once",
        ),
        (
            "options and no file",
            Ask::Apply(vec![first(options())]),
            invalid(),
            "no file was sent",
        ),
        (
            "everything pruned by no file",
            Ask::Apply(vec![first(v1::ApplyOptions {
                prune: true,
                ..options()
            })]),
            invalid(),
            "no file was sent",
        ),
        (
            "a part that is nothing",
            Ask::Apply(vec![first(options()), v1::ApplyRequest { part: None }]),
            invalid(),
            "neither",
        ),
        (
            "a file without a name",
            Ask::Apply(vec![first(options()), piece("", "a: b\n")]),
            invalid(),
            "1 to 4096 bytes",
        ),
        (
            "a file with a long name",
            Ask::Apply(vec![first(options()), piece(&"x".repeat(5000), "a: b\n")]),
            invalid(),
            "not 5000",
        ),
        (
            "a piece above 64 KiB",
            Ask::Apply(vec![first(options()), piece("z.yaml", &text)]),
            invalid(),
            "at most 65536",
        ),
        (
            "more files than anybody has",
            Ask::Apply([first(options())].into_iter().chain(many).collect()),
            Told::Code(ResourceExhausted),
            "more than 10000 files",
        ),
        (
            "files with faults",
            Ask::Apply(vec![
                first(options()),
                piece("z.yaml", "a: b\nfault: c is d\n"),
            ]),
            Fault,
            "c is d",
        ),
        (
            "a topology's wrong revision",
            with(v1::ApplyOptions {
                expected_revision: Some(812),
                ..options()
            }),
            Told::Code(Aborted),
            "the topology is at 809",
        ),
        (
            "an apply with a long request id",
            with(v1::ApplyOptions {
                request_id: long_id(),
                ..options()
            }),
            invalid(),
            "request_id has 65 bytes",
        ),
        (
            "no time to confirm",
            with(v1::ApplyOptions {
                confirm_within_ms: Some(0),
                ..options()
            }),
            invalid(),
            "1 ms to 24 hours",
        ),
        (
            "an age to confirm",
            with(v1::ApplyOptions {
                confirm_within_ms: Some(u64::MAX),
                ..options()
            }),
            invalid(),
            "1 ms to 24 hours",
        ),
        (
            "confirming what does not wait",
            Ask::Confirm(809),
            Told::Code(FailedPrecondition),
            "does not wait",
        ),
        (
            "confirming what is not there",
            Ask::Confirm(u64::MAX),
            Told::Code(FailedPrecondition),
            "does not wait",
        ),
        (
            "back to a revision that never was",
            Ask::Rollback(back(Some(u64::MAX), String::new())),
            Told::Code(NotFound),
            "vswitchctl history",
        ),
        (
            "back with a long request id",
            Ask::Rollback(back(None, long_id())),
            invalid(),
            "request_id has 65 bytes",
        ),
        (
            "a mapping in segment 0",
            one(v1::MappingChange {
                segment: 0,
                ..put(9)
            }),
            refused(),
            "change 1: ",
        ),
        (
            "a mapping in a segment of 25 bits",
            one(v1::MappingChange {
                segment: 1 << 24,
                ..put(9)
            }),
            refused(),
            "0x000001 to 0xffffff",
        ),
        (
            "a mapping in a segment that is none",
            one(v1::MappingChange {
                segment: 0xbbbb,
                ..put(9)
            }),
            Told::Refusal(v1::Refusal::NoSuchSegment),
            "0x00bbbb",
        ),
        (
            "a mapping that the topology draws",
            one(put(2)),
            Told::Refusal(v1::Refusal::Drawn),
            "belongs to the topology",
        ),
        (
            "a removal of what the topology draws",
            one(v1::MappingChange {
                remove: true,
                ..put(2)
            }),
            Told::Refusal(v1::Refusal::Drawn),
            "belongs to the topology",
        ),
        (
            "a mapping of 0.0.0.0",
            one(put_at([0; 4])),
            refused(),
            "0.0.0.0 cannot be a node's",
        ),
        (
            "a mapping of 127.0.0.1",
            one(put_at([127, 0, 0, 1])),
            refused(),
            "cannot be a node's",
        ),
        (
            "a mapping of a group",
            one(put_at([224, 0, 0, 5])),
            refused(),
            "cannot be a node's",
        ),
        (
            "a mapping of everybody",
            one(put_at([255; 4])),
            refused(),
            "cannot be a node's",
        ),
        (
            "a slot of 7 bits",
            one(v1::MappingChange { slot: 64, ..put(9) }),
            refused(),
            "use 0 to 63",
        ),
        (
            "a slot of 32 bits",
            one(v1::MappingChange {
                slot: u32::MAX,
                ..put(9)
            }),
            refused(),
            "use 0 to 63",
        ),
        (
            "a MAC of zeros",
            one(v1::MappingChange { mac: 0, ..put(9) }),
            refused(),
            "48 bits",
        ),
        (
            "a MAC of 49 bits",
            one(v1::MappingChange {
                mac: 1 << 48,
                ..put(9)
            }),
            refused(),
            "48 bits",
        ),
        (
            "a MAC of a group",
            one(v1::MappingChange {
                mac: 0x0100_5e00_0001,
                ..put(9)
            }),
            refused(),
            "group bit",
        ),
        (
            "a mapping without a locator",
            one(v1::MappingChange {
                locator: 0,
                ..put(9)
            }),
            refused(),
            "locator is missing",
        ),
        (
            "8193 changes",
            transaction(|t| t.changes = (0..8193).map(|n| put(256 + n)).collect()),
            refused(),
            "at most 8192",
        ),
        (
            "a transaction above 1 MiB",
            transaction(|t| t.changes = (0..40_000).map(|n| put(256 + n)).collect()),
            Told::Code(OutOfRange),
            "the limit is",
        ),
        (
            "a transaction with a long request id",
            transaction(|t| t.request_id = long_id()),
            refused(),
            "request_id has 65 bytes",
        ),
        (
            "the vswitch's wrong revision",
            transaction(|t| t.expected_revision = Some(809)),
            Told::Refusal(v1::Refusal::StaleRevision),
            "the vswitch is at 812",
        ),
        (
            "a revision of the future",
            transaction(|t| t.expected_revision = Some(u64::MAX)),
            Told::Refusal(v1::Refusal::StaleRevision),
            "look again",
        ),
        (
            "a port that is nonsense",
            Ask::AddPort("}{", 0),
            invalid(),
            "remedy: ",
        ),
        (
            "a port that is there",
            Ask::AddPort("{ name: vm-a, tap: x }", 0),
            Told::Code(FailedPrecondition),
            "choose another name",
        ),
        (
            "a port with a long request id",
            Ask::AddPort("{ name: vm-c, tap: x }", 65),
            invalid(),
            "request_id has 65 bytes",
        ),
        (
            "removing a port that is none",
            Ask::RemovePort("vm-x".to_owned()),
            Told::Code(NotFound),
            "the ports are",
        ),
        (
            "removing a port in use",
            Ask::RemovePort("vm-a".to_owned()),
            Told::Code(FailedPrecondition),
            "has nodes behind it",
        ),
        (
            "removing a port of 100 000 letters",
            Ask::RemovePort("x".repeat(100_000)),
            Told::Code(ResourceExhausted),
            "at most 65536",
        ),
        (
            "exporting a network that is none",
            Ask::Export("y"),
            Told::Code(NotFound),
            "the networks are: z",
        ),
        (
            "watching from the past",
            Ask::Watch(1),
            Told::Code(OutOfRange),
            "list what there is",
        ),
        (
            "watching from the future",
            Ask::Watch(u64::MAX),
            Told::Code(OutOfRange),
            "list what there is",
        ),
    ]
}

pub(super) fn all(lab: &Lab) -> impl Iterator<Item = (String, Outcome)> {
    let each = table().into_iter();
    each.map(|(name, asked, expected, words)| {
        let answer = client_side(async {
            let mut client = Client::connect(&lab.socket, "bad").await.unwrap();
            tokio::time::timeout(SECONDS, ask(&mut client, asked)).await
        });
        let outcome = match answer {
            Ok((told, says)) if told == expected && says.contains(words) => {
                Ok(format!("{told:?}: {says}"))
            }
            other => Err(format!("{other:?}")),
        };
        (name.to_owned(), outcome)
    })
}

/// What is told, and in which words.
async fn ask(client: &mut Client, asked: Ask) -> (Told, String) {
    match answer(client, asked).await {
        Ok(told) => told,
        Err(status) => (Told::Code(status.code()), status.message().to_owned()),
    }
}

async fn answer(client: &mut Client, asked: Ask) -> Result<(Told, String), Status> {
    let verbs = client.verbs();
    let done = (Told::Done, String::new());
    match asked {
        Ask::Hello(major) => {
            let api = Some(v1::ApiVersion { major, minor: 0 });
            let client = "bad".to_owned();
            verbs.hello(v1::HelloRequest { api, client }).await?;
        }
        Ask::Mappings(segment) => {
            let segment = Some(segment);
            verbs
                .list_mappings(v1::ListMappingsRequest { segment })
                .await?;
        }
        Ask::Paths(segment) => {
            let request = v1::CheckMtuRequest {
                segment: Some(segment),
                ..v1::CheckMtuRequest::default()
            };
            verbs.check_mtu(request).await?;
        }
        Ask::Describe(octets) => {
            let address = vec![0xfd; octets];
            verbs
                .describe_address(v1::DescribeAddressRequest { address })
                .await?;
        }
        Ask::Counters(port) => {
            let request = v1::ListCountersRequest {
                port: Some(port),
                ..v1::ListCountersRequest::default()
            };
            verbs.list_counters(request).await?;
        }
        Ask::Apply(parts) => {
            let reply = verbs.apply(tokio_stream::iter(parts)).await?.into_inner();
            if let Some(fault) = reply.diagnostics.into_iter().next() {
                assert_eq!(reply.revision, None);
                return Ok((Told::Fault, fault.message));
            }
        }
        Ask::Confirm(revision) => {
            verbs.confirm(v1::ConfirmRequest { revision }).await?;
        }
        Ask::Rollback(request) => {
            verbs.rollback(request).await?;
        }
        Ask::Change(transaction) => {
            let requests = tokio_stream::once(transaction);
            let mut answers = verbs.change_mappings(requests).await?.into_inner();
            let fate = answers.message().await?.and_then(|answer| answer.outcome);
            if let Some(Fate::Refused(refused)) = fate {
                return Ok((Told::Refusal(refused.refusal()), refused.message));
            }
        }
        Ask::AddPort(port, id) => {
            let (port, request_id) = (port.to_owned(), "x".repeat(id));
            verbs
                .add_port(v1::AddPortRequest { port, request_id })
                .await?;
        }
        Ask::RemovePort(name) => {
            let request_id = String::new();
            verbs
                .remove_port(v1::RemovePortRequest { name, request_id })
                .await?;
        }
        Ask::Export(network) => {
            let networks = vec![network.to_owned()];
            verbs.export(v1::ExportRequest { networks }).await?;
        }
        Ask::Watch(after) => {
            let after_revision = Some(after);
            verbs.watch(v1::WatchRequest { after_revision }).await?;
        }
    }
    Ok(done)
}
