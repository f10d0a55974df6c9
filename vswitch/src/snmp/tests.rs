//! Questions as they stand on the wire, and what agents say to them.

use std::time::Duration;

use datapath::books::{LegLine, LegNumbers};
use datapath::tables::Drawn;
use proptest::prelude::*;
use rasn::types::{Integer, ObjectIdentifier, OctetString};
use rasn_snmp::v2::{self, BulkPdu, Pdu, Pdus, VarBind, VarBindValue};
use rasn_snmp::v2c::Message;
use vnet::compiled::{Compiled, RouterId, Snmp};
use vnet::secret::Secret;

use super::answer::answer;
use super::message::{Asked, NoQuestion, Request};
use super::mib::router::{self, RouterView};
use super::mib::system::System;
use super::mib::{Mib, Oid, Value};
use crate::observe::drawings;

/// snmpget -v 2c -c public of sysDescr.0, as net-snmp 5.9 sends it.
const GET: &[u8] = &[
    0x30, 0x29, 0x02, 0x01, 0x01, 0x04, 0x06, b'p', b'u', b'b', b'l', b'i', b'c', 0xa0, 0x1c, 0x02,
    0x04, 0x2a, 0x10, 0x33, 0x44, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00, 0x30, 0x0e, 0x30, 0x0c, 0x06,
    0x08, 0x2b, 0x06, 0x01, 0x02, 0x01, 0x01, 0x01, 0x00, 0x05, 0x00,
];

/// sysDescr.0, and the prefix of everything there is.
const DESCRIPTION: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 1, 0];
const MIB_2: &[u32] = &[1, 3, 6, 1, 2, 1];

struct Router {
    view: RouterView,
    snmp: Snmp,
}

impl Router {
    /// The first of two networks' routers.
    fn new() -> Self {
        let compiled = drawings::two_networks();
        Self::of(&compiled)
    }

    fn of(compiled: &Compiled) -> Self {
        let drawn = Drawn::new(compiled, &[]);
        Self {
            view: RouterView::of(RouterId(0), compiled, &drawn).unwrap(),
            snmp: Snmp {
                community: Secret::new("public"),
                contact: "noc".to_owned(),
                location: String::new(),
            },
        }
    }

    fn mib(&self) -> Mib<'_> {
        let system = System {
            description: "a router".to_owned(),
            name: "j@r".to_owned(),
            snmp: &self.snmp,
            uptime: Duration::from_secs(3),
            services: router::SERVICES,
        };
        let counted = |_: LegLine| LegNumbers {
            in_packets: (1 << 32) + 5,
            ..LegNumbers::default()
        };
        self.view.mib(system, counted)
    }

    /// What it says to a question.
    fn says(&self, data: Pdus, room: usize) -> Pdu {
        let asked = message(data);
        let asked = Asked::read(&asked).unwrap();
        let said = answer(&asked, &self.mib(), room).unwrap();
        assert!(said.len() <= room, "{} in {room}", said.len());
        let said: Message<Pdus> = rasn::ber::decode(&said).unwrap();
        assert_eq!(said.community.to_vec(), b"public");
        let Pdus::Response(v2::Response(pdu)) = said.data else {
            panic!("{said:?}");
        };
        assert_eq!(pdu.request_id, 7);
        pdu
    }
}

fn message(data: Pdus) -> Vec<u8> {
    let message = Message {
        version: Integer::from(1),
        community: OctetString::from_static(b"public"),
        data,
    };
    rasn::ber::encode(&message).unwrap()
}

fn about(names: &[&[u32]]) -> Vec<VarBind> {
    let about = names.iter().map(|name| VarBind {
        name: ObjectIdentifier::new_unchecked(name.to_vec().into()),
        value: VarBindValue::Unspecified,
    });
    about.collect()
}

fn pdu(names: &[&[u32]]) -> Pdu {
    Pdu {
        request_id: 7,
        error_status: 0,
        error_index: 0,
        variable_bindings: about(names),
    }
}

fn bulk(non_repeaters: u32, max_repetitions: u32, names: &[&[u32]]) -> Pdus {
    Pdus::GetBulkRequest(v2::GetBulkRequest(BulkPdu {
        request_id: 7,
        non_repeaters,
        max_repetitions,
        variable_bindings: about(names),
    }))
}

fn names(pdu: &Pdu) -> Vec<Oid> {
    let bindings = pdu.variable_bindings.iter();
    bindings.map(|binding| binding.name.to_vec()).collect()
}

