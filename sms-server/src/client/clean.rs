//! Texts of others on our terminal.

/// The text without characters that steer a terminal: a provider's words, or a message that
/// somebody was asked to send, must not repaint the screen.
pub(super) fn clean(text: &str) -> String {
    let visible = |character: char| match character {
        '\n' | '\r' => '⏎',
        '\t' => ' ',
        character if character.is_control() => '\u{fffd}',
        // Marks that turn the direction of what follows.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        character => character,
    };
    text.chars().map(visible).collect()
}

/// The text, cut to a number of characters.
pub(super) fn short(text: &str, longest: usize) -> String {
    let text = clean(text);
    if text.chars().count() <= longest {
        return text;
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            clean("a\x1b[2Jb\nc\td\u{202e}e"),
            "a\u{fffd}[2Jb⏎c d\u{fffd}e"
        );
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(short("привет", 6), "привет");
        assert_eq!(short("привет!", 6), "приве…");
    }
}
