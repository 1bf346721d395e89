//! The text of an SMPP delivery receipt: `id:… stat:DELIVRD err:000`.
//!
//! SMPP 3.4 gives the form in its appendix B but binds nobody to it: fields are left out, change
//! order and case. So every field is optional here and nothing is an error.

use sms_core::ReportStatus;

/// What a receipt says.
///
/// ```
/// use sms_core::ReportStatus;
/// use sms_provider_http::receipt::Receipt;
///
/// let receipt = Receipt::read("id:3163234653 done date:1710220057 stat:DELIVRD err:000");
/// assert_eq!(receipt.id, Some("3163234653"));
/// assert_eq!(receipt.error, Some("000"));
/// assert_eq!(receipt.status(), Some(ReportStatus::Delivered));
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Receipt<'a> {
    /// The id of the message at the message centre.
    pub id: Option<&'a str>,
    /// The final state, as a word of seven letters.
    pub stat: Option<&'a str>,
    /// The network's or the message centre's own error code; `000` for none.
    pub error: Option<&'a str>,
}

impl<'a> Receipt<'a> {
    /// Reads what can be read.
    #[must_use]
    pub fn read(text: &'a str) -> Self {
        // Lower case in ASCII keeps every position.
        let lower = text.to_ascii_lowercase();
        // What follows is the beginning of the message, which may look like anything.
        let end = field(&lower, "text:").unwrap_or(text.len());
        let value = |key| {
            let start = field(&lower[..end], key)? + key.len();
            let value = text[start..end].split_whitespace().next()?;
            // `stat: err:000` has no state.
            (!value.contains(':')).then_some(value)
        };
        Self {
            id: value("id:"),
            stat: value("stat:"),
            error: value("err:"),
        }
    }

    /// The state, where it is one of SMPP 3.4 (5.2.28 and appendix B).
    #[must_use]
    pub fn status(&self) -> Option<ReportStatus> {
        let status = match self.stat?.to_ascii_uppercase().as_str() {
            "DELIVRD" => ReportStatus::Delivered,
            "EXPIRED" => ReportStatus::Expired,
            "DELETED" | "UNDELIV" => ReportStatus::Undelivered,
            "REJECTD" => ReportStatus::Rejected,
            "UNKNOWN" => ReportStatus::Unknown,
            "ACCEPTD" | "ENROUTE" => ReportStatus::Buffered,
            _ => return None,
        };
        Some(status)
    }
}

/// Where a field starts: at the beginning or after a blank.
fn field(text: &str, key: &str) -> Option<usize> {
    text.match_indices(key)
        .map(|(at, _)| at)
        .find(|&at| at == 0 || text[..at].ends_with(char::is_whitespace))
}

/// Ids and texts of receipts are personal data: only the state and the code show.
impl std::fmt::Debug for Receipt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receipt")
            .field("stat", &self.stat)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_found_in_any_order_and_case() {
        for (text, id, stat, error) in [
            (
                "id:917615ac sub:001 dlvrd:001 submit date:1701241159 done date:1701241159 \
                 stat:DELIVRD err:000 text:Hello",
                Some("917615ac"),
                Some("DELIVRD"),
                Some("000"),
            ),
            ("STAT:undeliv ID:7", Some("7"), Some("undeliv"), None),
            (
                "err:011 id:7 stat: UNKNOWN",
                Some("7"),
                Some("UNKNOWN"),
                Some("011"),
            ),
            ("stat: err:000", None, None, Some("000")),
            ("id:7 text:stat:DELIVRD err:000", Some("7"), None, None),
            ("id:7 text: id:8 stat:DELIVRD", Some("7"), None, None),
            ("valid:1 substat:DELIVRD", None, None, None),
            ("статус id:7", Some("7"), None, None),
            ("", None, None, None),
        ] {
            assert_eq!(Receipt::read(text), Receipt { id, stat, error }, "{text}");
        }
    }

    #[test]
    fn every_state_of_smpp_has_its_status() {
        for (word, expected) in [
            ("DELIVRD", Some(ReportStatus::Delivered)),
            ("delivrd", Some(ReportStatus::Delivered)),
            ("EXPIRED", Some(ReportStatus::Expired)),
            ("DELETED", Some(ReportStatus::Undelivered)),
            ("UNDELIV", Some(ReportStatus::Undelivered)),
            ("REJECTD", Some(ReportStatus::Rejected)),
            ("UNKNOWN", Some(ReportStatus::Unknown)),
            ("ACCEPTD", Some(ReportStatus::Buffered)),
            ("ENROUTE", Some(ReportStatus::Buffered)),
            ("FAILED", None),
        ] {
            let text = format!("stat:{word}");
            assert_eq!(Receipt::read(&text).status(), expected, "{word}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in "(id:|stat:|err:|text:| |\\PC){0,40}") {
            let receipt = Receipt::read(&text);
            prop_assert!(receipt.stat.is_some() || receipt.status().is_none());
        }
    }
}
