//! Which verb is meant, and who may use it. The verbs themselves are in `verb`.

use core::iter;
use std::sync::Arc;

use control_api::v1;
use control_api::v1::control_server::Control;
use prost::Message;
use tokio::sync::{Notify, Semaphore};
use tonic::{Request, Response, Status, Streaming};

use super::attendance::Begun;
use super::limits::TimeLimits;
use super::peer::{Access, Peer};
use super::source::ControlSource;
use super::verb;
use super::verb::taken::Taken;
use super::verb::{apply, export, take_over, transaction, watch};
use crate::commit::{Administration, Author};

type Answer<T> = Result<Response<T>, Status>;

/// A list on its way to a client. A page is made when the client takes it, so
/// that a slow client costs neither memory nor time.
pub(super) type Pages<T> = tokio_stream::Iter<PageMaker<T>>;

type PageMaker<T> = Box<dyn Iterator<Item = Result<T, Status>> + Send + 'static>;

/// Cuts a list into pages.
pub(super) fn pages<T, M, P>(
    items: impl Iterator<Item = T> + Send + 'static,
    message: M,
) -> Pages<P>
where
    M: Fn(Vec<T>) -> P + Send + 'static,
{
    let mut items = items;
    let maker: PageMaker<P> = Box::new(iter::from_fn(move || {
        let page: Vec<T> = items.by_ref().take(PAGE).collect();
        (!page.is_empty()).then(|| Ok(message(page)))
    }));
    tokio_stream::iter(maker)
}

/// A list whose pages are made elsewhere.
pub(super) fn made<P: 'static>(pages: impl Iterator<Item = P> + Send + 'static) -> Pages<P> {
    let maker: PageMaker<P> = Box::new(pages.map(Ok));
    tokio_stream::iter(maker)
}

/// How many entries a page has: some hundred bytes each, well below the 4 MiB
/// that gRPC clients take as a message.
pub(super) const PAGE: usize = 256;

/// The service, over the daemon's answers.
pub(super) struct Service {
    source: Arc<dyn ControlSource>,
    administration: Arc<dyn Administration>,
    limits: TimeLimits,
    space: apply::Space,
    exports: export::Room,
    /// Each goes through the whole table.
    listings: Arc<Semaphore>,
    /// Told when another vswitch has taken over.
    leave: Arc<Notify>,
}

impl Service {
    pub(super) fn new(
        source: Arc<dyn ControlSource>,
        administration: Arc<dyn Administration>,
        leave: Arc<Notify>,
        limits: TimeLimits,
    ) -> Self {
        Self {
            source,
            administration,
            limits,
            space: apply::Space::default(),
            exports: export::Room::default(),
            listings: Arc::new(Semaphore::new(LISTINGS)),
            leave,
        }
    }

    /// The source, for a request that may read it.
    fn read<T: Message>(&self, request: &Request<T>) -> Result<&Arc<dyn ControlSource>, Status> {
        peer(request)?.may(Access::Read)?;
        of_sensible_size(request.get_ref())?;
        Ok(&self.source)
    }

    /// The administration, for a request that may change something; and whose
    /// it is.
    fn write<T: Message>(
        &self,
        request: &Request<T>,
    ) -> Result<(&dyn Administration, Author), Status> {
        let peer = peer(request)?;
        peer.may(Access::Write)?;
        of_sensible_size(request.get_ref())?;
        Ok((self.administration.as_ref(), peer.author()))
    }
}

/// The peer of a request that has arrived.
fn peer<T>(request: &Request<T>) -> Result<&Peer, Status> {
    let extensions = request.extensions();
    if let Some(begun) = extensions.get::<Begun>() {
        begun.set();
    }
    extensions
        .get::<Peer>()
        .ok_or_else(|| Status::permission_denied("a peer without credentials may do nothing here"))
}

/// Only the messages of streams may be larger than a name, a path, an entry.
fn of_sensible_size<T: Message>(request: &T) -> Result<(), Status> {
    match request.encoded_len() {
        ..=LARGEST_QUESTION => Ok(()),
        bytes => Err(Status::resource_exhausted(format!(
            "the request has {bytes} bytes; this verb takes at most {LARGEST_QUESTION}"
        ))),
    }
}

/// Listings of mappings at one time.
const LISTINGS: usize = 16;

const LARGEST_QUESTION: usize = 64 << 10;

#[tonic::async_trait]
impl Control for Service {
    async fn hello(&self, request: Request<v1::HelloRequest>) -> Answer<v1::HelloReply> {
        let source = self.read(&request)?;
        verb::hello::answer(source.as_ref(), request.get_ref()).map(Response::new)
    }

