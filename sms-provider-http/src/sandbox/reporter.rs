//! Posts the sandbox's reports.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use reqwest::{Method, Request, Url};
use sms_core::{Clock as _, SystemClock};

use super::{Shared, dialect};

/// How long whoever takes reports may need for one.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How often a report is posted that nobody takes, and how long to wait before the second time;
/// the wait doubles. Together a little over a minute.
const TRIES: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A report that is to be posted.
pub(super) struct Report {
    pub(super) url: String,
    pub(super) msg_id: String,
    pub(super) stat: &'static str,
}

/// Where in the usual delay this message's report falls: drawn from its id, so that no source of
/// randomness is needed.
pub(super) fn usual_delay(report: &Report, range: &RangeInclusive<Duration>) -> Duration {
    let spread = range.end().saturating_sub(*range.start());
    let share = f64::from(u32::try_from(hash(report) >> 32).unwrap_or(0)) / f64::from(u32::MAX);
    *range.start() + spread.mul_f64(share)
}

/// Posts a report after a delay, and again while nobody takes it.
pub(super) async fn post_after(delay: Duration, report: Report, shared: Arc<Shared>) {
    tokio::time::sleep(delay).await;
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        if post_once(&report, &shared).await {
            return;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    if !post_once(&report, &shared).await {
        shared.ledger().reported(&report.msg_id, false);
    }
}

/// Posts a report and says whether it was taken.
pub(super) async fn post_once(report: &Report, shared: &Shared) -> bool {
    let Ok(url) = Url::parse(&report.url) else {
        return false;
    };
    let receipt_id = hash(report) >> 32;
    let body = dialect::report(&report.msg_id, receipt_id, report.stat, SystemClock.now());
    let mut request = Request::new(Method::POST, url);
    let content_type = HeaderValue::from_static("application/json");
    request.headers_mut().insert(CONTENT_TYPE, content_type);
    *request.body_mut() = Some(body.into());
    let taken = match shared.client.call(request, TIMEOUT).await {
        Ok(answer) => answer.status.is_success(),
        Err(_) => false,
    };
    if taken {
        shared.ledger().reported(&report.msg_id, true);
    }
    taken
}

fn hash(report: &Report) -> u64 {
    let mut hasher = DefaultHasher::new();
    report.msg_id.hash(&mut hasher);
    hasher.finish()
}
