//! MegaFon's dialect, seen from the other side.

use serde::Deserialize;
use serde_json::json;
use sms_core::Timestamp;

use crate::megafon::{LONGEST_MESSAGE, Outgoing};

/// Where messages are posted.
pub(super) const PATH: &str = "/sms/v1/sms";

/// Reads a submission, or says with which code it is refused.
pub(super) fn read(body: &[u8]) -> Result<Outgoing<'_>, i64> {
    let outgoing: Outgoing<'_> = serde_json::from_slice(body).map_err(|_| 20_101)?;
    if !(1..=LONGEST_MESSAGE).contains(&outgoing.message.chars().count()) {
        return Err(1);
    }
    if outgoing.from.is_empty() || outgoing.from.chars().count() > 11 {
        return Err(10);
    }
    let id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte);
    if !(1..=16).contains(&outgoing.msg_id.len()) || !outgoing.msg_id.bytes().all(id_byte) {
        return Err(12);
    }
    Ok(outgoing)
}

/// The answer to a submission.
pub(super) fn answer(code: i64, msg_id: &str) -> Vec<u8> {
    let description = match code {
        0 => "ok",
        88 => "Throttling error",
        20_101 => "Wrong parameter",
        20_102 => "Message with this msg_id is already sent",
        _ => "error",
    };
    let status = json!({ "code": code, "description": description });
    json!({ "result": { "status": status, "msg_id": msg_id } })
        .to_string()
        .into_bytes()
}

/// A report as it is posted. `receipt_id` is the id of the message centre.
pub(super) fn report(msg_id: &str, receipt_id: u64, stat: &str, now: Timestamp) -> Vec<u8> {
    let (status, delivered, error) = match stat {
        "DELIVRD" => ("delivered", 1, "000"),
        "UNDELIV" => ("delivery_failed", 0, "011"),
        _ => ("delivery_failed", 0, "000"),
    };
    let date = short_date(now);
    json!({
        "msg_id": msg_id,
        "receipted_message_id": format!("{receipt_id:x}"),
        "status": status,
        "short_message": format!(
            "id:{receipt_id} sub:001 dlvrd:{delivered:03} submit date:{date} done date:{date} \
             stat:{stat} err:{error}"
        ),
    })
    .to_string()
    .into_bytes()
}

/// `YYMMDDhhmm`, as receipts write times.
fn short_date(at: Timestamp) -> String {
    let digits: String = at
        .to_string()
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    digits.get(2..12).unwrap_or_default().to_owned()
}

/// Only the id of a submission that is otherwise not to be read.
#[derive(Deserialize)]
struct OnlyId {
    msg_id: String,
}

/// The id that a refused submission is answered with.
pub(super) fn id_of(body: &[u8]) -> String {
    serde_json::from_slice(body).map_or_else(|_| String::new(), |OnlyId { msg_id }| msg_id)
}
