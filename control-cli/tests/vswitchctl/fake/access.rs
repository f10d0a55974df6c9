//! The worked example's access rules, and who talks under them.

use core::time::Duration;

use datapath::tables::flows::Phase;
use packet::IpProtocol;
use vswitch::control::source::{
    Flow, FlowEnd, FlowPlace, Rule, RuleAction, RuleKind, SegmentLabel,
};

use super::{address, front, segment};

/// Those of network z; `None`: of another there are none.
pub(super) fn rules(network: Option<&str>) -> Option<Vec<Rule>> {
    let line = |kind, name: Option<&str>, text: &str, action, packets| Rule {
        network: "z".to_owned(),
        entity: "Z".to_owned(),
        kind,
        name: name.map(str::to_owned),
        text: text.to_owned(),
        action,
        packets,
    };
    use RuleAction::{Allow, Reject};
    let first = "front -> far allow icmp, tcp/443";
    let second = "any -> any deny tcp/23";
    let all = vec![
        line(RuleKind::Rule(1), None, first, Allow, 41_207),
        line(RuleKind::Rule(2), Some("no-telnet"), second, Reject, 3),
        line(
            RuleKind::Replies,
            None,
            "replies to what was permitted",
            Allow,
            40_911,
        ),
        line(
            RuleKind::Inside,
            None,
            "the rest inside a segment",
            Allow,
            1_204,
        ),
        line(
            RuleKind::Between,
            None,
            "the rest between linked segments",
            Reject,
            17,
        ),
    ];
    network.is_none_or(|name| name == "z").then_some(all)
}

/// A few, in two goes.
pub(super) fn flows(from: FlowPlace) -> (Vec<Flow>, Option<FlowPlace>) {
    let end = |segment: SegmentLabel, at: &str, port| FlowEnd {
        segment,
        address: address(at),
        port,
    };
    let far = || segment(0xa003, "far");
    let flow = |source, destination, protocol, phase, expires| Flow {
        from: end(front(), "10.0.0.2", source),
        to: end(far(), "10.1.5.3", destination),
        protocol,
        both_ways: false,
        phase,
        expires: Duration::from_secs(expires),
    };
    match from.0 {
        0 => {
            let web = flow(50_112, 443, IpProtocol::TCP, Phase::Open, 7_312);
            (vec![web], Some(FlowPlace(1)))
        }
        _ => {
            let ping = flow(31_337, 31_337, IpProtocol::ICMP, Phase::Opening, 59);
            (vec![ping], None)
        }
    }
}
