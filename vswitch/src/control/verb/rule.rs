//! `ListRules`.

use control_api::v1;
use tonic::Status;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Rule, RuleAction, RuleKind};

pub(in crate::control) fn list(
    source: &dyn ControlSource,
    request: &v1::ListRulesRequest,
) -> Result<Pages<v1::ListRulesReply>, Status> {
    let rules = source.rules(request.network.as_deref()).ok_or_else(|| {
        let name = request.network.as_deref().unwrap_or_default();
        Status::not_found(format!(
            "there is no network \"{name}\"; see: vswitchctl export"
        ))
    })?;
    let rules = rules.into_iter().map(message);
    Ok(pages(rules, |rules| v1::ListRulesReply { rules }))
}

/// A line of the list.
pub(super) fn message(rule: Rule) -> v1::Rule {
    let (kind, number) = match rule.kind {
        RuleKind::Rule(number) => (v1::RuleKind::Rule, u32::try_from(number).ok()),
        RuleKind::Replies => (v1::RuleKind::Replies, None),
        RuleKind::Inside => (v1::RuleKind::Inside, None),
        RuleKind::Between => (v1::RuleKind::Between, None),
    };
    let action = match rule.action {
        RuleAction::Allow => v1::RuleAction::Allow,
        RuleAction::Deny => v1::RuleAction::Deny,
        RuleAction::Reject => v1::RuleAction::Reject,
    };
    v1::Rule {
        network: rule.network,
        entity: rule.entity,
        kind: kind.into(),
        number,
        name: rule.name,
        text: rule.text,
        action: action.into(),
        packets: rule.packets,
    }
}
