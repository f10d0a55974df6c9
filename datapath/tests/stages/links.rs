//! Which tags does a link show? Every kind of sender's link against every kind of
//! receiver's, on one host and across two: tags are the link's, and nobody else
//! sees them.

use core::num::NonZeroU16;

use datapath::pipeline::{DropReason, Verdict};
use datapath::tables::PortOffloads;
use packet::build::Frame;
use packet::{
    EtherType, InnerTag, MacAddr, MplsLabel, Offload, OuterKind, OuterTag, Tags, TransportChecksum,
    VlanId,
};
use vnet::compiled::{LinkType, PortId};

use super::rewrite::with_id;
use crate::bench::host::{Host, Outcome};
use crate::bench::random::Random;
use crate::bench::{
    A, BACK, C, F, F_BACK, FRONT, G, J, Plan, R_UPLINKS, Site, VLAN_FRONT, cross, frame, segment,
    stew, v4,
};

const LABEL: u32 = 1000;
const OTHER_LABEL: u32 = 2000;
const S_TAG: u16 = 300;

fn outer(kind: OuterKind) -> Option<OuterTag> {
    let vlan = VlanId::new(S_TAG).unwrap();
    Some(OuterTag { kind, vlan })
}

fn vlan() -> Option<InnerTag> {
    Some(InnerTag::Vlan(VlanId::new(VLAN_FRONT).unwrap()))
}

fn label(label: u32) -> Option<InnerTag> {
    Some(InnerTag::Label(MplsLabel::new(label).unwrap()))
}

/// The kinds of links that there are: the three of 802.1Q first.
fn links() -> Vec<(&'static str, LinkType, Tags)> {
    use LinkType::{Access, Trunk, TrunkNative};
    let tags = |outer, inner| Tags { outer, inner };
    let service = outer(OuterKind::Service);
    vec![
        ("access", Access, Tags::NONE),
        ("trunk", Trunk, tags(None, vlan())),
        ("native", TrunkNative, Tags::NONE),
        ("label", Trunk, tags(None, label(LABEL))),
        ("access of a provider", Access, tags(service, None)),
        ("trunk of a provider", Trunk, tags(service, vlan())),
        ("label of a provider", Trunk, tags(service, label(LABEL))),
        (
            "0x8100 twice",
            Trunk,
            tags(outer(OuterKind::Customer), vlan()),
        ),
        ("0x9100", Trunk, tags(outer(OuterKind::Legacy), vlan())),
    ]
}

/// The host whose node's interface in `front` has such a link.
fn with(mut plan: Plan, node: &str, link: LinkType, tags: Tags) -> Plan {
    let interfaces = plan.compiled.interfaces.iter_mut();
    let mut its = interfaces.filter(|i| i.node == node && i.segment == segment(FRONT));
    let interface = its.next().unwrap();
    (interface.link, interface.tags) = (link, tags);
    plan
}

/// A frame as it is on a link with these tags.
fn on(tags: Tags, mut frame: Frame) -> Frame {
    if let Some(outer) = tags.outer {
        frame = frame.tag(outer.kind.ether_type(), outer.vlan.get());
    }
    match tags.inner {
        None => frame,
        Some(InnerTag::Vlan(vlan)) => frame.vlan(vlan.get()),
        Some(InnerTag::Label(label)) => frame.label(label.get()),
    }
}

/// The same for ARP, which no label stands before.
fn arp_on(tags: Tags, frame: Frame) -> Frame {
    let inner = tags.inner.filter(|_| tags.label().is_none());
    on(Tags { inner, ..tags }, frame)
}

#[test]
fn on_one_host_the_receivers_link_decides() {
    for (from_name, from_link, from) in links() {
        for (to_name, to_link, to) in links() {
            let plan = with(Plan::of(Site::R), "a", from_link, from);
            let mut r = with(plan, "f", to_link, to).host();
            let udp = |frame: Frame| frame.ipv4(A.ip, F.ip).ttl(7).udp(1, 2, b"data");
            let sent = udp(on(from, frame(A, F)));
            let arrived = r.node_sends(A.port, &sent).forwarded(F.port);
            assert_eq!(
                arrived,
                udp(on(to, frame(A, F))),
                "{from_name} to {to_name}"
            );
        }
    }
}

