//! What may a scalar's text mean: a name, a number, an address, a size?

use core::fmt::Display;
use core::ops::RangeInclusive;
use core::str::FromStr;

use super::Located;
use super::fields::text;
use super::nearest::did_you_mean;
use super::tree::Node;
use crate::diagnostic::Diagnostics;

/// The longest name.
pub const MAX_NAME: usize = 63;

/// A name: letters, digits, `.`, `_` and `-`, beginning with a letter or
/// digit, at most [`MAX_NAME`] characters.
pub fn name(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<String>> {
    let name = text(node, what, out)?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    let fits = (1..=MAX_NAME).contains(&name.value.len());
    let starts_well = name.value.starts_with(|c: char| c.is_ascii_alphanumeric());
    if fits && starts_well && name.value.bytes().all(allowed) {
        return Some(name);
    }
    let message = format!("{what} \"{}\" is not a name", name.value.escape_debug());
    out.error(
        &node.place,
        message,
        format!(
            "use letters, digits, '.', '_' and '-', beginning with a letter or digit, \
             at most {MAX_NAME} characters"
        ),
    );
    None
}

/// A value of a type whose error says what is wrong and, after a semicolon,
/// what to write instead (as those of `packet` do).
pub fn parsed<T>(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<T>>
where
    T: FromStr<Err: Display>,
{
    let text = text(node, what, out)?;
    match text.value.parse() {
        Ok(value) => Some(Located::new(value, &node.place)),
        Err(error) => {
            let error = error.to_string();
            let (message, remedy) = error.rsplit_once("; ").unwrap_or((&error, "correct it"));
            let message = if message.starts_with(what) {
                message.to_owned()
            } else {
                format!("{what}: {message}")
            };
            out.error(&node.place, message, remedy);
            None
        }
    }
}

/// A value of a type whose error says nothing useful: `is` says what it must
/// be ("an IPv4 address"), `example` shows one.
pub fn parsed_as<T>(
    node: &Node,
    what: &str,
    is: &str,
    example: &str,
    out: &mut Diagnostics,
) -> Option<Located<T>>
where
    T: FromStr,
{
    let text = text(node, what, out)?;
    if let Ok(value) = text.value.parse() {
        return Some(Located::new(value, &node.place));
    }
    let message = format!("{what}: \"{}\" is not {is}", text.value.escape_debug());
    out.error(&node.place, message, format!("write e.g. {example}"));
    None
}

/// A decimal number within bounds.
pub fn number<T>(
    node: &Node,
    what: &str,
    bounds: RangeInclusive<T>,
    out: &mut Diagnostics,
) -> Option<Located<T>>
where
    T: FromStr + PartialOrd + Display,
{
    let text = text(node, what, out)?;
    let digits = !text.value.is_empty() && text.value.bytes().all(|b| b.is_ascii_digit());
    let value: Option<T> = text.value.parse().ok().filter(|_| digits);
    match value {
        Some(value) if bounds.contains(&value) => Some(Located::new(value, &node.place)),
        _ => {
            let fault = if digits {
                "is out of range"
            } else {
                "is not a whole number"
            };
            let message = format!("{what} {} {fault}", text.value.escape_debug());
            let (low, high) = (bounds.start(), bounds.end());
            let remedy = format!("write a number from {low} to {high}");
            out.error(&node.place, message, remedy);
            None
        }
    }
}

/// One of several words.
pub fn choice<T: Copy>(
    node: &Node,
    what: &str,
    choices: &[(&'static str, T)],
    out: &mut Diagnostics,
) -> Option<T> {
    let text = text(node, what, out)?;
    let chosen = choices.iter().find(|(word, _)| *word == text.value);
    if chosen.is_none() {
        let words = || choices.iter().map(|(word, _)| *word);
        let message = format!("{what} cannot be \"{}\"", text.value.escape_debug());
        let remedy = did_you_mean(&text.value, words().collect::<Vec<_>>(), || {
            let words: Vec<&str> = words().collect();
            format!("write one of: {}", words.join(", "))
        });
        out.error(&node.place, message, remedy);
    }
    chosen.map(|&(_, value)| value)
}

/// A time in seconds: a whole number with a unit (`s`, `m`, `h`, `d`).
pub fn seconds(
    node: &Node,
    what: &str,
    bounds: RangeInclusive<u32>,
    out: &mut Diagnostics,
) -> Option<Located<u32>> {
    let text = text(node, what, out)?;
    let value = text.value.as_str();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let unit: Option<u32> = match unit {
        "s" => Some(1),
        "m" => Some(60),
        "h" => Some(3600),
        "d" => Some(86_400),
        _ => None,
    };
    let is_time = unit.is_some() && digits > 0;
    let time = unit.and_then(|unit| number.parse::<u32>().ok()?.checked_mul(unit));
    let time = time.filter(|time| bounds.contains(time));
    if time.is_none() {
        let fault = match is_time {
            true => "is out of range",
            false => "is not a time",
        };
        let message = format!("{what} \"{}\" {fault}", value.escape_debug());
        let remedy = format!(
            "write a whole number with a unit (s, m, h or d), e.g. 1h: from {}s to {}d",
            bounds.start(),
            bounds.end() / 86_400
        );
        out.error(&node.place, message, remedy);
    }
    time.map(|time| Located::new(time, &node.place))
}

/// `true` or `false`.
pub fn boolean(node: &Node, what: &str, out: &mut Diagnostics) -> Option<bool> {
    choice(node, what, &[("true", true), ("false", false)], out)
}

/// A size in bytes: a number with a unit (`B`, `KiB`, `MiB`, `GiB`).
pub fn bytes(node: &Node, what: &str, out: &mut Diagnostics) -> Option<Located<u64>> {
    let text = text(node, what, out)?;
    let value = text.value.as_str();
    let digits = value.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = value.split_at(digits);
    let unit: Option<u64> = match unit.trim_start() {
        "B" => Some(1),
        "KiB" => Some(1 << 10),
        "MiB" => Some(1 << 20),
        "GiB" => Some(1 << 30),
        _ => None,
    };
    let size = unit.and_then(|unit| number.parse::<u64>().ok()?.checked_mul(unit));
    if size.is_none() {
        let message = format!("{what} \"{}\" is not a size", value.escape_debug());
        let remedy = "write a whole number with a unit (B, KiB, MiB or GiB), e.g. 512MiB";
        out.error(&node.place, message, remedy);
    }
    size.map(|size| Located::new(size, &node.place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Place;
    use crate::yaml::tree::Value;

    fn node(text: &str) -> Node {
        Node {
            place: Place::whole(std::path::Path::new("f")),
            value: Value::Scalar(text.to_owned()),
        }
    }

    fn with<T>(text: &str, read: impl FnOnce(&Node, &mut Diagnostics) -> T) -> (T, String) {
        let mut out = Diagnostics::default();
        let value = read(&node(text), &mut out);
        let found = out.into_sorted();
        let text: Vec<String> = found.iter().map(|d| d.to_string()).collect();
        (value, text.join("\n"))
    }

    #[test]
    fn sizes_need_a_unit() {
        let size = |t: &str| with(t, |n, o| bytes(n, "hugepages", o)).0.map(|s| s.value);
        assert_eq!(size("512MiB"), Some(512 << 20));
        assert_eq!(size("1 GiB"), Some(1 << 30));
        for wrong in ["512", "MiB", "512MB", "-1MiB", "99999999999GiB", "1.5GiB"] {
            assert_eq!(size(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn times_need_a_unit() {
        let time = |t: &str| with(t, |n, o| seconds(n, "lease", 10..=86_400, o)).0;
        let time = |t: &str| time(t).map(|s| s.value);
        assert_eq!(time("10s"), Some(10));
        assert_eq!(time("90m"), Some(5400));
        assert_eq!(time("24h"), Some(86_400));
        assert_eq!(time("1d"), Some(86_400));
        for wrong in [
            "10",
            "s",
            "9s",
            "2d",
            "1 h",
            "-1h",
            "1w",
            "99999999999s",
            "1.5h",
            "1h30m",
        ] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_keep_their_bounds() {
        let mtu = |t: &str| {
            with(t, |n, o| {
                number(n, "mtu", 68..=16_000_u16, o).map(|m| m.value)
            })
        };
        assert_eq!(mtu("1500").0, Some(1500));
        for text in ["67", "16001", "99999999"] {
            let (value, found) = mtu(text);
            assert_eq!(value, None);
            assert_eq!(
                found,
                format!("f: mtu {text} is out of range\n  remedy: write a number from 68 to 16000")
            );
        }
        for text in ["", "+5", "-5", "1e3", "0x40", "1_500"] {
            assert!(mtu(text).1.contains("is not a whole number"), "{text}");
        }
    }

    #[test]
    fn names_are_words() {
        let ok = |t: &str| with(t, |n, o| name(n, "node", o)).0.is_some();
        assert!(ok("vm-a") && ok("1") && ok("Z") && ok("a.b_c") && ok(&"x".repeat(63)));
        assert!(!ok("") && !ok("-a") && !ok("a b") && !ok("ä") && !ok(&"x".repeat(64)));
    }

    #[test]
    fn errors_of_identifiers_split_into_message_and_remedy() {
        let (_, found) = with("00:05", |n, o| parsed::<packet::MacAddr>(n, "mac", o));
        assert_eq!(
            found,
            "f: mac: \"00:05\" is not a MAC address\n  remedy: write six hexadecimal octets, \
             e.g. 00:05:02:0b:27:44"
        );
    }
}
