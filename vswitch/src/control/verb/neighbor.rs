//! `ListNeighbors`.

use control_api::v1;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Neighbor, NeighborState};
use crate::control::wire;

pub(in crate::control) fn list(source: &dyn ControlSource) -> Pages<v1::ListNeighborsReply> {
    pages(source.neighbors().into_iter().map(neighbor), |neighbors| {
        v1::ListNeighborsReply { neighbors }
    })
}

fn neighbor(neighbor: Neighbor) -> v1::Neighbor {
    v1::Neighbor {
        port: neighbor.port,
        address: neighbor.address.octets().to_vec(),
        mac: neighbor.mac.map(wire::mac),
        state: state(neighbor.state).into(),
        router: neighbor.router,
        since_ms: wire::milliseconds(neighbor.since),
        held_packets: neighbor.held_packets,
    }
}

fn state(state: NeighborState) -> v1::NeighborState {
    match state {
        NeighborState::Incomplete => v1::NeighborState::Incomplete,
        NeighborState::Reachable => v1::NeighborState::Reachable,
        NeighborState::Stale => v1::NeighborState::Stale,
        NeighborState::Delay => v1::NeighborState::Delay,
        NeighborState::Probe => v1::NeighborState::Probe,
        NeighborState::Failed => v1::NeighborState::Failed,
    }
}
