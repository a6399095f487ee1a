//! The account of Snowflake.

use std::time::Duration;

use chrono::{DateTime, Utc};
use indicatif::{ProgressBar, ProgressStyle};
use output_port_usage::snowflake::{Bind, ResultRow, SnowflakeStatement};
use snowflake_connector_rs::{
    AuthConfig, CellValue, Client, ClientConfig, EndpointConfig, Error, ErrorKind, KeyPairConfig,
    PositionalBinds, QueryConfig, Session, SessionConfig, Statement as ClientStatement,
};

use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::limits::Limits;
use crate::retry::{self, http_status};
use crate::settings::{Login, SnowflakeSettings};

pub(crate) struct Warehouse {
    session: Session,
    interrupt: Interrupt,
    limits: Limits,
    retries: usize,
}

/// The longest limit of a statement that Snowflake takes, in seconds.
const WEEK: u64 = 7 * 24 * 3600;

/// What a statement of the library gives.
pub(crate) enum Counted<T> {
    Rows {
        result: T,
        rows: usize,
    },
    /// More rows than were wanted.
    TooMany,
}

impl Warehouse {
    pub(crate) async fn log_in(
        settings: &SnowflakeSettings,
        interrupt: Interrupt,
        limits: Limits,
        retries: usize,
    ) -> Result<Self, Failure> {
        let client = Client::new(config(settings, limits)?).map_err(refused_login)?;
        let late = || {
            Failure::new(
                Exit::OutOfTime,
                format!("Snowflake did not answer the login in {:?}", limits.connect),
            )
            .next("check the way to Snowflake, or give it more time with --connect-limit")
        };
        let log_in = retry::again(retries, &interrupt, || async {
            // a login that is not answered is not tried again
            tokio::time::timeout(limits.connect, client.create_session()).await.ok().transpose()
        });
        let session = interrupt.or(async { log_in.await.map_err(refused_login)?.ok_or_else(late) }).await?;
        Ok(Self { session, interrupt, limits, retries })
    }

    /// Snowflake's clock: an instant, whatever the zone of the session or of this machine.
    pub(crate) async fn clock(&self) -> Result<DateTime<Utc>, Failure> {
        let sql = "SELECT DATE_PART(EPOCH_SECOND, CURRENT_TIMESTAMP()) AS now";
        let rows = self.texts(ClientStatement::new_positional(sql), "the clock", usize::MAX).await?;
        let now =
            rows.into_iter().flatten().flatten().flatten().next().and_then(|seconds| seconds.parse().ok());
        now.and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .ok_or_else(|| Failure::new(Exit::Snowflake, "Snowflake's clock gave no time"))
    }

    /// Whether `ACCESS_HISTORY` holds anything at all.
    pub(crate) async fn has_history(&self) -> Result<bool, Failure> {
        let sql = "SELECT 1 AS one FROM \"SNOWFLAKE\".\"ACCOUNT_USAGE\".\"ACCESS_HISTORY\" LIMIT 1";
        let rows = self.texts(ClientStatement::new_positional(sql), "ACCESS_HISTORY", usize::MAX).await?;
        Ok(rows.is_some_and(|rows| !rows.is_empty()))
    }

    /// Runs a statement of the library and decodes its rows, unless there are more than `most`.
    pub(crate) async fn run<T>(
        &self,
        statement: &SnowflakeStatement<T>,
        what: &str,
        most: usize,
    ) -> Result<Counted<T>, Failure> {
        let mut bound = ClientStatement::new_positional(statement.sql());
        for bind in statement.binds() {
            bound = match bind {
                Bind::Text(text) => bound.bind(text.clone()),
                Bind::Number(number) => bound.bind(*number),
                other => {
                    return Err(Failure::new(Exit::Snowflake, format!("no bind for {other:?}")));
                }
            };
        }
        let Some(rows) = self.texts(bound, what, most).await? else { return Ok(Counted::TooMany) };
        let count = rows.len();
        let result = statement.decode(rows.into_iter().map(ResultRow::from_iter)).map_err(|error| {
            Failure::new(Exit::Snowflake, "Snowflake's rows are not what the statement asks for")
                .because(error)
        })?;
        Ok(Counted::Rows { result, rows: count })
    }

