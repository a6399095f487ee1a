//! What the environment says: accounts and secrets.

use std::ffi::OsString;

use url::{Host, Url};

use crate::failure::{Exit, Failure};
use crate::secret::{Secret, Secrets};

#[derive(Debug)]
pub(crate) struct Settings {
    /// Left out where there is nothing of Snowflake's in the environment, as for a dry run.
    pub(crate) snowflake: Option<SnowflakeSettings>,
    pub(crate) database_url: Option<Secret>,
}

#[derive(Debug)]
pub(crate) struct SnowflakeSettings {
    pub(crate) account: String,
    pub(crate) user: String,
    pub(crate) login: Login,
    pub(crate) role: Option<String>,
    pub(crate) warehouse: Option<String>,
    pub(crate) url: Option<Url>,
}

#[derive(Debug)]
pub(crate) enum Login {
    Password(Secret),
    /// Of OAuth.
    Token(Secret),
    KeyPair {
        pem: Secret,
        passphrase: Option<Secret>,
    },
}

impl Settings {
    /// Reads the variables with `get`, and keeps what is secret among `secrets`.
    pub(crate) fn read(
        get: impl Fn(&str) -> Option<OsString>,
        secrets: &mut Secrets,
    ) -> Result<Self, Failure> {
        let text = |name: &str| match get(name).map(OsString::into_string) {
            Some(Ok(text)) if !text.is_empty() => Ok(Some(text)),
            Some(Err(_)) => Err(wrong(format!("{name} is not UTF-8"))),
            _ => Ok(None),
        };
        // the client of Snowflake follows these, and says who it is to a proxy
        for proxy in ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"] {
            for name in [proxy.to_owned(), proxy.to_lowercase()] {
                let url = get(&name).and_then(|url| Url::parse(url.to_str()?).ok());
                url.iter().for_each(|url| keep_password(url, secrets));
            }
        }
        let database_url = text("DATABASE_URL")?.map(|url| database_url(url, secrets)).transpose()?;
        let password = text("SNOWFLAKE_PASSWORD")?.map(|password| secrets.keep(password));
        let passphrase = text("SNOWFLAKE_PRIVATE_KEY_PASSPHRASE")?.map(|passphrase| secrets.keep(passphrase));
        let key = text("SNOWFLAKE_PRIVATE_KEY_PATH")?;
        let (account, user) = (text("SNOWFLAKE_ACCOUNT")?, text("SNOWFLAKE_USER")?);
        let token = text("SNOWFLAKE_TOKEN")?.map(|token| secrets.keep(token));
        let token_path = text("SNOWFLAKE_TOKEN_PATH")?;
        let paths_or_secrets = [password.is_some(), token.is_some(), token_path.is_some(), key.is_some()];
        let logins = paths_or_secrets.into_iter().filter(|is_set| *is_set).count();
        if account.is_none() && user.is_none() && logins == 0 {
            return Ok(Self { snowflake: None, database_url });
        }
        const LOGINS: &str =
            "SNOWFLAKE_PASSWORD, SNOWFLAKE_TOKEN, SNOWFLAKE_TOKEN_PATH, SNOWFLAKE_PRIVATE_KEY_PATH";
        let login = match (password, token, token_path, key) {
            _ if logins > 1 => return Err(wrong(format!("more than one is set of {LOGINS}"))),
            (Some(password), ..) => Login::Password(password),
            (_, Some(token), ..) => Login::Token(token),
            (.., Some(path), _) => {
                let token = read_secret("SNOWFLAKE_TOKEN_PATH", &path)?;
                Login::Token(secrets.keep(token.trim().to_owned()))
            }
            (.., Some(path)) => {
                let pem = read_secret("SNOWFLAKE_PRIVATE_KEY_PATH", &path)?;
                // a line of it alone is no less secret
                let lines = pem.lines().filter(|line| !line.starts_with("-----"));
                lines.for_each(|line| drop(secrets.keep(line.to_owned())));
                Login::KeyPair { pem: secrets.keep(pem), passphrase }
            }
            (None, None, None, None) => return Err(wrong(format!("none is set of {LOGINS}"))),
        };
        let snowflake = SnowflakeSettings {
            account: account.ok_or_else(|| wrong("SNOWFLAKE_ACCOUNT is not set"))?,
            user: user.ok_or_else(|| wrong("SNOWFLAKE_USER is not set"))?,
            login,
            role: text("SNOWFLAKE_ROLE")?,
            warehouse: text("SNOWFLAKE_WAREHOUSE")?,
            url: text("SNOWFLAKE_URL")?.map(|text| snowflake_url(&text)).transpose()?,
        };
        Ok(Self { snowflake: Some(snowflake), database_url })
    }

    pub(crate) fn snowflake(&self) -> Result<&SnowflakeSettings, Failure> {
        self.snowflake.as_ref().ok_or_else(|| wrong("SNOWFLAKE_ACCOUNT is not set"))
    }

    pub(crate) fn database_url(&self) -> Result<&Secret, Failure> {
        self.database_url.as_ref().ok_or_else(|| wrong("DATABASE_URL is not set"))
    }
}

