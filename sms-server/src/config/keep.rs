//! How long finished messages are kept.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sms_core::duration::{format_duration, parse_duration};

const FOREVER: &str = "forever";

/// How long finished messages are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    Forever,
    For(Duration),
}

impl Serialize for Keep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Forever => serializer.serialize_str(FOREVER),
            Self::For(age) => serializer.serialize_str(&format_duration(*age)),
        }
    }
}

impl<'de> Deserialize<'de> for Keep {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == FOREVER {
            return Ok(Self::Forever);
        }
        parse_duration(&text)
            .map(Self::For)
            .map_err(|error| de::Error::custom(format!("{error}; or write {FOREVER:?}")))
    }
}
