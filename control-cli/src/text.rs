//! Numbers and times as people read them.

/// A number with its digits in groups of three.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index != 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many of something there are.
pub(crate) fn counted(number: u64, one: &str, several: &str) -> String {
    let what = if number == 1 { one } else { several };
    format!("{} {what}", grouped(number))
}

/// A difference, with its sign.
pub(crate) fn signed(number: i128) -> String {
    let size = grouped(u64::try_from(number.unsigned_abs()).unwrap_or(u64::MAX));
    match number {
        0 => size,
        _ if number < 0 => format!("-{size}"),
        _ => format!("+{size}"),
    }
}

/// A span of time in its two largest units.
pub(crate) fn span(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// How long ago something was.
pub(crate) fn ago(milliseconds: u64) -> String {
    if milliseconds < 1000 {
        "now".to_owned()
    } else {
        format!("{} ago", span(milliseconds))
    }
}

/// Milliseconds as seconds, for programs.
#[expect(clippy::cast_precision_loss, reason = "exact for 285 000 years")]
pub(crate) fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// Microseconds as seconds, for programs.
#[expect(clippy::cast_precision_loss, reason = "exact for 285 years")]
pub(crate) fn seconds_of_us(microseconds: u64) -> f64 {
    microseconds as f64 / 1e6
}

/// A number of bytes in the largest fitting unit.
pub(crate) fn bytes(number: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut tenths = u128::from(number) * 10;
    let mut unit = "B";
    for larger in units {
        if tenths < 10_240 {
            break;
        }
        tenths /= 1024;
        unit = larger;
    }
    match unit {
        "B" => format!("{number} B"),
        _ => format!("{}.{} {unit}", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(signed(-1234), "-1,234");
        assert_eq!(signed(5), "+5");
        assert_eq!(signed(0), "0");
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1023), "1023 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(480 << 20), "480.0 MiB");
        assert!(bytes(u64::MAX).ends_with(" TiB"));
    }

    #[test]
    fn one_is_not_several() {
        assert_eq!(counted(1, "mapping", "mappings"), "1 mapping");
        assert_eq!(counted(1200, "mapping", "mappings"), "1,200 mappings");
    }

    #[test]
    fn spans_name_two_units() {
        assert_eq!(span(999), "0 s");
        assert_eq!(span(59_999), "59 s");
        assert_eq!(span(61_000), "1 min 1 s");
        assert_eq!(span(7_385_000), "2 h 3 min");
        assert_eq!(span(90_000_000), "1 d 1 h");
        assert_eq!(ago(900), "now");
        assert_eq!(ago(2000), "2 s ago");
    }
}
