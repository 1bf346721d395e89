//! `kind = "http"` as it stands in the configuration.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use sms_core::{Secret, SenderId};

use super::location::Location;
use super::one_or_many::OneOrMany;
use super::pattern::Pattern;
use super::wait::WaitConfig;
use crate::class::Class;

/// `kind = "http"` as it stands in the configuration: how a message becomes a request, and what
/// the answer says. Values that may hold a key or a password do not show.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpConfig {
    /// Where messages go; a template, whose variables may stand behind the host only.
    pub url: String,
    /// The HTTP method. Default: `POST`.
    #[serde(default)]
    pub method: MethodConfig,
    /// The sender of messages that name none.
    pub from: Option<SenderId>,
    /// Whether messages may go without a sender: a field that is `{from}` is then left out.
    /// Default: no, `from` must be there.
    #[serde(default)]
    pub from_optional: bool,
    /// The longest that one submission takes. Default: 30 s.
    #[serde(default = "default_timeout", with = "sms_core::duration")]
    pub timeout: Duration,
    /// Most characters of a text; a longer one is refused without asking the provider.
    pub max_text: Option<usize>,
    /// The least that `{ttl_seconds}` and its like say, for providers that refuse less.
    #[serde(default, with = "sms_core::duration::option")]
    pub ttl_min: Option<Duration>,
    /// The most that `{ttl_seconds}` and its like say, for providers that refuse more.
    #[serde(default, with = "sms_core::duration::option")]
    pub ttl_max: Option<Duration>,
    /// Whether the provider takes a message once however often the same `{reference}` or `{id}`
    /// is submitted. Say so only if its manual does: after a lost answer the message is then
    /// submitted again. Default: no.
    #[serde(default)]
    pub deduplicates: bool,
    /// Credentials in the header `Authorization`.
    pub auth: Option<AuthConfig>,
    /// Further headers; the values are templates.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Fields added to the URL's query; the values are templates. A list repeats the field.
    #[serde(default)]
    pub query: BTreeMap<String, OneOrMany<String>>,
    /// The body. Default: none.
    pub body: Option<BodyConfig>,
    /// What `{encoding}` stands for.
    #[serde(default)]
    pub encodings: EncodingNames,
    /// What the answer says.
    #[serde(default)]
    pub answer: AnswerConfig,
    /// What a report says. Default: the provider sends none.
    pub report: Option<ReportConfig>,
}

fn default_timeout() -> Duration {
    Duration::from_secs(30)
}

/// The HTTP method of a submission.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum MethodConfig {
    /// Everything in the URL.
    Get,
    /// With a body.
    #[default]
    Post,
    /// With a body.
    Put,
}

/// Credentials in the header `Authorization`.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum AuthConfig {
    /// HTTP Basic.
    Basic {
        /// The user.
        login: String,
        /// The password.
        password: Secret,
    },
    /// `Bearer` and a token.
    Bearer(Secret),
    /// The whole value of the header, for schemes with a name of their own.
    Header(Secret),
}

/// The body of a submission.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BodyConfig {
    /// JSON; all its texts are templates. `"{segments:number}"` gives a number.
    Json(Value),
    /// A form, `application/x-www-form-urlencoded`; the values are templates. A list repeats the
    /// field.
    Form(BTreeMap<String, OneOrMany<String>>),
}

/// What the provider calls the encodings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncodingNames {
    /// Its name for GSM-7. Default: `gsm7`.
    pub gsm7: Option<String>,
    /// Its name for UCS-2. Default: `ucs2`.
    pub ucs2: Option<String>,
}

