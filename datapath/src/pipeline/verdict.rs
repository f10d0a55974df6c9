//! What a stage decides about a packet: a closed set, and for every drop a
//! reason that a user can read.

use crate::substrate::NextHopId;

/// What becomes of a packet. Every packet enters as [`Verdict::Next`] and
/// leaves as something else; the first stage that decides has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// On to the next stage.
    Next,
    /// Out of a port: forwarded.
    Forward(vnet::compiled::PortId),
    /// It is too large for its way in one piece: `cut` makes pieces of it, which
    /// go on by themselves.
    Cut(Cut),
    /// It is for many: each of them gets a copy, which goes on by itself.
    Copy(Audience),
    /// It says who listens to what: these get copies, and the packet itself goes
    /// up to the slow path.
    Snoop(Audience),
    /// The buffer now holds an answer; it goes out of the port the question
    /// came in by. The question is consumed, the answer is generated.
    Reply,
    /// It has done its work and ends here.
    Consume(Consumed),
    /// It goes up to the slow path, which books what becomes of it.
    Punt(Punt),
    /// It is dropped.
    Drop(DropReason),
}

/// For whom of a segment a packet to many is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// All of it.
    Everybody,
    /// Those who have joined its group.
    Listeners,
    /// Those who hear every group: multicast routers.
    Routers,
}

/// Into what a packet is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// IPv4 fragments of at most so many bytes, header included.
    Fragments {
        /// The limit.
        limit: u16,
    },
    /// TCP segments with so many bytes of payload.
    Segments {
        /// The payload of each but the last.
        payload: core::num::NonZeroU16,
    },
}

/// Why a packet ended without being forwarded, dropped or answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// ARP that asks for no answer: an announcement, a reply, a probe for an
    /// address nobody else has.
    Arp,
    /// A broadcast or multicast in a segment where nobody else is.
    Unheard,
    /// A fabric router's Packet Too Big: the path's MTU is known now, and its
    /// node need not be told, since its packets may be cut.
    PacketTooBig,
    /// DHCP that asks for no answer: a release, or a request to another server.
    Dhcp,
    /// DHCP: a client says that somebody else uses the address it was offered.
    DhcpDecline,
}

/// What the slow path is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Punt {
    /// It is for the substrate host itself: neighbour discovery, MLD, ping;
    /// without a kernel's port, whatever else is for its addresses.
    ForHost,
    /// It asks a logical device's SNMP agent.
    Agent,
    /// Hold it until this next hop's MAC is known, then send it.
    Resolve(NextHopId),
    /// Remember what it says of its sender's groups.
    Membership,
}

/// Declares every drop reason once: stage, variant, name, description, remedy.
macro_rules! drop_reasons {
    ($( $stage:literal { $( $variant:ident $name:literal $what:literal $remedy:literal )+ } )+) => {
        /// Why a packet was dropped: one reason per line of the declaration,
        /// grouped by stage.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum DropReason { $($( #[doc = $what] $variant, )+)+ }

        impl DropReason {
            /// All reasons, in the order of the packet's walk.
            pub const ALL: &'static [Self] = &[$($( Self::$variant, )+)+];

            /// The name: what counters and traces show.
            pub const fn name(self) -> &'static str {
                match self { $($( Self::$variant => $name, )+)+ }
            }

            /// Where it belongs: a file of the pipeline, or the slow path's
            /// `hold`, `groups`, or `snmp`. Other stages may decide it, too.
            pub const fn stage(self) -> &'static str {
                match self { $($( Self::$variant => $stage, )+)+ }
            }

            /// What it means.
            pub const fn description(self) -> &'static str {
                match self { $($( Self::$variant => $what, )+)+ }
            }

            /// What an operator can do about it; empty where nothing is wrong.
            pub const fn remedy(self) -> &'static str {
                match self { $($( Self::$variant => $remedy, )+)+ }
            }
        }
    };
}