fn read_secret(variable: &str, path: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| wrong(format!("{variable}: {path:?} cannot be read")).because(error))
}

/// The URL is secret as a whole, and so is its password alone.
fn database_url(text: String, secrets: &mut Secrets) -> Result<Secret, Failure> {
    let url = Url::parse(&text);
    let secret = secrets.keep(text);
    let url = url.map_err(|error| wrong("DATABASE_URL is no URL").because(error))?;
    keep_password(&url, secrets);
    Ok(secret)
}

/// As written and as meant.
fn keep_password(url: &Url, secrets: &mut Secrets) {
    if let Some(password) = url.password() {
        secrets.keep(password.to_owned());
        let decoded = url::form_urlencoded::parse(format!("p={}", password.replace('+', "%2B")).as_bytes())
            .map(|(_, value)| value.into_owned())
            .next();
        decoded.map(|password| secrets.keep(password));
    }
}

fn snowflake_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).map_err(|error| wrong("SNOWFLAKE_URL is no URL").because(error))?;
    let is_this_machine = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() != "https" && !is_this_machine {
        return Err(wrong("SNOWFLAKE_URL: a password or token goes to another machine over https alone"));
    }
    Ok(url)
}

fn wrong(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Usage, what).next("snowflake-sync --help lists the variables")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)], secrets: &mut Secrets) -> Result<Settings, Failure> {
        let get = |name: &str| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| OsString::from(value))
        };
        Settings::read(get, secrets)
    }

    const ACCOUNT: [(&str, &str); 3] =
        [("SNOWFLAKE_ACCOUNT", "ORG-ONE"), ("SNOWFLAKE_USER", "sync"), ("SNOWFLAKE_PASSWORD", "open-sesame")];

    #[test]
    fn what_is_missing_or_doubled_is_named() {
        let with = |more: &[(&'static str, &'static str)]| [&ACCOUNT, more].concat();
        for (variables, expected) in [
            (ACCOUNT[1..].to_vec(), "SNOWFLAKE_ACCOUNT is not set"),
            (ACCOUNT[..2].to_vec(), "none is set of SNOWFLAKE_PASSWORD, SNOWFLAKE_TOKEN"),
            (with(&[("SNOWFLAKE_PRIVATE_KEY_PATH", "key.pem")]), "more than one is set of"),
            (with(&[("SNOWFLAKE_TOKEN", "open-sesame")]), "more than one is set of"),
            (with(&[("SNOWFLAKE_URL", "http://example.com")]), "over https alone"),
            (with(&[("DATABASE_URL", "open-sesame")]), "DATABASE_URL is no URL"),
        ] {
            let mut secrets = Secrets::default();
            let failure = read(&variables, &mut secrets).unwrap_err();
            assert_eq!(failure.exit(), Exit::Usage);
            let text = failure.to_string();
            assert!(text.contains(expected) && !text.contains("sesame"), "{text}");
        }
        assert!(read(&with(&[("SNOWFLAKE_URL", "http://127.0.0.1:8080")]), &mut Secrets::default()).is_ok());
    }

    #[test]
    fn settings_show_no_secret() {
        let mut secrets = Secrets::default();
        let url = ("DATABASE_URL", "postgres://app:p%40ss%2Bword@db/portal");
        let settings = read(&[&ACCOUNT[..], &[url]].concat(), &mut secrets).unwrap();
        let shown = format!("{settings:?}");
        assert!(!shown.contains("sesame") && !shown.contains("ss%2B"), "{shown}");
        assert_eq!(secrets.shown("p@ss+word, p%40ss%2Bword, open-sesame"), "***, ***, ***");
    }
}
