//! Keeps account of the requests under way, around the service: which
//! connections are busy, and which requests never come to their end.

use core::convert::Infallible;
use core::pin::Pin;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;

use http_body::{Frame, SizeHint};
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{Bytes, Service, http};

use super::connection::Origin;
use super::connections::UnderWay;

/// A service whose requests are accounted for.
#[derive(Debug, Clone)]
pub(super) struct Attended<S> {
    pub(super) service: S,
    /// For a request to arrive whole.
    pub(super) patience: Duration,
}

/// Set by the verb when it begins: its request has arrived.
#[derive(Debug, Clone, Default)]
pub(super) struct Begun(Arc<AtomicBool>);

impl Begun {
    pub(super) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

type Answer = http::Response<Body>;

impl<S> Service<http::Request<Body>> for Attended<S>
where
    S: Service<http::Request<Body>, Response = Answer, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<Body>) -> Self::Future {
        let begun = Begun::default();
        let extensions = request.extensions_mut();
        extensions.insert(begun.clone());
        let origin = extensions.remove::<Origin>();
        let under_way = origin.map(|origin| {
            extensions.insert(origin.peer);
            origin.requests.begin()
        });
        let answer = self.service.call(request);
        let patience = self.patience;
        Box::pin(async move {
            let answer = in_time(answer, &begun, patience).await?;
            Ok(answer.map(|body| {
                Body::new(Answering {
                    body,
                    _under_way: under_way,
                })
            }))
        })
    }
}

/// The answer; unless the verb does not begin, since the request is not there.
async fn in_time(
    answer: impl Future<Output = Result<Answer, Infallible>>,
    begun: &Begun,
    patience: Duration,
) -> Result<Answer, Infallible> {
    let mut answer = core::pin::pin!(answer);
    match tokio::time::timeout(patience, &mut answer).await {
        Ok(answer) => answer,
        Err(_) if begun.is_set() => answer.await,
        Err(_) => Ok(Status::deadline_exceeded(format!(
            "the request did not arrive whole within {} s",
            patience.as_secs()
        ))
        .into_http()),
    }
}

/// An answer on its way. Until it is dropped, its request is under way.
struct Answering {
    body: Body,
    _under_way: Option<UnderWay>,
}

impl http_body::Body for Answering {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
