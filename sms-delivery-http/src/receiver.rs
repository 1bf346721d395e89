//! Taking one request: who sends it, what it says, and when it is safe to say so.

use std::future::Future;
use std::net::IpAddr;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request};
use hyper::body::Incoming;
use sms_core::{
    CallbackPath, DecodeError, Decoded, Engine, Proof, ProviderName, Reply, ReportDecoder,
    ReportRequest, Secret, StoreError, Subject,
};
use tokio::sync::Semaphore;

use crate::answer::{Answer, Refusal, taken};
use crate::keep::{Keeper, Pending};
use crate::legacy::LegacyReport;
use crate::notices::Notices;
use crate::path::{Decoders, Target};
use crate::{DeliveryConfig, SourceRules, body, legacy};

/// What a request said.
struct Read {
    reports: Vec<Pending>,
    /// What the provider wants to hear once they are durable.
    reply: Reply,
}

impl Read {
    fn legacy(report: LegacyReport) -> Self {
        Self {
            reports: vec![report.into()],
            reply: Reply::default(),
        }
    }
}

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

    /// A connection was closed because its source has too many.
    pub(crate) fn crowded(&self, source: IpAddr) {
        self.notices.crowded(source);
    }

    async fn take(&self, peer: IpAddr, request: Request<Incoming>) -> Result<Reply, Refusal> {
        let (head, body) = request.into_parts();
        let target = self.target(peer, &head)?;
        // Strangers are turned away before they take anybody's place or their body is read.
        self.admit(&target, peer, &head.headers)?;
        let _place = self.places.try_acquire().map_err(|_| {
            self.notices.busy();
            Refusal::Busy
        })?;
        self.confirm(&target, peer, &head.headers).await?;
        let body = body::read(body, self.config.max_body, self.config.body_timeout).await?;
        let Read { reports, reply } = self.read(&target, peer, &head, &body)?;
        let kept = self.keeper.keep(&target, reports);
        self.in_time(kept).await?;
        Ok(reply)
    }

    fn target(&self, peer: IpAddr, head: &Parts) -> Result<Target<'_>, Refusal> {
        let target = Target::of(head.uri.path(), &head.method, &self.decoders);
        if let Err(Refusal::Token) = target {
            self.no_token(peer, &head.headers, "no or a wrong callback token");
        }
        target
    }

    /// Refuses who shows by the head alone that they may not report here.
    fn admit(&self, target: &Target<'_>, peer: IpAddr, headers: &HeaderMap) -> Result<(), Refusal> {
        let Some((provider, decoder)) = target.decoder() else {
            return self.admit_source(peer, headers);
        };
        match decoder.proof() {
            Proof::Header { name, value } if !shows(headers, name, value) => {
                let error = DecodeError::BadSignature;
                self.notices.unreadable(Some(provider), peer, &error);
                Err(Refusal::Decode(error))
            }
            Proof::Source if matches!(target, Target::Provider(..)) => {
                self.admit_source(peer, headers)
            }
            // The path was right, or is looked up next; or the body will tell.
            Proof::Source | Proof::Header { .. } | Proof::Token(_) | Proof::Signature => Ok(()),
        }
    }

    /// Refuses whose path bears no token of a message.
    async fn confirm(
        &self,
        target: &Target<'_>,
        peer: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), Refusal> {
        let Target::Message(path, _) = target else {
            return Ok(());
        };
        if self.in_time(self.engine.callback_is_genuine(path)).await? {
            return Ok(());
        }
        self.no_token(peer, headers, "no message has this token");
        Err(Refusal::Token)
    }

    fn no_token(&self, peer: IpAddr, headers: &HeaderMap, why: &'static str) {
        let source = self.sources.source(peer, headers).unwrap_or(peer);
        self.notices.refused(source, &why);
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
    ) -> Result<Read, Refusal> {
        let provider = target.decoder().map(|(name, _)| name);
        let read = match target {
            Target::Legacy => legacy::read(body).map(Read::legacy),
            Target::Provider(name, decoder) => self
                .decode(*decoder, head, body)
                .and_then(|decoded| self.by_provider(name, peer, decoded)),
            Target::Message(path, decoder) => self
                .decode(*decoder, head, body)
                .map(|decoded| self.by_message(path, peer, decoded)),
        };
        read.map_err(|error| {
            self.notices.unreadable(provider, peer, &error);
            Refusal::Decode(error)
        })
    }

    /// The reports of a request to the callback of a provider. Those that name no message are
    /// of no use here.
    fn by_provider(
        &self,
        name: &ProviderName,
        peer: IpAddr,
        decoded: Decoded,
    ) -> Result<Read, DecodeError> {
        let (unnamed, named): (Vec<_>, Vec<_>) = decoded
            .reports
            .into_iter()
            .partition(|report| report.subject == Subject::Unnamed);
        if named.is_empty() && !unnamed.is_empty() {
            let problem = "it names no message".to_owned();
            return Err(DecodeError::Malformed { problem });
        }
        self.skipped(name, peer, decoded.skipped + unnamed.len());
        Ok(Read {
            reports: named.into_iter().map(Pending::of_provider).collect(),
            reply: decoded.reply,
        })
    }

    fn by_message(&self, path: &CallbackPath, peer: IpAddr, decoded: Decoded) -> Read {
        self.skipped(&path.provider, peer, decoded.skipped);
        let pending = |report| Pending::of_message(path.id, report);
        Read {
            reports: decoded.reports.into_iter().map(pending).collect(),
            reply: decoded.reply,
        }
    }

    fn skipped(&self, provider: &ProviderName, peer: IpAddr, skipped: usize) {
        if skipped > 0 {
            self.notices.skipped(provider, peer, skipped);
        }
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

/// Whether a header has the value that only the provider knows.
fn shows(headers: &HeaderMap, name: &str, value: &Secret) -> bool {
    let shown = headers.get(name).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|shown| str::from_utf8(shown).ok());
    shown.is_some_and(|shown| value.matches(shown))
}
