//! Taking delivery reports.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tracing::error;

use super::change::Applied;
use super::{Engine, Inner, Observation};
use crate::{
    Event, IncomingReport, Message, MessageId, ParkedReport, ProviderName, Report, ReportKey,
    StoreError, Subject, Unchanged, words,
};

/// When to look for the message of a parked report for the first time. The worker that learns
/// the provider's id looks by itself; this is for one that died in between.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// How long a report waits for its message: longer than any provider takes to answer.
const PARKED_FOR: Duration = Duration::from_secs(72 * 3_600);

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// It is part of its message now.
    Applied(MessageId),
    /// Its message knew it already.
    Repeated(MessageId),
    /// No message is known by the id that it names. It waits for one.
    Parked,
    /// It names no message, or one that is not ours or was never handed to a provider. Nothing is
    /// kept.
    Unrelated,
}

impl Engine {
    /// Takes a report of a provider. Once this returns, what is to be kept of it is durable.
    /// Reports may come in any order, before the answer to their submission, and repeatedly.
    ///
    /// # Errors
    /// [`StoreError`]: it may or may not be kept; the provider should send it again.
    pub async fn report(
        &self,
        provider: &ProviderName,
        incoming: IncomingReport,
    ) -> Result<Reported, StoreError> {
        let report = Report {
            received_at: self.now(),
            provider: provider.clone(),
            status: incoming.status,
            provider_id: incoming.provider_id,
            receipt_id: words::receipt_id(incoming.receipt_id),
            code: words::code(incoming.code),
            text: words::text(incoming.text),
            late: false,
        };
        let status = report.status;
        let reported = match incoming.subject {
            Subject::Id(id) => self.inner.report_to(id, report).await?,
            Subject::Reference(reference) => self.inner.report_to(reference.id(), report).await?,
            Subject::ProviderId(provider_id) => {
                let key = ReportKey {
                    provider: provider.clone(),
                    provider_id,
                };
                self.inner.report_by_key(key, report).await?
            }
            Subject::Unnamed => Reported::Unrelated,
        };
        self.inner.observer.observe(&Observation::Reported {
            provider,
            status,
            parked: reported == Reported::Parked,
        });
        Ok(reported)
    }
}

impl Inner {
    async fn report_to(
        self: &Arc<Self>,
        id: MessageId,
        report: Report,
    ) -> Result<Reported, StoreError> {
        match self.writes.load(id).await? {
            Some(message) => self.report_message(message, report).await,
            None => Ok(Reported::Unrelated),
        }
    }

    async fn report_message(
        self: &Arc<Self>,
        message: Message,
        report: Report,
    ) -> Result<Reported, StoreError> {
        let id = message.id();
        let event = Event::Reported(report);
        Ok(match self.apply(message, &event).await? {
            Applied::Changed(_) => Reported::Applied(id),
            Applied::Kept(_, Unchanged::Repeated) => Reported::Repeated(id),
            Applied::Kept(..) | Applied::Gone => Reported::Unrelated,
        })
    }

    async fn report_by_key(
        self: &Arc<Self>,
        key: ReportKey,
        mut report: Report,
    ) -> Result<Reported, StoreError> {
        report.provider_id = Some(key.provider_id.clone());
        if let Some(id) = self.find(&key).await? {
            return self.report_to(id, report).await;
        }
        let parked = ParkedReport {
            look_again_at: self.clock.now() + LOOK_AGAIN_AFTER,
            key: key.clone(),
            report: report.clone(),
        };
        self.store.park(vec![parked.clone()]).await?;
        // The id may have become known between the look and the parking. Whoever made it known
        // looks for parked reports after that, we look for the id after parking: one must see.
        match self.find(&key).await? {
            None => Ok(Reported::Parked),
            Some(id) => {
                let reported = self.report_to(id, report).await?;
                self.store.unpark(vec![parked]).await?;
                Ok(reported)
            }
        }
    }

    async fn find(&self, key: &ReportKey) -> Result<Option<MessageId>, StoreError> {
        let found = self.store.find(std::slice::from_ref(key)).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// Looks again for the messages of parked reports; says whether that led anywhere.
    pub(super) async fn look_again(
        self: &Arc<Self>,
        parked: Vec<ParkedReport>,
    ) -> Result<bool, StoreError> {
        let looked = join_all(parked.into_iter().map(|parked| self.look_again_for(parked)));
        let mut any_done = false;
        for looked in looked.await {
            match looked {
                Ok(()) => any_done = true,
                Err(error) if error.is_passing() => return Err(error),
                // It must not hold up the others.
                Err(error) => error!(%error, "a parked report cannot be dealt with"),
            }
        }
        Ok(any_done)
    }

    async fn look_again_for(self: &Arc<Self>, parked: ParkedReport) -> Result<(), StoreError> {
        match self.join(&parked).await {
            Ok(true) => return self.store.unpark(vec![parked]).await,
            Ok(false) => {}
            Err(error) if error.is_passing() => return Err(error),
            // The message cannot be read. It may be repaired before the report is given up.
            Err(error) => error!(%error, "a parked report cannot be joined with its message"),
        }
        let now = self.clock.now();
        let waited = now.since(parked.report.received_at);
        if waited > PARKED_FOR {
            return self.store.unpark(vec![parked]).await;
        }
        // As long again as it has waited, so that reports of strangers cost less and less.
        let look_again_at = now + waited.max(LOOK_AGAIN_AFTER);
        self.store
            .park(vec![ParkedReport {
                look_again_at,
                ..parked
            }])
            .await
    }

    /// Says whether the message of a parked report is known, and knows the report now.
    async fn join(self: &Arc<Self>, parked: &ParkedReport) -> Result<bool, StoreError> {
        let Some(id) = self.find(&parked.key).await? else {
            return Ok(false);
        };
        self.report_to(id, parked.report.clone()).await?;
        Ok(true)
    }
}
