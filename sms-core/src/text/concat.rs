//! The header that tells a phone which segments belong together.

use super::encoding::CONCAT_HEADER_OCTETS;

/// The reference shared by all segments of one message, derived from its id.
///
/// Derived, not counted: a segment submitted again after a lost answer must carry the reference it
/// had before, from whichever process. Eight bits, because some handsets do not join segments with
/// a 16-bit reference; they only have to tell apart the few messages that one sender has under
/// way to one phone.
#[must_use]
pub fn reference(id: u128) -> u8 {
    id.to_be_bytes().into_iter().fold(0, |sum, byte| sum ^ byte)
}

/// The user data header of segment `number` (from 1) of `total`: its own length, information
/// element 0 (concatenated short message, 8-bit reference), that element's length, and its values
/// (3GPP TS 23.040, 9.2.3.24.1).
#[must_use]
pub const fn header(reference: u8, total: u8, number: u8) -> [u8; CONCAT_HEADER_OCTETS] {
    [5, 0, 3, reference, total, number]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_is_as_the_standard_says() {
        assert_eq!(header(0x8F, 3, 2), [0x05, 0x00, 0x03, 0x8F, 0x03, 0x02]);
    }

    #[test]
    fn the_same_id_has_the_same_reference() {
        let id = 0x0190_7d5e_8c3a_7b1f_9a2b_c3d4_e5f6_0718;
        // Fixed for ever: a segment may be submitted again by a later version.
        assert_eq!(reference(id), 0xCA);
    }

    #[test]
    fn neighbouring_ids_have_different_references() {
        let base = 0x0190_7d5e_8c3a_7b1f_9a2b_c3d4_e5f6_0700;
        let references: std::collections::HashSet<u8> =
            (0..256).map(|n| reference(base + n)).collect();
        assert_eq!(references.len(), 256);
    }
}
