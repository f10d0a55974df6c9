//! The changing verbs as the socket answers them, whoever the client is.

use control_api::v1::apply_request::Part;
use control_api::v1::change_mappings_reply::Outcome;
use control_api::v1::event::What;
use control_api::{Client, v1};
use tokio_stream::StreamExt as _;
use tonic::{Code, Status};
use vswitch::commit::{Author, Revision};

use crate::administration::{FakeAdministration, Order};
use crate::fake::Fake;
use crate::hostile::inputs::client_side;
use crate::lab::Lab;

/// A conversation with a server over this administration.
fn converse<F: Future>(
    administration: FakeAdministration,
    conversation: impl FnOnce(Client, std::sync::Arc<FakeAdministration>) -> F,
) -> F::Output {
    let administration = std::sync::Arc::new(administration);
    let lab = Lab::start(Fake {
        administration: administration.clone(),
        ..Fake::default()
    });
    client_side(async {
        let client = Client::connect(&lab.socket, "test").await.unwrap();
        conversation(client, administration).await
    })
}

pub(crate) fn options(options: v1::ApplyOptions) -> v1::ApplyRequest {
    v1::ApplyRequest {
        part: Some(Part::Options(options)),
    }
}

pub(crate) fn piece(name: &str, text: &str) -> v1::ApplyRequest {
    v1::ApplyRequest {
        part: Some(Part::Piece(v1::FilePiece {
            name: name.to_owned(),
            text: text.to_owned(),
        })),
    }
}

async fn apply(
    client: &mut Client,
    parts: Vec<v1::ApplyRequest>,
) -> Result<v1::ApplyReply, Status> {
    let parts = tokio_stream::iter(parts);
    Ok(client.verbs().apply(parts).await?.into_inner())
}

/// A mapping of segment 0xa001, by the last octets of its address.
pub(crate) fn put(low: u32) -> v1::MappingChange {
    v1::MappingChange {
        segment: 0xa001,
        address: 0x0a00_0000 + low,
        remove: false,
        locator: 0xfd00_0000_0000_000b,
        slot: 0,
        mac: 0x0200_0000_0003,
    }
}

pub(crate) fn transaction(id: &str, changes: Vec<v1::MappingChange>) -> v1::ChangeMappingsRequest {
    v1::ChangeMappingsRequest {
        request_id: id.to_owned(),
        changes,
        ..v1::ChangeMappingsRequest::default()
    }
}

async fn change(
    client: &mut Client,
    transactions: Vec<v1::ChangeMappingsRequest>,
) -> Vec<Result<v1::ChangeMappingsReply, Status>> {
    let requests = tokio_stream::iter(transactions);
    let answers = client.verbs().change_mappings(requests).await.unwrap();
    answers.into_inner().collect().await
}

fn committed(answer: &Result<v1::ChangeMappingsReply, Status>) -> v1::MappingsCommitted {
    match answer.as_ref().unwrap().outcome.clone().unwrap() {
        Outcome::Committed(committed) => committed,
        Outcome::Refused(refused) => panic!("{refused:?}"),
    }
}

fn refused(answer: &Result<v1::ChangeMappingsReply, Status>) -> v1::MappingsRefused {
    match answer.as_ref().unwrap().outcome.clone().unwrap() {
        Outcome::Refused(refused) => refused,
        Outcome::Committed(committed) => panic!("{committed:?}"),
    }
}

#[test]
fn files_are_put_together_from_their_pieces() {
    converse(FakeAdministration::default(), async |mut client, daemon| {
        let parts = vec![
            options(v1::ApplyOptions {
                prune: true,
                expected_revision: Some(809),
                confirm_within_ms: Some(60_000),
                request_id: "one".to_owned(),
                ..v1::ApplyOptions::default()
            }),
            piece("z.yaml", "network: z\n"),
            piece("z.yaml", "entity: Z\n"),
            piece("y.yaml", "network: y\n"),
            piece("z.yaml", "network: x\n"),
        ];
        let reply = apply(&mut client, parts.clone()).await.unwrap();
        assert_eq!(reply.revision, Some(813));
        assert_eq!((reply.seen_us, reply.durable), (Some(37), true));
        assert_eq!(reply.plan.unwrap().lines.len(), 2);
        let orders = daemon.orders();
        let [Order::Apply(order)] = &orders[..] else {
            panic!("{orders:?}");
        };
        let files = order.files.iter();
        let files: Vec<_> = files
            .map(|(n, t)| (n.to_str().unwrap(), t.as_str()))
            .collect();
        assert_eq!(
            files,
            [
                ("z.yaml", "network: z\nentity: Z\n"),
                ("y.yaml", "network: y\n"),
                ("z.yaml", "network: x\n"),
            ]
        );
        assert!(order.prune && !order.dry_run);
        assert_eq!(order.expected, Some(Revision(809)));
        assert_eq!(order.confirm_within.unwrap().as_secs(), 60);
        assert!(order.author.uid.is_some());
        // The same again is not done again.
        let again = apply(&mut client, parts).await.unwrap();
        assert_eq!((again.revision, again.repeated), (Some(813), true));
    });
}

