//! When a rule holds: `{ days: mon-fri, hours: 08:00-18:00 }`, in UTC.

use crate::compiled::{DAY, Window};
use crate::diagnostic::Diagnostics;
use crate::yaml::{Fields, Node, fields};

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

pub(super) fn read(node: &Node, out: &mut Diagnostics) -> Option<Window> {
    let mut fields = Fields::of(node, "when", out)?;
    let days = match fields.get("days", out) {
        Some(node) => days(node, out),
        None => Some(Window::ALL_DAYS),
    };
    let hours = match fields.get("hours", out) {
        Some(node) => hours(node, out),
        None => Some((0, DAY)),
    };
    fields.finish(out);
    let (from, to) = hours?;
    Some(Window {
        days: days?,
        from,
        to,
    })
}

/// `sat`, `mon-fri`, or a list of such.
fn days(node: &Node, out: &mut Diagnostics) -> Option<u8> {
    let mut days = 0;
    for item in fields::one_or_many(node) {
        let text = fields::text(item, "days", out)?;
        let (first, last) = text
            .value
            .split_once('-')
            .unwrap_or((text.value.as_str(), text.value.as_str()));
        let (Some(first), Some(last)) = (day(first), day(last)) else {
            let message = format!("days \"{}\" are none", text.value.escape_debug());
            let remedy = "write mon, tue, wed, thu, fri, sat, sun, or a range: mon-fri";
            out.error(&item.place, message, remedy);
            return None;
        };
        let mut at = first;
        days |= 1 << at;
        while at != last {
            at = (at + 1) % 7;
            days |= 1 << at;
        }
    }
    if days == 0 {
        out.error(&node.place, "days is an empty list", "name at least one");
        return None;
    }
    Some(days)
}

fn day(name: &str) -> Option<usize> {
    DAYS.iter().position(|day| *day == name)
}

/// `08:00-18:00`; one that ends before it begins lasts into the next day.
fn hours(node: &Node, out: &mut Diagnostics) -> Option<(u16, u16)> {
    let text = fields::text(node, "hours", out)?;
    let hours = text.value.split_once('-').and_then(|(from, to)| {
        let (from, to) = (minute(from)?, minute(to)?);
        (from < DAY && from != to && to != 0).then_some((from, to))
    });
    if hours.is_none() {
        let message = format!("hours \"{}\" are no time of day", text.value.escape_debug());
        let remedy = "write from-to in UTC, e.g. 08:00-18:00, 22:00-06:00 or 18:00-24:00";
        out.error(&node.place, message, remedy);
    }
    hours
}

fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
    let fits = digits(hour) && digits(minute);
    let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
    let at = hour * 60 + minute;
    (fits && minute < 60 && at <= DAY).then_some(at)
}

/// In one spelling.
pub(super) fn spelled(window: &Window) -> String {
    let named = (0..7)
        .zip(DAYS)
        .filter(|(at, _)| window.days >> at & 1 == 1);
    let named: Vec<&str> = named.map(|(_, day)| day).collect();
    let days = match window.days {
        Window::ALL_DAYS => "daily".to_owned(),
        0b001_1111 => "mon-fri".to_owned(),
        _ => named.join(" "),
    };
    let clock = |at: u16| format!("{:02}:{:02}", at / 60, at % 60);
    format!("{days} {}-{}", clock(window.from), clock(window.to))
}