#[test]
fn what_net_snmp_sends_is_read() {
    let asked = Asked::read(GET).unwrap();
    assert_eq!(asked.community, b"public");
    assert_eq!(asked.request, Request::Get);
    assert_eq!(asked.names, [DESCRIPTION]);
    // Lengths in their long form, as others send them.
    let mut long = vec![0x30, 0x82, 0x00, 0x29];
    long.extend(&GET[2..]);
    assert_eq!(Asked::read(&long).unwrap().names, [DESCRIPTION]);
}

#[test]
fn other_versions_and_what_asks_nothing_are_told_apart() {
    let refused = |bytes: &[u8]| Asked::read(bytes).unwrap_err();
    for version in [0, 3] {
        let mut other = GET.to_vec();
        other[4] = version;
        assert_eq!(refused(&other), NoQuestion::WrongVersion, "{version}");
    }
    let response = message(Pdus::Response(v2::Response(pdu(&[DESCRIPTION]))));
    assert_eq!(refused(&response), NoQuestion::Malformed);
    for len in 0..GET.len() {
        assert_eq!(refused(&GET[..len]), NoQuestion::Malformed, "{len}");
    }
}

#[test]
fn get_tells_apart_what_is_not_there() {
    let router = Router::new();
    let asked: [&[u32]; 3] = [DESCRIPTION, &[1, 3, 6, 1, 2, 1, 1, 1, 1], &[1, 3, 6, 1, 9]];
    let said = router.says(Pdus::GetRequest(v2::GetRequest(pdu(&asked))), 1400);
    assert_eq!(names(&said), asked);
    let values: Vec<_> = said.variable_bindings.iter().map(|b| &b.value).collect();
    assert!(matches!(values[0], VarBindValue::Value(_)));
    assert_eq!(*values[1], VarBindValue::NoSuchInstance);
    assert_eq!(*values[2], VarBindValue::NoSuchObject);
}

#[test]
fn get_next_walks_to_the_end() {
    let router = Router::new();
    let next = |name: &[u32]| {
        let asked = Pdus::GetNextRequest(v2::GetNextRequest(pdu(&[name])));
        router.says(asked, 1400).variable_bindings.remove(0)
    };
    let (mut name, mut count) = (vec![0, 0], 0);
    loop {
        let found = next(&name);
        let found_name = found.name.to_vec();
        if found.value == VarBindValue::EndOfMibView {
            assert_eq!(found_name, name, "the end has the name that was asked for");
            break;
        }
        assert!(found_name > name && found_name.starts_with(MIB_2));
        (name, count) = (found_name, count + 1);
    }
    assert!(count > 100, "{count}");
}

#[test]
fn get_bulk_repeats_and_stops_where_it_is_full() {
    let router = Router::new();
    // One of the first, three of each of the others.
    let said = router.says(bulk(1, 3, &[MIB_2, MIB_2, &[1, 3, 6, 1, 2, 1, 2]]), 1400);
    let found = names(&said);
    assert_eq!(found.len(), 1 + 2 * 3);
    assert_eq!(found[0], DESCRIPTION);
    assert_eq!(
        (&found[1], &found[3]),
        (&found[0], &vec![1, 3, 6, 1, 2, 1, 1, 2, 0])
    );
    // As much as there is room for, and no error.
    let said = router.says(bulk(0, u32::MAX, &[MIB_2]), 484);
    let some = said.variable_bindings.len();
    assert!((5..40).contains(&some) && said.error_status == 0, "{some}");
    // Once everything is at its end, repeating says nothing new.
    let said = router.says(bulk(0, 1000, &[&[2, 0]]), 1400);
    assert_eq!(said.variable_bindings.len(), 1);
    assert_eq!(said.variable_bindings[0].value, VarBindValue::EndOfMibView);
    // More non-repeaters than objects.
    let said = router.says(bulk(9, 9, &[MIB_2]), 1400);
    assert_eq!(said.variable_bindings.len(), 1);
}

#[test]
fn what_does_not_fit_is_too_big() {
    let router = Router::new();
    let many = [DESCRIPTION; 60];
    let said = router.says(Pdus::GetRequest(v2::GetRequest(pdu(&many))), 600);
    assert_eq!(said.error_status, Pdu::ERROR_STATUS_TOO_BIG);
    assert_eq!((said.error_index, said.variable_bindings.len()), (0, 0));
}

#[test]
fn nothing_can_be_set() {
    let router = Router::new();
    let said = router.says(Pdus::SetRequest(v2::SetRequest(pdu(&[DESCRIPTION]))), 600);
    assert_eq!(said.error_status, Pdu::ERROR_STATUS_NOT_WRITABLE);
    assert_eq!(
        (said.error_index, names(&said)),
        (1, vec![DESCRIPTION.to_vec()])
    );
}