#[test]
fn every_order_says_whose_it_is() {
    converse(FakeAdministration::default(), async |mut client, daemon| {
        let request_id = || "mine".to_owned();
        let named = options(v1::ApplyOptions {
            request_id: request_id(),
            ..v1::ApplyOptions::default()
        });
        let parts = vec![named, piece("z.yaml", "unchanged")];
        apply(&mut client, parts).await.unwrap();
        let transactions = vec![transaction("mine", vec![put(10)])];
        change(&mut client, transactions).await;
        let verbs = client.verbs();
        let back = v1::RollbackRequest {
            request_id: request_id(),
            ..v1::RollbackRequest::default()
        };
        verbs.rollback(back).await.unwrap();
        let add = v1::AddPortRequest {
            port: "{ name: vm-b }".to_owned(),
            request_id: request_id(),
        };
        verbs.add_port(add).await.unwrap();
        let remove = v1::RemovePortRequest {
            name: "vm-b".to_owned(),
            request_id: request_id(),
        };
        verbs.remove_port(remove).await.unwrap();
        let orders = daemon.orders();
        assert_eq!(orders.len(), 5);
        let uid = Some(nix::unistd::Uid::effective().as_raw());
        for order in &orders {
            assert_eq!(order.whose(), (Author { uid }, Some("mine")), "{order:?}");
        }
        let request = v1::ConfirmRequest { revision: 5 };
        verbs.confirm(request).await.unwrap_err();
        let orders = daemon.orders();
        assert!(matches!(
            orders[5],
            Order::Confirm(Author { .. }, Revision(5))
        ));
    });
}

#[test]
fn what_waits_to_be_confirmed_is_confirmed_once() {
    converse(FakeAdministration::default(), async |mut client, _| {
        let trial = options(v1::ApplyOptions {
            confirm_within_ms: Some(60_000),
            ..v1::ApplyOptions::default()
        });
        let parts = vec![trial, piece("z.yaml", "network: z\n")];
        let revision = apply(&mut client, parts).await.unwrap().revision.unwrap();
        let request = v1::ConfirmRequest { revision };
        let confirmed = client.verbs().confirm(request).await.unwrap();
        assert_eq!(confirmed.into_inner().revision, revision);
        let again = client.verbs().confirm(request).await.unwrap_err();
        assert_eq!(again.code(), Code::FailedPrecondition);
    });
}

#[test]
fn a_way_back_is_a_revision_of_its_own() {
    converse(FakeAdministration::default(), async |mut client, _| {
        let to = |revision| v1::RollbackRequest {
            revision,
            ..v1::RollbackRequest::default()
        };
        let back = client.verbs().rollback(to(Some(790))).await.unwrap();
        assert_eq!(back.into_inner().revision, Some(813));
        let unknown = client.verbs().rollback(to(Some(5))).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        let history = client.verbs().history(v1::HistoryRequest {}).await.unwrap();
        let page = history.into_inner().next().await.unwrap().unwrap();
        assert_eq!(page.entries.len(), 4);
        assert_eq!(page.entries[0].cause(), v1::HistoryCause::RolledBack);
        assert!(page.entries[0].current && !page.entries[1].current);
        assert_eq!(page.entries[3].uid, None);
    });
}

