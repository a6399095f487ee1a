//! SQL as a database reads it, as far as quotes, comments and placeholders go.
//!
//! Written without a look at the library or at sqlparser, from the manuals' pages on lexical structure.

use std::iter::Peekable;
use std::str::Chars;

/// A token; white space is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// Letters, digits and underscores: a keyword, a name without quotes, a number.
    Word(String),
    /// A name in double quotes.
    Name(String),
    /// A text in single quotes, or between dollar signs.
    Text(String),
    /// `$1`.
    Placeholder(String),
    /// Without its marks and the white space around it.
    Comment(String),
    Symbol(char),
}

/// What a backslash is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Backslash {
    /// A character like any other, as in PostgreSQL.
    Plain,
    /// The start of an escape, as in Snowflake.
    Escape,
}

/// The tokens; `None` where something that was opened is never closed.
pub(crate) fn tokens(sql: &str, backslash: Backslash) -> Option<Vec<Token>> {
    let mut chars = sql.chars().peekable();
    let mut tokens = Vec::new();
    while let Some(char) = chars.next() {
        tokens.push(match char {
            '"' => Token::Name(quoted('"', Backslash::Plain, &mut chars)?),
            '\'' => Token::Text(quoted('\'', backslash, &mut chars)?),
            '$' => dollar(&mut chars)?,
            '-' if chars.next_if_eq(&'-').is_some() => {
                let comment: String = chars.by_ref().take_while(|&char| char != '\n').collect();
                Token::Comment(comment.trim().to_owned())
            }
            '/' if chars.next_if_eq(&'*').is_some() => Token::Comment(comment(&mut chars)?),
            _ if is_of_word(char) => {
                let mut word = String::from(char);
                while let Some(char) = chars.next_if(|&char| is_of_word(char)) {
                    word.push(char);
                }
                Token::Word(word)
            }
            _ if char.is_whitespace() => continue,
            _ => Token::Symbol(char),
        });
    }
    Some(tokens)
}

fn is_of_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

/// What stands before the closing quote; a doubled quote stands for itself.
fn quoted(quote: char, backslash: Backslash, chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            char if char == quote => {
                if chars.next_if_eq(&quote).is_none() {
                    return Some(text);
                }
                text.push(quote);
            }
            '\\' if backslash == Backslash::Escape => text.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                char => char,
            }),
            char => text.push(char),
        }
    }
}

/// `$1`, or a text between two `$tag$`.
fn dollar(chars: &mut Peekable<Chars<'_>>) -> Option<Token> {
    let mut tag = String::new();
    while let Some(char) = chars.next_if(|&char| is_of_word(char)) {
        tag.push(char);
    }
    if !tag.is_empty() && tag.chars().all(|char| char.is_ascii_digit()) {
        return Some(Token::Placeholder(tag));
    }
    chars.next_if_eq(&'$')?;
    let end = format!("${tag}$");
    let mut text = String::new();
    while !text.ends_with(&end) {
        text.push(chars.next()?);
    }
    text.truncate(text.len() - end.len());
    Some(Token::Text(text))
}

/// Comments nest.
fn comment(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let (mut text, mut depth) = (String::new(), 1);
    loop {
        let char = chars.next()?;
        if char == '/' && chars.next_if_eq(&'*').is_some() {
            depth += 1;
            text.push_str("/*");
        } else if char == '*' && chars.next_if_eq(&'/').is_some() {
            depth -= 1;
            if depth == 0 {
                return Some(text.trim().to_owned());
            }
            text.push_str("*/");
        } else {
            text.push(char);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_placeholders_are_told_apart() {
        let name = |text: &str| Token::Name(text.to_owned());
        let text = |text: &str| Token::Text(text.to_owned());
        let found = tokens(r#"a_1 /* b /* "c */ */ "d""$1" 'e''\n' $2 -- 'f"#, Backslash::Plain).unwrap();
        assert_eq!(
            found,
            [
                Token::Word("a_1".to_owned()),
                Token::Comment("b /* \"c */".to_owned()),
                name("d\"$1"),
                text("e'\\n"),
                Token::Placeholder("2".to_owned()),
                Token::Comment("'f".to_owned()),
            ]
        );
        assert_eq!(tokens(r"'a\'\\b'", Backslash::Escape).unwrap(), [text("a'\\b")]);
        assert_eq!(tokens("$x$it's$x$", Backslash::Plain).unwrap(), [text("it's")]);
    }

    #[test]
    fn what_is_left_open_is_found() {
        for open in ["'a", "\"a", "'a''", "/* /* */", "$$ $x$", "'a\\"] {
            assert_eq!(tokens(open, Backslash::Escape), None, "{open}");
        }
    }
}
