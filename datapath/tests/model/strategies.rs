//! Arbitrary valid IPv4 packets: every header field, every protocol, options,
//! sizes to 9000 and a little beyond, fragments, ICMP errors about any of them.
//! What is rare on wires is common here, and what is an edge is common, too.

use proptest::prelude::*;
use proptest::sample::select;

use super::draft::{Body, Data, Draft, Extension, Field, Opt, Piece, Quote, Whose};

/// Any packet.
pub fn drafts() -> BoxedStrategy<Draft> {
    let body = prop_oneof![12 => bodies(lengths().boxed()), 4 => errors()];
    draft(body.boxed(), pieces().boxed())
}

fn draft(body: BoxedStrategy<Body>, piece: BoxedStrategy<Option<Piece>>) -> BoxedStrategy<Draft> {
    let numbers = (any::<u8>(), ids(), ttls());
    let flags = (rarely(), any::<bool>());
    (numbers, flags, option_lists(), piece, body)
        .prop_map(
            |((tos, id, ttl), (reserved, dont_fragment), options, piece, body)| Draft {
                tos,
                id,
                ttl,
                reserved,
                dont_fragment,
                options,
                piece,
                body,
            },
        )
        .boxed()
}

fn rarely() -> impl Strategy<Value = bool> {
    prop_oneof![24 => Just(false), 1 => Just(true)]
}

fn ids() -> impl Strategy<Value = u16> {
    prop_oneof![3 => any::<u16>(), 1 => Just(0)]
}

fn ttls() -> impl Strategy<Value = u8> {
    prop_oneof![3 => any::<u8>(), 1 => select(vec![0, 1, 1, 2, 2, 3, 64, 255])]
}

/// Payload sizes, many of them where something ends: the least MTU of IPv6,
/// Ethernet's, those of the fabrics, each less every header there may be.
fn lengths() -> impl Strategy<Value = u16> {
    prop_oneof![
        8 => 0..100u16,
        3 => 1180..1290u16,
        5 => 1380..1510u16,
        1 => 8840..9110u16,
        1 => 0..9200u16,
    ]
}

fn data(len: BoxedStrategy<u16>) -> impl Strategy<Value = Data> {
    let seed = prop_oneof![7 => any::<u32>(), 1 => Just(0)];
    (len, seed).prop_map(|(len, seed)| Data { len, seed })
}

fn fields() -> impl Strategy<Value = Field> {
    prop_oneof![
        12 => Just(Field::Right),
        1 => Just(Field::Wrong),
        1 => Just(Field::Zero),
        1 => Just(Field::AllOnes),
        1 => Just(Field::ComputedZero),
    ]
}

/// Those that are carried as they are, and those that may never be a next
/// header, besides any.
fn protocols() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => any::<u8>(),
        2 => select(vec![2, 4, 41, 47, 50, 89, 112, 132, 253]),
        2 => select(vec![0, 43, 44, 51, 58, 59, 60, 97, 135, 139, 140]),
        // Too short for their headers, too.
        1 => select(vec![1, 6, 17, 33, 136]),
    ]
}

fn bodies(len: BoxedStrategy<u16>) -> impl Strategy<Value = Body> {
    let with_ports = (
        select(vec![6, 6, 17, 17, 33, 136]),
        prop_oneof![
            7 => any::<(u16, u16)>(),
            // Where a router listens, too.
            1 => (any::<u16>(), Just(161)),
        ],
        data(len.clone()),
        fields(),
    )
        .prop_map(|(protocol, ports, data, checksum)| Body::Transport {
            protocol,
            ports,
            data,
            checksum,
        });
    let opaque = (protocols(), data(len.clone()))
        .prop_map(|(protocol, data)| Body::Opaque { protocol, data });
    let kinds = prop_oneof![
        6 => select(vec![(0, 0), (8, 0)]),
        1 => any::<(u8, u8)>(),
        1 => (any::<u8>(), Just(0)),
    ];
    let word = prop_oneof![7 => any::<u32>(), 1 => Just(0)];
    let icmp =
        (kinds, word, data(len), fields()).prop_map(|(kind, word, data, checksum)| Body::Icmp {
            kind,
            word,
            data,
            checksum,
        });
    prop_oneof![6 => with_ports, 3 => opaque, 3 => icmp]
}