#[test]
fn across_the_fabric_nothing_of_a_link_is_seen_and_the_receivers_decides() {
    let udp = |frame: Frame| frame.ipv4(A.ip, G.ip).ttl(7).udp(1, 2, b"data");
    let plain = Plan::of(Site::R)
        .host()
        .node_sends(A.port, &udp(frame(A, G)));
    let plain = plain.forwarded(R_UPLINKS[0]);
    for (from_name, from_link, from) in links() {
        let mut r = with(Plan::of(Site::R), "a", from_link, from).host();
        let sent = r.node_sends(A.port, &udp(on(from, frame(A, G))));
        let fabric = sent.forwarded(R_UPLINKS[0]);
        assert_eq!(fabric, plain, "{from_name}: nothing of it is on the fabric");
        for (to_name, to_link, to) in links() {
            let mut s = with(Plan::of(Site::S), "g", to_link, to).host();
            let arrived = s.substrate_delivers(&cross(&fabric, Site::S));
            let arrived = arrived.forwarded(G.port);
            let expected = udp(on(to, frame(A, G)));
            let tags = expected.len() - udp(frame(A, G)).len();
            assert_eq!(
                arrived[..14 + tags],
                expected[..14 + tags],
                "{from_name} to {to_name}"
            );
            let bare = |frame: &[u8]| [&[0; 14], &frame[14 + tags..]].concat();
            assert_eq!(bare(&arrived), with_id(&bare(&expected), [0, 0]));
        }
    }
}

#[test]
fn answers_have_the_tags_of_whoever_asks() {
    for (name, link, tags) in links() {
        let mut r = with(Plan::of(Site::R), "a", link, tags).host();
        let ask = Frame::between(A.mac, MacAddr::BROADCAST);
        let answer = r.node_sends(A.port, &arp_on(tags, ask).arp_request(A.ip, G.ip));
        let expected = arp_on(tags, frame(G, A)).arp_reply(G.ip, A.ip);
        assert_eq!(answer.reply(), expected, "{name}: ARP");
        let ping = on(tags, frame(A, J))
            .ipv4(A.ip, J.ip)
            .icmp_echo(7, 1, b"ping");
        let pong = r.node_sends(A.port, &ping).reply();
        let like = on(tags, frame(J, A))
            .ipv4(J.ip, A.ip)
            .icmp_echo(7, 1, b"ping");
        let head = like.len() - (20 + 8 + 4);
        assert_eq!(pong[..head], like[..head], "{name}: a router's answer");
    }
}

#[test]
fn a_copy_for_many_has_each_links_tags() {
    let all = Frame::between(A.mac, MacAddr::BROADCAST);
    let udp = |frame: Frame| frame.ipv4(A.ip, [255; 4]).ttl(3).udp(1, 2, b"all");
    for (name, link, tags) in links() {
        let mut r = with(Plan::of(Site::R), "f", link, tags).host();
        let sent = r.node_sends(A.port, &udp(all.clone())).sent;
        let at_f = sent.into_iter().find(|(port, _)| port.0 == F.port);
        assert_eq!(at_f.unwrap().1, udp(on(tags, all.clone())), "{name}");
    }
}

/// F with labels in both of its segments, or in `front` alone.
fn labelled(native: Tags) -> Plan {
    let of = |inner| Tags { outer: None, inner };
    let mut plan = with(Plan::of(Site::R), "f", LinkType::Trunk, of(label(LABEL)));
    let interfaces = plan.compiled.interfaces.iter_mut();
    for interface in interfaces.filter(|i| i.node == "f" && i.segment == segment(BACK)) {
        interface.tags = native;
    }
    plan
}