#[test]
fn a_stale_expectation_is_an_aborted_change() {
    converse(FakeAdministration::default(), async |mut client, daemon| {
        let stale = options(v1::ApplyOptions {
            expected_revision: Some(5),
            ..v1::ApplyOptions::default()
        });
        let parts = vec![stale, piece("z.yaml", "network: z\n")];
        let status = apply(&mut client, parts).await.unwrap_err();
        assert_eq!(status.code(), Code::Aborted);
        assert!(status.message().contains("expected revision 5"), "{status}");
        assert_eq!(daemon.revision(), Revision(812));
    });
}

#[test]
fn faults_come_in_the_answer_as_many_as_anybody_reads() {
    converse(FakeAdministration::default(), async |mut client, _| {
        let text = "fault: a is b\n".repeat(1200);
        let parts = vec![options(v1::ApplyOptions::default()), piece("z.yaml", &text)];
        let reply = apply(&mut client, parts).await.unwrap();
        assert_eq!(reply.revision, None);
        assert_eq!(reply.diagnostics.len(), 1001);
        assert_eq!(
            (reply.diagnostics[999].line, &*reply.diagnostics[999].file),
            (1000, "z.yaml")
        );
        assert_eq!(reply.diagnostics[1000].message, "there are 200 more");
    });
}

#[test]
fn each_transaction_has_its_answer_in_order() {
    converse(FakeAdministration::default(), async |mut client, daemon| {
        let elsewhere = v1::MappingChange {
            segment: 0xbbbb,
            ..put(9)
        };
        let gone = v1::MappingChange {
            remove: true,
            ..put(11)
        };
        let moved = v1::MappingChange {
            locator: 0xfd00_0000_0000_000c,
            ..put(10)
        };
        let answers = change(
            &mut client,
            vec![
                transaction("a", vec![put(10), put(11)]),
                transaction("b", vec![put(12), elsewhere]),
                transaction("c", vec![put(13), put(2)]),
                transaction("a", vec![put(10), put(11)]),
                transaction("d", vec![moved, gone, put(14), put(14)]),
            ],
        )
        .await;
        let ids: Vec<_> = answers
            .iter()
            .map(|a| a.as_ref().unwrap().request_id.clone())
            .collect();
        assert_eq!(ids, ["a", "b", "c", "a", "d"]);
        let first = committed(&answers[0]);
        assert_eq!((first.revision, first.added, first.seen_us), (813, 2, 37));
        let second = refused(&answers[1]);
        assert_eq!(second.refusal(), v1::Refusal::NoSuchSegment);
        assert_eq!(second.change, Some(1));
        assert_eq!(refused(&answers[2]).refusal(), v1::Refusal::Drawn);
        let fourth = committed(&answers[3]);
        assert_eq!((fourth.revision, fourth.repeated), (813, true));
        let fifth = committed(&answers[4]);
        let counts = (fifth.added, fifth.changed, fifth.removed, fifth.unchanged);
        assert_eq!(counts, (1, 1, 1, 1));
        assert_eq!(daemon.loaded(), 2);
    });
}

#[test]
fn a_full_table_refuses_a_transaction_and_takes_the_next() {
    let small = FakeAdministration {
        capacity: 2,
        ..FakeAdministration::default()
    };
    converse(small, async |mut client, daemon| {
        let three = transaction("three", vec![put(10), put(11), put(12)]);
        let two = transaction("two", vec![put(10), put(11)]);
        let answers = change(&mut client, vec![three, two]).await;
        let full = refused(&answers[0]);
        assert_eq!(full.refusal(), v1::Refusal::TableFull);
        assert!(full.message.contains("tables.mappings"), "{full:?}");
        assert_eq!(committed(&answers[1]).added, 2);
        assert_eq!(daemon.loaded(), 2);
    });
}

/// Nothing is answered, so nothing more is taken: what the client sends waits
/// in the client.
#[test]
fn a_stream_takes_no_more_than_it_can_answer() {
    let silent = FakeAdministration {
        silent: true,
        ..FakeAdministration::default()
    };
    converse(silent, async |mut client, daemon| {
        let endless = tokio_stream::iter((0..1000).map(|n| {
            let changes = (0..8192).map(|low| put(256 + low)).collect();
            transaction(&n.to_string(), changes)
        }));
        let answers = client.verbs().change_mappings(endless).await.unwrap();
        let mut before = 0;
        loop {
            tokio::time::sleep(core::time::Duration::from_millis(100)).await;
            let now = daemon.orders().len();
            if now == before && now > 0 {
                break;
            }
            before = now;
        }
        assert_eq!(before, 8);
        drop(answers);
    });
}

