//! Texts from outside in messages.

/// A text from outside, cut to what a message can carry.
pub(crate) fn shown(text: &str) -> String {
    cut(text, 80)
}

/// The first `most` characters of a text from outside.
pub(crate) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
