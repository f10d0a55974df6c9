//! Why the host could not use a frame: one reason per line of the declaration.

/// Declares every reason once: variant, name, description.
macro_rules! reasons {
    ($( $variant:ident $name:literal $what:literal )+) => {
        /// Why a frame for the host, or an answer of the host, came to nothing.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason { $( #[doc = $what] $variant, )+ }

        impl Reason {
            /// All reasons, in the order in which a frame meets them.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The name: what counters and traces show.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// What it means.
            pub const fn description(self) -> &'static str {
                match self { $( Self::$variant => $what, )+ }
            }
        }
    };
}

reasons! {
    NotAnUplink "not-an-uplink"
        "The frame came in by a port that is no uplink."
    Truncated "truncated"
        "The frame ends before its headers do."
    NotIpv6 "not-ipv6"
        "The frame is not IPv6, or has a VLAN tag."
    SourceMacInvalid "source-mac-invalid"
        "The source MAC is a group address or zero."
    LoopedBack "looped-back"
        "A frame that this host sent came back to it."
    NotForThisMac "not-for-this-mac"
        "The frame is for somebody else's MAC."
    BadIpHeader "bad-ip-header"
        "The IPv6 header's version, length or source contradict the frame or the standard."
    NotForThisHost "not-for-this-host"
        "The destination is not an address or group of the host on this uplink."
    BadHopByHop "bad-hop-by-hop"
        "The hop-by-hop options are malformed or ask for what the host does not know."
    Fragment "fragment"
        "A fragment: the host reassembles nothing."
    ExtensionHeader "extension-header"
        "An extension header that the host does not process."
    ProtocolUnsupported "protocol-unsupported"
        "Neither neighbour discovery, MLD nor ping: meant for services that run elsewhere."
    BadChecksum "bad-checksum"
        "The ICMPv6 checksum is wrong."
    IcmpUnknown "icmp-unknown"
        "An ICMPv6 message of a type that the host has no use for."
    IcmpError "icmp-error"
        "An ICMPv6 error about the host's own packets, none of which needs it."
    RouterSolicitation "router-solicitation"
        "A router solicitation: the host is no router."
    RouterAdvertisement "router-advertisement"
        "A router advertisement: routes and addresses are configured, not learned."
    Redirect "redirect"
        "A redirect: routes are configured, not learned."
    ListenerReport "listener-report"
        "Another listener's MLD report: the host is no querier."
    NdMalformed "nd-malformed"
        "A neighbour discovery message that is too short, or has a wrong code, target or option."
    NdHopLimit "nd-hop-limit"
        "A neighbour discovery message with a hop limit other than 255: it came from beyond the link."
    NdSource "nd-source"
        "A neighbour discovery message whose source, destination and flags do not go together."
    TargetNotOurs "target-not-ours"
        "A solicitation for an address that the host does not have, or may not use yet."
    AdvertisementUnwanted "advertisement-unwanted"
        "An advertisement of an address that nobody here wants to reach."
    AddressConflict "address-conflict"
        "Another station uses an address of this host."
    QueryMalformed "query-malformed"
        "An MLD query of a wrong length or group."
    QuerySource "query-source"
        "An MLD query not from this link: hop limit, source or Router Alert are wrong."
    EchoMalformed "echo-malformed"
        "An echo request that is too short or has a code other than 0."
    EchoToGroup "echo-to-group"
        "An echo request to a group: answered by nobody, as a precaution."
    EchoReply "echo-reply"
        "An echo reply: the host asked nothing."
    EchoTooBig "echo-too-big"
        "An echo request whose reply does not fit the uplink."
    RateLimited "rate-limited"
        "More questions than the host answers per second."
    NoRoute "no-route"
        "No route leads to whom the answer is for."
    NeighborFailed "neighbor-failed"
        "Whom the answer is for, or the router to it, did not reply to neighbour discovery lately."
    NeighborTableFull "neighbor-table-full"
        "No room to find out the MAC of whom the answer is for."
    HeldTooMany "held-too-many"
        "An answer gave way to newer ones while its receiver's MAC was sought."
    HeldInVain "held-in-vain"
        "An answer's receiver did not reply to neighbour discovery."
}

impl Reason {
    /// How many reasons there are.
    pub const COUNT: usize = Self::ALL.len();

    /// The place among [`Reason::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Does it befall an answer that was already made? All others befall a
    /// frame that came in.
    pub const fn is_of_answers(self) -> bool {
        matches!(self, Self::HeldTooMany | Self::HeldInVain)
    }
}

/// What became of the frames: `handled` is `used` plus all reasons that are
/// not [`Reason::is_of_answers`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Frames given to the host.
    pub handled: u64,
    /// Frames that did their work.
    pub used: u64,
    /// Frames that the host sent.
    pub sent: u64,
    refused: [u64; Reason::COUNT],
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            handled: 0,
            used: 0,
            sent: 0,
            refused: [0; Reason::COUNT],
        }
    }
}

impl Counts {
    /// How often this reason came up.
    pub fn of(&self, reason: Reason) -> u64 {
        self.refused.get(reason.index()).copied().unwrap_or(0)
    }

    pub(super) fn add(&mut self, reason: Reason, count: u64) {
        if let Some(counter) = self.refused.get_mut(reason.index()) {
            *counter += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_in_place() {
        for (at, reason) in Reason::ALL.iter().enumerate() {
            assert_eq!(reason.index(), at);
            let same = Reason::ALL.iter().filter(|r| r.name() == reason.name());
            assert_eq!(same.count(), 1, "{}", reason.name());
            assert!(reason.description().ends_with('.'));
        }
    }
}
