//! Reading requests. Every wrong field is told, not only the first.

use std::fmt::Display;
use std::time::Duration;

use sms_core::{
    EncodingChoice, IdempotencyKey, ListFilter, MessageId, MessageText, NewMessage, PageToken,
    PhoneNumber, Priority, ProviderName, SenderId, State, TenantId, Timestamp, UnknownPolicy,
};

use crate::proto::v1 as wire;
use crate::refusal::{Refusal, Violation};

/// The page when a client asks for no particular size.
const DEFAULT_PAGE: usize = 50;
/// The largest page. An ordinary message takes about 1 kB; a page of those with long lives ends
/// sooner, as `page.rs` says.
const LARGEST_PAGE: usize = 500;

/// Collects what is wrong with the fields of a request.
#[derive(Default)]
struct Fields(Vec<Violation>);

impl Fields {
    /// The value, or a violation of its field.
    fn take<T>(&mut self, field: &str, value: Result<T, impl Display>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(problem) => {
                self.0.push(Violation::new(field, problem));
                None
            }
        }
    }

    /// The value of a text that may be empty.
    fn optional<T, E: Display>(
        &mut self,
        field: &str,
        text: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_empty() {
            return None;
        }
        self.take(field, parse(text))
    }

    /// The value of an enum, or its default if it is not given.
    fn named<T: Default, W: TryFrom<i32>>(
        &mut self,
        field: &str,
        number: i32,
        value: impl FnOnce(W) -> Option<T>,
    ) -> T {
        match W::try_from(number) {
            Ok(named) => value(named).unwrap_or_default(),
            Err(_) => {
                let problem = format!("{number} is not one of its values");
                self.0.push(Violation::new(field, problem));
                T::default()
            }
        }
    }

    fn finish<T>(self, value: Option<T>) -> Result<T, Refusal> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Refusal::Fields(self.0)),
        }
    }
}

/// What is to be sent.
pub(super) fn new_message(
    request: wire::SendMessageRequest,
    tenant: TenantId,
) -> Result<NewMessage, Refusal> {
    let mut fields = Fields::default();
    let number = if request.allow_unassigned {
        PhoneNumber::parse_possible(&request.to)
    } else {
        PhoneNumber::parse(&request.to)
    };
    let to = fields.take("to", number);
    let text = fields.take("text", MessageText::new(request.text));
    let from = fields.optional("from", &request.from, str::parse::<SenderId>);
    let encoding = fields.named("encoding", request.encoding, encoding);
    let priority = fields.named("priority", request.priority, priority);
    let on_unknown = fields.named("on_unknown", request.on_unknown, on_unknown);
    let send_at = request.send_at.map(timestamp).transpose();
    let send_at = fields.take("send_at", send_at).flatten();
    let validity = request.validity.map(duration).transpose();
    let validity = fields.take("validity", validity).flatten();
    let key = key(&mut fields, &request.idempotency_key, &request.request_id);
    let provider = fields.optional("provider", &request.provider, str::parse::<ProviderName>);
    let new = to.zip(text).map(|(to, text)| NewMessage {
        tenant,
        to,
        text,
        from,
        encoding,
        priority,
        on_unknown,
        send_at,
        validity,
        idempotency_key: key,
        provider,
    });
    fields.finish(new)
}

fn key(fields: &mut Fields, key: &str, alias: &str) -> Option<IdempotencyKey> {
    if !key.is_empty() && !alias.is_empty() && key != alias {
        let problem = "differs from idempotency_key; give one of them";
        fields.0.push(Violation::new("request_id", problem));
        return None;
    }
    let (field, text) = if key.is_empty() {
        ("request_id", alias)
    } else {
        ("idempotency_key", key)
    };
    fields.optional(field, text, str::parse)
}

fn encoding(choice: wire::EncodingChoice) -> Option<EncodingChoice> {
    match choice {
        wire::EncodingChoice::Unspecified => None,
        wire::EncodingChoice::Auto => Some(EncodingChoice::Auto),
        wire::EncodingChoice::Gsm7Strict => Some(EncodingChoice::Gsm7Strict),
        wire::EncodingChoice::Gsm7Smart => Some(EncodingChoice::Gsm7Smart),
        wire::EncodingChoice::Ucs2 => Some(EncodingChoice::Ucs2),
    }
}