    async fn status(&self, request: Request<v1::StatusRequest>) -> Answer<v1::StatusReply> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::status::answer(source.as_ref())))
    }

    type ListPortsStream = Pages<v1::ListPortsReply>;

    async fn list_ports(
        &self,
        request: Request<v1::ListPortsRequest>,
    ) -> Answer<Self::ListPortsStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::port::list(source.as_ref())))
    }

    type ListInterfacesStream = Pages<v1::ListInterfacesReply>;

    async fn list_interfaces(
        &self,
        request: Request<v1::ListInterfacesRequest>,
    ) -> Answer<Self::ListInterfacesStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::interface::list(source.as_ref())))
    }

    type ListMappingsStream = Taken<v1::ListMappingsReply>;

    async fn list_mappings(
        &self,
        request: Request<v1::ListMappingsRequest>,
    ) -> Answer<Self::ListMappingsStream> {
        let source = self.read(&request)?;
        let place = Arc::clone(&self.listings).try_acquire_owned();
        let place = place.map_err(|_| {
            Status::resource_exhausted(format!(
                "{LISTINGS} listings of mappings are under way; try again when one has ended"
            ))
        })?;
        let patience = self.limits.page;
        verb::mapping::list(source.clone(), request.get_ref(), place, patience).map(Response::new)
    }

    type ListNeighborsStream = Pages<v1::ListNeighborsReply>;

    async fn list_neighbors(
        &self,
        request: Request<v1::ListNeighborsRequest>,
    ) -> Answer<Self::ListNeighborsStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::neighbor::list(source.as_ref())))
    }

    type ListGroupsStream = Pages<v1::ListGroupsReply>;

    async fn list_groups(
        &self,
        request: Request<v1::ListGroupsRequest>,
    ) -> Answer<Self::ListGroupsStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::group::list(source.as_ref())))
    }

    type ListUplinksStream = Pages<v1::ListUplinksReply>;

    async fn list_uplinks(
        &self,
        request: Request<v1::ListUplinksRequest>,
    ) -> Answer<Self::ListUplinksStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::uplink::list(source.as_ref())))
    }

    type CheckMtuStream = Pages<v1::CheckMtuReply>;

    async fn check_mtu(
        &self,
        request: Request<v1::CheckMtuRequest>,
    ) -> Answer<Self::CheckMtuStream> {
        let source = self.read(&request)?;
        verb::mtu::check(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ListNetworksStream = Pages<v1::ListNetworksReply>;

    async fn list_networks(
        &self,
        request: Request<v1::ListNetworksRequest>,
    ) -> Answer<Self::ListNetworksStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::network::list(source.as_ref())))
    }

    type ListSegmentsStream = Pages<v1::ListSegmentsReply>;

    async fn list_segments(
        &self,
        request: Request<v1::ListSegmentsRequest>,
    ) -> Answer<Self::ListSegmentsStream> {
        let source = self.read(&request)?;
        verb::segment::list(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ListRoutersStream = Pages<v1::ListRoutersReply>;

    async fn list_routers(
        &self,
        request: Request<v1::ListRoutersRequest>,
    ) -> Answer<Self::ListRoutersStream> {
        let source = self.read(&request)?;
        verb::router::list(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ListSwitchesStream = Pages<v1::ListSwitchesReply>;

    async fn list_switches(
        &self,
        request: Request<v1::ListSwitchesRequest>,
    ) -> Answer<Self::ListSwitchesStream> {
        let source = self.read(&request)?;
        verb::switch::list(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ShowRouterStream = Pages<v1::ShowRouterReply>;

    async fn show_router(
        &self,
        request: Request<v1::ShowRouterRequest>,
    ) -> Answer<Self::ShowRouterStream> {
        let source = self.read(&request)?;
        verb::router::show(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ListRulesStream = Pages<v1::ListRulesReply>;

    async fn list_rules(
        &self,
        request: Request<v1::ListRulesRequest>,
    ) -> Answer<Self::ListRulesStream> {
        let source = self.read(&request)?;
        verb::rule::list(source.as_ref(), request.get_ref()).map(Response::new)
    }

    type ListFlowsStream = Pages<v1::ListFlowsReply>;

    async fn list_flows(
        &self,
        request: Request<v1::ListFlowsRequest>,
    ) -> Answer<Self::ListFlowsStream> {
        let source = self.read(&request)?;
        verb::flow::list(Arc::clone(source), request.get_ref()).map(Response::new)
    }

    async fn get_route(&self, request: Request<v1::GetRouteRequest>) -> Answer<v1::GetRouteReply> {
        let source = self.read(&request)?;
        verb::route::get(source.as_ref(), request.into_inner()).map(Response::new)
    }

    type ListCountersStream = Pages<v1::ListCountersReply>;

    async fn list_counters(
        &self,
        request: Request<v1::ListCountersRequest>,
    ) -> Answer<Self::ListCountersStream> {
        let source = self.read(&request)?;
        verb::counter::list(source.as_ref(), request.into_inner()).map(Response::new)
    }

    async fn books(&self, request: Request<v1::BooksRequest>) -> Answer<v1::BooksReply> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::books::answer(source.as_ref())))
    }

    async fn describe_address(
        &self,
        request: Request<v1::DescribeAddressRequest>,
    ) -> Answer<v1::DescribeAddressReply> {
        let source = self.read(&request)?;
        verb::address::describe(source.as_ref(), request.get_ref()).map(Response::new)
    }

    async fn list_tables(
        &self,
        request: Request<v1::ListTablesRequest>,
    ) -> Answer<v1::ListTablesReply> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::table::list(source.as_ref())))
    }

    type ExportStream = Taken<v1::ExportReply>;

    async fn export(&self, request: Request<v1::ExportRequest>) -> Answer<Self::ExportStream> {
        self.read(&request)?;
        export::export(
            self.administration.as_ref(),
            &self.exports,
            peer(&request)?,
            request.get_ref(),
            self.limits.export,
        )
        .map(Response::new)
    }

    type HistoryStream = Pages<v1::HistoryReply>;

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Answer<Self::HistoryStream> {
        self.read(&request)?;
        let list = verb::history::list(self.administration.as_ref());
        Ok(Response::new(list))
    }

    type WatchStream = watch::Following;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        self.read(&request)?;
        watch::follow(self.administration.as_ref(), request.get_ref()).map(Response::new)
    }

    async fn apply(&self, request: Request<Streaming<v1::ApplyRequest>>) -> Answer<v1::ApplyReply> {
        let peer = peer(&request)?.clone();
        peer.may(Access::Read)?;
        apply::apply(
            self.administration.as_ref(),
            &self.space,
            self.limits,
            &peer,
            request.into_inner(),
        )
        .await
        .map(Response::new)
    }

    async fn confirm(&self, request: Request<v1::ConfirmRequest>) -> Answer<v1::ConfirmReply> {
        let (administration, author) = self.write(&request)?;
        verb::rollback::confirm(administration, author, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn rollback(&self, request: Request<v1::RollbackRequest>) -> Answer<v1::ApplyReply> {
        let (administration, author) = if request.get_ref().dry_run {
            self.read(&request)?;
            (self.administration.as_ref(), peer(&request)?.author())
        } else {
            self.write(&request)?
        };
        verb::rollback::roll_back(administration, author, request.into_inner())
            .await
            .map(Response::new)
    }

    type ChangeMappingsStream = transaction::Answers;

    async fn change_mappings(
        &self,
        request: Request<Streaming<v1::ChangeMappingsRequest>>,
    ) -> Answer<Self::ChangeMappingsStream> {
        let peer = peer(&request)?;
        peer.may(Access::Write)?;
        let author = peer.author();
        Ok(Response::new(transaction::carry_out(
            Arc::clone(&self.administration),
            author,
            request.into_inner(),
        )))
    }

    async fn add_port(&self, request: Request<v1::AddPortRequest>) -> Answer<v1::AddPortReply> {
        let (administration, author) = self.write(&request)?;
        verb::port_change::add(administration, author, request.into_inner())
            .await
            .map(Response::new)
    }

    async fn remove_port(
        &self,
        request: Request<v1::RemovePortRequest>,
    ) -> Answer<v1::RemovePortReply> {
        let (administration, author) = self.write(&request)?;
        verb::port_change::remove(administration, author, request.into_inner())
            .await
            .map(Response::new)
    }

    type TakeOverStream = take_over::Steps;

    async fn take_over(
        &self,
        request: Request<Streaming<v1::TakeOverRequest>>,
    ) -> Answer<Self::TakeOverStream> {
        let peer = peer(&request)?;
        peer.may(Access::Write)?;
        let author = peer.author();
        Ok(Response::new(take_over::hand_over(
            Arc::clone(&self.administration),
            author,
            Arc::clone(&self.leave),
            request.into_inner(),
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_credentials_is_refused() {
        let status = peer(&Request::new(())).unwrap_err();
        assert_eq!(status.code(), tonic::Code::PermissionDenied);
    }
}
