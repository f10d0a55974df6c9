//! The fabric: IPv6 routers that know nothing of tenants.

use packet::ethernet::ETHERNET_LEN;

use super::host::{Host, Outcome};
use super::plan::{Site, router_mac};

/// What arrives at `to` of a frame that another host sent, after one router.
pub fn cross(sent: &[u8], to: Site) -> Vec<u8> {
    assert_eq!(sent[12..14], [0x86, 0xdd], "only IPv6 crosses the fabric");
    let mut frame = sent.to_vec();
    let hop_limit = &mut frame[ETHERNET_LEN + 7];
    *hop_limit = hop_limit.checked_sub(1).filter(|left| *left > 0).unwrap();
    frame[..6].copy_from_slice(&to.uplink_mac(to.uplinks()[0].0).octets());
    frame[6..12].copy_from_slice(&router_mac(9).octets());
    frame
}

/// A frame that a node of `from` sent, all the way: what became of it at `to`.
/// It must have left `from` on its first uplink.
#[track_caller]
pub fn over_the_fabric(from: &mut Host, to: &mut Host, port: u16, frame: &[u8]) -> Outcome {
    let uplink = from.site.uplinks()[0].0;
    let sent = from.node_sends(port, frame).forwarded(uplink);
    to.substrate_delivers(&cross(&sent, to.site))
}