fn priority(priority: wire::Priority) -> Option<Priority> {
    match priority {
        wire::Priority::Unspecified => None,
        wire::Priority::Otp => Some(Priority::Otp),
        wire::Priority::High => Some(Priority::High),
        wire::Priority::Normal => Some(Priority::Normal),
        wire::Priority::Bulk => Some(Priority::Bulk),
    }
}

fn on_unknown(policy: wire::UnknownPolicy) -> Option<UnknownPolicy> {
    match policy {
        wire::UnknownPolicy::Unspecified => None,
        wire::UnknownPolicy::Hold => Some(UnknownPolicy::Hold),
        wire::UnknownPolicy::PreferDuplicate => Some(UnknownPolicy::PreferDuplicate),
        wire::UnknownPolicy::PreferLoss => Some(UnknownPolicy::PreferLoss),
    }
}

fn state(number: i32) -> Result<State, String> {
    use wire::State as Wire;
    let unknown = || format!("{number} is not a state");
    Ok(match Wire::try_from(number).map_err(|_| unknown())? {
        Wire::Unspecified => return Err("STATE_UNSPECIFIED is no state to ask for".into()),
        Wire::Scheduled => State::Scheduled,
        Wire::Queued => State::Queued,
        Wire::Sending => State::Sending,
        Wire::Unconfirmed => State::Unconfirmed,
        Wire::Sent => State::Sent,
        Wire::Delivered => State::Delivered,
        Wire::Undelivered => State::Undelivered,
        Wire::Rejected => State::Rejected,
        Wire::Failed => State::Failed,
        Wire::Expired => State::Expired,
        Wire::Canceled => State::Canceled,
        Wire::Unknown => State::Unknown,
    })
}

/// A time that can be written as a date; earlier ones than 1970 are slips.
fn timestamp(time: prost_types::Timestamp) -> Result<Timestamp, &'static str> {
    let problem = "is not a time between 1970 and 9999";
    let millis = (0..1_000_000_000)
        .contains(&time.nanos)
        .then(|| time.seconds.checked_mul(1_000))
        .flatten()
        .map(|millis| millis.saturating_add(i64::from(time.nanos / 1_000_000)))
        .ok_or(problem)?;
    if (0..=Timestamp::MAX.as_millis()).contains(&millis) {
        Ok(Timestamp::from_millis(millis))
    } else {
        Err(problem)
    }
}

fn duration(span: prost_types::Duration) -> Result<Duration, &'static str> {
    Duration::try_from(span).map_err(|_| "must not be negative")
}

/// The id of a message. A UUID cannot be anything personal, so it is named in errors; a text that
/// is none is not repeated.
pub(super) fn message_id(id: &str) -> Result<MessageId, Refusal> {
    id.parse().map_err(|error| Refusal::field("id", error))
}

/// A page that is asked for.
#[derive(Debug)]
pub(super) struct PageRequest {
    pub(super) filter: ListFilter,
    pub(super) after: Option<PageToken>,
    pub(super) size: usize,
}

/// Which messages are to be listed.
pub(super) fn page(
    request: wire::ListMessagesRequest,
    tenant: TenantId,
) -> Result<PageRequest, Refusal> {
    let mut fields = Fields::default();
    let size = fields.take("page_size", page_size(request.page_size));
    let mut states = Vec::with_capacity(request.states.len());
    for (at, number) in request.states.into_iter().enumerate() {
        states.extend(fields.take(&format!("states[{at}]"), state(number)));
    }
    let to = fields.optional("to", &request.to, PhoneNumber::parse_possible);
    let from = request.accepted_from.map(timestamp).transpose();
    let accepted_from = fields.take("accepted_from", from).flatten();
    let before = request.accepted_before.map(timestamp).transpose();
    let accepted_before = fields.take("accepted_before", before).flatten();
    let token = request.page_token;
    let page = size.map(|size| PageRequest {
        filter: ListFilter {
            tenant: Some(tenant),
            states,
            to,
            accepted_from,
            accepted_before,
        },
        after: (!token.is_empty()).then_some(PageToken(token)),
        size,
    });
    fields.finish(page)
}

fn page_size(size: i32) -> Result<usize, String> {
    match usize::try_from(size) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) if size <= LARGEST_PAGE => Ok(size),
        _ => Err(format!("must be from 0 to {LARGEST_PAGE}")),
    }
}
