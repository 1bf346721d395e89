//! The two encodings of the air interface, and how one is chosen.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Octets of user data in one short message (3GPP TS 23.040, 9.2.3.16).
const USER_DATA_OCTETS: usize = 140;

/// Octets that the concatenation header with an 8-bit reference takes from each segment of a
/// longer message, its length octet included (3GPP TS 23.040, 9.2.3.24.1).
pub(super) const CONCAT_HEADER_OCTETS: usize = 6;

/// How the characters of a segment are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// The GSM 7-bit default alphabet with its extension table (3GPP TS 23.038, 6.2.1). Its unit
    /// is the septet.
    Gsm7,
    /// 16-bit characters. In practice UTF-16BE, so that an emoji takes two units.
    Ucs2,
}

/// Which encoding the sender of a message asks for.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum EncodingChoice {
    /// GSM-7 if it can express every character, else UCS-2.
    #[default]
    Auto,
    /// GSM-7, or an error if it cannot express the text.
    Gsm7Strict,
    /// GSM-7 if that takes no more than replacing typographic characters (curly quotes, dashes,
    /// unusual spaces) by plain ones; otherwise nothing is replaced and the text goes as UCS-2.
    Gsm7Smart,
    /// UCS-2, whatever the text is.
    Ucs2,
}

/// A text is not the name of an encoding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown encoding {name:?}; expected one of {expected}")]
pub struct UnknownEncoding {
    name: String,
    expected: &'static str,
}

impl Encoding {
    /// How many units fit into one segment: septets for GSM-7, UTF-16 units for UCS-2.
    ///
    /// | | alone | one of several |
    /// |---|---|---|
    /// | GSM-7 | 160 | 153 |
    /// | UCS-2 | 70 | 67 |
    #[must_use]
    pub const fn units_per_segment(self, concatenated: bool) -> usize {
        let header = if concatenated {
            CONCAT_HEADER_OCTETS
        } else {
            0
        };
        let octets = USER_DATA_OCTETS - header;
        match self {
            Self::Gsm7 => octets * 8 / 7,
            Self::Ucs2 => octets / 2,
        }
    }

    /// The name used in configuration and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Gsm7 => "gsm7",
            Self::Ucs2 => "ucs2",
        }
    }
}

impl EncodingChoice {
    const ALL: [Self; 4] = [Self::Auto, Self::Gsm7Strict, Self::Gsm7Smart, Self::Ucs2];

    /// The name used in configuration and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gsm7Strict => "gsm7_strict",
            Self::Gsm7Smart => "gsm7_smart",
            Self::Ucs2 => "ucs2",
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for EncodingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Encoding {
    type Err = UnknownEncoding;

    fn from_str(name: &str) -> Result<Self, UnknownEncoding> {
        [Self::Gsm7, Self::Ucs2]
            .into_iter()
            .find(|encoding| encoding.as_str() == name)
            .ok_or_else(|| UnknownEncoding {
                name: name.to_owned(),
                expected: "gsm7, ucs2",
            })
    }
}

impl FromStr for EncodingChoice {
    type Err = UnknownEncoding;

    fn from_str(name: &str) -> Result<Self, UnknownEncoding> {
        Self::ALL
            .into_iter()
            .find(|choice| choice.as_str() == name)
            .ok_or_else(|| UnknownEncoding {
                name: name.to_owned(),
                expected: "auto, gsm7_strict, gsm7_smart, ucs2",
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_hold_what_the_standard_says() {
        for (encoding, alone, concatenated) in
            [(Encoding::Gsm7, 160, 153), (Encoding::Ucs2, 70, 67)]
        {
            assert_eq!(encoding.units_per_segment(false), alone, "{encoding}");
            assert_eq!(encoding.units_per_segment(true), concatenated, "{encoding}");
        }
    }

    #[test]
    fn names_are_the_same_everywhere() {
        for choice in EncodingChoice::ALL {
            let json = serde_json::to_string(&choice).unwrap();
            assert_eq!(json, format!("\"{choice}\""));
            assert_eq!(choice.as_str().parse(), Ok(choice));
        }
        for encoding in [Encoding::Gsm7, Encoding::Ucs2] {
            let json = serde_json::to_string(&encoding).unwrap();
            assert_eq!(json, format!("\"{encoding}\""));
            assert_eq!(encoding.as_str().parse(), Ok(encoding));
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "gsm8".parse::<EncodingChoice>().unwrap_err().to_string();
        assert!(
            error.contains("gsm8") && error.contains("gsm7_smart"),
            "{error}"
        );
    }
}
