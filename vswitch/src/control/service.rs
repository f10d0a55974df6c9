//! Which verb is meant. The verbs themselves are in `verb`.

use core::iter;
use std::sync::Arc;

use control_api::v1;
use control_api::v1::control_server::Control;
use tonic::{Request, Response, Status};

use super::peer::may_read;
use super::source::ControlSource;
use super::verb;

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

/// How many entries a page has: some hundred bytes each, well below the 4 MiB
/// that gRPC clients take as a message.
pub(super) const PAGE: usize = 256;

/// The service, over the daemon's answers.
pub(super) struct Service {
    source: Arc<dyn ControlSource>,
}

impl Service {
    pub(super) fn new(source: Arc<dyn ControlSource>) -> Self {
        Self { source }
    }

    /// The source, for a request that may read it.
    fn read<T>(&self, request: &Request<T>) -> Result<&Arc<dyn ControlSource>, Status> {
        may_read(request)?;
        Ok(&self.source)
    }
}

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

    type ListMappingsStream = Pages<v1::ListMappingsReply>;

    async fn list_mappings(
        &self,
        request: Request<v1::ListMappingsRequest>,
    ) -> Answer<Self::ListMappingsStream> {
        let source = self.read(&request)?;
        verb::mapping::list(source.clone(), request.get_ref()).map(Response::new)
    }

    type ListNeighborsStream = Pages<v1::ListNeighborsReply>;

    async fn list_neighbors(
        &self,
        request: Request<v1::ListNeighborsRequest>,
    ) -> Answer<Self::ListNeighborsStream> {
        let source = self.read(&request)?;
        Ok(Response::new(verb::neighbor::list(source.as_ref())))
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
        self.read(&request)?;
        Err(Status::unimplemented("list_tables"))
    }

    type ExportStream = Pages<v1::ExportReply>;

    async fn export(&self, request: Request<v1::ExportRequest>) -> Answer<Self::ExportStream> {
        self.read(&request)?;
        Err(Status::unimplemented("export"))
    }

    type HistoryStream = Pages<v1::HistoryReply>;

    async fn history(&self, request: Request<v1::HistoryRequest>) -> Answer<Self::HistoryStream> {
        self.read(&request)?;
        Err(Status::unimplemented("history"))
    }

    type WatchStream = Pages<v1::WatchReply>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        self.read(&request)?;
        Err(Status::unimplemented("watch"))
    }

    async fn apply(
        &self,
        _request: Request<tonic::Streaming<v1::ApplyRequest>>,
    ) -> Answer<v1::ApplyReply> {
        Err(Status::unimplemented("apply"))
    }

    async fn confirm(&self, _request: Request<v1::ConfirmRequest>) -> Answer<v1::ConfirmReply> {
        Err(Status::unimplemented("confirm"))
    }

    async fn rollback(&self, _request: Request<v1::RollbackRequest>) -> Answer<v1::ApplyReply> {
        Err(Status::unimplemented("rollback"))
    }

    type ChangeMappingsStream = Pages<v1::ChangeMappingsReply>;

    async fn change_mappings(
        &self,
        _request: Request<tonic::Streaming<v1::ChangeMappingsRequest>>,
    ) -> Answer<Self::ChangeMappingsStream> {
        Err(Status::unimplemented("change_mappings"))
    }

    async fn add_port(&self, _request: Request<v1::AddPortRequest>) -> Answer<v1::AddPortReply> {
        Err(Status::unimplemented("add_port"))
    }

    async fn remove_port(
        &self,
        _request: Request<v1::RemovePortRequest>,
    ) -> Answer<v1::RemovePortReply> {
        Err(Status::unimplemented("remove_port"))
    }
}
