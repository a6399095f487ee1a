//! The portal's Postgres.

use chrono::NaiveDate;
use output_port_usage::{
    OnDelete, Outcome, OutputPortId, Reference, TableOutcome, UsageBatch, UsageModel, WriteError,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::secret::Secret;

/// The usage tables, in the database of a portal that has its own tables in the schema `portal`.
///
/// Each step connects anew: a connection that idles while Snowflake counts may be gone when it is wanted.
pub(crate) struct Database {
    options: PgConnectOptions,
    model: UsageModel,
}

/// How far the tables reach.
pub(crate) struct Reached {
    /// The last day of any output port.
    pub(crate) last_day: Option<NaiveDate>,
    /// Output ports without a single row.
    pub(crate) without_rows: Vec<OutputPortId>,
}

/// The model that the host's backend charts.
fn model() -> Result<UsageModel, output_port_usage::Error> {
    let portal = |table| Reference::to(table).schema("portal").label("name");
    UsageModel::builder()
        .schema("usage")
        .output_ports(portal("datasets").on_delete(OnDelete::Cascade))
        .consumers(portal("data_products").group("domain_id", portal("domains")))
        .tech_assets(portal("technical_assets").on_delete(OnDelete::Cascade))
        .combinations()
        .build()
}

impl Database {
    pub(crate) fn new(url: &Secret) -> Result<Self, Failure> {
        let options: PgConnectOptions = url.reveal().parse().map_err(unreached)?;
        let model =
            model().map_err(|error| Failure::new(Exit::Usage, "the model is wrong").because(error))?;
        Ok(Self { options: options.application_name("snowflake-sync"), model })
    }

    async fn connect(&self) -> Result<PgConnection, Failure> {
        self.options.connect().await.map_err(unreached)
    }

    pub(crate) async fn create_tables(&self) -> Result<(), Failure> {
        let mut connection = self.connect().await?;
        for statement in std::iter::once(self.model.create_schema()).chain(self.model.create_tables()) {
            statement.into_sqlx().execute(&mut connection).await.map_err(failed)?;
        }
        Ok(())
    }

    /// How far the rows of these output ports reach.
    ///
    /// What was settled when need not be kept anywhere: a run reads the last days again anyway, so the
    /// last day with a row is all that the next one has to know.
    pub(crate) async fn reached(
        &self,
        ports: impl IntoIterator<Item = OutputPortId>,
    ) -> Result<Reached, Failure> {
        let ports: Vec<OutputPortId> = ports.into_iter().collect();
        let mut connection = self.connect().await?;
        let days: Vec<(OutputPortId, Option<NaiveDate>)> = sqlx::query_as(
            "SELECT port.id, (
                SELECT max(date) FROM usage.output_port_query_stats_daily WHERE output_port_id = port.id
            ) FROM unnest($1::uuid[]) AS port (id)",
        )
        .bind(&ports)
        .fetch_all(&mut connection)
        .await
        .map_err(failed)?;
        Ok(Reached {
            last_day: days.iter().filter_map(|(_, day)| *day).max(),
            without_rows: days.into_iter().filter(|(_, day)| day.is_none()).map(|(port, _)| port).collect(),
        })
    }

    /// Whether the tables hold a row of the batch's days and output ports.
    pub(crate) async fn holds_any(&self, batch: &UsageBatch) -> Result<bool, Failure> {
        let mut connection = self.connect().await?;
        let days = batch.scope().days();
        let ports: Vec<OutputPortId> = batch.scope().output_ports().iter().copied().collect();
        sqlx::query_scalar(
            "SELECT EXISTS (
                SELECT FROM usage.output_port_query_stats_daily
                WHERE output_port_id = ANY ($1) AND date >= $2 AND date < $3
            )",
        )
        .bind(ports)
        .bind(days.start)
        .bind(days.end)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)
    }

    /// Makes the tables hold the batch, all of it or nothing.
    pub(crate) async fn replace(
        &self,
        batch: &UsageBatch,
        allow_empty: bool,
        interrupt: &Interrupt,
    ) -> Result<Outcome, Failure> {
        let replace = self.model.replace(batch).map_err(|error| refused(WriteError::Rejected(error)))?;
        let replace = if allow_empty { replace.allow_empty() } else { replace };
        let mut connection = interrupt.or(self.connect()).await?;
        let ingest = async {
            let mut transaction = connection.begin().await.map_err(failed)?;
            let outcome = replace.run_sqlx(&mut transaction).await.map_err(refused)?;
            Ok((transaction, outcome))
        };
        let (transaction, outcome) = interrupt.or(ingest).await?;
        // from here on it is too late to stop: whether a commit that was cut off took place, nobody knows
        transaction.commit().await.map_err(failed)?;
        if wrote(&outcome) {
            // outside of the transaction; it only keeps the charts fast
            self.model.vacuum().into_sqlx().execute(&mut connection).await.map_err(|error| {
                Failure::new(Exit::Postgres, "the rows were written, but VACUUM failed").because(error)
            })?;
        }
        Ok(outcome)
    }
}

/// Whether an ingest changed a row.
pub(crate) fn wrote(outcome: &Outcome) -> bool {
    let changed = |table: &TableOutcome| table.written + table.removed > 0;
    changed(&outcome.queries)
        || outcome.touches.as_ref().is_some_and(changed)
        || outcome.combinations.as_ref().is_some_and(changed)
}

fn unreached(error: sqlx::Error) -> Failure {
    Failure::new(Exit::Postgres, "Postgres was not reached; nothing was written")
        .because(error)
        .next("check DATABASE_URL, and that this machine may connect")
}

fn failed(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|error| error.code());
    let next = match code.as_deref() {
        // undefined_table, invalid_schema_name
        Some("42P01" | "3F000") => "run once with --create-tables, after the portal's own tables are there",
        // insufficient_privilege
        Some("42501") => {
            "grant the role of DATABASE_URL SELECT, INSERT, UPDATE and DELETE on the usage tables"
        }
        _ => "the next run tries again",
    };
    Failure::new(Exit::Postgres, "Postgres failed; nothing was written").because(error).next(next)
}

fn refused(error: WriteError<sqlx::Error>) -> Failure {
    match error {
        WriteError::Driver(error) => failed(error),
        WriteError::Rejected(error) => {
            let next = if error.unknown_ids().is_some() {
                "the mapping names what the portal does not know: correct one of them"
            } else {
                "this should not be; please report it with the message above"
            };
            Failure::new(Exit::Postgres, "the rows were refused; nothing was written")
                .because(error)
                .next(next)
        }
        other => Failure::new(Exit::Postgres, "the rows were not written").because(other),
    }
}
