//! What the server says in its log about requests that it refuses: enough to find the cause, too
//! little to flood the log, and nothing personal.

use std::net::IpAddr;

use sms_core::{DecodeError, ProviderName, StoreError};
use tokio::time::Instant;

use crate::repeats::Repeats;

/// Who is told why, and how often.
#[derive(Debug)]
pub(crate) struct Notices {
    sources: Repeats<IpAddr>,
    unreadable: Repeats<(Option<ProviderName>, IpAddr)>,
    store: Repeats<()>,
    busy: Repeats<()>,
    skipped: Repeats<(ProviderName, IpAddr)>,
    crowded: Repeats<IpAddr>,
}

impl Notices {
    pub(crate) fn new() -> Self {
        Self {
            sources: Repeats::new(),
            unreadable: Repeats::new(),
            store: Repeats::new(),
            busy: Repeats::new(),
            skipped: Repeats::new(),
            crowded: Repeats::new(),
        }
    }

    /// A request was refused for where it came from, or for a wrong token.
    pub(crate) fn refused(&self, source: IpAddr, why: &dyn std::fmt::Display) {
        if let Some(before) = self.sources.note(source, Instant::now()) {
            tracing::warn!(%source, reason = %why, refused_unlogged = before.unmentioned, "report refused");
        }
    }

    /// A request came from a permitted source but could not be read.
    pub(crate) fn unreadable(
        &self,
        provider: Option<&ProviderName>,
        peer: IpAddr,
        error: &DecodeError,
    ) {
        let key = (provider.cloned(), peer);
        if let Some(before) = self.unreadable.note(key, Instant::now()) {
            let provider = provider.map_or("", ProviderName::as_str);
            let unlogged = before.unmentioned;
            tracing::warn!(provider, %peer, %error, refused_unlogged = unlogged, "report not readable");
        }
    }

    /// Beside reports that are taken there were others that are not.
    pub(crate) fn skipped(&self, provider: &ProviderName, peer: IpAddr, skipped: usize) {
        if let Some(before) = self.skipped.note((provider.clone(), peer), Instant::now()) {
            let unlogged = before.unmentioned;
            tracing::warn!(
                %provider, %peer, skipped, requests_unlogged = unlogged,
                "reports of a list skipped: not readable, or of no message; the others are taken"
            );
        }
    }

    /// A source has all the connections that one may have.
    pub(crate) fn crowded(&self, source: IpAddr) {
        if let Some(before) = self.crowded.note(source, Instant::now()) {
            tracing::warn!(
                %source, refused_unlogged = before.unmentioned,
                "more connections than delivery.max_connections_per_source; further ones are closed"
            );
        }
    }

    /// The store did not take a report.
    pub(crate) fn store_failed(&self, error: &StoreError) {
        self.store_down(error);
    }

    /// The store did not answer in time.
    pub(crate) fn store_silent(&self) {
        self.store_down(&"no answer in time");
    }

    fn store_down(&self, error: &dyn std::fmt::Display) {
        if let Some(before) = self.store.note((), Instant::now()) {
            tracing::error!(%error, refused_unlogged = before.unmentioned, "reports cannot be stored; providers are asked to repeat them");
        }
    }

    /// There is more to do than the configuration allows.
    pub(crate) fn busy(&self) {
        if let Some(before) = self.busy.note((), Instant::now()) {
            tracing::warn!(
                refused_unlogged = before.unmentioned,
                "more requests at once than delivery.max_requests; providers are asked to repeat them"
            );
        }
    }
}
