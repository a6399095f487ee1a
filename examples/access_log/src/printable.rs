//! Texts from outside, for a terminal.

/// A text from outside that cannot command the terminal: lines stay, other control characters do not.
///
/// Neither do the characters that turn the direction of a line around.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_command(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn is_command(c: char) -> bool {
    let is_direction =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c.is_control() && c != '\n') || is_direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            printable("\u{1b}]0;x\u{7} \u{9b}2J \u{202e}a\rb"),
            "\u{fffd}]0;x\u{fffd} \u{fffd}2J \u{fffd}a\u{fffd}b"
        );
        assert_eq!(printable("two\nlines, 東京"), "two\nlines, 東京");
    }
}
