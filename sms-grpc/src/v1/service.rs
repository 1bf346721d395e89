//! The methods of `sms.v1.MessageService`.

use std::sync::Arc;

use sms_core::{Canceled, Engine, Message, MessageId, NewMessage, StoreErrorKind, TenantId};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};

use super::from_proto::PageRequest;
use super::watch::{MessageStream, follow};
use super::{from_proto, page, to_proto};
use crate::api_key::Scope;
use crate::auth::Caller;
use crate::proto::v1 as wire;
use crate::proto::v1::message_service_server::MessageService;
use crate::proto::v1::send_message_result::Outcome;
use crate::refusal::Refusal;

/// The most messages in one call: enough that the call's own cost disappears.
const LARGEST_BATCH: usize = 1_000;

/// Answers new clients.
#[derive(Debug)]
pub(crate) struct V1Service {
    engine: Engine,
    calls: Arc<Semaphore>,
    watches: Arc<Semaphore>,
    closing: CancellationToken,
}

impl V1Service {
    pub(crate) fn new(
        engine: Engine,
        calls: Arc<Semaphore>,
        max_watches: usize,
        closing: CancellationToken,
    ) -> Self {
        Self {
            engine,
            calls,
            watches: Arc::new(Semaphore::new(max_watches)),
            closing,
        }
    }

    /// Lets a call in: the tenant whose it is, and a place among the calls that are worked on.
    fn enter<T>(
        &self,
        request: &Request<T>,
        scope: Scope,
    ) -> Result<(TenantId, SemaphorePermit<'_>), Refusal> {
        let caller = Caller::of(request, scope)?;
        let permit = self.calls.try_acquire().map_err(|_| Refusal::Overloaded)?;
        Ok((caller.tenant.clone(), permit))
    }

    async fn send(
        &self,
        request: Request<wire::SendMessageRequest>,
    ) -> Result<wire::SendMessageResponse, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Send)?;
        let new = from_proto::new_message(request.into_inner(), tenant)?;
        let accepted = self.engine.accept(new).await?;
        Ok(to_proto::accepted(&accepted))
    }

    async fn send_many(
        &self,
        request: Request<wire::SendMessagesRequest>,
    ) -> Result<wire::SendMessagesResponse, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Send)?;
        let requests = request.into_inner().requests;
        if !(1..=LARGEST_BATCH).contains(&requests.len()) {
            let problem = format!(
                "holds {} messages; one call takes from 1 to {LARGEST_BATCH}",
                requests.len()
            );
            return Err(Refusal::field("requests", problem));
        }
        let read: Vec<Result<NewMessage, Refusal>> = requests
            .into_iter()
            .map(|request| from_proto::new_message(request, tenant.clone()))
            .collect();
        let results = self.accept_good_ones(read).await;
        Ok(wire::SendMessagesResponse { results })
    }

    /// Accepts those that could be read; answers for all, in order.
    async fn accept_good_ones(
        &self,
        read: Vec<Result<NewMessage, Refusal>>,
    ) -> Vec<wire::SendMessageResult> {
        let mut good = Vec::with_capacity(read.len());
        let refused: Vec<Option<Refusal>> = read
            .into_iter()
            .map(|read| read.map(|new| good.push(new)).err())
            .collect();
        let mut answers = self.engine.accept_many(good).await.into_iter();
        let outcome = |refusal: Option<Refusal>| match refusal {
            Some(refusal) => Err(refusal),
            None => match answers.next() {
                Some(answer) => Ok(to_proto::accepted(&answer?)),
                // The engine answers for each.
                None => Err(Refusal::Overloaded),
            },
        };
        refused.into_iter().map(outcome).map(result).collect()
    }

    /// The message, if it is there and the tenant's own. One that is another's does not exist.
    async fn own(&self, id: MessageId, tenant: &TenantId) -> Result<Message, Refusal> {
        let message = self.engine.message(id).await?;
        message
            .filter(|message| message.request.tenant == *tenant)
            .ok_or_else(|| Refusal::NotFound(id.to_string()))
    }

    async fn get(
        &self,
        request: Request<wire::GetMessageRequest>,
    ) -> Result<wire::Message, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Read)?;
        let id = from_proto::message_id(&request.get_ref().id)?;
        Ok(to_proto::message(&self.own(id, &tenant).await?))
    }

    async fn list(
        &self,
        request: Request<wire::ListMessagesRequest>,
    ) -> Result<wire::ListMessagesResponse, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Read)?;
        let mut asked = from_proto::page(request.into_inner(), tenant)?;
        loop {
            let listed = self.page(&asked).await?;
            let fitting = page::fitting(&listed.messages, page::MOST_BYTES);
            if fitting >= listed.messages.len() {
                return Ok(listed);
            }
            // The store says where a page ends, so it is asked for one that ends sooner.
            asked.size = fitting;
        }
    }

    async fn page(&self, asked: &PageRequest) -> Result<wire::ListMessagesResponse, Refusal> {
        let listed = self
            .engine
            .list(&asked.filter, asked.after.as_ref(), asked.size)
            .await;
        let page = listed.map_err(|error| match error.kind() {
            StoreErrorKind::Invalid if asked.after.is_some() => {
                Refusal::field("page_token", "is not one that this server gave")
            }
            _ => error.into(),
        })?;
        Ok(wire::ListMessagesResponse {
            messages: page.messages.iter().map(to_proto::message).collect(),
            next_page_token: page.next.map(|token| token.0).unwrap_or_default(),
        })
    }

    async fn cancel(
        &self,
        request: Request<wire::CancelMessageRequest>,
    ) -> Result<wire::Message, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Send)?;
        let id = from_proto::message_id(&request.get_ref().id)?;
        self.own(id, &tenant).await?;
        match self.engine.cancel(id).await? {
            Canceled::Done(message) => Ok(to_proto::message(&message)),
            Canceled::TooLate(message) => Err(Refusal::CancelTooLate {
                id: id.to_string(),
                state: message.state(),
            }),
            Canceled::NotFound => Err(Refusal::NotFound(id.to_string())),
        }
    }

    async fn watch(
        &self,
        request: Request<wire::WatchMessageRequest>,
    ) -> Result<MessageStream, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Read)?;
        let id = from_proto::message_id(&request.get_ref().id)?;
        let place = Arc::clone(&self.watches).try_acquire_owned();
        let place = place.map_err(|_| Refusal::Overloaded)?;
        self.own(id, &tenant).await?;
        let watch = self.engine.watch(id).await?;
        let watch = watch.ok_or_else(|| Refusal::NotFound(id.to_string()))?;
        Ok(follow(watch, self.closing.clone(), place))
    }

    fn preview(
        &self,
        request: Request<wire::PreviewMessageRequest>,
    ) -> Result<wire::PreviewMessageResponse, Refusal> {
        let (tenant, _permit) = self.enter(&request, Scope::Send)?;
        let request = request.into_inner().request.unwrap_or_default();
        let preview = from_proto::new_message(request, tenant)
            .and_then(|new| Ok(self.engine.preview(&new)?))
            .map_err(|refusal| refusal.below("request"))?;
        Ok(to_proto::preview(preview))
    }
}

