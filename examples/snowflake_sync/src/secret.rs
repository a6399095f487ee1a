//! Values that must not be seen.

use std::fmt;

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
/// struck out of what is printed.
#[derive(Debug, Default)]
pub(crate) struct Secrets(Vec<Secret>);

impl Secrets {
    pub(crate) fn keep(&mut self, text: String) -> Secret {
        let secret = Secret(text);
        self.0.push(secret.clone());
        secret
    }

    /// The text without any secret.
    pub(crate) fn hide(&self, text: &str) -> String {
        // one that is this short is part of every other word
        let secrets = self.0.iter().map(Secret::reveal).filter(|secret| secret.len() >= 4);
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_neither_formatted_nor_repeated() {
        let mut secrets = Secrets::default();
        let secret = secrets.keep("hunter22".into());
        assert_eq!(format!("{secret:?} {secrets:?}"), "*** Secrets([***])");
        assert_eq!(secrets.hide("user with hunter22 refused"), "user with *** refused");
    }
}