#[test]
fn ports_come_and_go() {
    converse(FakeAdministration::default(), async |mut client, _| {
        let add = |port: &str| v1::AddPortRequest {
            port: port.to_owned(),
            request_id: String::new(),
        };
        let remove = |name: &str| v1::RemovePortRequest {
            name: name.to_owned(),
            request_id: String::new(),
        };
        let entry = "{ name: vm-b, vhost: /run/vswitch/vm-b.sock }";
        let added = client.verbs().add_port(add(entry)).await.unwrap();
        assert_eq!(
            (&*added.get_ref().name, added.get_ref().revision),
            ("vm-b", 813)
        );
        let twice = client.verbs().add_port(add(entry)).await.unwrap_err();
        assert_eq!(twice.code(), Code::FailedPrecondition);
        let nameless = client
            .verbs()
            .add_port(add("{ vhost: x }"))
            .await
            .unwrap_err();
        assert_eq!(nameless.code(), Code::InvalidArgument);
        assert!(nameless.message().contains("remedy: "), "{nameless}");
        let gone = client.verbs().remove_port(remove("vm-b")).await.unwrap();
        assert_eq!(gone.get_ref().revision, 814);
        let unknown = client
            .verbs()
            .remove_port(remove("vm-b"))
            .await
            .unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
    });
}

#[test]
fn an_export_arrives_whole_in_small_pieces() {
    let long = FakeAdministration {
        export_padding: 1_000_000,
        ..FakeAdministration::default()
    };
    converse(long, async |mut client, _| {
        let all = v1::ExportRequest::default();
        let pieces = client.verbs().export(all).await.unwrap().into_inner();
        let pieces: Vec<_> = pieces.map(|piece| piece.unwrap().text).collect().await;
        assert!(pieces.len() > 15 && pieces.iter().all(|piece| piece.len() <= 64 << 10));
        let text = pieces.concat();
        assert_eq!(text.len(), "---\nnetwork: z\nentity: Z\n".len() + 1_000_000);
        let networks = vec!["y".to_owned()];
        let unknown = client.verbs().export(v1::ExportRequest { networks }).await;
        assert_eq!(unknown.unwrap_err().code(), Code::NotFound);
    });
}

#[test]
fn a_watcher_is_told_of_everything_from_where_it_begins() {
    converse(FakeAdministration::default(), async |mut client, daemon| {
        let from = |after_revision| v1::WatchRequest { after_revision };
        let mut told = client.verbs().watch(from(None)).await.unwrap().into_inner();
        let first = told.message().await.unwrap().unwrap();
        assert_eq!((first.revision, first.events.len()), (812, 0));
        let answers = change(&mut client, vec![transaction("", vec![put(10)])]).await;
        committed(&answers[0]);
        let page = told.message().await.unwrap().unwrap();
        assert_eq!(page.revision, 813);
        assert_eq!(page.events[0].what, Some(What::Mapping(put(10))));
        daemon.happens(vswitch::commit::What::PortAdded("vm-b".to_owned()));
        let page = told.message().await.unwrap().unwrap();
        assert_eq!(
            page.events[0].what,
            Some(What::PortAdded("vm-b".to_owned()))
        );
        // Another begins in between.
        let mut late = client
            .verbs()
            .watch(from(Some(813)))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(late.message().await.unwrap().unwrap().revision, 814);
        let page = late.message().await.unwrap().unwrap();
        assert_eq!((page.events.len(), page.events[0].revision), (1, 814));
        for unknown in [1, 900] {
            let status = client.verbs().watch(from(Some(unknown))).await.unwrap_err();
            assert_eq!(status.code(), Code::OutOfRange, "{status}");
        }
    });
}

#[test]
fn tables_are_listed() {
    converse(FakeAdministration::default(), async |mut client, _| {
        let tables = client.verbs().list_tables(v1::ListTablesRequest {}).await;
        let tables = tables.unwrap().into_inner().tables;
        assert_eq!(tables[0].capacity, Some(12_000_000));
        assert_eq!((&*tables[1].name, tables[1].capacity), ("hosts", None));
    });
}