fn result(outcome: Result<wire::SendMessageResponse, Refusal>) -> wire::SendMessageResult {
    let outcome = match outcome {
        Ok(accepted) => Outcome::Accepted(accepted),
        Err(refusal) => {
            let status = refusal.into_status("sms.v1.MessageService/SendMessages");
            Outcome::Error(to_proto::error(&status))
        }
    };
    wire::SendMessageResult {
        outcome: Some(outcome),
    }
}

fn reply<T>(method: &'static str, result: Result<T, Refusal>) -> Result<Response<T>, Status> {
    match result {
        Ok(reply) => Ok(Response::new(reply)),
        Err(refusal) => Err(refusal.into_status(method)),
    }
}

#[tonic::async_trait]
impl MessageService for V1Service {
    async fn send_message(
        &self,
        request: Request<wire::SendMessageRequest>,
    ) -> Result<Response<wire::SendMessageResponse>, Status> {
        reply(
            "sms.v1.MessageService/SendMessage",
            self.send(request).await,
        )
    }

    async fn send_messages(
        &self,
        request: Request<wire::SendMessagesRequest>,
    ) -> Result<Response<wire::SendMessagesResponse>, Status> {
        reply(
            "sms.v1.MessageService/SendMessages",
            self.send_many(request).await,
        )
    }

    async fn get_message(
        &self,
        request: Request<wire::GetMessageRequest>,
    ) -> Result<Response<wire::Message>, Status> {
        reply("sms.v1.MessageService/GetMessage", self.get(request).await)
    }

    async fn list_messages(
        &self,
        request: Request<wire::ListMessagesRequest>,
    ) -> Result<Response<wire::ListMessagesResponse>, Status> {
        reply(
            "sms.v1.MessageService/ListMessages",
            self.list(request).await,
        )
    }

    async fn cancel_message(
        &self,
        request: Request<wire::CancelMessageRequest>,
    ) -> Result<Response<wire::Message>, Status> {
        reply(
            "sms.v1.MessageService/CancelMessage",
            self.cancel(request).await,
        )
    }

    type WatchMessageStream = MessageStream;

    async fn watch_message(
        &self,
        request: Request<wire::WatchMessageRequest>,
    ) -> Result<Response<MessageStream>, Status> {
        reply(
            "sms.v1.MessageService/WatchMessage",
            self.watch(request).await,
        )
    }

    async fn preview_message(
        &self,
        request: Request<wire::PreviewMessageRequest>,
    ) -> Result<Response<wire::PreviewMessageResponse>, Status> {
        reply(
            "sms.v1.MessageService/PreviewMessage",
            self.preview(request),
        )
    }
}
