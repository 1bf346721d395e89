//! Taking one request: who sends it, what it says, and when it is safe to say so.

use std::future::Future;
use std::net::IpAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Request};
use hyper::body::Incoming;
use sms_core::{DecodeError, Decoded, Engine, Reply, ReportDecoder, ReportRequest, StoreError};
use tokio::sync::Semaphore;

use crate::answer::{Answer, Refusal, taken};
use crate::keep::{Keeper, Pending};
use crate::notices::Notices;
use crate::path::{Decoders, Target};
use crate::{DeliveryConfig, SourceRules, body, legacy};

/// Takes the requests of all connections.
#[derive(Debug)]
pub(crate) struct Receiver {
    engine: Engine,
    config: DeliveryConfig,
    sources: SourceRules,
    decoders: Decoders,
    keeper: Keeper,
    places: Semaphore,
    notices: Notices,
}

impl Receiver {
    pub(crate) fn new(config: DeliveryConfig, engine: Engine, decoders: Decoders) -> Self {
        Self {
            keeper: Keeper::new(engine.clone(), config.legacy_provider.clone(), &decoders),
            sources: config.source_rules(),
            places: Semaphore::new(config.max_requests.get()),
            notices: Notices::new(),
            engine,
            config,
            decoders,
        }
    }

    /// Answers a request. Reports are durable when the answer says that they were taken.
    pub(crate) async fn answer(&self, peer: IpAddr, request: Request<Incoming>) -> Answer {
        match self.take(peer, request).await {
            Ok(reply) => taken(reply),
            Err(refusal) => refusal.answer(),
        }
    }

    async fn take(&self, peer: IpAddr, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let target = Target::of(request.uri().path(), request.method(), &self.decoders)?;
        let _place = self.places.try_acquire().map_err(|_| {
            self.notices.busy();
            Refusal::Busy
        })?;
        // Strangers are turned away before their body is read.
        self.admit(&target, peer, request.headers()).await?;
        let (head, body) = request.into_parts();
        let body = body::read(body, self.config.max_body, self.config.body_timeout).await?;
        let (reports, reply) = self.read(&target, peer, &head, &body)?;
        let kept = self.keeper.keep(&target, reports);
        self.in_time(kept).await?;
        Ok(reply)
    }

    /// Refuses who may not report here.
    async fn admit(
        &self,
        target: &Target<'_>,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        match target {
            Target::Message(path, _) => {
                if self.in_time(self.engine.callback_is_genuine(path)).await? {
                    return Ok(());
                }
                let source = self.sources.source(peer, headers).unwrap_or(peer);
                self.notices.refused(source, &"no message has this token");
                Err(Refusal::NotFound)
            }
            Target::Provider(name, _) if self.config.signed.contains(*name) => Ok(()),
            Target::Provider(..) | Target::Legacy => self.admit_source(peer, headers),
        }
    }

    fn admit_source(&self, peer: IpAddr, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.config.dangerously_accept_any_source {
            return Ok(());
        }
        match self.sources.source(peer, headers) {
            Ok(source) if self.sources.allows(source) => return Ok(()),
            Ok(source) => self.notices.refused(source, &"not in delivery.allow"),
            Err(error) => self.notices.refused(peer, &error),
        }
        Err(Refusal::Source)
    }

    /// Reads the reports, and what the provider wants to hear once they are durable.
    fn read(
        &self,
        target: &Target<'_>,
        peer: IpAddr,
        head: &Parts,
        body: &Bytes,
    ) -> Result<(Vec<Pending>, Reply), Refusal> {
        let (provider, read) = match target {
            Target::Legacy => {
                let read = legacy::read(body).map(|legacy| (vec![legacy.into()], Reply::default()));
                (None, read)
            }
            Target::Provider(name, decoder) => {
                let read = self.decode(*decoder, head, body);
                (Some(*name), read.map(by_provider))
            }
            Target::Message(path, decoder) => {
                let read = self.decode(*decoder, head, body);
                let pending = |report| Pending::of_message(path.id, report);
                let by_message = |decoded: Decoded| {
                    let reports = decoded.reports.into_iter().map(pending).collect();
                    (reports, decoded.reply)
                };
                (Some(&path.provider), read.map(by_message))
            }
        };
        read.map_err(|error| {
            self.notices.unreadable(provider, peer, &error);
            Refusal::Decode(error)
        })
    }

    fn decode(
        &self,
        decoder: &dyn ReportDecoder,
        head: &Parts,
        body: &Bytes,
    ) -> Result<Decoded, DecodeError> {
        let public = self.config.public_url.trim_end_matches('/');
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        decoder.decode(&ReportRequest {
            method: head.method.as_str(),
            url: &format!("{public}{path}"),
            query: head.uri.query().unwrap_or_default(),
            headers: &readable(&head.headers),
            body,
        })
    }

    /// Waits for the store as long as a provider waits for us.
    async fn in_time<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, Refusal> {
        match tokio::time::timeout(self.config.store_timeout, call).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) => self.notices.store_failed(&error),
            Err(_) => self.notices.store_silent(),
        }
        Err(Refusal::Store)
    }
}

/// The headers whose values are text.
fn readable(headers: &HeaderMap) -> Vec<(&str, &str)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), str::from_utf8(value.as_bytes()).ok()?)))
        .collect()
}

fn by_provider(decoded: Decoded) -> (Vec<Pending>, Reply) {
    let reports = decoded.reports.into_iter().map(Pending::of_provider);
    (reports.collect(), decoded.reply)
}
