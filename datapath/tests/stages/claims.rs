//! Addresses that were not drawn as a node's own: who may claim them, by what,
//! and who hears of it.

use datapath::pipeline::claim::SWITCHES;
use datapath::pipeline::{Claim, Consumed, DropReason, How, Verdict, Word};
use packet::MacAddr;
use packet::arp::{ArpOperation, ArpPacket};
use packet::build::Frame;
use vnet::compiled::{AddressPolicy, Learn};

use crate::bench::host::{Host, Outcome};
use crate::bench::plan::ip_of;
use crate::bench::{
    A, E, F, FRONT, G, Ip, J, Node, Plan, R_UPLINKS, Site, VLAN_FRONT, cross, frame, segment,
};

const VIRTUAL: Ip = [10, 0, 0, 100];
const VIRTUAL_MAC: MacAddr = MacAddr::new([0, 0, 0x5e, 0, 1, 7]);
const ALL: Ip = [255; 4];
const FREE: Ip = [10, 0, 0, 77];
const ANCHOR: Ip = [0, 1, 2, 3];
const LEARN: AddressPolicy = AddressPolicy::Learn(Learn { most: 2, age: 300 });

/// A, F (of R) and G (of S) share an address, perhaps with a virtual MAC.
fn sharing(site: Site, mac: Option<MacAddr>) -> Plan {
    let mut plan = Plan::of(site);
    plan.share(VIRTUAL, mac, &[A, F, G]);
    plan
}

/// A announces an address, by this MAC.
fn announces(mac: MacAddr, ip: Ip) -> Vec<u8> {
    Frame::between(mac, MacAddr::BROADCAST).arp_announcement(ip)
}

fn claim(by: Ip, address: Ip, mac: MacAddr, how: How) -> Claim {
    Claim {
        segment: segment(FRONT),
        address: ip_of(address),
        mac,
        by: ip_of(by),
        how,
    }
}

/// The copy that went to the other host.
fn abroad(outcome: &Outcome) -> Vec<u8> {
    let last = outcome.sent.last().unwrap();
    assert_eq!(last.0.0, R_UPLINKS[0]);
    last.1.clone()
}

fn r(plan: &Plan) -> Host {
    plan.host()
}

#[test]
fn an_announcement_of_who_shares_is_a_claim_here_and_elsewhere() {
    for (declared, mac) in [(None, A.mac), (Some(VIRTUAL_MAC), VIRTUAL_MAC)] {
        let sent = announces(mac, VIRTUAL);
        let outcome = r(&sharing(Site::R, declared)).node_sends(A.port, &sent);
        let expected = claim(A.ip, VIRTUAL, mac, How::Announced);
        assert_eq!(outcome.claims, [expected]);
        // The neighbours hear it as on a real LAN: D and E, F, and the other host.
        assert_eq!(
            outcome.cx.verdict,
            Verdict::Copy(datapath::pipeline::Audience::Everybody)
        );
        assert_eq!(outcome.sent.len(), 3);
        assert_eq!(outcome.sent[1].1, sent);
        let there = cross(&abroad(&outcome), Site::S);
        let outcome = sharing(Site::S, declared).host().substrate_delivers(&there);
        assert_eq!(outcome.claims, [expected]);
        assert_eq!(outcome.sent.len(), 1, "G, on a trunk");
        assert_eq!(outcome.sent[0].1[18..], sent[14..]);
    }
}