#[test]
fn arp_without_a_label_is_of_the_segment_where_its_sender_is() {
    let both = Tags {
        outer: None,
        inner: label(OTHER_LABEL),
    };
    for native in [both, Tags::NONE] {
        let mut r = labelled(native).host();
        let ask = Frame::between(F.mac, MacAddr::BROADCAST);
        let answer = r.node_sends(F.port, &ask.clone().arp_request(F.ip, A.ip));
        assert_eq!(answer.reply(), frame(A, F).arp_reply(A.ip, F.ip));
        let answer = r.node_sends(F.port, &ask.clone().arp_request(F_BACK.ip, C.ip));
        assert_eq!(answer.reply(), frame(C, F_BACK).arp_reply(C.ip, F_BACK.ip));
        // Neither may ask on behalf of somebody else, or in the other's segment.
        let spoofed = r.node_sends(F.port, &ask.clone().arp_request(C.ip, A.ip));
        assert_eq!(spoofed.dropped(), DropReason::SpoofedArp);
        let elsewhere = r.node_sends(F.port, &ask.clone().arp_request(F.ip, C.ip));
        assert_eq!(elsewhere.dropped(), DropReason::ArpNoSuchAddress);
        // A probe (RFC 5227) is of the segment whose address it is about.
        let probe = r.node_sends(F.port, &ask.arp_request([0; 4], F_BACK.ip));
        let back = probe.cx.from.unwrap().segment;
        assert_eq!(back, segment(BACK));
    }
}

#[test]
fn a_label_is_the_links_own_and_the_only_one() {
    let mut r = labelled(Tags::NONE).host();
    let ip = |frame: Frame| frame.ipv4(F.ip, A.ip).udp(1, 2, b"x");
    let from_f = |label| frame(F, A).label(label);
    let good = ip(from_f(LABEL));
    assert_eq!(
        r.node_sends(F.port, &good).forwarded(A.port),
        ip(frame(F, A))
    );
    let mut refused = |sent: &[u8]| r.node_sends(F.port, sent).dropped();
    assert_eq!(refused(&ip(from_f(OTHER_LABEL))), DropReason::UnknownTag);
    // Labels below 16 mean something else (RFC 3032 §2.1): 0 is "explicit null".
    assert_eq!(refused(&ip(from_f(0))), DropReason::UnknownTag);
    let mut two = good.clone();
    two[16] &= 0xfe;
    assert_eq!(refused(&two), DropReason::LabelMalformed);
    let v6 = from_f(LABEL).ipv6([1; 8], [2; 8]).udp(1, 2, b"x");
    assert_eq!(refused(&v6), DropReason::Ipv6NotYet);
    let other = from_f(LABEL).carrying(EtherType::IPV4, &[0; 40]);
    assert_eq!(
        refused(&other),
        DropReason::LabelMalformed,
        "a control word"
    );
    for len in 14..good.len() {
        let reason = refused(&good[..len]);
        // Without its first four bits what is behind the label is nothing.
        let expected = match len {
            18 => DropReason::LabelMalformed,
            _ => DropReason::Truncated,
        };
        assert_eq!(reason, expected, "{len} bytes");
    }
    // The native segment's frames have no label, and the address must be theirs.
    assert_eq!(refused(&ip(frame(F, A))), DropReason::SpoofedAddress);
}

#[test]
fn on_other_links_mpls_is_a_protocol_like_any_other() {
    let sent = frame(A, F).label(LABEL).ipv4(A.ip, F.ip).udp(1, 2, b"x");
    let mut plan = Plan::of(Site::R);
    let refused = plan.clone().host().node_sends(A.port, &sent);
    assert_eq!(refused.dropped(), DropReason::EtherTypeNotAllowed);
    plan.segment(FRONT).ethertypes = vec![EtherType::MPLS];
    let arrived = plan.host().node_sends(A.port, &sent);
    assert_eq!(arrived.forwarded(F.port), sent);
}