/// What the answer to a submission says.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AnswerConfig {
    /// Where the verdict is; of several places the first that holds a value counts. Where it is
    /// that of several parts of a message (`/messages/*/status`) and they fare differently, the
    /// outcome is unknown. Default: in the HTTP status alone, and any 2xx is an acceptance (but see
    /// [`id`](Self::id)).
    pub verdict: OneOrMany<Location>,
    /// A place that holds a value only if the message was taken, such as that of its id. It counts
    /// in an answer with status 2xx where no verdict is found; if it is empty too, the outcome is
    /// unknown.
    pub accepted_if: Option<Location>,
    /// Verdicts that mean: taken.
    pub accepted: Vec<Pattern>,
    /// Verdicts that mean: taken at an earlier attempt.
    pub duplicate: Vec<Pattern>,
    /// Verdicts that mean: refused for good.
    pub rejected: Vec<Pattern>,
    /// Verdicts that mean: not taken, too many messages at present.
    pub throttled: Vec<Pattern>,
    /// Verdicts that mean: not taken, not able at present.
    pub unavailable: Vec<Pattern>,
    /// Verdicts that mean: wrong credentials.
    pub unauthorized: Vec<Pattern>,
    /// Verdicts that mean: the message may have been taken.
    pub unknown: Vec<Pattern>,
    /// What any other verdict means in an answer with status 2xx. Default: unknown.
    pub otherwise: Class,
    /// What an HTTP status means when the verdict tells nothing, where it differs from the usual:
    /// `{ "202" = "accepted", "5xx" = "unavailable" }`.
    pub http_status: BTreeMap<String, Class>,
    /// Where the provider's id of the message is. If it is a place in the body, and neither
    /// `verdict` nor `accepted_if` is given, a 2xx without it is not an acceptance: it may be the
    /// page of a proxy.
    pub id: Option<Location>,
    /// Where the provider's own code is. Default: the verdict.
    pub code: Option<Location>,
    /// Where the provider's own words are.
    pub description: Option<Location>,
    /// Where the time to wait is, in seconds unless a unit is given. Default: in the header
    /// `Retry-After`.
    pub retry_after: Option<WaitConfig>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// A JSON body; fields are given as JSON pointers: `/results/0/status`.
    #[default]
    Json,
    /// A form in the body; fields are given by name.
    Form,
    /// The query of the URL; fields are given by name.
    Query,
}

/// What a report says. A report names its message by one of `reference`, `id` and `provider_id`,
/// which are tried in this order; it need not where the request has a `{callback_url}`, because
/// that URL names the message.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportConfig {
    /// How it is written. Default: JSON.
    pub format: ReportFormat,
    /// Where the list of reports is, if one request may hold several. The other places are then
    /// places in one of its items.
    pub list: Option<String>,
    /// Where our reference is.
    pub reference: Option<String>,
    /// Where our id is.
    pub id: Option<String>,
    /// Where the provider's id is.
    pub provider_id: Option<String>,
    /// Where the status is.
    pub status: Option<String>,
    /// Where the text of an SMPP receipt is; it tells the status if nothing else does.
    pub receipt: Option<String>,
    /// Statuses that mean: still on its way, as any that is not listed; for exceptions from a
    /// beginning in another list.
    pub buffered: Vec<Pattern>,
    /// Statuses that mean: it reached the recipient. Case does not count in any of these.
    pub delivered: Vec<Pattern>,
    /// Statuses that mean: it will not reach the recipient.
    pub undelivered: Vec<Pattern>,
    /// Statuses that mean: it expired on the way.
    pub expired: Vec<Pattern>,
    /// Statuses that mean: it was refused on the way.
    pub rejected: Vec<Pattern>,
    /// Statuses that mean: the provider will never know.
    pub unknown: Vec<Pattern>,
    /// Where the provider's own code is.
    pub code: Option<String>,
    /// Where the provider's own words are. Default: the receipt.
    pub text: Option<String>,
    /// Where the id of the receipt is.
    pub receipt_id: Option<String>,
    /// A header that proves a report to be the provider's.
    pub secret: Option<SecretHeader>,
    /// A token that proves it instead, for providers that let one type in a URL and nothing
    /// else: `/callback/NAME/TOKEN`. 16 to 128 letters, digits, `-` and `_`.
    pub callback_token: Option<Secret>,
    /// What the provider wants to hear.
    pub reply: ReplyConfig,
}

/// A header that only the provider knows the value of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretHeader {
    /// Its name.
    pub header: String,
    /// Its value.
    pub value: Secret,
}

/// The reply that tells the provider its report was taken.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyConfig {
    /// The HTTP status, one of 200 to 299. Default: 200.
    pub status: u16,
    /// The body. Default: empty.
    pub body: String,
}

impl Default for ReplyConfig {
    fn default() -> Self {
        Self {
            status: 200,
            body: String::new(),
        }
    }
}

/// The URL, headers, query and body may hold keys: none of them shows.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpConfig")
            .field("method", &self.method)
            .field("from", &self.from)
            .field("timeout", &self.timeout)
            .field("deduplicates", &self.deduplicates)
            .field("answer", &self.answer)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Logins are no less private than passwords: only the kind shows.
impl fmt::Debug for AuthConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic { .. } => "Basic",
            Self::Bearer(_) => "Bearer",
            Self::Header(_) => "Header",
        })
    }
}

impl fmt::Debug for BodyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Json(_) => "Json",
            Self::Form(_) => "Form",
        })
    }
}