    /// The cells as texts, unless there are more rows than that.
    async fn texts(
        &self,
        statement: ClientStatement<PositionalBinds>,
        what: &str,
        most: usize,
    ) -> Result<Option<Vec<Vec<Option<String>>>>, Failure> {
        let progress = spinner(what);
        let attempt = || self.attempt(statement.clone(), most, &progress);
        let result = retry::again(self.retries, &self.interrupt, attempt).await;
        progress.finish_and_clear();
        match result.map_err(failed)? {
            Attempt::Rows(rows) => Ok(Some(rows)),
            Attempt::TooMany => Ok(None),
            Attempt::Stopped(failure) => Err(failure),
        }
    }

    /// One attempt. A statement that is stopped, or whose answer is lost, is cancelled in Snowflake, where it would cost on.
    async fn attempt(
        &self,
        statement: ClientStatement<PositionalBinds>,
        most: usize,
        progress: &ProgressBar,
    ) -> Result<Attempt, Error> {
        let handle = self.session.query_handle(statement)?;
        let canceller = handle.canceller();
        let fetch = async {
            let mut cursor = handle.execute().await?;
            let mut rows = Vec::new();
            while let Some(table) = cursor.next_table().await? {
                for row in table.dynamic_rows()? {
                    let (_, cells) = row?.into_parts();
                    rows.push(cells.into_vec().into_iter().map(text).collect());
                }
                if rows.len() > most {
                    return Ok(Attempt::TooMany);
                }
                progress.set_position(rows.len() as u64);
            }
            Ok(Attempt::Rows(rows))
        };
        let failure = tokio::select! {
            // a run that has to stop sends nothing more
            biased;
            failure = self.interrupt.wait() => failure,
            result = fetch => {
                if result.as_ref().is_err_and(retry::may_pass) {
                    let _ = canceller.cancel().await;
                }
                return result;
            }
            () = tokio::time::sleep(self.limits.statement) => {
                let limit = self.limits.statement;
                Failure::new(Exit::OutOfTime, format!("a statement in Snowflake took longer than {limit:?}"))
                    .next("a larger warehouse, fewer --rows-at-once, or more time with --statement-limit")
            }
        };
        // whether it can be cancelled or not, the run ends
        let _ = canceller.cancel().await;
        Ok(Attempt::Stopped(failure))
    }
}

enum Attempt {
    Rows(Vec<Vec<Option<String>>>),
    TooMany,
    Stopped(Failure),
}

fn config(settings: &SnowflakeSettings, limits: Limits) -> Result<ClientConfig, Failure> {
    let auth = match &settings.login {
        Login::Password(password) => AuthConfig::password(password.reveal()),
        Login::Token(token) => AuthConfig::oauth(token.reveal()),
        Login::KeyPair { pem, passphrase: None } => {
            AuthConfig::key_pair(KeyPairConfig::from_pem(pem.reveal()))
        }
        Login::KeyPair { pem, passphrase: Some(passphrase) } => {
            AuthConfig::key_pair(KeyPairConfig::from_encrypted_pem(pem.reveal(), passphrase.reveal()))
        }
    };
    let mut session = SessionConfig::new()
        // the tag tells the job's own queries, and what they cost, in QUERY_HISTORY
        .with_session_parameter("QUERY_TAG", "output-port-usage".into())
        // should this machine die, Snowflake stops all the same
        .with_session_parameter(
            "STATEMENT_TIMEOUT_IN_SECONDS",
            limits.statement.as_secs().clamp(1, WEEK).into(),
        );
    if let Some(role) = &settings.role {
        session = session.with_role(role);
    }
    if let Some(warehouse) = &settings.warehouse {
        session = session.with_warehouse(warehouse);
    }
    // the limit of this program comes first, and cancels the statement
    let patience = limits.statement.saturating_add(Duration::from_secs(60));
    let mut config =
        ClientConfig::new(&settings.user, &settings.account, auth).with_session(session).with_query(
            QueryConfig::new()
                .with_query_response_timeout(patience)
                .with_query_cancel_request_timeout(Duration::from_secs(10)),
        );
    if let Some(url) = &settings.url {
        config = config.with_endpoint(EndpointConfig::custom_base_url(url.clone()));
    }
    Ok(config)
}