#[test]
fn only_the_links_own_outer_tag_is_taken() {
    let service = Tags {
        outer: outer(OuterKind::Service),
        inner: vlan(),
    };
    let mut r = with(Plan::of(Site::R), "f", LinkType::Trunk, service).host();
    let ip = |frame: Frame| frame.ipv4(F.ip, A.ip).udp(1, 2, b"x");
    let qinq = |outer: EtherType, s: u16, c: u16| ip(frame(F, A).tag(outer, s).vlan(c));
    let ad = EtherType::DOT1AD;
    // Whatever the priorities.
    let sent = ip(frame(F, A)
        .tag(ad, 0xe000 | S_TAG)
        .tag(EtherType::DOT1Q, 0x6000 | VLAN_FRONT));
    assert_eq!(
        r.node_sends(F.port, &sent).forwarded(A.port),
        ip(frame(F, A))
    );
    let mut refused = |sent: &[u8]| r.node_sends(F.port, sent).dropped();
    let unknown = DropReason::UnknownTag;
    assert_eq!(refused(&qinq(ad, S_TAG + 1, VLAN_FRONT)), unknown);
    assert_eq!(refused(&qinq(ad, S_TAG, VLAN_FRONT + 1)), unknown);
    assert_eq!(refused(&qinq(ad, 0, VLAN_FRONT)), unknown);
    assert_eq!(refused(&qinq(EtherType::DOT1Q, S_TAG, VLAN_FRONT)), unknown);
    assert_eq!(refused(&ip(frame(F, A).tag(ad, S_TAG))), unknown);
    assert_eq!(refused(&ip(frame(F, A).vlan(VLAN_FRONT))), unknown);
    let thrice = frame(F, A).tag(ad, S_TAG).vlan(VLAN_FRONT).vlan(VLAN_FRONT);
    assert_eq!(refused(&ip(thrice)), DropReason::DoubleTagged);
    let whole = qinq(ad, S_TAG, VLAN_FRONT);
    for len in 14..whole.len() {
        assert_eq!(refused(&whole[..len]), DropReason::Truncated, "{len} bytes");
    }
    // A's link has none, whoever else is behind a port that knows such.
    let mut shared = with(Plan::of(Site::R), "f", LinkType::Trunk, service);
    let a = shared
        .compiled
        .interfaces
        .iter_mut()
        .find(|i| i.node == "a");
    a.unwrap().port = PortId(F.port);
    let mut r = shared.host();
    let twice = frame(A, F).tag(ad, S_TAG).vlan(VLAN_FRONT).ipv4(A.ip, F.ip);
    let outcome = r.node_sends(F.port, &twice.udp(1, 2, b"x"));
    assert_eq!(outcome.dropped(), DropReason::DoubleTagged);
    let bare = frame(A, C).ipv4(A.ip, F.ip).udp(1, 2, b"x");
    let outcome = r.node_sends(F.port, &bare);
    assert_eq!(outcome.cx.from.unwrap().mac, A.mac);
}

#[test]
fn what_is_not_ip_cannot_have_a_label() {
    let mut plan = labelled(Tags::NONE);
    plan.segment(FRONT).ethertypes = vec![EtherType::new(0x88cc)];
    let sent = frame(A, F).carrying(EtherType::new(0x88cc), &[0; 46]);
    let outcome = plan.host().node_sends(A.port, &sent);
    assert_eq!(outcome.dropped(), DropReason::LabelIpOnly);
}

/// R with what `of` makes of each link's tags.
fn relinked(of: impl Fn(Tags) -> Tags) -> Host {
    let mut plan = Plan::of(Site::R);
    for interface in &mut plan.compiled.interfaces {
        interface.tags = of(interface.tags);
    }
    plan.host()
}

/// What left, with `of` done to what went to nodes.
fn sent(outcome: &Outcome, of: impl Fn(&[u8]) -> Vec<u8>) -> Vec<(u16, Vec<u8>)> {
    let sent = outcome.sent.iter().map(|(port, frame)| {
        let to_node = !R_UPLINKS.contains(&port.0);
        let frame = if to_node { of(frame) } else { frame.clone() };
        (port.0, frame)
    });
    sent.collect()
}

/// What of a frame's links its drop is about.
fn class(outcome: &Outcome) -> Option<DropReason> {
    use DropReason::{DoubleTagged, TaggedOnAccess, UnknownTag, UntaggedOnTrunk};
    match outcome.cx.verdict {
        Verdict::Drop(UntaggedOnTrunk | TaggedOnAccess | DoubleTagged) => Some(UnknownTag),
        Verdict::Drop(reason) => Some(reason),
        _ => None,
    }
}

