//! IPv4 fragmentation (RFC 791 §3.2), of whole packets and of fragments.

use packet::ethernet::ETHERNET_LEN;
use packet::ipv4::{IPV4_LEN, Ipv4Header};
use packet::ipv4_options::Ipv4Options;
use packet::{Fragment, PacketBuf};
use zerocopy::{FromBytes, IntoBytes};

use crate::pipeline::batch::IpTuple;
use crate::pipeline::verdict::DropReason;

/// The most that options take, in bytes.
const MAX_OPTIONS: usize = 40;

/// How a packet is cut.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    header_len: usize,
    /// What is behind the header, in bytes.
    payload_len: usize,
    /// Of that in each fragment but the last, in bytes: a multiple of 8.
    chunk: usize,
}

impl Plan {
    /// A plan for the IPv4 packet of a bare frame of `len` bytes, with fragments of at most
    /// `limit` bytes, header included.
    ///
    /// # Errors
    /// `too-big`: no fragment fits the limit, or they end beyond what an offset
    /// can say.
    pub fn of(len: usize, ip: &IpTuple, limit: u16) -> Result<Self, DropReason> {
        let header_len = usize::from(ip.header_len);
        let room = usize::from(limit)
            .checked_sub(header_len)
            .ok_or(DropReason::TooBig)?;
        let plan = Self {
            header_len,
            payload_len: usize::from(ip.payload_len()),
            chunk: room - room % Fragment::UNIT,
        };
        let last =
            plan.payload_len.div_ceil(Fragment::UNIT) + usize::from(ip.fragment.offset_units());
        let sayable = last <= usize::from(Fragment::MAX_OFFSET) + 1;
        let is_there = len >= ETHERNET_LEN + header_len + plan.payload_len;
        if plan.chunk == 0 || !sayable || !is_there {
            return Err(DropReason::TooBig);
        }
        Ok(plan)
    }

    /// How many fragments.
    pub fn count(&self) -> usize {
        self.payload_len.div_ceil(self.chunk).max(1)
    }

    /// Writes the `at`th fragment of `frame` into an empty buffer, as a bare
    /// frame.
    ///
    /// # Errors
    /// `no-buffer`: it does not fit the buffer.
    pub fn write<B: PacketBuf>(
        &self,
        frame: &B,
        at: usize,
        piece: &mut B,
    ) -> Result<(), DropReason> {
        let bytes = frame.data();
        let range = |from: usize, to: usize| bytes.get(from..to).ok_or(DropReason::Truncated);
        let ethernet = range(0, ETHERNET_LEN)?;
        let payload_at = ETHERNET_LEN + self.header_len;
        let options = range(ETHERNET_LEN + IPV4_LEN, payload_at)?;
        let mut copied = [0; MAX_OPTIONS];
        let options = if at == 0 {
            options
        } else {
            copied_options(options, &mut copied)
        };
        let from = at * self.chunk;
        let to = (from + self.chunk).min(self.payload_len);
        let mut header = header(bytes).ok_or(DropReason::Truncated)?;
        let of = header.fragment();
        let units = u16::try_from(from / Fragment::UNIT).unwrap_or(Fragment::MAX_OFFSET);
        let more = of.more() || to < self.payload_len;
        header.set_header_len(IPV4_LEN + options.len());
        header.set_piece(
            Fragment::new(of.offset_units().saturating_add(units), more),
            u16::try_from(to - from).unwrap_or(u16::MAX),
        );
        header.seal(options);
        fill(piece, &[ethernet, header.as_bytes(), options])?;
        let at = piece.len();
        piece.append(to - from).map_err(|_| DropReason::NoBuffer)?;
        let payload = piece.data_mut().get_mut(at..).unwrap_or_default();
        frame
            .read_at(payload_at + from, payload)
            .map_err(|_| DropReason::Truncated)
    }
}

/// The IPv4 header of a bare frame.
pub fn header(frame: &[u8]) -> Option<Ipv4Header> {
    let (header, _) = Ipv4Header::read_from_prefix(frame.get(ETHERNET_LEN..)?).ok()?;
    Some(header)
}

/// Appends the parts to an empty buffer.
pub(super) fn fill<B: PacketBuf>(piece: &mut B, parts: &[&[u8]]) -> Result<(), DropReason> {
    for part in parts {
        let at = piece.len();
        piece.append(part.len()).map_err(|_| DropReason::NoBuffer)?;
        let room = piece.data_mut().get_mut(at..);
        room.ok_or(DropReason::NoBuffer)?.copy_from_slice(part);
    }
    Ok(())
}

