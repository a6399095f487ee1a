//! Messages about texts from outside.

use output_port_usage::Error;

/// Asserts that a message can stand in a log: it is short, and a terminal obeys nothing in it.
pub(crate) fn assert_printable(message: &str) {
    assert!(message.len() < 1_000, "a message of {} bytes: {message:.1000}", message.len());
    let obeyed = message.chars().find(|char| char.is_control() || matches!(char, '\u{202a}'..='\u{202e}'));
    assert!(obeyed.is_none(), "a message holds {obeyed:?}: {message:?}");
}

/// Asserts that the message shows one of the texts that were given, as far as a message shows a text.
pub(crate) fn assert_names_one(error: &Error, texts: &[String]) {
    let message = error.to_string();
    // in quotes, or without them where nothing in the text needs any
    let shown = |text: &String| {
        let start: String = text.chars().take(40).collect();
        let debug = format!("{start:?}");
        message.contains(if start.is_empty() { &debug } else { &debug[1..debug.len() - 1] })
    };
    assert!(texts.iter().any(shown), "{message} names none of {texts:?}");
}

/// The lines of an input, in which `␤` stands for the end of a line.
pub(crate) fn lines(data: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(data).lines().map(|line| line.replace('␤', "\n")).collect()
}
