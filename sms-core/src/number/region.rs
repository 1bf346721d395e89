//! Two-letter region codes.

use std::fmt;
use std::str::FromStr;

use rlibphonenumber::PHONE_NUMBER_UTIL;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::NumberError;

/// A region with a numbering plan of its own, by its ISO 3166-1 code: `RU`, `DE`, `US`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Region([u8; 2]);

impl Region {
    /// The two upper-case letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Made from ASCII letters only.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The library's name of a region; `None` for "the world" (001).
    pub(super) fn from_library(region: rlibphonenumber::Region) -> Option<Self> {
        let code = region.as_region_str();
        <[u8; 2]>::try_from(code.as_bytes()).ok().map(Self)
    }

    pub(super) fn to_library(self) -> Result<rlibphonenumber::Region, NumberError> {
        rlibphonenumber::Region::from_code(self.as_str()).map_err(|_| NumberError::UnknownRegion)
    }
}

impl FromStr for Region {
    type Err = NumberError;

    /// Upper and lower case are the same.
    fn from_str(text: &str) -> Result<Self, NumberError> {
        let region =
            rlibphonenumber::Region::from_code(text).map_err(|_| NumberError::UnknownRegion)?;
        if PHONE_NUMBER_UTIL
            .get_country_code_for_region(region)
            .is_none()
        {
            return Err(NumberError::UnknownRegion);
        }
        Self::from_library(region).ok_or(NumberError::UnknownRegion)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Region {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Region {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}