#[test]
fn nobody_else_claims_a_shared_address() {
    for plan in [sharing(Site::R, None), sharing(Site::R, Some(VIRTUAL_MAC))] {
        let tagged = |mac| {
            let to_all = Frame::between(E.mac, MacAddr::BROADCAST).vlan(VLAN_FRONT);
            let target = (MacAddr::ZERO, ip_of(VIRTUAL));
            let sender = (mac, ip_of(VIRTUAL));
            to_all.arp(&ArpPacket::new(ArpOperation::Request, sender, target))
        };
        for mac in [E.mac, A.mac, VIRTUAL_MAC] {
            let outcome = plan.host().node_sends(E.port, &tagged(mac));
            assert_eq!(outcome.dropped(), DropReason::SpoofedArp);
            assert_eq!(outcome.claims, []);
        }
        let sent = frame(E, A).vlan(VLAN_FRONT).ipv4(VIRTUAL, A.ip);
        let outcome = plan.host().node_sends(E.port, &sent.udp(1, 2, b"x"));
        assert_eq!(outcome.dropped(), DropReason::SpoofedAddress);
    }
    // By the MAC that is not the declared one; nor by a question.
    let outcome =
        r(&sharing(Site::R, Some(VIRTUAL_MAC))).node_sends(A.port, &announces(A.mac, VIRTUAL));
    assert_eq!(outcome.dropped(), DropReason::SpoofedArp);
    let asks = Frame::between(A.mac, MacAddr::BROADCAST).arp_request(VIRTUAL, G.ip);
    let outcome = r(&sharing(Site::R, None)).node_sends(A.port, &asks);
    assert_eq!(outcome.dropped(), DropReason::SpoofedArp);
}

#[test]
fn on_the_fabric_a_claim_is_that_of_whom_its_source_proves() {
    let outcome = r(&sharing(Site::R, None)).node_sends(A.port, &announces(A.mac, VIRTUAL));
    let sent = cross(&abroad(&outcome), Site::S);
    let arrives = |plan: Plan, bytes: &[u8]| {
        let outcome = plan.host().substrate_delivers(bytes);
        assert_eq!(outcome.claims, []);
        outcome.dropped()
    };
    // The receiver's drawing does not know of it, or of A.
    assert_eq!(
        arrives(Plan::of(Site::S), &sent),
        DropReason::EtherTypeNotAllowed
    );
    let mut without = Plan::of(Site::S);
    without.share(VIRTUAL, None, &[F, G]);
    without.claimant(FRONT, A, AddressPolicy::Fixed);
    assert_eq!(arrives(without, &sent), DropReason::RawNotProven);
    // Under another locator.
    let mut forged = sent.clone();
    forged[14 + 8 + 7] ^= 1;
    assert_eq!(
        arrives(sharing(Site::S, None), &forged),
        DropReason::SourceNotProven
    );
    // From E's address, or with another MAC inside, or no announcement.
    let inner = 14 + 40 + 2;
    let mut forged = sent.clone();
    forged[14 + 8 + 15] = E.ip[3];
    assert_eq!(
        arrives(sharing(Site::S, None), &forged),
        DropReason::EtherTypeNotAllowed
    );
    for at in [6, 14 + 8, 14 + 17, 14 + 27] {
        let mut forged = sent.clone();
        forged[inner + at] ^= 2;
        assert_eq!(
            arrives(sharing(Site::S, None), &forged),
            DropReason::RawNotProven,
            "{at}"
        );
    }
    // What is drawn stays.
    let mut drawn = sharing(Site::S, None);
    drawn.mapping(FRONT, E.ip).address = ip_of(VIRTUAL);
    assert_eq!(arrives(drawn, &sent), DropReason::RawNotProven);
}

