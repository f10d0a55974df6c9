//! The text of a mapping file: one mapping per line.
//!
//! ```text
//! # SEGMENT  ADDRESS  LOCATOR          MAC                [SLOT]
//! 0x00a001   10.0.0.9 fd00:0:0:b::/64  02:00:00:00:00:09
//! remove 0x00a001 10.0.0.8
//! ```
//!
//! Words are separated by blanks or tabs; what follows a `#` is a comment.

use core::fmt::Display;
use core::net::Ipv4Addr;
use core::str::FromStr;
use std::collections::HashMap;
use std::io::{self, Write};

use control_api::v1;
use packet::{IdError, Locator, MacAddr, SegmentId, Slot, VirtualAddr};

/// What stands at the head of a file that is written.
pub(super) const HEADING: &str = "# SEGMENT ADDRESS LOCATOR MAC [SLOT]\n";

/// The word that begins a line which removes a mapping.
const REMOVE: &[u8] = b"remove";

/// A line that says nothing sensible.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct LineError(String);

/// Reads lines. It remembers what it has read: hosts are far fewer than
/// mappings, so most locators have been seen before.
#[derive(Debug, Default)]
pub(super) struct Parser {
    locators: HashMap<Vec<u8>, u64>,
    last_locator: (Vec<u8>, u64),
    last_segment: (Vec<u8>, u32),
}

/// Beyond this many locators nobody gains by remembering.
const LOCATORS: usize = 1 << 16;

impl Parser {
    /// The change that a line asks for; nothing if it is empty or a comment.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<v1::MappingChange>, LineError> {
        let mut words = Words(line);
        let Some(first) = words.next() else {
            return Ok(None);
        };
        let remove = first == REMOVE;
        let segment = if remove {
            words.need("a segment id")?
        } else {
            first
        };
        let mut change = v1::MappingChange {
            segment: self.segment(segment)?,
            address: address(words.need("an address")?)?,
            remove,
            ..Default::default()
        };
        if !remove {
            change.locator = self.locator(words.need("a locator")?)?;
            change.mac = mac(words.need("a MAC address")?)?;
            change.slot = words.next().map_or(Ok(0), slot)?;
        }
        match words.next() {
            Some(word) => Err(LineError(format!(
                "\"{}\" is too much; write SEGMENT ADDRESS LOCATOR MAC [SLOT], \
                 or remove SEGMENT ADDRESS",
                word.escape_ascii()
            ))),
            None => Ok(Some(change)),
        }
    }

    fn segment(&mut self, word: &[u8]) -> Result<u32, LineError> {
        if self.last_segment.0 != word {
            let id: SegmentId = parsed(word)?;
            self.last_segment = (word.to_vec(), id.get());
        }
        Ok(self.last_segment.1)
    }

    fn locator(&mut self, word: &[u8]) -> Result<u64, LineError> {
        if self.last_locator.0 == word {
            return Ok(self.last_locator.1);
        }
        let bits = match self.locators.get(word) {
            Some(bits) => *bits,
            None => {
                let bits = parsed::<Locator>(word)?.to_bits();
                if self.locators.len() < LOCATORS {
                    self.locators.insert(word.to_vec(), bits);
                }
                bits
            }
        };
        self.last_locator.0.clear();
        self.last_locator.0.extend_from_slice(word);
        self.last_locator.1 = bits;
        Ok(bits)
    }
}

/// The words of a line, up to its comment.
struct Words<'a>(&'a [u8]);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a [u8]> {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        let start = self.0.iter().position(|byte| !is_blank(byte))?;
        let rest = &self.0[start..];
        if rest[0] == b'#' {
            self.0 = &[];
            return None;
        }
        let end = rest.iter().position(is_blank).unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        Some(word)
    }

    fn need(&mut self, what: &str) -> Result<&'a [u8], LineError> {
        self.next().ok_or_else(|| {
            LineError(format!(
                "{what} is missing; write SEGMENT ADDRESS LOCATOR MAC [SLOT], \
                 or remove SEGMENT ADDRESS"
            ))
        })
    }
}

fn parsed<T: FromStr<Err: Display>>(word: &[u8]) -> Result<T, LineError> {
    text(word)?
        .parse()
        .map_err(|error: T::Err| LineError(error.to_string()))
}

fn text(word: &[u8]) -> Result<&str, LineError> {
    str::from_utf8(word).map_err(|_| LineError(format!("\"{}\" is no text", word.escape_ascii())))
}

fn address(word: &[u8]) -> Result<u32, LineError> {
    let text = text(word)?;
    let address: Ipv4Addr = text.parse().map_err(|_| {
        LineError(format!(
            "\"{}\" is not a virtual address; write e.g. 10.0.0.9",
            text.escape_debug()
        ))
    })?;
    Ok(address.to_bits())
}

/// `02:00:00:00:00:09`, as nearly all are written; whatever else a MAC address
/// may look like is left to its type.
fn mac(word: &[u8]) -> Result<u64, LineError> {
    let address = match octets(word) {
        Some(octets) => MacAddr::new(octets),
        None => parsed(word)?,
    };
    if address.is_unicast() {
        return Ok(address.to_u64());
    }
    Err(LineError(format!(
        "{address} is no station's MAC address; write one that is not a group's, nor all zero"
    )))
}

