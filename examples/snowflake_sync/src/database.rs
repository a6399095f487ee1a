//! The portal's Postgres.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::{QueriesOverTime, Row};
use output_port_usage::{
    Attribution, Gap, Gaps, Granularity, Ingest, Outcome, OutputPortId, PortCoverage, Query, Scope, Severity,
    TableOutcome, UsageBatch, UsageModel, WriteError,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::secret::Secret;

/// How many output ports a chart takes.
const PORTS_OF_A_CHART: usize = 10_000;

/// The usage tables, in the portal's database.
///
/// Each step connects anew: a connection that idles while Snowflake counts may be gone when it is wanted.
pub(crate) struct Database {
    options: PgConnectOptions,
    model: UsageModel,
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

    /// Refuses a database in which a write would fail, and gives the lines about what else differs from the model.
    pub(crate) async fn check(&self, today: NaiveDate) -> Result<Vec<String>, Failure> {
        let check = self.model.check(today);
        let rows = self.rows(check.query()).await?;
        let mut lines = Vec::new();
        let mut fatal = Vec::new();
        for difference in check.differences(rows).map_err(unasked)? {
            let lines = if difference.severity() == Severity::Errors { &mut fatal } else { &mut lines };
            lines.push(format!("{}: {difference}", difference.severity()));
            lines.extend(difference.mend().iter().map(|statement| format!("    {statement};")));
        }
        if fatal.is_empty() {
            return Ok(lines);
        }
        Err(Failure::new(Exit::Postgres, "the database is not as the model says; nothing was written")
            .because(fatal.join("\n"))
            .next("run once with --create-tables, after the portal's own tables are there, or mend what is said above"))
    }

    /// What was measured of the output ports.
    pub(crate) async fn coverage(&self, attribution: &Attribution) -> Result<Vec<PortCoverage>, Failure> {
        let query = self.model.coverage(attribution.output_ports()).map_err(unasked)?;
        self.rows(query).await
    }

    /// What has to be counted of these days: never measured, unsettled, or counted by another mapping.
    pub(crate) async fn gaps(
        &self,
        attribution: &Attribution,
        days: Range<NaiveDate>,
    ) -> Result<Vec<Gap>, Failure> {
        let scope = Scope::new(days, attribution.output_ports()).map_err(unasked)?;
        let gaps = Gaps::of(scope).counted_by(attribution.rules());
        self.rows(self.model.gaps(&gaps).map_err(unasked)?).await
    }

    /// Whether the tables hold a query of the batch's days and output ports.
    pub(crate) async fn holds_any(&self, batch: &UsageBatch) -> Result<bool, Failure> {
        let ports: Vec<OutputPortId> = batch.scope().output_ports().iter().copied().collect();
        for ports in ports.chunks(PORTS_OF_A_CHART) {
            let chart = QueriesOverTime::of_ports(ports.iter().copied(), batch.scope().days());
            let query = self.model.query(&chart.granularity(Granularity::Year)).map_err(unasked)?;
            if self.rows(query).await?.iter().any(|port| port.query_count > 0) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn rows<T: Row>(&self, query: Query<T>) -> Result<Vec<T>, Failure> {
        let mut connection = self.connect().await?;
        // a pooler may be in between
        let mut transaction = connection.begin().await.map_err(failed)?;
        let rows = query.into_sqlx().fetch_all(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(rows)
    }

    /// What makes the tables hold a batch.
    pub(crate) fn ingest(&self, batch: &UsageBatch, empty: Empty) -> Result<Ingest, Failure> {
        let replace = self.model.replace(batch).map_err(|error| refused(WriteError::Rejected(error)))?;
        Ok(match empty {
            Empty::Allowed => replace.allow_empty(),
            Empty::Refused => replace,
        })
    }

    /// Makes the tables hold the batches, all of them or nothing.
    pub(crate) async fn write(
        &self,
        batches: Vec<Ingest>,
        interrupt: &Interrupt,
    ) -> Result<Vec<Outcome>, Failure> {
        let mut connection = interrupt.or(self.connect()).await?;
        let ingest = async {
            let mut transaction = connection.begin().await.map_err(failed)?;
            let mut outcomes = Vec::with_capacity(batches.len());
            for batch in batches {
                outcomes.push(batch.run_sqlx(&mut transaction).await.map_err(refused)?);
            }
            Ok((transaction, outcomes))
        };
        let (transaction, outcomes) = interrupt.or(ingest).await?;
        // from here on it is too late to stop: whether a commit that was cut off took place, nobody knows
        transaction.commit().await.map_err(undecided)?;
        if outcomes.iter().any(wrote) {
            // outside of the transaction; it only keeps the charts fast
            for statement in self.model.vacuum() {
                statement.into_sqlx().execute(&mut connection).await.map_err(|error| {
                    Failure::new(Exit::Postgres, "the rows were written, but VACUUM failed").because(error)
                })?;
            }
        }
        Ok(outcomes)
    }
}

/// A batch without a query.
#[derive(Clone, Copy)]
pub(crate) enum Empty {
    /// It removes what its days hold.
    Allowed,
    /// It is an error.
    Refused,
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

fn unasked(error: output_port_usage::Error) -> Failure {
    Failure::new(Exit::Usage, "the tables cannot be asked what they hold").because(error)
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
    use output_port_usage::{
        Column, ConsumerId, GapReason, OutputPortQueries, TableNames, TechAssetId, UsageModelBuilder,
    };
    use sqlx::AssertSqlSafe;
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

    fn attribution() -> Attribution {
        let asset = TechAssetId(Uuid::from_u128(3));
        let builder = Attribution::builder().object("db.s.t", asset).tech_asset(asset, PORTS);
        builder.user("ana", ConsumerId(Uuid::from_u128(2))).build().unwrap()
    }

    #[tokio::test]
    async fn the_tables_of_any_model_are_asked_what_they_hold() {
        let names = TableNames::new("Q").column(Column::Date, "day").column(Column::OutputPortId, "of");
        let coverage = TableNames::new("C").column(Column::Measured, "there");
        let builder: UsageModelBuilder = serde_json::from_str(access_log::MODEL).unwrap();
        let builder = builder.schema("own schema").queries_table(names).coverage_table(coverage);
        let (database, _, _server) = portal(builder.build().unwrap()).await;
        let attribution = attribution();
        let batch = batch().into_builder().rules(attribution.rules()).unsettled_from(day(2)).build();
        assert!(!database.holds_any(&batch).await.unwrap());
        let firsts =
            |coverage: Vec<PortCoverage>| coverage.iter().map(|port| port.first_measured).collect::<Vec<_>>();
        assert_eq!(firsts(database.coverage(&attribution).await.unwrap()), [None, None]);

        let ingest = database.ingest(&batch, Empty::Refused).unwrap();
        database.write(vec![ingest], &Interrupt::listen()).await.unwrap();
        assert!(database.holds_any(&batch).await.unwrap());
        assert_eq!(firsts(database.coverage(&attribution).await.unwrap()), [Some(day(1)); 2]);
        let gaps = database.gaps(&attribution, day(1)..day(4)).await.unwrap();
        let gaps: Vec<_> = gaps.into_iter().map(|gap| (gap.output_port_id, gap.days, gap.reason)).collect();
        let of = |port| {
            [(port, day(2)..day(3), GapReason::Unsettled), (port, day(3)..day(4), GapReason::NeverMeasured)]
        };
        assert_eq!(gaps, [of(PORTS[0]), of(PORTS[1])].concat());
        let later = UsageBatch::builder(Scope::new(day(2)..day(3), PORTS).unwrap()).build();
        assert!(!database.holds_any(&later).await.unwrap());
    }

    #[tokio::test]
    async fn tables_without_coverage_name_the_way_to_it() {
        let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
        let drop = "DROP TABLE usage.output_port_usage_coverage";
        sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
        let failure = database.coverage(&attribution()).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Postgres);
        assert!(failure.to_string().contains("next: run once with --create-tables"), "{failure}");
        database.create_tables().await.unwrap();
        assert_eq!(database.coverage(&attribution()).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_database_that_differs_is_refused_or_named() {
        let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
        assert_eq!(database.check(day(1)).await.unwrap(), Vec::<String>::new());
        let alter = "DROP INDEX usage.output_port_query_stats_daily_date_idx;
            ALTER TABLE usage.tech_asset_stats_daily DROP CONSTRAINT tech_asset_stats_daily_consumer_id_fkey";
        sqlx::raw_sql(alter).execute(&mut connection).await.unwrap();
        let lines = database.check(day(1)).await.unwrap().join("\n");
        assert!(
            lines.contains(r#"slow: "usage"."output_port_query_stats_daily" has no brin index (date)"#),
            "{lines}"
        );
        assert!(
            lines.contains(
                "\n    CREATE /* output-port-usage: create without blocking the index on date of queries */ INDEX CONCURRENTLY"
            ),
            "{lines}"
        );
        assert!(lines.contains("wrong numbers: column"), "{lines}");

        let alter = "ALTER TABLE usage.tech_asset_stats_daily ALTER query_count TYPE bigint";
        sqlx::raw_sql(alter).execute(&mut connection).await.unwrap();
        let failure = database.check(day(1)).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Postgres);
        assert!(failure.to_string().contains("is bigint, not integer"), "{failure}");
    }

    #[tokio::test]
    async fn batches_are_all_written_or_none() {
        let (database, mut connection, _server) = portal(crate::model::read(None).unwrap()).await;
        let later = UsageBatch::builder(Scope::new(day(7)..day(9), PORTS).unwrap()).build();
        let ingests = |empty| {
            vec![database.ingest(&batch(), Empty::Refused).unwrap(), database.ingest(&later, empty).unwrap()]
        };
        let rows = "SELECT count(*) FROM usage.output_port_query_stats_daily";
        let interrupt = Interrupt::listen();
        let failure = database.write(ingests(Empty::Refused), &interrupt).await.unwrap_err();
        assert!(failure.to_string().contains("nothing was written"), "{failure}");
        assert_eq!(sqlx::query_scalar::<_, i64>(rows).fetch_one(&mut connection).await.unwrap(), 0);

        let outcomes = database.write(ingests(Empty::Allowed), &interrupt).await.unwrap();
        let written: Vec<_> =
            outcomes.iter().map(|outcome| (outcome.queries.written, outcome.coverage)).collect();
        assert_eq!(written, [(1, Some(2)), (0, Some(2))]);
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
            let ingest = database.ingest(&batch(), Empty::Refused).unwrap();
            let failure = database.write(vec![ingest], &Interrupt::listen()).await.unwrap_err();
            let text = failure.to_string();
            assert_eq!(failure.exit(), Exit::Postgres);
            assert!(text.contains("the commit failed, or its answer was lost"), "{text}");
            assert!(text.contains(cause) && !text.contains("nothing was written"), "{text}");
        }
    }
}