#[test]
fn who_has_it_sends_from_it_and_the_others_do_not() {
    let mut here = sharing(Site::R, Some(VIRTUAL_MAC));
    here.learn(VIRTUAL, A, VIRTUAL_MAC);
    let mut there = sharing(Site::S, Some(VIRTUAL_MAC));
    there.learn(VIRTUAL, A, VIRTUAL_MAC);
    // By its own MAC, or by the virtual one: neighbours see the virtual one.
    for mac in [A.mac, VIRTUAL_MAC] {
        let sent = Frame::between(mac, F.mac)
            .ipv4(VIRTUAL, F.ip)
            .udp(1, 2, b"x");
        let arrived = here.host().node_sends(A.port, &sent).forwarded(F.port);
        assert_eq!(arrived[6..12], VIRTUAL_MAC.octets());
        let sent = Frame::between(mac, G.mac)
            .ipv4(VIRTUAL, G.ip)
            .udp(1, 2, b"x");
        let sent = here
            .host()
            .node_sends(A.port, &sent)
            .forwarded(R_UPLINKS[0]);
        assert_eq!(
            sent[22..38],
            Site::R.substrate(FRONT, VIRTUAL).to_ipv6().octets()
        );
        let arrived = there.host().substrate_delivers(&cross(&sent, Site::S));
        assert_eq!(arrived.forwarded(G.port)[6..12], VIRTUAL_MAC.octets());
    }
    // Its questions are answered, to the MAC that asks.
    let asks = Frame::between(A.mac, MacAddr::BROADCAST).arp_request(VIRTUAL, F.ip);
    assert_eq!(
        here.host().node_sends(A.port, &asks).reply()[..6],
        A.mac.octets()
    );
    // F may claim it, and has it not.
    let sent = frame(F, A).ipv4(VIRTUAL, A.ip).udp(1, 2, b"x");
    assert_eq!(
        here.host().node_sends(F.port, &sent).dropped(),
        DropReason::SpoofedAddress
    );
    let outcome = here
        .host()
        .node_sends(F.port, &announces(VIRTUAL_MAC, VIRTUAL));
    assert_eq!(
        outcome.claims,
        [claim(F.ip, VIRTUAL, VIRTUAL_MAC, How::Announced)]
    );
    // Whoever asks for it is told of the virtual MAC; its owner is told nothing.
    let asks = |node: Node| frame(node, node).arp_request(node.ip, VIRTUAL);
    let reply = here.host().node_sends(F.port, &asks(F)).reply();
    assert_eq!(reply[22..28], VIRTUAL_MAC.octets());
    let outcome = here.host().node_sends(A.port, &asks(A));
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Arp));
}

#[test]
fn a_virtual_routers_advertisement_claims_what_it_names() {
    let advertises = |priority| {
        let mut message = vec![0x31, 7, priority, 2, 0, 100, 0, 0];
        message.extend([VIRTUAL, E.ip].concat());
        let group = MacAddr::new([1, 0, 0x5e, 0, 0, 18]);
        let sent = Frame::between(VIRTUAL_MAC, group).ipv4(A.ip, [224, 0, 0, 18]);
        sent.ttl(255).protocol(112, &message)
    };
    let plan = |site| sharing(site, Some(VIRTUAL_MAC));
    let outcome = r(&plan(Site::R)).node_sends(A.port, &advertises(100));
    let expected = claim(A.ip, VIRTUAL, VIRTUAL_MAC, How::Advertised);
    assert_eq!(outcome.claims, [expected], "and not E's address");
    let there = cross(&abroad(&outcome), Site::S);
    let outcome = plan(Site::S).host().substrate_delivers(&there);
    assert_eq!(outcome.claims, [expected]);
    let outcome = r(&plan(Site::R)).node_sends(A.port, &advertises(0));
    assert_eq!(outcome.claims, [], "it resigns");
}

#[test]
fn who_learns_takes_what_is_free_and_nothing_else() {
    let mut plan = Plan::of(Site::R);
    plan.anchored(FRONT, A, LEARN, ANCHOR);
    let mut host = plan.host();
    let asks = |ip: Ip| Frame::between(A.mac, MacAddr::BROADCAST).arp_request(ip, F.ip);
    let outcome = host.node_sends(A.port, &asks(FREE));
    assert_eq!(outcome.claims, [claim(ANCHOR, FREE, A.mac, How::Used)]);
    assert_eq!(
        outcome.reply()[22..28],
        F.mac.octets(),
        "and it is answered"
    );
    let sends = |ip: Ip| frame(A, F).ipv4(ip, F.ip).udp(1, 2, b"x");
    let outcome = host.node_sends(A.port, &sends(FREE));
    assert_eq!(outcome.dropped(), DropReason::AddressClaimed);
    assert_eq!(outcome.claims.len(), 1);
    for taken in [
        F.ip,
        G.ip,
        J.ip,
        [10, 0, 0, 0],
        [10, 0, 0, 255],
        [10, 0, 1, 9],
        ANCHOR,
        ALL,
    ] {
        assert_eq!(
            host.node_sends(A.port, &asks(taken)).dropped(),
            DropReason::SpoofedArp
        );
        let outcome = host.node_sends(A.port, &sends(taken));
        assert_eq!(outcome.dropped(), DropReason::SpoofedAddress, "{taken:?}");
        assert_eq!(outcome.claims, []);
    }
    // What another host's learns is claimed there by the same word.
    let outcome = host.node_sends(A.port, &announces(A.mac, FREE));
    let sent = cross(&abroad(&outcome), Site::S);
    let arrives = |plan: &mut Plan| {
        plan.anchored(FRONT, A, LEARN, ANCHOR);
        plan.clone()
    };
    let mut there = arrives(&mut Plan::of(Site::S));
    let outcome = there.host().substrate_delivers(&sent);
    assert_eq!(outcome.claims, [claim(ANCHOR, FREE, A.mac, How::Announced)]);
    there.claimant(FRONT, G, LEARN);
    there.learn(FREE, G, G.mac);
    let outcome = there.host().substrate_delivers(&sent);
    assert_eq!(outcome.dropped(), DropReason::RawNotProven, "G has it");
}

