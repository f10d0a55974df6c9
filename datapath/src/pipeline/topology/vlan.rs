//! Which tag does the receiver's link want?
//!
//! The segment decides nothing here: the *destination's* link type does. None
//! on an access link and for the native VLAN, the VLAN id on a trunk.

use packet::ethernet::{DOT1Q_LEN, Dot1qTag, ETHERNET_LEN, EthernetHeader};
use packet::{EtherType, PacketBuf, VlanId};
use zerocopy::{FromBytes, IntoBytes};

use crate::pipeline::batch::Burst;
use crate::pipeline::verdict::DropReason;
use crate::tables::Tables;

/// The stage: tags what goes to an interface on this host.
pub fn process<B: PacketBuf>(burst: &mut Burst<B>, tables: &Tables) {
    burst.each(|packet| {
        let Some(id) = packet.cx.to.and_then(|to| to.interface()) else {
            return Ok(());
        };
        let receiver = tables
            .drawn
            .ports
            .interface(id)
            .ok_or(DropReason::DestinationNotHere)?;
        tag(&mut packet.buf, receiver.tag)
    });
}

/// Puts a tag (priority 0) on a bare frame; none: leaves it bare.
pub(in crate::pipeline) fn tag<B: PacketBuf>(
    buf: &mut B,
    vlan: Option<VlanId>,
) -> Result<(), DropReason> {
    let Some(vlan) = vlan else { return Ok(()) };
    let (bare, _) =
        EthernetHeader::read_from_prefix(buf.data()).map_err(|_| DropReason::Truncated)?;
    buf.prepend(DOT1Q_LEN).map_err(|_| DropReason::NoHeadroom)?;
    let frame = buf.data_mut();
    let outer = EthernetHeader {
        ether_type: EtherType::DOT1Q,
        ..bare
    };
    outer
        .write_to_prefix(frame)
        .map_err(|_| DropReason::Truncated)?;
    let tag = Dot1qTag {
        control: vlan.get().into(),
        ether_type: bare.ether_type,
    };
    let rest = frame.get_mut(ETHERNET_LEN..).ok_or(DropReason::Truncated)?;
    tag.write_to_prefix(rest).map_err(|_| DropReason::Truncated)
}
