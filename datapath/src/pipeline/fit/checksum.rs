//! A partial checksum made whole in software, where no device will.

use packet::checksum::Sum;
use packet::{IpProtocol, PacketBuf};

/// Bytes that are read of a chain at once: an even number.
const CHUNK: usize = 512;

/// Completes the transport checksum of a bare frame whose headers are in its
/// first buffer: the field holds the sum of the pseudo-header, to which the rest
/// is added. `start`: where the header of `protocol` begins.
pub(in crate::pipeline) fn complete<B: PacketBuf>(buf: &mut B, protocol: IpProtocol, start: usize) {
    let Some(at) = protocol.checksum_offset() else {
        return;
    };
    let sum = match sum(buf, start).checksum() {
        // RFC 768: a computed zero is sent as all ones.
        0 if matches!(protocol, IpProtocol::UDP | IpProtocol::UDP_LITE) => 0xffff,
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
    use packet::ethernet::ETHERNET_LEN;
    use packet::ipv4::IPV4_LEN;
    use packet::{HeapBuf, MacAddr};

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
        complete(&mut buf, IpProtocol::UDP, ETHERNET_LEN + IPV4_LEN);
        assert_eq!(buf.data(), frame(Checksum::Right));
    }
}
