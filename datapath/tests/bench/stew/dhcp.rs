//! What DHCP clients send, and what nobody's client does.

use packet::MacAddr;
use packet::build::{Checksum, Frame};

use super::super::names::*;
use super::super::random::Random;
use super::{ANYBODY, payload};

/// Codes that mean something to a server, and some that do not.
const CODES: [u8; 12] = [0, 50, 51, 52, 53, 54, 55, 57, 61, 82, 12, 255];

/// A message of a node to anybody.
pub fn client(random: &mut Random, frame: Frame, node: Node) -> Vec<u8> {
    let source = random.pick(&[[0; 4], [0; 4], node.ip]);
    let other = random.pick(&ANYBODY).ip;
    let destination = random.pick(&[[255; 4], [255; 4], J.ip, [192, 0, 0, 8], other]);
    let ports = match random.below(8) {
        0 => (67, 68),
        1 => (random.u16(), 67),
        _ => (68, 67),
    };
    let mut ip = frame.ipv4(source, destination);
    if random.once_in(2) {
        // No checksum: what is spoilt behind it is looked at.
        ip = ip.checksum(Checksum::Exactly(0));
    }
    let data = match random.once_in(10) {
        true => payload(random),
        false => message(random, node.mac),
    };
    ip.udp(ports.0, ports.1, &data)
}

fn message(random: &mut Random, mac: MacAddr) -> Vec<u8> {
    let mut bytes = vec![0; 236];
    bytes[..3].copy_from_slice(&[1, 1, 6]);
    bytes[10] = random.pick(&[0, 0x80]);
    if random.once_in(3) {
        bytes[12..16].copy_from_slice(&random.pick(&ANYBODY).ip);
    }
    let mac = match random.once_in(20) {
        true => random.pick(&ANYBODY).mac,
        false => mac,
    };
    bytes[28..34].copy_from_slice(&mac.octets());
    bytes.extend([
        99,
        130,
        83,
        99,
        53,
        1,
        random.pick(&[1, 1, 3, 3, 3, 4, 7, 8]),
    ]);
    for _ in 0..random.below(5) {
        let value = match random.below(4) {
            0 => random.pick(&ANYBODY).ip.to_vec(),
            1 => vec![random.u8()],
            _ => payload(random),
        };
        let len = random.pick(&[value.len(), value.len(), value.len(), 255]);
        bytes.extend([random.pick(&CODES), len.min(255) as u8]);
        bytes.extend(&value[..value.len().min(255)]);
    }
    if random.once_in(3) {
        let ip = random.pick(&[A, D, C, E_BACK, J, G]).ip;
        bytes.extend([50, 4, ip[0], ip[1], ip[2], ip[3]]);
    }
    if !random.once_in(10) {
        bytes.push(255);
    }
    bytes
}
