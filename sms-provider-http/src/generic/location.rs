//! Where something is in an answer.

use std::borrow::Cow;
use std::str::FromStr;

use http::{HeaderMap, HeaderName, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sms_core::Submission;

use crate::client::HttpAnswer;
use crate::loose::text_of;

/// Where something is in an answer, as configuration writes it:
///
/// | written | means |
/// |---|---|
/// | `/messages/0/status` | that value of a JSON body (a JSON pointer, RFC 6901) |
/// | `/sms/{to_digits}/status` | the same, where the recipient is a key; `{to}` has its `+` |
/// | `/messages/*/status` | that of every item of a list; only `verdict` looks at more than one |
/// | `status` | the HTTP status |
/// | `header:X-Message-Id` | that header |
/// | `text` | the whole body as text |
/// | `text:Success "{}"` | what stands in the place of `{}` in the body |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Pointer(String),
    Status,
    Header(HeaderName),
    Text { before: String, after: String },
}

/// A text is not a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is no place in an answer; write a JSON pointer such as /messages/0/status, in which {{to}} \
     and {{to_digits}} may stand, or `status`, `header:NAME`, `text`, or `text:` and a text with \
     {{}} in it"
)]
pub struct LocationError;

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let place = if text.starts_with('/') {
            if with_recipient(text, "", "").contains(['{', '}']) {
                return Err(LocationError);
            }
            Place::Pointer(text.to_owned())
        } else if text == "status" {
            Place::Status
        } else if let Some(name) = text.strip_prefix("header:") {
            Place::Header(name.trim().parse().map_err(|_| LocationError)?)
        } else if text == "text" {
            Place::Text {
                before: String::new(),
                after: String::new(),
            }
        } else {
            let around = text.strip_prefix("text:").ok_or(LocationError)?;
            let (before, after) = around.split_once("{}").ok_or(LocationError)?;
            Place::Text {
                before: before.to_owned(),
                after: after.to_owned(),
            }
        };
        Ok(Self(place))
    }
}

/// The pointer with the recipient in the place of `{to}` and `{to_digits}`.
fn with_recipient<'a>(pointer: &'a str, to: &str, to_digits: &str) -> Cow<'a, str> {
    if !pointer.contains('{') {
        return pointer.into();
    }
    let pointer = pointer.replace("{to}", to);
    pointer.replace("{to_digits}", to_digits).into()
}

impl Location {
    /// Whether the body has to be read to see what is there.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.0, Place::Pointer(_) | Place::Text { .. })
    }
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An answer opened for reading: its body is parsed once.
pub(super) struct Opened<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    submission: &'a Submission,
    is_whole: bool,
    text: Option<&'a str>,
    json: Option<Value>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(answer: &'a HttpAnswer, submission: &'a Submission) -> Self {
        let body = answer.body.whole();
        Self {
            status: answer.status,
            headers: &answer.headers,
            submission,
            is_whole: body.is_some(),
            text: body.and_then(|body| std::str::from_utf8(body).ok()),
            json: body.and_then(|body| serde_json::from_slice(body).ok()),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether the body came to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The values at the first of these places that has any.
    pub(super) fn first_of(&self, locations: &[Location]) -> Vec<String> {
        locations
            .iter()
            .map(|location| self.find_all(location))
            .find(|values| !values.is_empty())
            .unwrap_or_default()
    }

    /// The first value at a place, if there is one. `null` is none, the empty text is one.
    pub(super) fn find(&self, location: &Location) -> Option<String> {
        self.find_all(location).into_iter().next()
    }

    fn find_all(&self, location: &Location) -> Vec<String> {
        let mut found = Vec::new();
        match &location.0 {
            Place::Pointer(pointer) => {
                let to = self.submission.to;
                let pointer = with_recipient(pointer, &to.e164(), &to.digits());
                if let Some(json) = &self.json {
                    collect(json, &pointer, &mut found);
                }
            }
            Place::Status => found.push(self.status.as_str().to_owned()),
            Place::Header(name) => {
                let value = self.headers.get(name).and_then(|value| value.to_str().ok());
                found.extend(value.map(str::to_owned));
            }
            Place::Text { before, after } => {
                found.extend(self.text.and_then(|text| between(text, before, after)));
            }
        }
        found
    }
}

/// The values that a pointer leads to, `*` being every item of a list.
fn collect(json: &Value, pointer: &str, found: &mut Vec<String>) {
    match pointer.split_once("/*") {
        Some((list, rest)) if rest.is_empty() || rest.starts_with('/') => {
            let items = json.pointer(list).and_then(Value::as_array);
            for item in items.into_iter().flatten() {
                collect(item, rest, found);
            }
        }
        _ => found.extend(json.pointer(pointer).and_then(text_of)),
    }
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    let found = match after {
        "" => rest,
        after => rest.split_once(after)?.0,
    };
    Some(found.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_two_texts_is_found() {
        for (text, before, after, expected) in [
            ("Success \"12\"", "Success \"", "\"", Some("12")),
            ("0: Accepted\n", "", "", Some("0: Accepted")),
            ("0: Accepted", "", ":", Some("0")),
            ("Error", "Success", "", None),
            ("Success \"12", "Success \"", "\"", None),
        ] {
            assert_eq!(between(text, before, after).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn other_words_are_no_location() {
        for text in [
            "", "code", "$.code", "header:", "text:abc", "Status", "/{text}", "/to}",
        ] {
            assert_eq!(text.parse::<Location>(), Err(LocationError), "{text}");
        }
    }
}