drop_reasons! {
    "classify" {
        Truncated "truncated"
            "The frame ends before its headers do."
            "capture on the sender; its driver or a cable cuts frames short"
        NotContiguous "not-contiguous"
            "The frame came in several buffers, and it is neither a super-frame nor an IPv4 packet that is too large for its way."
            "raise the port's mtu so that one buffer holds a frame"
        SourceMacInvalid "source-mac-invalid"
            "The source MAC is a group address or zero."
            "no station may send so; look for a broken or hostile node"
        UnknownMac "unknown-mac"
            "No interface on this port has the source MAC."
            "give the MAC to an interface on this port in the topology, or correct the node's"
        UnknownTag "unknown-tag"
            "The source MAC is known on this port, but not with this VLAN tag, MPLS label or outer tag."
            "add the segment to the node's trunk, or correct the node's VLAN id, label or outer tag"
        UntaggedOnTrunk "untagged-on-trunk"
            "An untagged frame on a trunk that has no native VLAN."
            "set `native` on the link, or let the node tag its frames"
        TaggedOnAccess "tagged-on-access"
            "A tagged frame on an access link."
            "make the link a trunk, or let the node send untagged"
        DoubleTagged "double-tagged"
            "The frame has two VLAN tags, or a service tag (802.1ad), and its link has no outer tag; or it has three."
            "send with one 802.1Q tag, or give the node's link the provider's tag: outer"
        LabelMalformed "label-malformed"
            "The frame has more than one MPLS label, or its label is not followed by IP."
            "let the node send one label, and behind it IPv4; ARP has no label"
        BadIpHeader "bad-ip-header"
            "The IP header's version or lengths contradict the frame."
            "look for a broken or hostile sender"
        BadIpChecksum "bad-ip-checksum"
            "The IPv4 header checksum is wrong."
            "look for a broken sender"
        NotIpv6 "not-ipv6"
            "A frame on an uplink, or from the kernel, that is not IPv6."
            "nothing is wrong: the fabric carries other protocols, too"
        NotForThisMac "not-for-this-mac"
            "A frame on an uplink for somebody else's MAC."
            "nothing is wrong, unless it is much: then the fabric floods"
        NotForThisHost "not-for-this-host"
            "An IPv6 packet on an uplink for an address that is not this host's."
            "correct the fabric's route: it sends other hosts' packets here"
    }
    "kernel" {
        KernelRateLimited "kernel-rate-limited"
            "A packet for the host's own kernel, beyond what an uplink may give it per second."
            "find out who sends so much to the host's address; or raise the uplink's kernel-rate"
        KernelMac "kernel-mac"
            "The kernel sent a frame whose source MAC is not the uplink's, to which nobody could answer."
            "give the kernel's interface the uplink's MAC: ip link set NAME address MAC; see: vswitchctl port list"
        KernelSpoofed "kernel-spoofed"
            "The kernel sent a packet whose source is not the host's own address on an uplink."
            "give the kernel's interface the uplink's address and no other: ip -6 address; see docs/configuration.md"
        KernelAdvertisement "kernel-advertisement"
            "The kernel advertised an address to the link, which the vswitch does for it."
            "nothing is wrong; sysctl net.ipv6.conf.NAME.ndisc_notify=0 keeps it quiet"
        KernelSuperFrame "kernel-super-frame"
            "A super-frame to or from the kernel, for a port that does not cut such."
            "turn segmentation off on the kernel's interface: ethtool -K NAME tso off gso off; or gro off where the uplink receives them"
    }
    "admit" {
        SpoofedAddress "spoofed-address"
            "The source address is not one of the interface's, nor one that it forwards for."
            "give the interface that address in the topology, or correct the node's; if the node forwards for others, list their prefixes in its `forwards`"
        SpoofedArp "spoofed-arp"
            "The ARP sender fields are not the interface's."
            "give the interface that address in the topology, or correct the node's"
        ClaimRateLimited "claim-rate-limited"
            "The interface has claimed addresses too often in the last second."
            "look for two nodes that take a shared address from each other; nothing else of the interface is limited"
        AddressClaimed "address-claimed"
            "The first packet from an address that the interface takes by sending it (`policy: learn`)."
            "nothing is wrong: the address is the interface's from now on, and the sender will try again"
        DhcpNotAuthorised "dhcp-not-authorised"
            "A DHCP server's message to a client, from an interface that is no server's."
            "look for a rogue server; if it is meant to be one, give its interface `dhcp-server: true` in the topology"
        Ipv6NotYet "ipv6-not-yet"
            "The node sent IPv6, which this version does not carry."
            "nothing is wrong: most systems try IPv6 by themselves"
        EtherTypeNotAllowed "ethertype-not-allowed"
            "A frame that is neither IPv4 nor ARP, nor of a protocol that the segment allows."
            "nothing is wrong, unless the tenant needs it: then name it in the segment's ethertypes"
    }
    "answer" {
        ArpMalformed "arp-malformed"
            "Not ARP for IPv4 over Ethernet, or neither request nor reply."
            "look for a broken sender"
        ArpNoSuchAddress "arp-no-such-address"
            "ARP for an address that nobody in the segment has."
            "if the address should exist, add it to the topology"
        DhcpNotServed "dhcp-not-served"
            "A DHCP client's broadcast in a segment where nobody answers it."
            "give the segment `dhcp: true` in the topology, or configure the node's address by hand"
        DhcpMalformed "dhcp-malformed"
            "A message to the DHCP server that is cut short, contradicts itself, is relayed, or is not a client's."
            "look for a broken or hostile client; relays are not served"
        DhcpSpoofed "dhcp-spoofed"
            "A DHCP message whose hardware or client address is not the interface's."
            "look for a hostile node; a client that relays for others is not served"
        SnmpRateLimited "snmp-rate-limited"
            "The interface has sent as many SNMP questions as one may in a second."
            "let the management station ask more slowly, or with GETBULK"
        SourceRouted "source-routed"
            "IPv4 source routing, which is refused; and no answer may be given to this packet."
            "nothing is wrong on the network; look at the sender"
    }
    "topology" {
        UnknownDestinationMac "unknown-destination-mac"
            "No mapping of the segment has the destination MAC (nothing is ever flooded)."
            "a stale ARP entry on the node: it ages out, or `ip neigh flush`; or set the segment's unknown-mac to resolve"
        NotTheDestinations "not-the-destinations-address"
            "The destination MAC belongs to a node that does not have the destination address."
            "if the node forwards for others, give its interface `forwards` in the topology; otherwise correct the sender's route"
        HairpinToSelf "hairpin-to-self"
            "The frame is for the interface that sent it."
            "nothing is wrong on the network; look at the sender"
        RouterIpOnly "router-ip-only"
            "A frame to a logical router that is neither IPv4 nor ARP."
            "nothing is wrong on the network; look at the sender"
        NotRoutable "not-routable"
            "A packet to a logical router from or to an address that no router passes on: a group, a loopback, another segment's broadcast."
            "nothing is wrong on the network; look at the sender"
        TtlExpired "ttl-expired"
            "The TTL ended at a logical router, and the sender may not be told so."
            "let the sender use a larger TTL; if the drawing has a circle, apply says so"
        NoDrawnRoute "no-drawn-route"
            "A logical router has no route to the destination, and the sender may not be told so."
            "add a route to the router in the topology, or correct the node's"
        NextHopNoRouter "next-hop-no-router"
            "A logical router's next hop is a node that forwards for nobody."
            "give the node's interface `forwards` in the topology, or correct the router's route"
        NoRouteBack "no-route-back"
            "A logical router would answer, but knows no way back to the sender."
            "add a route to the sender's segment to the router in the topology"
        RouterSilent "router-silent"
            "A packet for a logical router itself that it does not answer: a fragment, a damaged or too long one, or a message that asks nothing of it."
            "nothing is wrong"
        LabelIpOnly "label-ip-only"
            "A frame that is neither IPv4 nor ARP, for a link whose segments go by MPLS labels."
            "nothing is wrong, unless the receiver needs it: then let its link go by VLAN ids"
        SwitchSilent "switch-silent"
            "A packet for a logical switch itself that it does not answer: it answers pings, and SNMP where its network has it."
            "nothing is wrong"
        GroupMalformed "group-malformed"
            "A broadcast or multicast of the fabric for an address that is no group."
            "look for a forger on the fabric"
    }
    "snoop" {
        IgmpMalformed "igmp-malformed"
            "An IGMP message that is cut short, damaged, in fragments, about an address that is no group, or of a version that nobody knows."
            "look for a broken or hostile node"
        IgmpRateLimited "igmp-rate-limited"
            "The interface has sent too many IGMP messages in the last second."
            "find out why the node joins and leaves so often; nothing else of it is limited"
    }
    "replicate" {
        GroupWithheld "group-withheld"
            "A packet to a group that the segment withholds, or to 239.255.255.254, which vswitches keep for themselves."
            "nothing is wrong; the prefixes are `multicast.withhold` of the segment"
        GroupRateLimited "group-rate-limited"
            "The interface has sent broadcasts and multicasts that made too many copies in the last second."
            "find out why the node sends so many; nothing else of it is limited"
    }
    "mapping" {
        NoMapping "no-mapping"
            "Nothing is known about where the destination is."
            "add the destination node, or a static mapping, to the topology"
    }
    "access" {
        Denied "denied"
            "The two interfaces may not talk: different segments and no logical router between them."
            "put both into one segment, or link the segments by a router"
        DeniedByRule "denied-by-rule"
            "An access rule of the network denies it."
            "nothing is wrong, if it is meant; see which: vswitchctl rule list, or: vswitchctl route get"
        DeniedByDefault "denied-by-default"
            "No access rule of the network permits it, and it is no reply to anything that one did."
            "if it should pass, add a rule to the network; see: vswitchctl rule list, or: vswitchctl route get"
        FragmentTooShort "fragment-too-short"
            "A rule asks for ports or an ICMP type, and the packet, or its first fragment, is too short for them; or a later one would write over TCP's flags."
            "nothing is wrong on the network; look for a hostile sender"
        FlowTableFull "flow-table-full"
            "The packet is permitted, but its tenant has too many flows for another: replies to it would not be known."
            "raise tables.flows in the host's configuration, or find who opens so many: vswitchctl flow list"
    }
    "prove" {
        SourceNotProven "source-not-proven"
            "The packet claims a virtual address that is not where its source locator says, or that the phantom router in its slot does not forward for."
            "look for a forger on the fabric, or update a stale mapping: vswitchctl mapping list"
    }
    "fabric_error" {
        FabricErrorMalformed "fabric-error-malformed"
            "An ICMPv6 error of the fabric that is cut short, has a wrong checksum, or quotes nothing that this host has sent."
            "capture on the uplink: look for a forger, or a route that has just changed"
        FabricErrorNotReported "fabric-error-not-reported"
            "An ICMPv6 error of the fabric that no node may hear: about an error, a later fragment or a frame that is not IPv4, or of a kind that means nothing to a node."
            "capture on the uplink to see which router complains of what"
    }
    "moved" {
        DestinationNotHere "destination-not-here"
            "No interface on this host has the destination address, or no phantom router its slot."
            "correct the sending host's mappings"
        MovedAway "moved-away"
            "The destination is on another host now."
            "nothing is wrong if it is brief: the sender's mappings are being updated"
    }
    "fit" {
        TooBig "too-big"
            "The packet is larger than its way, or the segment, allows, and its sender may not be told or be helped."
            "let the sender use smaller packets; see: vswitchctl mtu check"
        RawTooBig "raw-too-big"
            "A frame that is not IPv4 is larger than the way allows, and nobody could cut it."
            "raise substrate.mtu to the segment's mtu + 56"
        SuperFrameMalformed "super-frame-malformed"
            "A frame to be cut into segments that is not whole TCP, or would make too many."
            "look for a broken or hostile sender"
        ErrorRateLimited "error-rate-limited"
            "The packet could not pass, and its sender has been told so too often in the last second."
            "let the sender heed ICMP; see: vswitchctl mtu check"
        NoBuffer "no-buffer"
            "The pool had no buffers for the pieces of a packet."
            "report it: pools are sized so that this cannot happen, unless a port holds buffers back"
    }
    "translate" {
        UnexpectedNextHeader "unexpected-next-header"
            "A next header that no vswitch sends."
            "look for a forger on the fabric"
        RawMalformed "raw-malformed"
            "A raw frame from the fabric that is cut short, tagged, or not in EtherIP version 3."
            "look for a forger on the fabric"
        RawNotProven "raw-not-proven"
            "A raw frame whose inner MAC or address is not that of the interface which its source proves, or whose receiver is not the one it was sent to."
            "look for a forger on the fabric, or update a stale mapping: vswitchctl mapping list"
        NoHeadroom "no-headroom"
            "The buffer has no room for the longer header."
            "report it: buffers are sized so that this cannot happen"
    }
    "uplink" {
        NoRoute "no-route"
            "No route leads to the destination's locator."
            "add a route to substrate.routes"
        PuntQueueFull "punt-queue-full"
            "The queue to the slow path is full."
            "too many packets for the host itself, or for unresolved next hops"
    }
    "hold" {
        HoldQueueFull "hold-queue-full"
            "Too many packets wait for this next hop's MAC; or it is a super-frame, which takes too many buffers to wait."
            "the next hop answers slowly or not at all; see: vswitchctl neighbor list"
        NeighborUnreachable "neighbor-unreachable"
            "The next hop did not answer neighbour discovery."
            "see: vswitchctl neighbor list; is the fabric's router up?"
        HostRefused "host-refused"
            "The substrate host could not use the packet (malformed or unexpected)."
            "see the lines host.* of: vswitchctl counter list; they say which frames, and why"
        ShuttingDown "shutting-down"
            "The vswitch ended while it held the packet."
            "nothing is wrong"
    }
    "groups" {
        GroupTableFull "group-table-full"
            "A membership report with more groups than are kept for one interface or segment; those that there was room for are kept."
            "see: vswitchctl group list; a node that joins thousands of groups is better off in a segment with `multicast: { snooping: false }`"
    }
    "snmp" {
        SnmpMalformed "snmp-malformed"
            "An SNMP message to a logical device that is none, or none that is a question."
            "look for a broken or hostile sender"
        SnmpWrongVersion "snmp-wrong-version"
            "An SNMP message of another version than 2c, which is the only one that is answered."
            "ask with version 2c: snmpwalk -v 2c"
        SnmpWrongCommunity "snmp-wrong-community"
            "An SNMP question with another community than the network's."
            "ask with the community of the network's `snmp`; otherwise look for somebody who guesses"
        SnmpNotAnswered "snmp-not-answered"
            "An SNMP question to a device that was no longer there, or whose answer could not be sent."
            "ask again"
    }
    "transmit" {
        PortFull "port-full"
            "The port took no more packets."
            "the receiver is slower than the sender; give the port more queues"
        PortRefused "port-refused"
            "The port can never send this packet: its interface is down or gone, or carries no frame of this length or kind."
            "see: vswitchctl port list; set the interface up, and give it the port's mtu"
    }
}

impl DropReason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The place among [`DropReason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_place() {
        for (at, reason) in DropReason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), at);
            let same = DropReason::ALL
                .iter()
                .filter(|r| r.name() == reason.name())
                .count();
            assert_eq!(same, 1, "{}", reason.name());
        }
    }
}