fn pieces() -> impl Strategy<Value = Option<Piece>> {
    let offsets = prop_oneof![
        3 => Just(0),
        4 => 1..8u16,
        3 => 1..200u16,
        // The end of what an IPv4 datagram can have, and beyond.
        2 => 8000..=8191u16,
    ];
    let lens = prop_oneof![
        3 => (1..20u16).prop_map(|units| units * 8),
        2 => 0..64u16,
        4 => (150..188u16).prop_map(|units| units * 8),
        2 => 1200..1500u16,
        1 => 0..9000u16,
        1 => Just(0),
    ];
    let piece = (offsets, any::<bool>(), lens).prop_map(|(offset, more, len)| {
        let whole = offset == 0 && !more;
        (!whole).then_some(Piece { offset, more, len })
    });
    prop_oneof![4 => Just(None), 1 => piece]
}

fn option_lists() -> impl Strategy<Value = Vec<Opt>> {
    let few = 0..9u8;
    let option = prop_oneof![
        2 => Just(Opt::Nop),
        1 => Just(Opt::End),
        3 => (few.clone(), few.clone()).prop_map(|(room, used)| Opt::RecordRoute(room, used)),
        2 => (few.clone(), few.clone()).prop_map(|(room, used)| Opt::Timestamp(room, used)),
        3 => Just(Opt::RouterAlert),
        1 => (few.clone(), few.clone()).prop_map(|(room, used)| Opt::LooseRoute(room, used)),
        1 => (few.clone(), few).prop_map(|(room, used)| Opt::StrictRoute(room, used)),
        // Security, stream id, experiments: copied and not.
        3 => (select(vec![130, 136, 94, 158, 205, 30]), 0..12u8)
            .prop_map(|(kind, len)| Opt::Other(kind, len)),
    ];
    prop_oneof![
        12 => Just(Vec::new()),
        1 => prop::collection::vec(option, 1..6),
    ]
}

/// ICMP errors, from the textbook's to those that quote anything.
fn errors() -> impl Strategy<Value = Body> {
    let kinds = prop_oneof![
        6 => select(vec![(3, 1), (3, 3), (3, 4), (11, 0), (11, 1), (12, 0), (3, 2), (3, 10)]),
        2 => (select(vec![3, 4, 5, 11, 12]), 0..17u8),
    ];
    let words = prop_oneof![
        3 => Just(0),
        2 => 0..0x1_0000u32,
        1 => 1200..9001u32,
        1 => any::<u32>(),
        1 => (0..24u32).prop_map(|pointer| pointer << 24),
    ];
    let checksum = prop_oneof![12 => Just(Field::Right), 1 => fields()];
    (kinds, words, quotes(), checksum).prop_map(|(kind, word, quote, checksum)| Body::Error {
        kind,
        word,
        quote: Box::new(quote),
        checksum,
    })
}

fn quotes() -> impl Strategy<Value = Quote> {
    let short = prop_oneof![6 => 0..80u16, 1 => 480..700u16, 1 => 1100..1300u16].boxed();
    let piece = prop_oneof![5 => Just(None), 1 => pieces()].boxed();
    let wild = draft(bodies(short.clone()).boxed(), piece);
    // What our own receivers deliver: DF with id 0, and nothing odd.
    let tame = (any::<u8>(), ttls(), bodies(short)).prop_map(|(tos, ttl, body)| Draft {
        tos,
        id: 0,
        ttl,
        reserved: false,
        dont_fragment: true,
        options: Vec::new(),
        piece: None,
        body,
    });
    let whose = prop_oneof![
        10 => Just(Whose::Receivers),
        1 => Just(Whose::Senders),
        1 => any::<([u8; 4], [u8; 4])>().prop_map(|(from, to)| Whose::Strangers(from, to)),
    ];
    let cut = prop_oneof![
        3 => Just(28),
        3 => Just(u16::MAX),
        1 => 548..549u16,
        2 => 0..80u16,
        1 => 120..140u16,
    ];
    let extension = (any::<bool>(), data((0..40u16).boxed()))
        .prop_map(|(length_said, data)| Some(Extension { length_said, data }));
    let extension = prop_oneof![6 => Just(None), 1 => extension];
    let draft = prop_oneof![3 => tame.boxed(), 2 => wild];
    (draft, whose, cut, rarely(), extension).prop_map(
        |(draft, whose, cut, header_checksum_wrong, extension)| Quote {
            draft,
            whose,
            cut,
            header_checksum_wrong,
            extension,
        },
    )
}
