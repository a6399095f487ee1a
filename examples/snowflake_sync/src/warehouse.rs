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
use crate::settings::{Login, SnowflakeSettings};

/// A scan of a year of a large account takes minutes.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

pub(crate) struct Warehouse {
    session: Session,
    interrupt: Interrupt,
}

impl Warehouse {
    pub(crate) async fn log_in(settings: &SnowflakeSettings, interrupt: Interrupt) -> Result<Self, Failure> {
        let auth = match &settings.login {
            Login::Password(password) => AuthConfig::password(password.reveal()),
            Login::KeyPair { pem, passphrase: None } => {
                AuthConfig::key_pair(KeyPairConfig::from_pem(pem.reveal()))
            }
            Login::KeyPair { pem, passphrase: Some(passphrase) } => {
                AuthConfig::key_pair(KeyPairConfig::from_encrypted_pem(pem.reveal(), passphrase.reveal()))
            }
        };
        // the tag tells the job's own queries, and what they cost, in QUERY_HISTORY
        let mut session =
            SessionConfig::new().with_session_parameter("QUERY_TAG", "output-port-usage".into());
        if let Some(role) = &settings.role {
            session = session.with_role(role);
        }
        if let Some(warehouse) = &settings.warehouse {
            session = session.with_warehouse(warehouse);
        }
        let mut config = ClientConfig::new(&settings.user, &settings.account, auth)
            .with_session(session)
            .with_query(QueryConfig::new().with_query_response_timeout(PATIENCE));
        if let Some(url) = &settings.url {
            config = config.with_endpoint(EndpointConfig::custom_base_url(url.clone()));
        }
        let client = Client::new(config).map_err(refused_login)?;
        let log_in = async { client.create_session().await.map_err(refused_login) };
        Ok(Self { session: interrupt.or(log_in).await?, interrupt })
    }

    /// Snowflake's clock: an instant, whatever the zone of the session or of this machine.
    pub(crate) async fn clock(&self) -> Result<DateTime<Utc>, Failure> {
        let sql = "SELECT DATE_PART(EPOCH_SECOND, CURRENT_TIMESTAMP()) AS now";
        let rows = self.texts(ClientStatement::new_positional(sql), "the clock").await?;
        let now = rows.into_iter().flatten().flatten().next().and_then(|seconds| seconds.parse().ok());
        now.and_then(|seconds| DateTime::from_timestamp(seconds, 0))
            .ok_or_else(|| Failure::new(Exit::Snowflake, "Snowflake's clock gave no time"))
    }

    /// Whether `ACCESS_HISTORY` holds anything at all.
    pub(crate) async fn has_history(&self) -> Result<bool, Failure> {
        let sql = "SELECT 1 AS one FROM \"SNOWFLAKE\".\"ACCOUNT_USAGE\".\"ACCESS_HISTORY\" LIMIT 1";
        let rows = self.texts(ClientStatement::new_positional(sql), "ACCESS_HISTORY").await?;
        Ok(!rows.is_empty())
    }

    /// Runs a statement of the library and decodes its rows.
    pub(crate) async fn run<T>(
        &self,
        statement: &SnowflakeStatement<T>,
        what: &'static str,
    ) -> Result<T, Failure> {
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
        let rows = self.texts(bound, what).await?;
        statement.decode(rows.into_iter().map(ResultRow::from_iter)).map_err(|error| {
            Failure::new(Exit::Snowflake, "Snowflake's rows are not what the statement asks for")
                .because(error)
        })
    }

    /// The cells as texts. A statement that is interrupted is cancelled in Snowflake, where it would cost on.
    async fn texts(
        &self,
        statement: ClientStatement<PositionalBinds>,
        what: &'static str,
    ) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let progress = spinner(what);
        let handle = self.session.query_handle(statement).map_err(failed)?;
        let canceller = handle.canceller();
        let fetch = async {
            let mut cursor = handle.execute().await?;
            let mut rows = Vec::new();
            while let Some(table) = cursor.next_table().await? {
                for row in table.dynamic_rows()? {
                    let (_, cells) = row?.into_parts();
                    rows.push(cells.into_vec().into_iter().map(text).collect());
                }
                progress.set_position(rows.len() as u64);
            }
            Ok(rows)
        };
        let result = tokio::select! {
            result = fetch => result.map_err(failed),
            () = self.interrupt.wait() => {
                // whether it can be cancelled or not, the run ends
                let _ = canceller.cancel().await;
                Err(Failure::interrupted())
            }
        };
        progress.finish_and_clear();
        result
    }
}

/// Seconds and rows, on a terminal only.
fn spinner(what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} Snowflake, {msg}: {elapsed}, {human_pos} rows")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_message(what);
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

fn refused_login(error: Error) -> Failure {
    let refused = |what| Failure::new(Exit::Login, what);
    match error.kind() {
        ErrorKind::Auth => refused("Snowflake refused the login").because(error).next(
            "check SNOWFLAKE_USER and its password or key (the user's RSA_PUBLIC_KEY, this machine's clock), \
             and that SNOWFLAKE_ROLE is granted to the user",
        ),
        // an account is a host name, and one that does not exist still answers
        ErrorKind::Network if error.to_string().starts_with("HTTP 4") => {
            refused("there is no such account").because(error).next(
                "check SNOWFLAKE_ACCOUNT: in Snowsight, account details, the account identifier with a hyphen",
            )
        }
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
            "the role may not read the views of ACCOUNT_USAGE; nothing was written",
        )
        .because(error)
        .next(
            "an ACCOUNTADMIN runs GRANT DATABASE ROLE SNOWFLAKE.GOVERNANCE_VIEWER TO ROLE <SNOWFLAKE_ROLE>; \
                     README, \"Privileges\"",
        ),
        // no active warehouse
        Some("000606") => {
            Failure::new(Exit::Privilege, "there is no warehouse to run in; nothing was written")
                .because(error)
                .next("set SNOWFLAKE_WAREHOUSE, and GRANT USAGE ON WAREHOUSE <it> TO ROLE <SNOWFLAKE_ROLE>")
        }
        Some(_) => {
            Failure::new(Exit::Snowflake, "Snowflake refused a statement; nothing was written").because(error)
        }
        None => Failure::new(Exit::Snowflake, "the connection to Snowflake failed; nothing was written")
            .because(error)
            .next("the next run tries again and makes up for this one"),
    }
}
