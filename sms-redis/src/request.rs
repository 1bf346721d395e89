//! How a request is stored. It is written once, with its message.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::value::{Error, StrDeserializer};
use sms_core::{
    Callback, Encoding, Fingerprint, MessageId, PhoneNumber, Priority, Request, TenantId,
    Timestamp, UnknownPolicy,
};

use crate::bytes::{Decoder, Encoder, Unreadable};
use crate::code::Code;
use crate::text;

/// The format that this release writes.
const FORMAT: u8 = 1;

const HAS_TENANT: u8 = 1;
const HAS_FROM: u8 = 1 << 1;
const HAS_SEND_AT: u8 = 1 << 2;
const HAS_FINGERPRINT: u8 = 1 << 3;

pub(crate) fn encode(request: &Request) -> Vec<u8> {
    let has_tenant = request.tenant != TenantId::default();
    let flags = flag(has_tenant, HAS_TENANT)
        | flag(request.from.is_some(), HAS_FROM)
        | flag(request.send_at.is_some(), HAS_SEND_AT)
        | flag(request.fingerprint.is_some(), HAS_FINGERPRINT);
    let mut out = Encoder(Vec::with_capacity(96 + request.text.as_str().len()));
    out.byte(FORMAT);
    out.byte(flags);
    out.byte(
        request.priority.code() << 4 | request.on_unknown.code() << 2 | request.encoding.code(),
    );
    out.byte(request.segments);
    out.number(request.to.to_u64());
    let accepted = request.accepted_at.as_millis();
    out.signed(accepted);
    out.signed(request.expires_at.as_millis() - accepted);
    if let Some(at) = request.send_at {
        out.signed(at.as_millis() - accepted);
    }
    if has_tenant {
        out.text(request.tenant.as_str());
    }
    if let Some(from) = request.from {
        out.text(&from.text());
    }
    out.text(request.route.as_str());
    out.raw(&request.callback.expose_u128().to_be_bytes());
    if let Some(fingerprint) = request.fingerprint {
        out.raw(&fingerprint.0);
    }
    text::encode(request.text.as_str(), &mut out);
    out.0
}

pub(crate) fn flag(is_set: bool, flag: u8) -> u8 {
    if is_set { flag } else { 0 }
}

pub(crate) fn decode(id: MessageId, bytes: &[u8]) -> Result<Arc<Request>, Unreadable> {
    let mut from = Decoder(bytes);
    match from.byte("the request")? {
        FORMAT => {}
        newer => return Err(Unreadable::NewerFormat(newer)),
    }
    let flags = from.byte("the request")?;
    let has = |flag| flags & flag != 0;
    let choices = from.byte("the request")?;
    let segments = from.byte("the segments")?;
    let to = phone_number(from.number("the recipient")?)?;
    let accepted = from.signed("the time of acceptance")?;
    let at = |offset: i64| Timestamp::from_millis(accepted.saturating_add(offset));
    let expires_at = at(from.signed("the expiry")?);
    let send_at = if has(HAS_SEND_AT) {
        Some(at(from.signed("the time to send at")?))
    } else {
        None
    };
    let request = Request {
        id,
        to,
        segments,
        expires_at,
        send_at,
        priority: Priority::of(choices >> 4)?,
        on_unknown: UnknownPolicy::of(choices >> 2 & 3)?,
        encoding: Encoding::of(choices & 3)?,
        accepted_at: Timestamp::from_millis(accepted),
        tenant: if has(HAS_TENANT) {
            parse(from.text("the tenant")?, "the tenant")?
        } else {
            TenantId::default()
        },
        from: if has(HAS_FROM) {
            Some(parse(from.text("the sender")?, "the sender")?)
        } else {
            None
        },
        route: parse(from.text("the route")?, "the route")?,
        callback: Callback::from_u128(u128::from_be_bytes(from.array("the callback")?)),
        fingerprint: if has(HAS_FINGERPRINT) {
            Some(Fingerprint(from.array("the fingerprint")?))
        } else {
            None
        },
        text: parse(&text::decode(&mut from)?, "the text")?,
    };
    from.end("the request")?;
    Ok(Arc::new(request))
}

fn phone_number(digits: u64) -> Result<PhoneNumber, Unreadable> {
    parse(&format!("+{digits}"), "the recipient")
}

/// By serde, which reads back what was stored: what a person may enter today is narrower.
pub(crate) fn parse<T: for<'de> Deserialize<'de>>(
    text: &str,
    part: &'static str,
) -> Result<T, Unreadable> {
    let deserializer: StrDeserializer<'_, Error> = StrDeserializer::new(text);
    T::deserialize(deserializer).map_err(|_| Unreadable::Part(part))
}
