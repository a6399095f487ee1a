//! Values that must not be seen.

mod disguise;

use std::fmt;
use std::ops::Range;

use access_log::printable;

use disguise::View;

/// The layers of encoding that are undone: the body of a request, quoted in a message, quoted in a client's error.
const LAYERS: usize = 3;
/// A shorter secret, or a shorter beginning of one, is part of every other word.
const SHORTEST: usize = 4;

/// A secret text, which formatting does not show.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text, for the client that needs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Every secret of a run.
///
/// No message is made from a secret. Should a client's or a server's error repeat one all the same, it is
/// struck out of what is printed: as it is, as JSON, URLs, HTML and Base64 write it, and where it is cut off. So are
/// tokens of a login, which nobody here knows: they are told by what stands before them.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    pub(crate) fn keep(&mut self, text: String) -> Secret {
        let secret = Secret(text);
        self.0.push(secret.clone());
        secret
    }

    /// A text as it may be printed: without any secret, and without what a terminal would obey.
    pub(crate) fn shown(&self, text: &str) -> String {
        printable(&self.hide(text))
    }

    /// The text without any secret.
    fn hide(&self, text: &str) -> String {
        let mut found: Vec<Range<usize>> = Vec::new();
        let mut views = vec![View::of(text)];
        for layer in 0..=LAYERS {
            for view in &views {
                found.extend(view.tokens());
                found.extend(self.0.iter().flat_map(|secret| view.places(&secret.0, SHORTEST)));
            }
            if layer < LAYERS {
                views = views.iter().flat_map(View::decoded).collect();
            }
        }
        found.sort_by_key(|place| place.start);
        let (mut hidden, mut end) = (String::new(), 0);
        for place in found {
            if place.start >= end {
                hidden += &text[end..place.start];
                hidden += "***";
            }
            end = end.max(place.end);
        }
        hidden + &text[end..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(secret: &str, text: &str) -> String {
        let mut secrets = Secrets::default();
        secrets.keep(secret.to_owned());
        secrets.hide(text)
    }

    #[test]
    fn secrets_are_neither_formatted_nor_repeated() {
        let mut secrets = Secrets::default();
        let secret = secrets.keep("hunter22".into());
        assert_eq!(format!("{secret:?} {secrets:?}"), "*** Secrets([***])");
        assert_eq!(secrets.hide("user with hunter22 refused: hunter22"), "user with *** refused: ***");
        assert_eq!(secrets.shown("\u{1b}[1mhunter22\nno"), "\u{fffd}[1m***\nno");
    }

    #[test]
    fn a_secret_is_struck_in_every_form_in_which_it_travels() {
        let secret = "pä\"ss\\w/o&r'd %41<x>\t1";
        let json = serde_json::to_string(secret).unwrap();
        let twice = serde_json::to_string(&json).unwrap();
        let query: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        for form in [
            secret.to_owned(),
            json.clone(),
            twice.clone(),
            format!("{twice:?}"),
            format!("{secret:?}"),
            r#"p\u00E4\u0022ss\\w\/o&r'd %41\u003cx\u003E\t1"#.to_owned(),
            query.replace('+', "%20"),
            query.clone(),
            query.to_lowercase().replace('+', "%20"),
            "pä&quot;ss\\w/o&amp;r&#39;d %41&lt;x&gt;\t1".to_owned(),
            "p&#228;&#x22;ss\\w/o&amp;r&apos;d %41&lt;x&gt;&#9;1".to_owned(),
            json.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;"),
            "user:cMOkInNzXHcvbyZyJ2QgJTQxPHg-CTE".to_owned(),
            "Basic dXNlcjpww6Qic3Ncdy9vJnInZCAlNDE8eD4JMQ==".to_owned(),
        ] {
            let text = hidden(secret, &format!("refused {form} for good"));
            assert!(text.starts_with("refused ") && text.ends_with(" for good"), "{form}: {text}");
            let left = text.trim_start_matches("refused ").trim_end_matches(" for good");
            let left = left.trim_start_matches("user:").trim_start_matches("Basic ");
            assert_eq!(left.trim_matches(['"', '\\', '=']).replace("&quot;", ""), "***", "{form}: {text}");
        }
    }

    #[test]
    fn the_beginning_of_a_secret_that_was_cut_off_is_struck() {
        assert_eq!(
            hidden("open-\"sesame\"", "HTTP 400: {\"p\":\"open-\\\"ses..."),
            "HTTP 400: {\"p\":\"***..."
        );
        assert_eq!(hidden("open-\"sesame\"", "HTTP 400: {\"p\":\"open-\\..."), "HTTP 400: {\"p\":\"***\\...");
        assert_eq!(hidden("open-sesame", "body \"open-se...\""), "body \"***...\"");
        assert_eq!(hidden("open-sesame", "the door is open-s"), "the door is ***");
        assert_eq!(hidden("open-sesame", "the door is open, and so..."), "the door is open, and so...");
    }

    #[test]
    fn tokens_of_a_login_are_struck_by_what_stands_before_them() {
        for text in [
            "Authorization: Snowflake Token=\"TOKEN\"",
            "{\"data\":{\"token\":\"TOKEN\",\"masterToken\" : \"TOKEN\"}}",
            "preview: \"{\\\"token\\\":\\\"TOKEN\\\"}\"",
            "?token=TOKEN&x=1",
        ] {
            let token = "ver:1-hint:1036-ETMsDgAAAZx+/3w==";
            assert_eq!(hidden("", &text.replace("TOKEN", token)), text.replace("TOKEN", "***"));
        }
        let jwt = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJB.c2lnbmF0dXJl";
        assert_eq!(hidden("", &format!("refused {jwt}, sorry")), "refused ***, sorry");
        let said = "JWT token is invalid. [5f5bd0b4-0a0d-4c5b-9c6a-000000000000]";
        assert_eq!(hidden("", said), said);
    }
}