fn octets(word: &[u8]) -> Option<[u8; 6]> {
    let word: &[u8; 17] = word.try_into().ok()?;
    let mut octets = [0; 6];
    for (place, octet) in octets.iter_mut().enumerate() {
        let at = place * 3;
        if at > 0 && word[at - 1] != b':' {
            return None;
        }
        *octet = (nibble(word[at])? << 4) | nibble(word[at + 1])?;
    }
    Some(octets)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn slot(word: &[u8]) -> Result<u32, LineError> {
    let text = text(word)?;
    let number = text.parse().map_err(|_| IdError::Text(text.to_owned()));
    match number.and_then(Slot::new) {
        Ok(slot) => Ok(slot.get().into()),
        Err(error) => Err(LineError(error.to_string())),
    }
}

/// Writes a mapping as a line.
pub(super) fn write(
    out: &mut dyn Write,
    segment: SegmentId,
    address: VirtualAddr,
    locator: Locator,
    mac: MacAddr,
    slot: u32,
) -> io::Result<()> {
    write!(out, "{segment} {address} {locator} {mac}")?;
    match slot {
        0 => writeln!(out),
        _ => writeln!(out, " {slot}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Option<v1::MappingChange>, LineError> {
        Parser::default().line(text.as_bytes())
    }

    const LOCATOR: u64 = 0xfd00_0000_0000_000b;

    #[test]
    fn a_mapping_has_four_words_or_five() {
        let change = line("0x00a001 10.0.0.9 fd00:0:0:b::/64 02:00:00:00:00:09");
        let expected = v1::MappingChange {
            segment: 0xa001,
            address: 0x0a00_0009,
            remove: false,
            locator: LOCATOR,
            slot: 0,
            mac: 0x0200_0000_0009,
        };
        assert_eq!(change, Ok(Some(expected)));
        let change = line("\t40961  10.0.0.9\tfd00:0:0:b::/64 02-00-00-00-00-0A 63 # x\r\n");
        let expected = v1::MappingChange {
            slot: 63,
            mac: 0x0200_0000_000a,
            ..expected
        };
        assert_eq!(change, Ok(Some(expected)));
    }

    #[test]
    fn a_removal_has_three_words() {
        let expected = v1::MappingChange {
            segment: 1,
            address: 0x0a00_0009,
            remove: true,
            ..Default::default()
        };
        assert_eq!(line("remove 1 10.0.0.9"), Ok(Some(expected)));
    }

    #[test]
    fn empty_lines_and_comments_ask_for_nothing() {
        for text in ["", "\n", " \t\r\n", "# all", "   #0x1 10.0.0.9"] {
            assert_eq!(line(text), Ok(None), "{text:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        let mapping =
            |segment, address, locator, mac| format!("{segment} {address} {locator} {mac}");
        let (l, m) = ("fd00:0:0:b::/64", "02:00:00:00:00:09");
        let wrong = [
            (mapping("0", "10.0.0.9", l, m), "0x000001 to 0xffffff"),
            (mapping("x", "10.0.0.9", l, m), "is not a number"),
            (mapping("1", "10.0.0", l, m), "is not a virtual address"),
            (mapping("1", "10.0.0.9", "fd00::/48", m), "length 64"),
            (mapping("1", "10.0.0.9", l, "02:00"), "not a MAC address"),
            (
                mapping("1", "10.0.0.9", l, "01:00:00:00:00:09"),
                "no station's",
            ),
            (
                mapping("1", "10.0.0.9", l, "02:00:00:00:00:09 64"),
                "0 to 63",
            ),
            (
                mapping("1", "10.0.0.9", l, "02:00:00:00:00:09 1 2"),
                "\"2\" is too much",
            ),
            ("1 10.0.0.9".to_owned(), "a locator is missing"),
            ("remove 1".to_owned(), "an address is missing"),
            ("remove 1 10.0.0.9 x".to_owned(), "is too much"),
        ];
        for (text, says) in wrong {
            let error = line(&text).unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
        let error = Parser::default().line(b"1 10.0.0.\xff x y").unwrap_err();
        assert!(error.to_string().contains("is no text"), "{error}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for slot in [0, 5, 63] {
            let mut text = Vec::new();
            write(
                &mut text,
                SegmentId::new(0xa001).unwrap(),
                VirtualAddr::from_bits(0xf000_0001),
                Locator::from_bits(LOCATOR),
                "02:00:00:00:00:09".parse().unwrap(),
                slot,
            )
            .unwrap();
            let change = Parser::default().line(&text).unwrap().unwrap();
            assert_eq!(
                (change.segment, change.address, change.slot),
                (0xa001, 0xf000_0001, slot)
            );
            assert_eq!((change.locator, change.mac), (LOCATOR, 0x0200_0000_0009));
        }
    }

    #[test]
    fn locators_are_remembered_as_they_are() {
        let mut parser = Parser::default();
        for host in [1_u64, 2, 1, 1, 3, 2] {
            let text = format!("1 10.0.0.9 fd00:0:0:{host:x}::/64 02:00:00:00:00:09");
            let change = parser.line(text.as_bytes()).unwrap().unwrap();
            assert_eq!(change.locator, 0xfd00_0000_0000_0000 | host);
        }
    }
}