/// Seconds and rows, on a terminal only.
fn spinner(what: &str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} Snowflake, {msg}: {elapsed}, {human_pos} rows")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(what.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}

/// A cell as a text that the library decodes; whether it fits the column is found out there.
fn text(cell: CellValue) -> Option<String> {
    match cell {
        CellValue::Null => None,
        CellValue::String(text) => Some(text),
        CellValue::Integer(number) => Some(number.to_string()),
        CellValue::Date(date) => Some(date.to_string()),
        other => Some(format!("{other:?}")),
    }
}

const CHECK_ACCOUNT: &str = "check SNOWFLAKE_ACCOUNT: in Snowsight, account details, the account identifier with a \
    hyphen; then the account's network policies, and the proxy if there is one";

fn refused_login(error: Error) -> Failure {
    let refused = |what| Failure::new(Exit::Login, what);
    match error.kind() {
        ErrorKind::Auth => refused("Snowflake refused the login").because(error).next(
            "check SNOWFLAKE_USER and its password, token or key (the user's RSA_PUBLIC_KEY, this machine's clock), \
             and that SNOWFLAKE_ROLE is granted to the user",
        ),
        ErrorKind::Network => match http_status(&error) {
            // an account is a host name, and one that does not exist still answers
            Some(404) => refused("there is no such account").because(error).next(CHECK_ACCOUNT),
            Some(403) => refused("the login is forbidden: by a network policy, a proxy, or for no such account")
                .because(error)
                .next(CHECK_ACCOUNT),
            Some(429) => Failure::new(Exit::Snowflake, "Snowflake has too many requests to take this login")
                .because(error)
                .next("the next run tries again; if it stays so, log in less often, or with fewer jobs"),
            Some(status) if status < 500 => refused("the login did not reach Snowflake as it was sent")
                .because(error)
                .next("check SNOWFLAKE_URL, and the proxy if there is one"),
            _ => failed(error),
        },
        ErrorKind::Config => {
            Failure::new(Exit::Usage, "the environment does not describe an account").because(error)
        }
        _ => failed(error),
    }
}

fn failed(error: Error) -> Failure {
    match error.snowflake_code() {
        // object does not exist or is not authorized; insufficient privileges; SQL access control
        Some("002003" | "002043" | "003001" | "003540") => Failure::new(
            Exit::Privilege,
            "the role may not read the views of ACCOUNT_USAGE",
        )
        .because(error)
        .next(
            "an ACCOUNTADMIN runs GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE <SNOWFLAKE_ROLE>; \
                     README, \"Privileges\"",
        ),
        // no active warehouse
        Some("000606") => Failure::new(Exit::Privilege, "there is no warehouse to run in")
            .because(error)
            .next("set SNOWFLAKE_WAREHOUSE, and GRANT USAGE ON WAREHOUSE <it> TO ROLE <SNOWFLAKE_ROLE>"),
        Some(_) => Failure::new(Exit::Snowflake, "Snowflake refused a statement").because(error),
        None => Failure::new(Exit::Snowflake, "the connection to Snowflake failed")
            .because(error)
            .next("the next run tries again and makes up for this one"),
    }
}