/// The options that later fragments have, too: those with the copied flag
/// (RFC 791 §3.1), filled up with End of Option List.
fn copied_options<'a>(options: &[u8], into: &'a mut [u8; MAX_OPTIONS]) -> &'a [u8] {
    let mut len = 0;
    // One that is malformed ends the list.
    for option in Ipv4Options::new(options).map_while(Result::ok) {
        let room = into.get_mut(len..len + option.bytes.len());
        if let Some(room) = room.filter(|_| option.kind.is_copied()) {
            room.copy_from_slice(option.bytes);
            len += option.bytes.len();
        }
    }
    into.get(..len.next_multiple_of(4)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use packet::build::Frame;
    use packet::{HeapBuf, IpProtocol, MacAddr, VirtualAddr, checksum};

    use super::*;

    fn cut(frame: &[u8], ip: &IpTuple, limit: u16) -> Vec<Vec<u8>> {
        let buf = HeapBuf::from_slice(frame);
        let plan = Plan::of(frame.len(), ip, limit).unwrap();
        let piece = |at| {
            let mut piece = HeapBuf::from_slice(&[]);
            plan.write(&buf, at, &mut piece).unwrap();
            piece.data()[ETHERNET_LEN..].to_vec()
        };
        (0..plan.count()).map(piece).collect()
    }

    fn tuple(header_len: u8, len: u16, fragment: Fragment) -> IpTuple {
        IpTuple {
            source: VirtualAddr::from_bits(1),
            destination: VirtualAddr::from_bits(2),
            protocol: IpProtocol::UDP,
            ports: (0, 0),
            fragment,
            dont_fragment: false,
            header_len,
            len,
        }
    }

    fn frame() -> Frame {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
        Frame::between(mac, mac)
    }

    #[test]
    fn fragments_are_as_large_as_fits_and_say_where_they_belong() {
        let data: Vec<u8> = (0..200).collect();
        let whole = frame().ipv4([1; 4], [2; 4]).id(7).protocol(17, &data);
        let pieces = cut(&whole, &tuple(20, 220, Fragment::WHOLE), 100);
        let said = |piece: &Vec<u8>| {
            let (header, payload) = Ipv4Header::ref_from_prefix(piece).unwrap();
            assert_eq!(checksum::of(&piece[..20]), 0);
            assert_eq!(
                (header.identification(), header.total_len()),
                (7, piece.len())
            );
            let at = header.fragment();
            assert_eq!(payload, &data[at.offset()..at.offset() + payload.len()]);
            (at.offset(), payload.len(), at.more())
        };
        let said: Vec<_> = pieces.iter().map(said).collect();
        assert_eq!(said, [(0, 80, true), (80, 80, true), (160, 40, false)]);
    }

    #[test]
    fn a_fragment_of_a_fragment_keeps_its_place_and_what_follows() {
        let of = frame().ipv4([1; 4], [2; 4]).fragment(10, true);
        let whole = of.protocol(17, &[9; 64]);
        let pieces = cut(&whole, &tuple(20, 84, Fragment::new(10, true)), 60);
        let place = |piece: &Vec<u8>| header_at(piece).fragment();
        let places: Vec<_> = pieces.iter().map(place).collect();
        assert_eq!(places, [Fragment::new(10, true), Fragment::new(15, true)]);
    }

    fn header_at(piece: &[u8]) -> Ipv4Header {
        Ipv4Header::read_from_prefix(piece).unwrap().0
    }

    #[test]
    fn later_fragments_have_the_options_that_say_so() {
        // No Operation; record route, first only; stream id, in all.
        let options = [1, 7, 7, 4, 0, 0, 0, 0, 136, 4, 0xab, 0xcd];
        let of = frame().ipv4([1; 4], [2; 4]).options(&options);
        let pieces = cut(
            &of.protocol(17, &[5; 40]),
            &tuple(32, 72, Fragment::WHOLE),
            68,
        );
        assert_eq!(pieces.len(), 2);
        assert_eq!(pieces[0][20..32], options);
        assert_eq!(header_at(&pieces[1]).header_len(), 24);
        assert_eq!(pieces[1][20..24], [136, 4, 0xab, 0xcd]);
        assert!(
            pieces
                .iter()
                .all(|piece| { checksum::of(&piece[..header_at(piece).header_len()]) == 0 })
        );
    }

    #[test]
    fn only_what_can_be_told_apart_is_copied_and_nothing_from_its_end_on() {
        // Router alert; then one that says more than there is.
        let mut into = [0; MAX_OPTIONS];
        let malformed = copied_options(&[148, 4, 0, 0, 136, 40, 0, 0], &mut into);
        assert_eq!(malformed, [148, 4, 0, 0]);
        let mut into = [0; MAX_OPTIONS];
        let ended = copied_options(&[130, 3, 5, 0, 148, 4, 0, 0], &mut into);
        assert_eq!(ended, [130, 3, 5, 0], "filled up");
        let mut into = [0; MAX_OPTIONS];
        let full = [148; 1].into_iter().chain([40]).chain([7; 38]);
        let full: Vec<u8> = full.collect();
        assert_eq!(copied_options(&full, &mut into), full);
    }

    #[test]
    fn what_no_offset_can_say_is_not_cut() {
        let whole = frame().ipv4([1; 4], [2; 4]).protocol(17, &[0; 100]);
        let ping_of_death = tuple(20, 120, Fragment::new(0x1fff, false));
        assert!(Plan::of(whole.len(), &ping_of_death, 68).is_err());
        assert!(Plan::of(whole.len(), &tuple(20, 120, Fragment::WHOLE), 27).is_err());
        assert!(Plan::of(whole.len(), &tuple(20, 120, Fragment::WHOLE), 28).is_ok());
    }
}
