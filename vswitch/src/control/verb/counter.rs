//! `ListCounters`.

use control_api::v1;
use tonic::Status;

use crate::control::service::{Pages, pages};
use crate::control::source::{ControlSource, Counter, CounterFilter, CounterKind};
use crate::control::wire;

pub(in crate::control) fn list(
    source: &dyn ControlSource,
    request: v1::ListCountersRequest,
) -> Result<Pages<v1::ListCountersReply>, Status> {
    if let Some(port) = &request.port {
        refuse_unknown(source, port)?;
    }
    let filter = CounterFilter {
        drops_only: request.drops_only,
        port: request.port,
        zeros: request.zeros,
    };
    let counters = source.counters(&filter).into_iter();
    let wanted = counters.filter(move |c| filter.keeps(c));
    Ok(pages(wanted.map(counter), |counters| {
        v1::ListCountersReply { counters }
    }))
}

fn refuse_unknown(source: &dyn ControlSource, port: &str) -> Result<(), Status> {
    let names: Vec<String> = source.ports().into_iter().map(|p| p.name).collect();
    if names.iter().any(|name| name == port) {
        return Ok(());
    }
    Err(Status::not_found(format!(
        "there is no port \"{port}\"; the ports are: {}",
        names.join(", ")
    )))
}

fn counter(counter: Counter) -> v1::Counter {
    let kind = match counter.kind {
        CounterKind::Drop => v1::CounterKind::Drop,
        CounterKind::Event => v1::CounterKind::Event,
    };
    v1::Counter {
        port: counter.port,
        segment: counter.segment.map(wire::segment),
        name: counter.name,
        kind: kind.into(),
        unit: counter.unit,
        value: counter.value,
        description: counter.description,
        remedy: counter.remedy,
        last_seen_ms: counter.last_seen.map(wire::milliseconds),
    }
}
