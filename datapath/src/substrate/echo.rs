//! Answers ping (RFC 4443 §4.2).

use core::time::Duration;

use packet::icmp::{ICMP_LEN, v6};
use packet::ipv6::IPV6_LEN;

use super::frame::{Outgoing, Received, may_be_answered};
use super::host::SubstrateHost;
use super::reason::Reason;
use super::routes::UplinkIndex;
use super::snapshot::is_segment_zero;

impl SubstrateHost {
    /// An echo request whose checksum is right.
    pub(super) fn pinged(
        &mut self,
        at: UplinkIndex,
        frame: &Received<'_>,
        message: &[u8],
        now: Duration,
    ) -> Result<(), Reason> {
        let &[_, code, _, _, ref body @ ..] = message else {
            return Err(Reason::EchoMalformed);
        };
        if code != 0 || message.len() < ICMP_LEN {
            return Err(Reason::EchoMalformed);
        }
        let (asker, own) = (frame.source(), frame.destination());
        if own.is_multicast() {
            return Err(Reason::EchoToGroup);
        }
        if !self.has_in_use(own) && !is_segment_zero(self.locator, own) {
            return Err(Reason::NotForThisHost);
        }
        if !may_be_answered(asker) {
            return Err(Reason::BadIpHeader);
        }
        if self.has_in_use(asker) || is_segment_zero(self.locator, asker) {
            return Err(Reason::AddressConflict);
        }
        if !self.echo_limit.allows(now) {
            return Err(Reason::RateLimited);
        }
        let hop = self.next_hop_to(asker, at).ok_or(Reason::NoRoute)?;
        let uplink = self.uplink(hop.uplink)?;
        if IPV6_LEN + message.len() > usize::from(uplink.mtu) {
            return Err(Reason::EchoTooBig);
        }
        let mut reply = vec![v6::ECHO_REPLY, 0, 0, 0];
        reply.extend_from_slice(body);
        let packet = Outgoing {
            source: own,
            destination: asker,
            traffic_class: frame.header.traffic_class(),
            hop_limit: self.hop_limit,
        };
        let bytes = packet.frame(uplink.mac, Default::default(), &reply);
        self.send_to(hop, bytes, now)
    }
}
