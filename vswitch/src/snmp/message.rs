//! SNMP messages (RFC 1901, RFC 3416) as they stand on the wire.
//!
//! The codec is `rasn`'s; here is what of it is believed, and in which words.

use rasn::types::{FixedOctetString, Integer, ObjectIdentifier, OctetString};
use rasn_snmp::v2::{self, BulkPdu, Pdu, Pdus, VarBind, VarBindValue};
use rasn_snmp::v2c::Message;

use super::mib::{Oid, Value};

/// What the version field of version 2c says.
const VERSION_2C: u8 = 1;

/// A question.
#[derive(Debug)]
pub(super) struct Asked {
    /// The word that the asker knows.
    pub(super) community: Vec<u8>,
    /// The number that its answer has, too.
    id: i32,
    /// What is asked.
    pub(super) request: Request,
    /// About which objects.
    pub(super) names: Vec<Oid>,
}

/// What is asked of objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Request {
    /// The values of these.
    Get,
    /// The objects behind these.
    GetNext,
    /// Several behind these.
    GetBulk {
        /// Of so many of the first objects only one each.
        non_repeaters: usize,
        /// Of each of the others so many.
        max_repetitions: usize,
    },
    /// To change them.
    Set,
}

/// Why bytes are no question for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoQuestion {
    /// They are no SNMP message, or one that asks nothing.
    Malformed,
    /// It is one of another version.
    WrongVersion,
}

/// What is wrong with a question (RFC 3416 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Its answer would be too long.
    TooBig,
    /// Nothing can be changed.
    NotWritable,
}

impl Asked {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoQuestion> {
        match version(bytes) {
            Some(VERSION_2C) => {}
            Some(_) => return Err(NoQuestion::WrongVersion),
            None => return Err(NoQuestion::Malformed),
        }
        let message: Message<Pdus> = rasn::ber::decode(bytes).map_err(|_| NoQuestion::Malformed)?;
        let plain = |pdu: Pdu, request| (pdu.request_id, request, pdu.variable_bindings);
        let (id, request, bindings) = match message.data {
            Pdus::GetRequest(v2::GetRequest(pdu)) => plain(pdu, Request::Get),
            Pdus::GetNextRequest(v2::GetNextRequest(pdu)) => plain(pdu, Request::GetNext),
            Pdus::SetRequest(v2::SetRequest(pdu)) => plain(pdu, Request::Set),
            Pdus::GetBulkRequest(v2::GetBulkRequest(pdu)) => bulk(pdu),
            _ => return Err(NoQuestion::Malformed),
        };
        Ok(Self {
            community: message.community.to_vec(),
            id,
            request,
            names: (bindings.iter()).map(|b| b.name.to_vec()).collect(),
        })
    }

    /// The answer that says what was found.
    pub(super) fn found(&self, bindings: Vec<VarBind>) -> Option<Vec<u8>> {
        self.response(0, 0, bindings)
    }

    /// The answer that says what is wrong.
    pub(super) fn fault(&self, fault: Fault) -> Option<Vec<u8>> {
        match fault {
            // RFC 3416 §4.2.1: without any object.
            Fault::TooBig => self.response(Pdu::ERROR_STATUS_TOO_BIG, 0, Vec::new()),
            Fault::NotWritable => {
                let unchanged = self.names.iter().map(|name| VarBind {
                    name: object(name),
                    value: VarBindValue::Unspecified,
                });
                self.response(Pdu::ERROR_STATUS_NOT_WRITABLE, 1, unchanged.collect())
            }
        }
    }

    fn response(&self, status: u32, index: u32, bindings: Vec<VarBind>) -> Option<Vec<u8>> {
        let message = Message {
            version: Integer::from(VERSION_2C),
            community: OctetString::from(self.community.clone()),
            data: Pdus::Response(v2::Response(Pdu {
                request_id: self.id,
                error_status: status,
                error_index: index,
                variable_bindings: bindings,
            })),
        };
        rasn::ber::encode(&message).ok()
    }

    /// What an answer has around its objects, in bytes, at most: four headers of
    /// a tag and a length, version, community, and three numbers.
    pub(super) fn frame_len(&self) -> usize {
        4 * 4 + 3 + self.community.len() + 4 + 6 + 3 + 6
    }
}

fn bulk(pdu: BulkPdu) -> (i32, Request, v2::VarBindList) {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let request = Request::GetBulk {
        non_repeaters: count(pdu.non_repeaters),
        max_repetitions: count(pdu.max_repetitions),
    };
    (pdu.request_id, request, pdu.variable_bindings)
}

/// What the version field says, which all versions have in the same place.
fn version(bytes: &[u8]) -> Option<u8> {
    /// BER: a sequence, and an integer of one octet.
    const SEQUENCE: u8 = 0x30;
    const INTEGER: [u8; 2] = [0x02, 1];
    let (&tag, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    // The long form says how many octets the length has.
    let more = usize::from(length & 0x7f) * usize::from(length >> 7);
    let (kind, rest) = rest.get(more..)?.split_at_checked(2)?;
    (tag == SEQUENCE && kind == INTEGER).then(|| rest.first().copied())?
}

/// An object and what is said of it; `None` if its name cannot be written.
pub(super) fn binding(name: &[u32], value: Value) -> VarBind {
    VarBind {
        name: object(name),
        value: said(value),
    }
}

/// The octets of a binding in an answer.
pub(super) fn encoded_len(binding: &VarBind) -> Option<usize> {
    rasn::ber::encode(binding).ok().map(|bytes| bytes.len())
}

fn object(name: &[u32]) -> ObjectIdentifier {
    ObjectIdentifier::new_unchecked(name.to_vec().into())
}

fn said(value: Value) -> VarBindValue {
    use rasn_smi::v1::{Counter, Gauge, IpAddress, TimeTicks};
    use rasn_smi::v2::{ApplicationSyntax, Counter64, SimpleSyntax};
    use rasn_snmp::v2::ObjectSyntax::{ApplicationWide, Simple};
    let syntax = match value {
        Value::NoSuchObject => return VarBindValue::NoSuchObject,
        Value::NoSuchInstance => return VarBindValue::NoSuchInstance,
        Value::EndOfMibView => return VarBindValue::EndOfMibView,
        Value::Integer(number) => Simple(SimpleSyntax::Integer(number.into())),
        Value::Text(text) => Simple(SimpleSyntax::String(text.into())),
        Value::Object(name) => Simple(SimpleSyntax::ObjectId(object(&name))),
        Value::Address(address) => {
            let octets = FixedOctetString::new(address.octets());
            ApplicationWide(ApplicationSyntax::Address(IpAddress(octets)))
        }
        Value::Counter32(count) => {
            // It wraps, as 32 bits do (RFC 2578 §7.1.6).
            let [.., a, b, c, d] = count.to_be_bytes();
            let count = u32::from_be_bytes([a, b, c, d]);
            ApplicationWide(ApplicationSyntax::Counter(Counter(count)))
        }
        Value::Gauge32(number) => ApplicationWide(ApplicationSyntax::Unsigned(Gauge(number))),
        Value::Ticks(hundredths) => {
            ApplicationWide(ApplicationSyntax::Ticks(TimeTicks(hundredths)))
        }
        Value::Counter64(count) => ApplicationWide(ApplicationSyntax::BigCounter(Counter64(count))),
    };
    VarBindValue::Value(syntax)
}