#[test]
fn any_frame_fares_in_a_providers_tag_as_it_does_without() {
    let in_tag = |frame: &[u8]| {
        let tag = [0x88, 0xa8, (S_TAG >> 8) as u8, S_TAG as u8];
        [&frame[..12], &tag, &frame[12..]].concat()
    };
    let (mut plain, mut inside) = (
        Plan::of(Site::R).host(),
        relinked(|tags| Tags {
            outer: outer(OuterKind::Service),
            ..tags
        }),
    );
    let mut random = Random::seeded(0x88a8);
    let mut arrived = 0;
    for n in 0..20_000 {
        let (port, frame) = stew::from_node(&mut random);
        // Behind other ports there are no such links.
        let has_links = inside.tables.drawn.ports.has_marked(PortId(port));
        if frame.len() < 14 || frame[12..14] == [0x91, 0] || !has_links {
            continue;
        }
        let expected = plain.node_sends(port, &frame);
        let outcome = inside.node_sends(port, &in_tag(&frame));
        assert_eq!(class(&outcome), class(&expected), "frame {n}: {frame:02x?}");
        assert_eq!(
            sent(&outcome, <[u8]>::to_vec),
            sent(&expected, in_tag),
            "frame {n}"
        );
        arrived += expected.sent.len();
    }
    assert!(arrived > 2_000, "only {arrived}");
}

#[test]
fn any_ipv4_packet_fares_with_a_label_as_it_does_with_a_tag() {
    // An 802.1Q tag becomes a label of ten times its number; ARP loses it.
    let by_label = |frame: &[u8]| {
        if frame[12..14] != [0x81, 0] || frame[14] & 0xf == 0 && frame[15] == 0 {
            return frame.to_vec();
        }
        let vlan = u32::from(u16::from_be_bytes([frame[14], frame[15]]) & 0xfff);
        if frame[16..18] == [8, 6] {
            return [&frame[..12], &frame[16..]].concat();
        }
        let ttl = frame.get(26).map_or(0, |ttl| u32::from(*ttl));
        let entry = (vlan * 10) << 12 | 0x100 | ttl;
        [
            &frame[..12],
            &[0x88, 0x47],
            &entry.to_be_bytes(),
            &frame[18..],
        ]
        .concat()
    };
    let (mut plain, mut labelled) = (
        Plan::of(Site::R).host(),
        relinked(|tags| match tags.inner_vlan() {
            Some(vlan) => Tags {
                inner: label(u32::from(vlan.get()) * 10),
                ..tags
            },
            None => tags,
        }),
    );
    let mut random = Random::seeded(0x8847);
    let mut arrived = 0;
    for n in 0..20_000 {
        let (port, frame) = stew::from_node(&mut random);
        // Without a tag, or with one.
        let is_ipv4 = |at: usize| frame.get(at..at + 2) == Some(&[8, 0]);
        let is_tagged = frame.get(12..14) == Some(&[0x81, 0]);
        if !(is_ipv4(12) || is_tagged && is_ipv4(16)) {
            continue;
        }
        let expected = plain.node_sends(port, &frame);
        let outcome = labelled.node_sends(port, &by_label(&frame));
        let (found, wanted) = (sent(&outcome, <[u8]>::to_vec), sent(&expected, by_label));
        assert_eq!(found, wanted, "frame {n}: {frame:02x?}");
        arrived += wanted.len();
    }
    assert!(arrived > 2_000, "only {arrived}");
}

#[test]
fn no_device_is_asked_to_find_its_way_behind_labels_and_outer_tags() {
    let all = PortOffloads {
        checksum: true,
        segmentation: true,
    };
    let left = Offload {
        transport: TransportChecksum::Partial,
        segment_size: NonZeroU16::new(1000),
        ..Offload::NONE
    };
    let tcp = v4(A, F).dont_fragment().tcp(5000, 80, &[7; 3000]);
    for (name, link, tags) in links() {
        let plan = with(Plan::of(Site::R), "f", link, tags).offloading(all);
        let outcome = plan.host().node_leaves_to_a_device(A.port, &tcp, left);
        let count = if tags.is_plain() { 1 } else { 3 };
        assert_eq!(outcome.sent.len(), count, "{name}");
        let whole = outcome.offloads.iter().all(|o| *o == Offload::NONE);
        assert_eq!(whole, !tags.is_plain(), "{name}");
    }
}