#[test]
fn a_routers_objects_are_what_is_drawn() {
    let router = Router::new();
    let mib = router.mib();
    let get = |prefix: &[u32], rest: &[u32]| mib.get(&[MIB_2, prefix, rest].concat());
    // J has a leg in front (0x00a001).
    let front = 0xa001;
    assert_eq!(get(&[2, 2, 1, 1], &[front]), Value::Integer(0xa001));
    assert_eq!(get(&[31, 1, 1, 1, 1], &[front]), Value::text("front"));
    assert_eq!(
        get(&[31, 1, 1, 1, 7], &[front]),
        Value::Counter64((1 << 32) + 5)
    );
    assert_eq!(
        get(&[2, 2, 1, 11], &[front]),
        Value::Counter32((1 << 32) + 5)
    );
    assert_eq!(get(&[4, 20, 1, 2], &[10, 0, 0, 1]), Value::Integer(0xa001));
    let mask = Value::Address([255, 255, 255, 0].into());
    assert_eq!(get(&[4, 20, 1, 3], &[10, 0, 0, 1]), mask);
    // Its segment; by L over a link that is none; by M in front; by a station.
    let route = |column, to: [u32; 4], mask: [u32; 4], via: [u32; 4]| {
        get(
            &[4, 24, 4, 1, column],
            &[&to[..], &mask, &[0], &via].concat(),
        )
    };
    let (slash_16, slash_24) = ([255, 255, 0, 0], [255, 255, 255, 0]);
    for (to, mask, via, index, kind) in [
        ([10, 0, 0, 0], slash_24, [0, 0, 0, 0], 0xa001, 3),
        ([10, 1, 5, 0], slash_24, [0, 0, 0, 0], 0, 4),
        ([10, 0, 5, 0], slash_24, [10, 0, 0, 254], 0xa001, 4),
        ([10, 7, 0, 0], slash_16, [10, 0, 0, 9], 0xa001, 4),
        ([10, 8, 0, 0], slash_16, [0, 0, 0, 0], 0, 4),
        ([10, 8, 0, 0], slash_16, [10, 0, 0, 254], 0xa001, 4),
    ] {
        assert_eq!(
            route(5, to, mask, via),
            Value::Integer(index),
            "{to:?} {via:?}"
        );
        assert_eq!(
            route(6, to, mask, via),
            Value::Integer(kind),
            "{to:?} {via:?}"
        );
    }
    assert_eq!(get(&[4, 24, 3], &[0]), Value::Gauge32(6));
    let inet = [1, 4, 10, 0, 5, 0, 24, 2, 0, 0, 1, 4, 10, 0, 0, 254];
    assert_eq!(get(&[4, 24, 7, 1, 7], &inet), Value::Integer(0xa001));
}

#[test]
fn a_counter_of_32_bits_wraps() {
    let said = super::message::binding(DESCRIPTION, Value::Counter32((7 << 32) + 5));
    let bytes = rasn::ber::encode(&said).unwrap();
    assert_eq!(bytes[bytes.len() - 3..], [0x41, 1, 5]);
}

proptest! {
    /// Whatever a tenant sends: nobody panics, and an answer fits.
    #[test]
    fn hostile_messages(bytes in prop::collection::vec(any::<u8>(), 0..200), room in 0..2000_usize) {
        tell(&bytes, room);
    }

    /// Nearly right is worse.
    #[test]
    fn damaged_questions(
        bulk_of in prop::option::of((any::<u32>(), any::<u32>())),
        names in prop::collection::vec(prop::collection::vec(any::<u32>(), 0..12), 0..8),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
        room in 0..2000_usize,
    ) {
        let named: Vec<Oid> = names.iter().map(|rest| [&[1, 3], &rest[..]].concat()).collect();
        let named: Vec<&[u32]> = named.iter().map(Vec::as_slice).collect();
        let mut bytes = message(match bulk_of {
            Some((once, often)) => bulk(once, often, &named),
            None => Pdus::GetNextRequest(v2::GetNextRequest(pdu(&named))),
        });
        for (at, byte) in damages {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        tell(&bytes, room);
    }
}

fn tell(bytes: &[u8], room: usize) {
    thread_local! {
        static ROUTER: Router = Router::new();
    }
    let Ok(asked) = Asked::read(bytes) else {
        return;
    };
    ROUTER.with(|router| {
        if let Some(said) = answer(&asked, &router.mib(), room) {
            assert!(said.len() <= room, "{} in {room}", said.len());
        }
    });
}
