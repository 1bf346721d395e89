//! Writing and reading the parts of a record: numbers as variable-length integers, texts with
//! their length.

/// What is stored does not have the form that it should. What it holds may be personal, so it is
/// not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// A part of the record.
    #[error("{0} of a record cannot be read")]
    Part(&'static str),
    /// A later release wrote it.
    #[error("a record has format {0}, which only a later release knows")]
    NewerFormat(u8),
}

/// Texts that come again in one record, such as the name of its provider: written once, then by
/// their number.
#[derive(Debug, Default)]
pub(crate) struct Seen<'a>(Vec<&'a str>);

/// Writes.
#[derive(Debug, Default)]
pub(crate) struct Encoder(pub(crate) Vec<u8>);

impl Encoder {
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Seven bits to a byte, the lowest first; the top bit tells that more follow.
    pub(crate) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.0.push(number.to_le_bytes()[0]);
    }

    /// Small whatever the sign: 0, -1, 1, -2 … become 0, 1, 2, 3 …
    pub(crate) fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.raw(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn seen<'a>(&mut self, text: &'a str, seen: &mut Seen<'a>) {
        if let Some(at) = seen.0.iter().position(|other| *other == text) {
            self.number((at as u64) << 1 | 1);
        } else {
            self.number((text.len() as u64) << 1);
            self.raw(text.as_bytes());
            seen.0.push(text);
        }
    }
}

/// Reads; every method says for which part it is, for the error.
#[derive(Debug)]
pub(crate) struct Decoder<'a>(pub(crate) &'a [u8]);

impl<'a> Decoder<'a> {
    pub(crate) fn byte(&mut self, part: &'static str) -> Result<u8, Unreadable> {
        Ok(self.raw(1, part)?[0])
    }

    pub(crate) fn raw(
        &mut self,
        length: usize,
        part: &'static str,
    ) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(Unreadable::Part(part))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<[u8; N], Unreadable> {
        let bytes = self.raw(N, part)?;
        bytes.try_into().map_err(|_| Unreadable::Part(part))
    }

    pub(crate) fn number(&mut self, part: &'static str) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte(part)?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable::Part(part))
    }

    pub(crate) fn signed(&mut self, part: &'static str) -> Result<i64, Unreadable> {
        let number = self.number(part)?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn length(&mut self, part: &'static str) -> Result<usize, Unreadable> {
        usize::try_from(self.number(part)?).map_err(|_| Unreadable::Part(part))
    }

    pub(crate) fn bytes(&mut self, part: &'static str) -> Result<&'a [u8], Unreadable> {
        let length = self.length(part)?;
        self.raw(length, part)
    }

    pub(crate) fn text(&mut self, part: &'static str) -> Result<&'a str, Unreadable> {
        std::str::from_utf8(self.bytes(part)?).map_err(|_| Unreadable::Part(part))
    }

    pub(crate) fn seen(
        &mut self,
        seen: &mut Seen<'a>,
        part: &'static str,
    ) -> Result<&'a str, Unreadable> {
        let number = self.length(part)?;
        let (rest, is_known) = (number >> 1, number & 1 == 1);
        if is_known {
            return seen.0.get(rest).copied().ok_or(Unreadable::Part(part));
        }
        let text =
            std::str::from_utf8(self.raw(rest, part)?).map_err(|_| Unreadable::Part(part))?;
        seen.0.push(text);
        Ok(text)
    }

    /// Nothing may be left: what is not read would be lost when the record is written again.
    pub(crate) fn end(&self, part: &'static str) -> Result<(), Unreadable> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Unreadable::Part(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_come_back(number: u64, signed: i64) {
            let mut encoder = Encoder::default();
            encoder.number(number);
            encoder.signed(signed);
            let mut decoder = Decoder(&encoder.0);
            prop_assert_eq!(decoder.number("n"), Ok(number));
            prop_assert_eq!(decoder.signed("s"), Ok(signed));
            prop_assert_eq!(decoder.end("end"), Ok(()));
        }

        #[test]
        fn texts_come_back_and_are_written_once(texts: Vec<String>) {
            let mut encoder = Encoder::default();
            let mut seen = Seen::default();
            for text in texts.iter().chain(&texts) {
                encoder.seen(text, &mut seen);
            }
            let mut decoder = Decoder(&encoder.0);
            let mut seen = Seen::default();
            for text in texts.iter().chain(&texts) {
                prop_assert_eq!(decoder.seen(&mut seen, "t"), Ok(text.as_str()));
            }
        }

        #[test]
        fn no_bytes_are_too_strange_to_be_refused(bytes: Vec<u8>) {
            let mut decoder = Decoder(&bytes);
            while decoder.seen(&mut Seen::default(), "t").is_ok() {}
            let mut decoder = Decoder(&bytes);
            while decoder.number("n").is_ok() {}
        }
    }

    #[test]
    fn a_number_that_does_not_fit_is_refused() {
        let mut decoder = Decoder(&[0xFF; 11]);
        assert_eq!(decoder.number("n"), Err(Unreadable::Part("n")));
        let most = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01];
        assert_eq!(Decoder(&most).number("n"), Ok(u64::MAX));
        let more = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02];
        assert_eq!(Decoder(&more).number("n"), Err(Unreadable::Part("n")));
    }
}
