//! The deadline that a client gives to its call.

use std::time::Duration;

use http::HeaderMap;

/// How long the client waits, from the header `grpc-timeout` of the gRPC protocol: up to eight
/// digits and a unit. None if it has no such header, or one that makes no sense.
pub(crate) fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = value.split_at_checked(value.len().checked_sub(1)?)?;
    let plain = (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    let amount: u64 = digits.parse().ok().filter(|_| plain)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3_600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

/// Whether a call of this path writes. Once a write has begun its outcome is answered even if the
/// deadline passes meanwhile: an answer that comes too late does less harm than a message whose
/// id nobody knows.
pub(crate) fn writes(path: &str) -> bool {
    matches!(
        path,
        "/SMSService/SendMessage"
            | "/sms.v1.MessageService/SendMessage"
            | "/sms.v1.MessageService/SendMessages"
            | "/sms.v1.MessageService/CancelMessage"
    )
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn every_unit_of_the_protocol_is_read() {
        let read = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("grpc-timeout", HeaderValue::from_static(value));
            timeout(&headers)
        };
        for (value, millis) in [
            ("2H", 7_200_000),
            ("2M", 120_000),
            ("2S", 2_000),
            ("2m", 2),
            ("2000u", 2),
            ("2000000n", 2),
            ("0n", 0),
        ] {
            assert_eq!(read(value), Some(Duration::from_millis(millis)), "{value}");
        }
        for value in ["", "S", "2", "2x", "-2S", "+2S", "123456789S", "1.5S"] {
            assert_eq!(read(value), None, "{value}");
        }
    }
}
