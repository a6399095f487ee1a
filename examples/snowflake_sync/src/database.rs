//! The portal's Postgres.

use chrono::NaiveDate;
use output_port_usage::{Column, Outcome, OutputPortId, TableOutcome, UsageBatch, UsageModel, WriteError};
use sea_query::extension::postgres::PgFunc;
use sea_query::{Expr, ExprTrait, Func, PostgresQueryBuilder, Query, SelectStatement};
use sea_query_sqlx::SqlxBinder as _;
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::secret::Secret;

/// The usage tables, in the portal's database.
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

impl Database {
    pub(crate) fn new(url: &Secret, model: UsageModel) -> Result<Self, Failure> {
        let options: PgConnectOptions = url.reveal().parse().map_err(unreached)?;
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
        let ports: Vec<Uuid> = ports.into_iter().map(Uuid::from).collect();
        // one look at the end of the key for each output port
        let port = || Expr::col(("port", "port"));
        let last_day = rows_of(&self.model, |rows, of, date| {
            rows.expr(date.max()).and_where(of.eq(port()));
        })?;
        let (sql, values) = Query::select()
            .expr(port())
            .expr(last_day)
            .from_function(Func::cust("unnest").arg(ports), "port")
            .build_sqlx(PostgresQueryBuilder);
        let mut connection = self.connect().await?;
        let days: Vec<(OutputPortId, Option<NaiveDate>)> = sqlx::query_as_with(AssertSqlSafe(sql), values)
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
        let days = batch.scope().days();
        let ports: Vec<Uuid> = batch.scope().output_ports().iter().copied().map(Uuid::from).collect();
        let rows = rows_of(&self.model, |rows, of, date| {
            rows.expr(Expr::val(1)).and_where(of.eq(PgFunc::any(ports)));
            rows.and_where(date.clone().gte(days.start)).and_where(date.lt(days.end));
        })?;
        let (sql, values) = Query::select().expr(Expr::exists(rows)).build_sqlx(PostgresQueryBuilder);
        let mut connection = self.connect().await?;
        sqlx::query_scalar_with(AssertSqlSafe(sql), values).fetch_one(&mut connection).await.map_err(failed)
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
        transaction.commit().await.map_err(undecided)?;
        if wrote(&outcome) {
            // outside of the transaction; it only keeps the charts fast
            self.model.vacuum().into_sqlx().execute(&mut connection).await.map_err(|error| {
                Failure::new(Exit::Postgres, "the rows were written, but VACUUM failed").because(error)
            })?;
        }
        Ok(outcome)
    }
}

/// A query over the table of queries.
fn rows_of(
    model: &UsageModel,
    select: impl FnOnce(&mut SelectStatement, Expr, Expr),
) -> Result<SelectStatement, Failure> {
    let table = model.queries_table();
    let column = |column| table.column(column).map(Expr::col).map_err(unknown_column);
    let mut rows = Query::select();
    rows.from(table.table_ref());
    select(&mut rows, column(Column::OutputPortId)?, column(Column::Date)?);
    Ok(rows)
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

/// An error of the commit may mean a refusal or a lost answer: the rows may be there all the same.
fn undecided(error: sqlx::Error) -> Failure {
    Failure::new(
        Exit::Postgres,
        "the commit failed, or its answer was lost: the rows of this run are all written or none of them is",
    )
    .because(error)
    .next("the next run writes what is missing")
}

fn unknown_column(error: output_port_usage::Error) -> Failure {
    Failure::new(Exit::Usage, "the model is of no use").because(error)
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

#[cfg(test)]
mod tests {
    use output_port_usage::{ConsumerId, OutputPortQueries, Scope, TableNames, UsageModelBuilder};
    use uuid::Uuid;

    use super::*;
    use crate::secret::Secrets;

    /// A portal with the parents of the batch below, and the tables of a model.
    async fn portal(model: UsageModel) -> (Database, PgConnection, throwaway_postgres::Database) {
        let server = throwaway_postgres::database().unwrap_or_else(|error| panic!("{error}"));
        let url = Secrets::default().keep(server.url().to_owned());
        let database = Database::new(&url, model).unwrap();
        let mut connection = database.connect().await.unwrap();
        let ids = "INSERT INTO portal.datasets SELECT lpad(n::text, 32, '0')::uuid, 'port' FROM generate_series(1, 2) n;
            INSERT INTO portal.data_products VALUES (lpad('2', 32, '0')::uuid, 'consumer');";
        for text in [access_log::PARENTS, ids] {
            sqlx::raw_sql(text).execute(&mut connection).await.unwrap();
        }
        database.create_tables().await.unwrap();
        (database, connection, server)
    }

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
    }

    const PORTS: [OutputPortId; 2] = [OutputPortId(Uuid::from_u128(1)), OutputPortId(Uuid::from_u128(2))];

    /// 7 queries on the first of two days.
    fn batch() -> UsageBatch {
        let consumer = ConsumerId(Uuid::from_u128(2));
        let rows = vec![OutputPortQueries::new(day(1), PORTS[0], consumer, 7)];
        UsageBatch::builder(Scope::new(day(1)..day(3), PORTS).unwrap()).queries(rows).build()
    }

    #[tokio::test]
    async fn the_tables_of_any_model_are_asked_how_far_they_reach() {
        let names = TableNames::new("Q").column(Column::Date, "day").column(Column::OutputPortId, "of");
        let builder: UsageModelBuilder = serde_json::from_str(access_log::MODEL).unwrap();
        let model = builder.schema("own schema").queries_table(names).build().unwrap();
        let (database, _, _server) = portal(model).await;
        let batch = batch();
        assert!(!database.holds_any(&batch).await.unwrap());
        let reached = database.reached(PORTS).await.unwrap();
        assert_eq!((reached.last_day, reached.without_rows), (None, PORTS.to_vec()));

        database.replace(&batch, false, &Interrupt::listen()).await.unwrap();
        assert!(database.holds_any(&batch).await.unwrap());
        let reached = database.reached(PORTS).await.unwrap();
        assert_eq!((reached.last_day, reached.without_rows), (Some(day(1)), vec![PORTS[1]]));
        let later = UsageBatch::builder(Scope::new(day(2)..day(3), PORTS).unwrap()).build();
        assert!(!database.holds_any(&later).await.unwrap());
    }

    #[tokio::test]
    async fn a_commit_that_failed_is_not_said_to_have_written_nothing() {
        for (body, cause) in [
            ("RAISE 'not today';", "not today"),
            (
                "PERFORM pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid());",
                "terminating connection",
            ),
        ] {
            let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
            let trigger = format!(
                "CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$;
                CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON usage.output_port_query_stats_daily
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();"
            );
            sqlx::raw_sql(AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
            let failure = database.replace(&batch(), false, &Interrupt::listen()).await.unwrap_err();
            let text = failure.to_string();
            assert_eq!(failure.exit(), Exit::Postgres);
            assert!(text.contains("the commit failed, or its answer was lost"), "{text}");
            assert!(text.contains(cause) && !text.contains("nothing was written"), "{text}");
        }
    }
}