#[test]
fn what_is_said_on_behalf_of_an_interface_is_for_switches_or_for_all() {
    let mut plan = Plan::of(Site::R);
    plan.anchored(FRONT, A, LEARN, ANCHOR);
    plan.learn(FREE, Node { ip: ANCHOR, ..A }, A.mac);
    let interface = plan.compiled.claimants[0].interface.unwrap();
    let here = |to_nodes| Word::Here {
        interface,
        address: ip_of(FREE),
        mac: A.mac,
        to_nodes,
    };
    let mut there = Plan::of(Site::S);
    there.anchored(FRONT, A, LEARN, ANCHOR);
    there.learn(FREE, Node { ip: ANCHOR, ..A }, A.mac);
    let gone = Word::Gone {
        interface,
        address: ip_of(FREE),
        mac: A.mac,
    };
    for (word, how, heard_here, heard_there) in [
        (here(true), How::Announced, 2, 1),
        (here(false), How::Repeated, 0, 0),
        (gone, How::Withdrawn, 0, 0),
    ] {
        let outcome = plan.host().says(&word);
        assert_eq!(outcome.sent.len(), heard_here + 1, "{word:?}");
        let sent = cross(&abroad(&outcome), Site::S);
        let outcome = there.host().substrate_delivers(&sent);
        assert_eq!(outcome.claims, [claim(ANCHOR, FREE, A.mac, how)]);
        assert_eq!(outcome.sent.len(), heard_there);
        assert_eq!(outcome.booked, []);
    }
    let asks = Word::StillThere {
        interface,
        address: ip_of(FREE),
        mac: A.mac,
    };
    let outcome = plan.host().says(&asks);
    let [(port, question)] = &outcome.sent[..] else {
        panic!("A alone: {outcome:?}");
    };
    assert_eq!((port.0, &question[..6]), (A.port, &A.mac.octets()[..]));
    assert_eq!(question[28..32], [0; 4], "from nobody's address");
    // Its answer is a word of its being there.
    let from = MacAddr::new(question[6..12].try_into().unwrap());
    let answer = Frame::between(A.mac, from).arp_reply(FREE, [0; 4]);
    let outcome = plan.host().node_sends(A.port, &answer);
    assert_eq!(outcome.claims, [claim(ANCHOR, FREE, A.mac, How::Used)]);
    assert_eq!(outcome.cx.verdict, Verdict::Consume(Consumed::Arp));
    // A node that says the same to switches says it of what it has.
    let same = Frame::between(A.mac, SWITCHES).arp_announcement(G.ip);
    assert_eq!(
        plan.host().node_sends(A.port, &same).dropped(),
        DropReason::SpoofedArp
    );
}

#[test]
fn claims_have_a_limit_and_nothing_else_has() {
    let plan = sharing(Site::R, None);
    let mut host = plan.host();
    let sent = announces(A.mac, VIRTUAL);
    let first = (0..1000).position(|_| {
        let outcome = host.node_sends(A.port, &sent);
        outcome.claims.is_empty() && outcome.dropped() == DropReason::ClaimRateLimited
    });
    assert_eq!(first, Some(64));
    let outcome = host.node_sends(F.port, &announces(F.mac, VIRTUAL));
    assert_eq!(outcome.claims.len(), 1, "F has its own");
    host.node_sends(A.port, &frame(A, F).ipv4(A.ip, F.ip).udp(1, 2, b"x"))
        .forwarded(F.port);
}
