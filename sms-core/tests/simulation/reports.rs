//! The reports of the providers: early, late, twice, out of order, or never.

use std::sync::Arc;
use std::time::Duration;

use sms_core::{IncomingReport, MessageId, ReportStatus, Reported, State, Subject};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use crate::provider::Taken;
use crate::world::World;

/// How long a provider waits for our answer.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long after that it posts the report again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Posts reports for everything that is taken.
pub(crate) async fn post_all(world: Arc<World>, mut taken: mpsc::UnboundedReceiver<Taken>) {
    while let Some(taken) = taken.recv().await {
        plan(&world, &taken);
    }
}

fn plan(world: &Arc<World>, taken: &Taken) {
    let dice = &world.dice;
    if dice.chance(12) {
        return;
    }
    let status = dice.pick(&[
        (70, ReportStatus::Delivered),
        (15, ReportStatus::Undelivered),
        (5, ReportStatus::Expired),
        (5, ReportStatus::Rejected),
        (5, ReportStatus::Unknown),
    ]);
    let delay = match dice.number(0..100) {
        0..25 => Duration::ZERO,
        25..92 => dice.millis(0..60_000),
        // Beyond the report window.
        _ => world.report_window + dice.millis(1_000..20_000),
    };
    if dice.chance(15) {
        let delay = dice.millis(0..30_000);
        post_later(world, taken, ReportStatus::Buffered, delay);
    }
    post_later(world, taken, status, delay);
    if dice.chance(20) {
        post_later(world, taken, status, delay + dice.millis(0..20_000));
    }
}

fn post_later(world: &Arc<World>, taken: &Taken, status: ReportStatus, delay: Duration) {
    let subject = match world.dice.number(0..3) {
        0 => Subject::ProviderId(taken.provider_id.clone()),
        1 => Subject::Reference(taken.id.reference()),
        _ => Subject::Id(taken.id),
    };
    let report = IncomingReport {
        subject,
        status,
        provider_id: Some(taken.provider_id.clone()),
        receipt_id: None,
        code: None,
        text: None,
    };
    let id = taken.id;
    let provider = taken.provider.clone();
    let world = Arc::clone(world);
    tokio::spawn(async move {
        sleep(delay).await;
        loop {
            let engine = world.some_engine();
            let posted = engine.report(&provider, report.clone());
            match timeout(PATIENCE, posted).await {
                Ok(Ok(reported)) => return note(&world, id, status, reported).await,
                Ok(Err(_)) | Err(_) => sleep(AGAIN_AFTER).await,
            }
        }
    });
}

async fn note(world: &World, id: MessageId, status: ReportStatus, reported: Reported) {
    let books = &world.books;
    books.tell(format!("{id} report {status:?}: {reported:?}"));
    match reported {
        Reported::Applied(_) => {
            if status.is_final() {
                books.truth(id, |truth| truth.applied.push(status));
            }
            let Some(message) = world.message(id).await else {
                return;
            };
            let reports = &message.progress.reports;
            if reports.iter().any(|report| report.late) {
                books.meet("report applied late");
            }
            let answered = |attempt: &sms_core::Attempt| attempt.node.is_some();
            if !message.progress.attempts.iter().any(answered)
                && message.progress.state != State::Unknown
                && books.truth(id, |truth| truth.under_way > 0)
            {
                books.meet("report before the answer");
            }
        }
        Reported::Repeated(_) => books.meet("report repeated"),
        Reported::Parked => books.meet("report parked"),
        Reported::Unrelated => {
            books.violation(format!("{id}: its report was taken for a stranger's"));
        }
    }
}
