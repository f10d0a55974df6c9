//! The access rules, and the flows that they permit.

use core::time::Duration;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use datapath::tables::access::{Carried, Peer, Question};
use datapath::tables::flows::{self, Seconds, Side};
use datapath::tables::{NetworkAccess, Ruling};
use packet::{IpProtocol, SegmentId};
use vnet::compiled::{self, Action, Refusal, WeekMinute};

use super::Observer;
use crate::control::source::{
    Flow, FlowEnd, FlowPlace, RouteEnd, RouteQuestion, RouteWay, Rule, RuleAction, RuleKind,
};

/// The minute of the week that it is, by the system's clock.
pub(crate) fn this_minute() -> WeekMinute {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    WeekMinute::at(since.unwrap_or_default().as_secs())
}

impl Observer {
    /// What rules need about once a second: the time of day, and that expired
    /// flows are nobody's any more.
    pub(super) fn tend_access(&self) {
        let root = Arc::clone(self.publisher.lock().current());
        root.week.set(this_minute());
        let access = &root.drawn.access;
        root.flows
            .sweep(self.seconds(), |owner| access.is_owner(owner));
    }

    /// The clock of the workers.
    fn seconds(&self) -> Seconds {
        u32::try_from(self.started.elapsed().as_secs()).unwrap_or(u32::MAX)
    }

    /// The rules of a network, or of all; `None`: there is no such network.
    pub(super) fn shown_rules(&self, only: Option<&str>) -> Option<Vec<Rule>> {
        let in_force = self.show.in_force();
        let networks = &in_force.compiled.networks;
        if only.is_some_and(|name| networks.iter().all(|network| network.name != name)) {
            return None;
        }
        let mut lines = Vec::new();
        for network in networks {
            let access = in_force.drawn.access.named(&network.name);
            let Some(access) = access.filter(|_| only.is_none_or(|name| name == network.name))
            else {
                continue;
            };
            let rules = (1..=access.rules().rules.len()).map(RuleKind::Rule);
            let ends = [RuleKind::Replies, RuleKind::Inside, RuleKind::Between];
            lines.extend(rules.chain(ends).map(|kind| line(network, access, kind)));
        }
        Some(lines)
    }

    /// A packet's way as the rules leave it, for one that begins a flow.
    pub(super) fn ruled(&self, question: &RouteQuestion, way: RouteWay) -> RouteWay {
        let in_force = self.show.in_force();
        let from = way.from.map(|address| (way.from_segment.id, address));
        let to = way.to_segment.as_ref().map(|to| (to.id, question.to));
        let arrives = matches!(way.end, RouteEnd::Delivered | RouteEnd::Forwarded);
        let (Some(from), Some(to), true) = (from, to, arrives) else {
            return way;
        };
        let Some(access) = in_force.drawn.access.of(from.0) else {
            return way;
        };
        let network = in_force.compiled.networks.get(access.rules().network);
        let peer = |(segment, address)| Peer { segment, address };
        let asked = Question {
            from: peer(from),
            to: peer(to),
            carried: carried(question),
            len: None,
            at: this_minute(),
        };
        let kind = match access.judge(&asked) {
            Ruling::ByRule(_, at) => RuleKind::Rule(at + 1),
            _ if asked.is_inside() => RuleKind::Inside,
            _ => RuleKind::Between,
        };
        let rule = network.map(|network| line(network, access, kind));
        let refused = rule
            .as_ref()
            .filter(|rule| rule.action != RuleAction::Allow);
        RouteWay {
            end: refused.map_or(way.end, |_| RouteEnd::Refused),
            mtu: way.mtu.filter(|_| refused.is_none()),
            rule: rule.clone(),
            ..way
        }
    }

    /// About so many flows from a place in the table on, and where the listing
    /// goes on.
    pub(super) fn shown_flows(
        &self,
        from: FlowPlace,
        only: Option<SegmentId>,
        limit: usize,
    ) -> (Vec<Flow>, Option<FlowPlace>) {
        let table = Arc::clone(&self.publisher.lock().current().flows);
        let now = self.seconds();
        let (flows, next) = table.list(from.0, limit, now);
        let wanted = flows.iter().filter(|flow| {
            let ends = [flow.key.end(Side::Low), flow.key.end(Side::High)];
            only.is_none_or(|segment| ends.iter().any(|end| end.segment == segment))
        });
        let shown = wanted.map(|flow| self.flow(flow, now)).collect();
        (shown, next.map(FlowPlace))
    }

    fn flow(&self, flow: &flows::Flow, now: Seconds) -> Flow {
        let first = match flow.begun_by_low {
            true => Side::Low,
            false => Side::High,
        };
        let end = |side| {
            let end = flow.key.end(side);
            FlowEnd {
                segment: self.segment_label(end.segment),
                address: end.address,
                port: end.port,
            }
        };
        Flow {
            from: end(first),
            to: end(first.other()),
            protocol: flow.key.protocol(),
            both_ways: flow.begun_by_low && flow.begun_by_high,
            phase: flow.phase,
            expires: Duration::from_secs(flow.expires.saturating_sub(now).into()),
        }
    }
}

fn line(network: &compiled::Network, access: &NetworkAccess, kind: RuleKind) -> Rule {
    let (rules, hits) = (access.rules(), access.hits());
    let (name, text, action, packets) = match kind {
        RuleKind::Rule(number) => {
            let at = number.saturating_sub(1);
            let rule = rules.rules.get(at);
            let text = rule.map_or("", |rule| rule.text.as_str());
            let action = rule.map_or(Action::Deny, |rule| rule.action);
            let name = rule.and_then(|rule| rule.name.clone());
            (name, text, action, hits.of(at))
        }
        RuleKind::Replies => {
            let action = match rules.replies {
                true => Action::Allow,
                false => Action::Deny,
            };
            let text = "replies to what was permitted";
            (None, text, action, hits.of_replies())
        }
        RuleKind::Inside => {
            let text = "the rest inside a segment";
            (None, text, rules.inside, hits.of_end(true))
        }
        RuleKind::Between => {
            let text = "the rest between linked segments";
            (None, text, rules.between, hits.of_end(false))
        }
    };
    Rule {
        network: network.name.clone(),
        entity: network.entity.clone(),
        kind,
        name,
        text: text.to_owned(),
        action: match (action, rules.refusal) {
            (Action::Allow, _) => RuleAction::Allow,
            (Action::Deny, Refusal::Silence) => RuleAction::Deny,
            (Action::Deny, Refusal::Reject) => RuleAction::Reject,
        },
        packets,
    }
}

/// What the packet carries whose way is asked for: of ICMP, a ping.
fn carried(question: &RouteQuestion) -> Carried {
    let (source, destination) = question.ports;
    match question.protocol {
        IpProtocol::ICMP => Carried::Icmp {
            kind: packet::icmp::v4::ECHO_REQUEST,
            code: 0,
        },
        protocol @ (IpProtocol::TCP | IpProtocol::UDP) => Carried::Ports {
            protocol,
            source,
            destination,
        },
        other => Carried::Opaque(other),
    }
}
