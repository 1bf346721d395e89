//! The API of the older service, on the wire as its clients know it.

mod status;

use std::sync::Arc;

use sms_core::{Engine, Message, MessageId, MessageText, NewMessage, PhoneNumber};
use tokio::sync::Semaphore;
use tonic::{Request, Response, Status};

use crate::api_key::Scope;
use crate::auth::Caller;
use crate::proto::legacy as wire;
use crate::proto::legacy::sms_service_server::SmsService;
use crate::refusal::{Refusal, Violation};

/// Answers the older service's clients.
#[derive(Debug)]
pub(crate) struct LegacyService {
    engine: Engine,
    calls: Arc<Semaphore>,
}

impl LegacyService {
    pub(crate) fn new(engine: Engine, calls: Arc<Semaphore>) -> Self {
        Self { engine, calls }
    }

    async fn send(&self, request: Request<wire::SmsMessage>) -> Result<wire::MessageId, Refusal> {
        let _permit = self.calls.try_acquire().map_err(|_| Refusal::Overloaded)?;
        let tenant = Caller::of(&request, Scope::Send)?.tenant.clone();
        let new = NewMessage {
            tenant,
            ..new_message(request.into_inner())?
        };
        let accepted = self.engine.accept(new).await.map_err(Refusal::from);
        let message = accepted.map_err(in_legacy_words)?.message;
        Ok(wire::MessageId {
            uuid: message.id().to_string(),
        })
    }

    /// The message that is asked about; none if the id is malformed, unknown, or another tenant's:
    /// the older service told these apart from nothing else either.
    async fn message(
        &self,
        request: &Request<wire::MessageId>,
    ) -> Result<Option<Message>, Refusal> {
        let _permit = self.calls.try_acquire().map_err(|_| Refusal::Overloaded)?;
        let caller = Caller::of(request, Scope::Read)?;
        let Ok(id) = request.get_ref().uuid.parse::<MessageId>() else {
            return Ok(None);
        };
        let message = self.engine.message(id).await?;
        Ok(message.filter(|message| message.request.tenant == caller.tenant))
    }
}

fn new_message(request: wire::SmsMessage) -> Result<NewMessage, Refusal> {
    let to = PhoneNumber::parse_legacy(&request.mobile_number)
        .map_err(|error| Violation::new("mobile_number", error));
    let text = MessageText::new(request.message).map_err(|error| Violation::new("message", error));
    match (to, text) {
        (Ok(to), Ok(text)) => Ok(NewMessage::new(to, text)),
        (to, text) => Err(Refusal::Fields(
            to.err().into_iter().chain(text.err()).collect(),
        )),
    }
}

/// The fields of the engine's refusals, called as the older contract calls them.
fn in_legacy_words(refusal: Refusal) -> Refusal {
    let Refusal::Fields(mut violations) = refusal else {
        return refusal;
    };
    for violation in &mut violations {
        match violation.field.as_str() {
            "to" => violation.field = "mobile_number".into(),
            "text" => violation.field = "message".into(),
            _ => {}
        }
    }
    Refusal::Fields(violations)
}

#[tonic::async_trait]
impl SmsService for LegacyService {
    async fn send_message(
        &self,
        request: Request<wire::SmsMessage>,
    ) -> Result<Response<wire::MessageId>, Status> {
        match self.send(request).await {
            Ok(id) => Ok(Response::new(id)),
            Err(refusal) => Err(refusal.into_status("SMSService/SendMessage")),
        }
    }

    async fn get_message_status(
        &self,
        request: Request<wire::MessageId>,
    ) -> Result<Response<wire::MessageStatus>, Status> {
        match self.message(&request).await {
            Ok(message) => Ok(Response::new(status::of_submission(
                message.as_ref(),
                self.engine.now(),
            ))),
            Err(refusal) => Err(refusal.into_status("SMSService/GetMessageStatus")),
        }
    }

    async fn get_delivery_status(
        &self,
        request: Request<wire::MessageId>,
    ) -> Result<Response<wire::DeliveryStatus>, Status> {
        match self.message(&request).await {
            Ok(message) => Ok(Response::new(status::of_delivery(
                request.into_inner().uuid,
                message.as_ref(),
                self.engine.now(),
            ))),
            Err(refusal) => Err(refusal.into_status("SMSService/GetDeliveryStatus")),
        }
    }
}
