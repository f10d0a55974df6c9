//! What a question comes to (RFC 3416 §4.2), whatever the objects are.

use rasn_snmp::v2::VarBind;

use super::message::{Asked, Fault, Request, binding, encoded_len};
use super::mib::{Mib, Oid, Value};

/// The answer to a question, of at most so many bytes. `None`: it cannot be
/// said, not even that it is too long.
pub(super) fn answer(asked: &Asked, mib: &Mib<'_>, room: usize) -> Option<Vec<u8>> {
    let mut said = Said {
        bindings: Vec::new(),
        room: room.checked_sub(asked.frame_len())?,
    };
    let whole = match asked.request {
        Request::Get => each(asked, &mut said, |name| (name.clone(), mib.get(name))),
        Request::GetNext => each(asked, &mut said, |name| next(mib, name)),
        Request::GetBulk {
            non_repeaters,
            max_repetitions,
        } => {
            bulk(asked, mib, &mut said, non_repeaters, max_repetitions);
            // RFC 3416 §4.2.3: as much of it as there is room for.
            true
        }
        Request::Set => {
            let refused = asked.fault(Fault::NotWritable)?;
            return match refused.len() <= room {
                true => Some(refused),
                false => asked.fault(Fault::TooBig),
            };
        }
    };
    match whole {
        true => asked.found(said.bindings),
        false => asked.fault(Fault::TooBig),
    }
}

/// What has been said so far, and how much more there is room for.
struct Said {
    bindings: Vec<VarBind>,
    room: usize,
}

impl Said {
    /// Says one more, if there is room.
    fn say(&mut self, name: &[u32], value: Value) -> bool {
        let binding = binding(name, value);
        let room = encoded_len(&binding).and_then(|len| self.room.checked_sub(len));
        let Some(room) = room else {
            return false;
        };
        self.room = room;
        self.bindings.push(binding);
        true
    }
}

/// Something of each object, or nothing at all.
fn each(asked: &Asked, said: &mut Said, what: impl Fn(&Oid) -> (Oid, Value)) -> bool {
    asked.names.iter().all(|name| {
        let (name, value) = what(name);
        said.say(&name, value)
    })
}

/// The object behind a name; at the end, the name itself.
fn next(mib: &Mib<'_>, name: &Oid) -> (Oid, Value) {
    let found = mib.next(name);
    found.unwrap_or_else(|| (name.clone(), Value::EndOfMibView))
}

fn bulk(asked: &Asked, mib: &Mib<'_>, said: &mut Said, once: usize, repetitions: usize) {
    let (once, often) = asked.names.split_at(once.min(asked.names.len()));
    for name in once {
        let (name, value) = next(mib, name);
        if !said.say(&name, value) {
            return;
        }
    }
    let mut names = often.to_vec();
    for _ in 0..repetitions {
        let mut ended = true;
        for name in &mut names {
            let (found, value) = next(mib, name);
            ended &= value == Value::EndOfMibView;
            if !said.say(&found, value) {
                return;
            }
            *name = found;
        }
        if ended {
            return;
        }
    }
}
