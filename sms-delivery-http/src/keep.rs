//! Making reports durable.

use std::future::ready;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use sms_core::{
    Engine, IncomingReport, MessageId, ProviderId, ProviderName, Reported, StoreError, Subject,
};

use crate::legacy::LegacyReport;
use crate::path::{Decoders, Target};

/// How many reports of one request are under way to the store at once. The largest known batch
/// has 100; the store takes them in groups.
const AT_ONCE: usize = 128;

/// A report that is to be kept.
#[derive(Debug)]
pub(crate) struct Pending {
    report: IncomingReport,
    /// What else the report may mean if none of our messages is its subject: an id of the
    /// provider's own, by which it then waits.
    otherwise: Option<ProviderId>,
}

impl Pending {
    /// A report to the callback of a provider.
    pub(crate) fn of_provider(report: IncomingReport) -> Self {
        let otherwise = match report.subject {
            Subject::ProviderId(_) | Subject::Unnamed => None,
            Subject::Id(_) | Subject::Reference(_) => report.provider_id.clone(),
        };
        Self { report, otherwise }
    }

    /// A report to the callback of one message: about that message, whatever its body says.
    pub(crate) fn of_message(id: MessageId, mut report: IncomingReport) -> Self {
        let said = std::mem::replace(&mut report.subject, Subject::Id(id));
        let foreign = match said {
            Subject::Id(said) => said != id,
            Subject::Reference(said) => said.id() != id,
            Subject::ProviderId(_) | Subject::Unnamed => false,
        };
        if foreign {
            // Else later reports by that id would lead to this message.
            report.provider_id = None;
        }
        Self {
            report,
            otherwise: None,
        }
    }
}

impl From<LegacyReport> for Pending {
    fn from(legacy: LegacyReport) -> Self {
        let LegacyReport { report, name } = legacy;
        let ours = !matches!(report.subject, Subject::ProviderId(_));
        Self {
            report,
            otherwise: name.filter(|_| ours),
        }
    }
}

/// Gives reports to the engine.
#[derive(Debug)]
pub(crate) struct Keeper {
    engine: Engine,
    /// Whose reports may come to the callback of the older service.
    legacy: Vec<ProviderName>,
}

impl Keeper {
    pub(crate) fn new(engine: Engine, legacy: Option<ProviderName>, decoders: &Decoders) -> Self {
        let legacy = match legacy {
            Some(name) => vec![name],
            None => decoders.keys().cloned().collect(),
        };
        Self { engine, legacy }
    }

    /// Makes all the reports durable.
    ///
    /// # Errors
    /// [`StoreError`] when one of them may not be; the others may be, and do no harm if they come
    /// again.
    pub(crate) async fn keep(
        &self,
        target: &Target<'_>,
        reports: Vec<Pending>,
    ) -> Result<(), StoreError> {
        let own = target.decoder().map(|(name, _)| name);
        stream::iter(reports)
            .map(|pending| self.keep_one(own, pending))
            .buffer_unordered(AT_ONCE)
            .try_for_each(|()| ready(Ok(())))
            .await
    }

    async fn keep_one(
        &self,
        own: Option<&ProviderName>,
        pending: Pending,
    ) -> Result<(), StoreError> {
        let Pending { report, otherwise } = pending;
        let by_provider_id = match report.subject {
            Subject::ProviderId(_) => Some(report),
            Subject::Id(id) if self.give_to(own, id, &report).await? => None,
            Subject::Reference(it) if self.give_to(own, it.id(), &report).await? => None,
            Subject::Id(_) | Subject::Reference(_) | Subject::Unnamed => {
                otherwise.map(|id| IncomingReport {
                    provider_id: Some(id.clone()),
                    subject: Subject::ProviderId(id),
                    ..report
                })
            }
        };
        if let Some(report) = by_provider_id {
            for provider in own.map_or(self.legacy.as_slice(), std::slice::from_ref) {
                self.give(provider, report.clone()).await?;
            }
        }
        Ok(())
    }

    /// Gives a report to a message of ours; says whether it is one, and has been submitted.
    async fn give_to(
        &self,
        own: Option<&ProviderName>,
        id: MessageId,
        report: &IncomingReport,
    ) -> Result<bool, StoreError> {
        let provider = match (own, self.legacy.as_slice()) {
            (Some(own), _) => Some(own.clone()),
            (None, [only]) => Some(only.clone()),
            (None, _) => self.submitted_to(id).await?,
        };
        match provider {
            Some(provider) => {
                Ok(self.give(&provider, report.clone()).await? != Reported::Unrelated)
            }
            None => Ok(false),
        }
    }

    /// The provider that a message was last given to.
    async fn submitted_to(&self, id: MessageId) -> Result<Option<ProviderName>, StoreError> {
        let message = self.engine.message(id).await?;
        Ok(message.and_then(|it| it.progress.last_attempt().map(|last| last.provider.clone())))
    }

    async fn give(
        &self,
        provider: &ProviderName,
        report: IncomingReport,
    ) -> Result<Reported, StoreError> {
        let status = report.status.as_str();
        let reported = self.engine.report(provider, report).await?;
        match reported {
            Reported::Applied(id) => {
                tracing::debug!(%provider, %id, status, "report applied")
            }
            Reported::Repeated(id) => {
                tracing::debug!(%provider, %id, status, "report repeated")
            }
            Reported::Parked => tracing::debug!(%provider, status, "report parked"),
            Reported::Unrelated => {
                tracing::debug!(%provider, status, "report of no message of ours")
            }
        }
        Ok(reported)
    }
}
