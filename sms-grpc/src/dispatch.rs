//! From a path to the service that answers.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::Service as _;
use tonic::service::Routes;
use tonic_health::pb::health_server::HealthServer;
use tracing::debug;

use crate::api_key::ApiKeys;
use crate::auth::Caller;
use crate::deadline;
use crate::health::HealthService;
use crate::legacy::LegacyService;
use crate::proto::legacy::sms_service_server::SmsServiceServer;
use crate::proto::v1::message_service_server::MessageServiceServer;
use crate::refusal::Refusal;
use crate::refused_keys::RefusedKeys;
use crate::v1::V1Service;

/// Lets calls in and passes them on. One match on the path instead of a router: the same few
/// services always, and a call costs microseconds.
#[derive(Clone)]
pub(crate) struct Dispatch {
    services: Arc<Services>,
    /// Where the calls of this connection come from.
    from: Option<IpAddr>,
}

pub(crate) struct Services {
    pub(crate) keys: ApiKeys,
    pub(crate) refused_keys: RefusedKeys,
    pub(crate) legacy: SmsServiceServer<LegacyService>,
    pub(crate) v1: MessageServiceServer<V1Service>,
    pub(crate) health: HealthServer<HealthService>,
    pub(crate) reflection: Option<Routes>,
}

type Answered = Result<Response<Body>, Infallible>;

/// Who answers a path.
#[derive(Clone, Copy)]
enum Service {
    Legacy,
    V1,
    Health,
    Reflection,
}

impl Service {
    fn of(path: &str) -> Option<Self> {
        let (service, _method) = path.strip_prefix('/')?.split_once('/')?;
        Some(match service {
            "SMSService" => Self::Legacy,
            "sms.v1.MessageService" => Self::V1,
            "grpc.health.v1.Health" => Self::Health,
            "grpc.reflection.v1.ServerReflection" | "grpc.reflection.v1alpha.ServerReflection" => {
                Self::Reflection
            }
            _ => return None,
        })
    }

    /// The name for the log. The path itself is whatever a client wrote.
    fn name(self) -> &'static str {
        match self {
            Self::Legacy => "SMSService",
            Self::V1 => "sms.v1.MessageService",
            Self::Health => "grpc.health.v1.Health",
            Self::Reflection => "grpc.reflection",
        }
    }
}

impl Dispatch {
    pub(crate) fn new(services: Services) -> Self {
        Self {
            services: Arc::new(services),
            from: None,
        }
    }

    /// For a connection that comes from there.
    pub(crate) fn for_peer(&self, from: Option<IpAddr>) -> Self {
        Self {
            services: Arc::clone(&self.services),
            from,
        }
    }

    fn answer(&self, service: Service, mut request: Request<Incoming>) -> Answer {
        // Load balancers ask without a key.
        if matches!(service, Service::Health) {
            return Answer::Coming(self.services.health.clone().call(request));
        }
        // Before the body is read, so that strangers cannot make the server hold it.
        match Caller::from_headers(request.headers(), &self.services.keys) {
            Ok(caller) => {
                self.log(service, &caller);
                request.extensions_mut().insert(caller)
            }
            Err(refusal) => {
                self.services.refused_keys.note(self.from, refusal.reason());
                return Answer::refused(service, refusal);
            }
        };
        match deadline::timeout(request.headers()) {
            Some(timeout) => self.answer_within(timeout, service, request),
            None => self.pass_on(service, request),
        }
    }

    fn log(&self, service: Service, caller: &Caller) {
        debug!(
            service = service.name(),
            from = self.from.map(tracing::field::display),
            key = caller.key(),
            tenant = %caller.tenant,
            "a call"
        );
    }

    /// The answer, or a refusal if it does not come in time.
    fn answer_within(
        &self,
        timeout: Duration,
        service: Service,
        request: Request<Incoming>,
    ) -> Answer {
        if timeout.is_zero() {
            return Answer::refused(service, Refusal::DeadlineExceeded);
        }
        let writes = deadline::writes(request.uri().path());
        let answer = self.pass_on(service, request);
        if writes {
            return answer;
        }
        Answer::Coming(Box::pin(async move {
            match tokio::time::timeout(timeout, answer).await {
                Ok(answered) => answered,
                Err(_) => Answer::refused(service, Refusal::DeadlineExceeded).await,
            }
        }))
    }

    /// The answer of the service; the caller is let in already.
    fn pass_on(&self, service: Service, request: Request<Incoming>) -> Answer {
        let services = &self.services;
        Answer::Coming(match service {
            Service::Legacy => services.legacy.clone().call(request),
            Service::V1 => services.v1.clone().call(request),
            Service::Health => services.health.clone().call(request),
            Service::Reflection => match &services.reflection {
                Some(routes) => Box::pin(routes.clone().call(request.map(Body::new))),
                None => return Answer::unknown(),
            },
        })
    }
}

impl hyper::service::Service<Request<Incoming>> for Dispatch {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, request: Request<Incoming>) -> Answer {
        match Service::of(request.uri().path()) {
            Some(service) => self.answer(service, request),
            None => Answer::unknown(),
        }
    }
}

/// An answer that is there, or comes.
pub(crate) enum Answer {
    There(Ready<Answered>),
    Coming(BoxFuture<'static, Answered>),
}

impl Answer {
    fn refused(service: Service, refusal: Refusal) -> Self {
        Self::now(refusal.into_status(service.name()))
    }

    fn unknown() -> Self {
        Self::now(Status::unimplemented("there is no such service"))
    }

    fn now(status: Status) -> Self {
        Self::There(ready(Ok(status.into_http())))
    }
}

impl Future for Answer {
    type Output = Answered;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Answered> {
        match self.get_mut() {
            Self::There(answer) => Pin::new(answer).poll(context),
            Self::Coming(answer) => answer.as_mut().poll(context),
        }
    }
}
