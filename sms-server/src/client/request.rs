//! From the command line to a request.

use std::io::Read as _;

use prost_types::{Duration as WireSpan, Timestamp as WireTime};
use sms_core::Timestamp;
use sms_grpc::proto::v1 as wire;

use crate::args::{EncodingArg, MessageOptions, PreviewArgs, PriorityArg, SendArgs, UnknownArg};
use crate::failure::Failure;

/// The request of `sms send`.
pub(super) fn of_send(args: &SendArgs) -> Result<wire::SendMessageRequest, Failure> {
    let priority = args.priority.map_or(wire::Priority::Unspecified, priority);
    let on_unknown = args
        .on_unknown
        .map_or(wire::UnknownPolicy::Unspecified, on_unknown);
    Ok(wire::SendMessageRequest {
        priority: priority.into(),
        on_unknown: on_unknown.into(),
        send_at: args.send_at.map(time),
        validity: args.validity.map(|validity| WireSpan {
            seconds: i64::try_from(validity.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(validity.subsec_nanos()).unwrap_or(0),
        }),
        idempotency_key: args.key.clone().unwrap_or_default(),
        allow_unassigned: args.allow_unassigned,
        ..basic(&args.to, &args.text, &args.options)?
    })
}

/// The request of `sms preview`.
pub(super) fn of_preview(args: &PreviewArgs) -> Result<wire::SendMessageRequest, Failure> {
    basic(&args.to, &args.text, &args.options)
}

fn basic(
    to: &str,
    text: &str,
    options: &MessageOptions,
) -> Result<wire::SendMessageRequest, Failure> {
    let encoding = options
        .encoding
        .map_or(wire::EncodingChoice::Unspecified, encoding);
    Ok(wire::SendMessageRequest {
        to: to.to_owned(),
        text: text_of(text)?,
        from: options.from.clone().unwrap_or_default(),
        encoding: encoding.into(),
        provider: options.provider.clone().unwrap_or_default(),
        ..Default::default()
    })
}

/// The text, or what standard input holds without the end of its last line.
fn text_of(text: &str) -> Result<String, Failure> {
    if text != "-" {
        return Ok(text.to_owned());
    }
    let mut read = String::new();
    std::io::stdin()
        .read_to_string(&mut read)
        .map_err(|error| Failure::new(format!("the text cannot be read: {error}")))?;
    let kept = read.strip_suffix('\n').unwrap_or(&read);
    Ok(kept.strip_suffix('\r').unwrap_or(kept).to_owned())
}

/// A time as the protocol writes it.
pub(super) fn time(at: Timestamp) -> WireTime {
    let millis = at.as_millis();
    WireTime {
        seconds: millis.div_euclid(1_000),
        nanos: i32::try_from(millis.rem_euclid(1_000) * 1_000_000).unwrap_or(0),
    }
}

fn encoding(argument: EncodingArg) -> wire::EncodingChoice {
    match argument {
        EncodingArg::Auto => wire::EncodingChoice::Auto,
        EncodingArg::Gsm7Strict => wire::EncodingChoice::Gsm7Strict,
        EncodingArg::Gsm7Smart => wire::EncodingChoice::Gsm7Smart,
        EncodingArg::Ucs2 => wire::EncodingChoice::Ucs2,
    }
}

fn priority(argument: PriorityArg) -> wire::Priority {
    match argument {
        PriorityArg::Otp => wire::Priority::Otp,
        PriorityArg::High => wire::Priority::High,
        PriorityArg::Normal => wire::Priority::Normal,
        PriorityArg::Bulk => wire::Priority::Bulk,
    }
}

fn on_unknown(argument: UnknownArg) -> wire::UnknownPolicy {
    match argument {
        UnknownArg::Hold => wire::UnknownPolicy::Hold,
        UnknownArg::PreferDuplicate => wire::UnknownPolicy::PreferDuplicate,
        UnknownArg::PreferLoss => wire::UnknownPolicy::PreferLoss,
    }
}
