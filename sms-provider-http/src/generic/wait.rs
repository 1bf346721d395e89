//! Where an answer says how long to wait, and in what unit.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer};

use super::location::{Location, Opened};
use crate::retry_after::{self, WaitUnit};

/// Where an answer says how long to wait, and in what unit: `"/wait"` for seconds, or
/// `{ at = "header:X-RateLimit-Reset", unit = "unix" }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitConfig {
    /// Where it is.
    pub at: Location,
    /// What it counts.
    pub unit: WaitUnit,
}

impl WaitConfig {
    pub(super) fn find(&self, opened: &Opened<'_>, now: SystemTime) -> Option<Duration> {
        retry_after::of_text(&opened.find(&self.at)?, self.unit, now)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    at: Location,
    #[serde(default)]
    unit: WaitUnit,
}

impl<'de> Deserialize<'de> for WaitConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = WaitConfig;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place in an answer, or a table with `at` and `unit`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<WaitConfig, E> {
        Ok(WaitConfig {
            at: text.parse().map_err(E::custom)?,
            unit: WaitUnit::default(),
        })
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<WaitConfig, A::Error> {
        let Table { at, unit } = Table::deserialize(MapAccessDeserializer::new(map))?;
        Ok(WaitConfig { at, unit })
    }
}
