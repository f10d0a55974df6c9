//! `ListFlows`: read from the table page by page while the client takes it.

use std::sync::Arc;

use control_api::v1;
use datapath::tables::flows::Phase;
use packet::SegmentId;
use tonic::Status;

use crate::control::service::{PAGE, Pages, made};
use crate::control::source::{ControlSource, Flow, FlowEnd, FlowPlace};
use crate::control::wire;

/// Each flow that stays is listed once; one that comes or goes meanwhile,
/// perhaps.
pub(in crate::control) fn list(
    source: Arc<dyn ControlSource>,
    request: &v1::ListFlowsRequest,
) -> Result<Pages<v1::ListFlowsReply>, Status> {
    let only = match request.segment {
        Some(id) => Some(SegmentId::new(id).map_err(|e| Status::invalid_argument(e.to_string()))?),
        None => None,
    };
    let mut from = Some(FlowPlace(0));
    let pages = core::iter::from_fn(move || {
        let (flows, next) = source.flows(from?, only, PAGE);
        from = next;
        let flows = flows.into_iter().map(flow).collect();
        Some(v1::ListFlowsReply { flows })
    });
    Ok(made(pages))
}

fn flow(flow: Flow) -> v1::Flow {
    let phase = match flow.phase {
        Phase::Opening => v1::FlowPhase::Opening,
        Phase::Open => v1::FlowPhase::Open,
        Phase::Closing => v1::FlowPhase::Closing,
        Phase::Closed => v1::FlowPhase::Closed,
    };
    v1::Flow {
        from: Some(end(flow.from)),
        to: Some(end(flow.to)),
        protocol: flow.protocol.0.into(),
        both_ways: flow.both_ways,
        phase: phase.into(),
        expires_ms: wire::milliseconds(flow.expires),
    }
}

fn end(end: FlowEnd) -> v1::FlowEnd {
    v1::FlowEnd {
        segment: Some(wire::segment(end.segment)),
        address: end.address.to_bits(),
        port: end.port.into(),
    }
}
