//! Where something is in an answer.

use std::str::FromStr;

use http::{HeaderMap, HeaderName, StatusCode};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::client::HttpAnswer;
use crate::loose::text_of;

/// Where something is in an answer, as configuration writes it:
///
/// | written | means |
/// |---|---|
/// | `/messages/0/status` | that value of a JSON body (a JSON pointer, RFC 6901) |
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
    "is no place in an answer; write a JSON pointer such as /messages/0/status, or `status`, \
     `header:NAME`, `text`, or `text:` and a text with {{}} in it"
)]
pub struct LocationError;

impl FromStr for Location {
    type Err = LocationError;

    fn from_str(text: &str) -> Result<Self, LocationError> {
        let place = if text.starts_with('/') {
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
    text: Option<&'a str>,
    json: Option<Value>,
}

impl<'a> Opened<'a> {
    pub(super) fn new(answer: &'a HttpAnswer) -> Self {
        let body = answer.body.whole();
        Self {
            status: answer.status,
            headers: &answer.headers,
            text: body.and_then(|body| std::str::from_utf8(body).ok()),
            json: body.and_then(|body| serde_json::from_slice(body).ok()),
        }
    }

    /// The value at a place, if there is one.
    pub(super) fn find(&self, location: &Location) -> Option<String> {
        match &location.0 {
            Place::Pointer(pointer) => text_of(self.json.as_ref()?.pointer(pointer)?),
            Place::Status => Some(self.status.as_str().to_owned()),
            Place::Header(name) => Some(self.headers.get(name)?.to_str().ok()?.to_owned()),
            Place::Text { before, after } => between(self.text?, before, after),
        }
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
        for text in ["", "code", "$.code", "header:", "text:abc", "Status"] {
            assert_eq!(text.parse::<Location>(), Err(LocationError), "{text}");
        }
    }
}
