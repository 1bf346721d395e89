//! `grpc.health.v1`: whether each service takes calls.

use std::pin::Pin;

use futures_util::Stream;
use futures_util::stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health as HealthApi;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::refusal::Refusal;

/// The services that health is told of; the empty name is the server as a whole.
const SERVICES: [&str; 3] = ["", "SMSService", "sms.v1.MessageService"];

/// Tells load balancers whether to send calls here. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Health(watch::Sender<bool>);

impl Health {
    pub(crate) fn serving() -> Self {
        Self(watch::Sender::new(true))
    }

    /// Whether calls are welcome.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        *self.0.borrow()
    }

    /// Says from now on that calls are welcome, or that they are not: while draining, or while
    /// the store cannot be reached. Calls that come all the same are taken.
    pub fn set_serving(&self, serving: bool) {
        self.0.send_if_modified(|now| {
            let changed = *now != serving;
            *now = serving;
            changed
        });
    }
}

/// Answers the questions.
#[derive(Debug)]
pub(crate) struct HealthService {
    health: Health,
    closing: CancellationToken,
}

impl HealthService {
    pub(crate) fn new(health: Health, closing: CancellationToken) -> Self {
        Self { health, closing }
    }

    fn check_name(request: &Request<HealthCheckRequest>) -> Result<(), Status> {
        if SERVICES.contains(&request.get_ref().service.as_str()) {
            Ok(())
        } else {
            Err(Status::not_found("there is no such service"))
        }
    }
}

fn reply(serving: bool) -> HealthCheckResponse {
    let status = if serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    };
    HealthCheckResponse {
        status: status.into(),
    }
}

#[tonic::async_trait]
impl HealthApi for HealthService {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Self::check_name(&request)?;
        Ok(Response::new(reply(self.health.is_serving())))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Self::check_name(&request)?;
        let mut changes = self.health.0.subscribe();
        changes.mark_changed();
        let state = Some((changes, self.closing.clone()));
        let answers = stream::unfold(state, |state| async {
            let (mut changes, closing) = state?;
            tokio::select! {
                biased;
                changed = changes.changed() => {
                    changed.ok()?;
                    let serving = *changes.borrow_and_update();
                    Some((Ok(reply(serving)), Some((changes, closing))))
                }
                () = closing.cancelled() => {
                    let refusal = Refusal::ShuttingDown.into_status("grpc.health.v1.Health/Watch");
                    Some((Err(refusal), None))
                }
            }
        });
        Ok(Response::new(Box::pin(answers)))
    }
}
