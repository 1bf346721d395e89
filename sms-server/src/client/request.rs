//! From the command line to a request.

use std::io::Read as _;

use prost_types::{Duration as WireSpan, Timestamp as WireTime};
use sms_core::{Entropy, Timestamp};
use sms_grpc::proto::v1 as wire;

use crate::args::{EncodingArg, MessageOptions, PreviewArgs, PriorityArg, SendArgs, UnknownArg};
use crate::failure::Failure;

/// What is to be sent, and the options that ask for the very same once more.
pub(crate) struct Sending {
    pub(super) request: wire::SendMessageRequest,
    pub(super) repeat: String,
}

/// The request of `sms send`. It always has a key, so that it can be repeated when its answer is
/// lost, and is sent once.
pub(super) fn of_send(args: &SendArgs, entropy: &dyn Entropy) -> Result<Sending, Failure> {
    let given = args.key.clone().filter(|key| !key.is_empty());
    let from_now = args.send_at.filter(|time| time.from_now);
    if let (Some(_), Some(time)) = (&given, from_now) {
        return Err(Failure::usage(format!(
            "--key: with a --send-at that counts from now each run asks for another time, and so \
             cannot repeat the one before; write the time out: --send-at {}",
            time.at
        )));
    }
    let key = given.unwrap_or_else(|| new_key(entropy));
    let mut repeat = format!("--key {}", quoted(&key));
    if let Some(time) = from_now {
        repeat.push_str(&format!(" --send-at {}", time.at));
    }
    let request = send_request(args, key)?;
    Ok(Sending { request, repeat })
}

/// 128 random bits: no two are alike.
fn new_key(entropy: &dyn Entropy) -> String {
    let [high, low] = [(); 2].map(|()| entropy.next_u64());
    format!("cli-{high:016x}{low:016x}")
}

/// As a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
    match word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn send_request(args: &SendArgs, key: String) -> Result<wire::SendMessageRequest, Failure> {
    let priority = args.priority.map_or(wire::Priority::Unspecified, priority);
    let on_unknown = args
        .on_unknown
        .map_or(wire::UnknownPolicy::Unspecified, on_unknown);
    Ok(wire::SendMessageRequest {
        priority: priority.into(),
        on_unknown: on_unknown.into(),
        send_at: args.send_at.map(|given| time(given.at)),
        validity: args.validity.map(|validity| WireSpan {
            seconds: i64::try_from(validity.as_secs()).unwrap_or(i64::MAX),
            nanos: i32::try_from(validity.subsec_nanos()).unwrap_or(0),
        }),
        idempotency_key: key,
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use sms_core::SystemEntropy;

    use super::*;
    use crate::args::{Cli, Command};

    fn sending(options: &[&str]) -> Result<Sending, Failure> {
        let line = [&["sms", "send", "+79991234567", "Hi"], options].concat();
        match Cli::try_parse_from(line).unwrap().command {
            Command::Send(args) => of_send(&args, &SystemEntropy),
            _ => unreachable!("it was send"),
        }
    }

    #[test]
    fn a_message_without_a_key_gets_one_of_its_own() {
        let [one, other] = [(); 2].map(|()| sending(&[]).unwrap());
        let key = &one.request.idempotency_key;
        assert!(!key.is_empty());
        assert_ne!(*key, other.request.idempotency_key);
        assert_eq!(one.repeat, format!("--key {key}"));
    }

    #[test]
    fn a_repeat_is_told_as_a_shell_takes_it() {
        for (key, expected) in [
            ("order-17", "--key order-17"),
            ("order 17", "--key 'order 17'"),
            ("it's", r"--key 'it'\''s'"),
        ] {
            let sending = sending(&["--key", key]).unwrap();
            assert_eq!(sending.request.idempotency_key, key);
            assert_eq!(sending.repeat, expected);
        }
    }

    #[test]
    fn a_time_from_now_is_written_out_for_the_repeat() {
        let first = sending(&["--send-at", "10m"]).unwrap();
        let at = first.repeat.split_once("--send-at ").unwrap().1;
        let key = &*first.request.idempotency_key;
        let again = sending(&["--key", key, "--send-at", at]).unwrap();
        assert_eq!(again.request, first.request);
    }

    #[test]
    fn a_key_with_a_time_from_now_is_refused_with_the_time_to_write() {
        let refused = sending(&["--key", "k", "--send-at", "10m"]).err().unwrap();
        let words = refused.to_string();
        let at = words.split_once("--send-at 2").unwrap().1;
        assert!(sending(&["--key", "k", "--send-at", &format!("2{at}")]).is_ok());
    }
}
