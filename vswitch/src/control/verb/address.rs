//! `DescribeAddress`: names for the parts of a substrate address.

use core::net::Ipv6Addr;

use control_api::v1;
use packet::SubstrateAddr;
use tonic::Status;

use crate::control::source::ControlSource;
use crate::control::wire;

pub(in crate::control) fn describe(
    source: &dyn ControlSource,
    request: &v1::DescribeAddressRequest,
) -> Result<v1::DescribeAddressReply, Status> {
    let octets = <[u8; 16]>::try_from(request.address.as_slice())
        .map_err(|_| Status::invalid_argument("an IPv6 address has 16 octets"))?;
    let address = SubstrateAddr::from_ipv6(Ipv6Addr::from(octets))
        .map_err(|e| Status::invalid_argument(e.to_string()))?;
    let names = source.names(&address);
    Ok(v1::DescribeAddressReply {
        host: names.host,
        segment: names.segment.map(wire::segment),
        owner: names.owner.map(|owner| v1::AddressOwner {
            kind: wire::mapping_kind(owner.kind),
            name: owner.name,
        }),
    })
}
