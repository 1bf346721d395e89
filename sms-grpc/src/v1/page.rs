//! How much of a list goes into one reply.

use prost::Message as _;

use crate::proto::v1 as wire;

/// The most bytes of messages in one page: gRPC clients take 4 MiB unless told otherwise. The
/// rest is for the page's token and for what a proxy may add.
pub(super) const MOST_BYTES: usize = 3 * 1024 * 1024;

/// What one message takes besides itself in a list: its tag, and its length in at most four bytes.
const FRAME: usize = 5;

/// How many messages from the first on fit into a page, one at least: a message keeps so much of
/// its life (32 attempts, 64 transitions, 16 reports with the words of others) that 500 of them
/// may be too many.
pub(super) fn fitting(messages: &[wire::Message], most: usize) -> usize {
    let mut bytes = 0;
    let fits = messages.iter().take_while(|message| {
        bytes += message.encoded_len() + FRAME;
        bytes <= most
    });
    fits.count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_before_it_is_too_large_and_is_never_empty() {
        let message = |bytes: usize| wire::Message {
            text: "x".repeat(bytes),
            ..wire::Message::default()
        };
        let size = |message: &wire::Message| message.encoded_len() + FRAME;
        let messages = [message(10), message(200), message(30)];
        let [first, second, third] = messages.each_ref().map(size);
        for (most, expected) in [
            (0, 1),
            (first, 1),
            (first + second - 1, 1),
            (first + second, 2),
            (first + second + third - 1, 2),
            (first + second + third, 3),
            (usize::MAX, 3),
        ] {
            assert_eq!(fitting(&messages, most), expected, "{most}");
        }
        let reply = wire::ListMessagesResponse {
            messages: messages.into(),
            ..Default::default()
        };
        assert!(reply.encoded_len() <= first + second + third);
    }
}
