//! A partial checksum made whole in software, where no device will.

use packet::checksum::Sum;
use packet::ethernet::ETHERNET_LEN;
use packet::{IpProtocol, PacketBuf};

use crate::pipeline::batch::IpTuple;

/// Bytes that are read of a chain at once: an even number.
const CHUNK: usize = 512;

/// Completes the transport checksum of a bare frame whose headers are in its
/// first buffer: the field holds the sum of the pseudo-header, to which the rest
/// is added.
pub(super) fn complete<B: PacketBuf>(buf: &mut B, ip: &IpTuple) {
    let Some(at) = ip.protocol.checksum_offset() else {
        return;
    };
    let start = ETHERNET_LEN + usize::from(ip.header_len);
    let sum = match sum(buf, start).checksum() {
        // RFC 768: a computed zero is sent as all ones.
        0 if matches!(ip.protocol, IpProtocol::UDP | IpProtocol::UDP_LITE) => 0xffff,
        sum => sum,
    };
    let field = buf.data_mut().get_mut(start + at..);
    if let Some(field) = field.and_then(|rest| rest.first_chunk_mut::<2>()) {
        *field = sum.to_be_bytes();
    }
}

fn sum<B: PacketBuf>(buf: &B, start: usize) -> Sum {
    if buf.is_contiguous() {
        return Sum::of(buf.data().get(start..).unwrap_or_default());
    }
    let mut sum = Sum::ZERO;
    let mut chunk = [0; CHUNK];
    for from in (start..buf.len()).step_by(CHUNK) {
        let len = CHUNK.min(buf.len() - from);
        let part = chunk.get_mut(..len).unwrap_or_default();
        // It does not end before its length.
        if buf.read_at(from, part).is_ok() {
            sum = sum.and(Sum::of(part));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use packet::build::{Checksum, Frame};
    use packet::checksum::pseudo_header_v6;
    use packet::{Fragment, HeapBuf, MacAddr, VirtualAddr};

    use super::*;

    #[test]
    fn the_completed_checksum_is_the_right_one() {
        let frame = |checksum| {
            let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
            let ip = Frame::between(mac, mac).ipv4([10, 0, 0, 2], [10, 0, 0, 3]);
            ip.checksum(checksum).udp(7, 9, b"odd")
        };
        let addresses = Sum::of(&[10, 0, 0, 2, 10, 0, 0, 3]);
        let partial = pseudo_header_v6(addresses, 11, IpProtocol::UDP).fold();
        let mut buf = HeapBuf::from_slice(&frame(Checksum::Exactly(partial)));
        let ip = IpTuple {
            source: VirtualAddr::from_bits(0x0a00_0002),
            destination: VirtualAddr::from_bits(0x0a00_0003),
            protocol: IpProtocol::UDP,
            ports: (7, 9),
            fragment: Fragment::WHOLE,
            dont_fragment: false,
            header_len: 20,
            len: 31,
        };
        complete(&mut buf, &ip);
        assert_eq!(buf.data(), frame(Checksum::Right));
    }
}
