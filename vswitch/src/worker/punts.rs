//! The ways up to the slow path.
//!
//! Several rings, because neither a tenant nor a machine beyond the link may
//! keep out what neighbours say: packets that wait for a next hop's MAC come as
//! fast as a tenant sends them, pings as fast as anybody does, and the
//! neighbour's answer comes by the same workers. If it were lost, every next
//! hop would fail in turn.

use crossbeam::queue::ArrayQueue;
use datapath::pipeline::{Claim, Punt, Punted};
use packet::PacketBuf;

const DISCOVERY_RING: usize = 256;
const RESOLVE_RING: usize = 512;
const HOST_RING: usize = 256;
const AGENT_RING: usize = 256;
const CLAIM_RING: usize = 1024;
const MEMBERSHIP_RING: usize = 512;

/// Packets on their way up that all rings hold at most.
pub const PUNT_RINGS: usize =
    DISCOVERY_RING + RESOLVE_RING + HOST_RING + AGENT_RING + MEMBERSHIP_RING;

/// The rings, shared by all workers and the slow path.
#[derive(Debug)]
pub struct PuntRings<B> {
    /// Neighbour discovery from the link itself.
    discovery: ArrayQueue<Punted<B>>,
    /// Tenants' packets that wait for a next hop's MAC.
    to_resolve: ArrayQueue<Punted<B>>,
    /// Whatever else is for the host.
    for_host: ArrayQueue<Punted<B>>,
    /// Questions to logical devices' SNMP agents, which have a thread of their
    /// own.
    for_agents: ArrayQueue<Punted<B>>,
    /// Claims to addresses: for the commit thread.
    claims: ArrayQueue<Claim>,
    /// What nodes and other hosts say of their groups.
    memberships: ArrayQueue<Punted<B>>,
}

impl<B> Default for PuntRings<B> {
    fn default() -> Self {
        Self {
            discovery: ArrayQueue::new(DISCOVERY_RING),
            to_resolve: ArrayQueue::new(RESOLVE_RING),
            for_host: ArrayQueue::new(HOST_RING),
            for_agents: ArrayQueue::new(AGENT_RING),
            claims: ArrayQueue::new(CLAIM_RING),
            memberships: ArrayQueue::new(MEMBERSHIP_RING),
        }
    }
}

impl<B: PacketBuf> PuntRings<B> {
    /// Hands a packet up.
    ///
    /// # Errors
    /// The packet, if its ring is full.
    pub fn push(&self, punted: Punted<B>) -> Result<(), Punted<B>> {
        match punted.punt {
            Punt::Resolve(_) => self.to_resolve.push(punted),
            Punt::ForHost if punted.is_discovery() => self.discovery.push(punted),
            Punt::ForHost => self.for_host.push(punted),
            Punt::Agent => self.for_agents.push(punted),
            Punt::Membership => self.memberships.push(punted),
        }
    }

    /// Tells of a claim. One that finds no room is lost, and made again.
    pub fn claim(&self, claim: Claim) {
        let _ = self.claims.push(claim);
    }

    /// The next claim.
    pub fn next_claim(&self) -> Option<Claim> {
        self.claims.pop()
    }

    /// The next packet that the slow path takes: discovery first, then what waits for it. A
    /// tenant's flood there ends with the search, which takes seconds.
    pub fn pop(&self) -> Option<Punted<B>> {
        self.discovery
            .pop()
            .or_else(|| self.to_resolve.pop())
            .or_else(|| self.memberships.pop())
            .or_else(|| self.for_host.pop())
    }

    /// The next question to an agent.
    pub fn pop_question(&self) -> Option<Punted<B>> {
        self.for_agents.pop()
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv6Addr;

    use datapath::books::RowId;
    use datapath::substrate::NextHopId;
    use packet::build::Frame;
    use packet::{HeapBuf, MacAddr, nd};
    use vnet::compiled::PortId;

    use super::*;

    fn punted(kind: u8, hop_limit: u8, punt: Punt) -> Punted<HeapBuf> {
        let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
        let host = Ipv6Addr::LOCALHOST;
        let frame = Frame::between(mac, mac).ipv6(host, host);
        let frame = frame.hop_limit(hop_limit).icmp((kind, 0), (0, 0), &[0; 16]);
        Punted {
            buf: HeapBuf::from_slice(&frame),
            port: PortId(0),
            row: RowId(0),
            from: None,
            punt,
        }
    }

    #[test]
    fn neither_tenants_nor_pings_nor_forgers_beyond_the_link_keep_out_discovery() {
        let rings = PuntRings::default();
        let waiting = || punted(0, 64, Punt::Resolve(NextHopId(0)));
        let ping = || punted(128, 255, Punt::ForHost);
        let forged = || punted(nd::NEIGHBOR_ADVERTISEMENT, 254, Punt::ForHost);
        for flood in [&waiting as &dyn Fn() -> _, &ping, &forged] {
            while rings.push(flood()).is_ok() {}
        }
        let answer = punted(nd::NEIGHBOR_ADVERTISEMENT, 255, Punt::ForHost);
        let bytes = answer.buf.clone();
        assert!(rings.push(answer).is_ok());
        assert_eq!(rings.pop().map(|first| first.buf), Some(bytes));
        let rest = core::iter::from_fn(|| rings.pop());
        assert_eq!(rest.count(), RESOLVE_RING + HOST_RING);
    }
}
