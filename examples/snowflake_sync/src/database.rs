//! The portal's Postgres.

mod known;
mod left;
#[cfg(test)]
mod tests;

use std::ops::Range;
use std::time::Duration;

use chrono::NaiveDate;
use output_port_usage::chart::{QueriesOverTime, Row};
use output_port_usage::{
    Attribution, DifferenceKind, Gap, Gaps, Granularity, Ingest, Outcome, OutputPortId, PortCoverage, Query,
    Role, Rules, Scope, Severity, TableOutcome, UsageBatch, UsageModel, WriteError,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Connection as _, Postgres, Transaction};

pub(crate) use self::known::without;
pub(crate) use self::left::{Left, LeftIds, Mapped};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::limits::Limits;
use crate::model::{CoverageNames, Model};
use crate::secret::Secret;

/// How many output ports a chart takes.
const PORTS_OF_A_CHART: usize = 10_000;

/// How long a commit may take, which nothing else ends.
const LONGEST_COMMIT: Duration = Duration::from_secs(60);

/// The usage tables, in the portal's database.
///
/// Each step connects anew: a connection that idles while Snowflake counts may be gone when it is wanted.
pub(crate) struct Database {
    options: PgConnectOptions,
    model: UsageModel,
    coverage_names: CoverageNames,
    limits: Limits,
    interrupt: Interrupt,
}

impl Database {
    pub(crate) fn new(
        url: &Secret,
        model: Model,
        limits: Limits,
        interrupt: Interrupt,
    ) -> Result<Self, Failure> {
        let options: PgConnectOptions = url.reveal().parse().map_err(unreached)?;
        let options = options.application_name("snowflake-sync");
        Ok(Self { options, model: model.usage, coverage_names: model.coverage, limits, interrupt })
    }

    async fn connect(&self) -> Result<PgConnection, Failure> {
        let limit = self.limits.connect;
        let late = || {
            Failure::new(Exit::OutOfTime, format!("Postgres did not answer in {limit:?}"))
                .next("check DATABASE_URL and the way to Postgres, or give it more time with --connect-limit")
        };
        let connect = async { self.options.connect().await.map_err(unreached) };
        self.interrupt.within(limit, late, connect).await
    }

    /// The result of a few statements: Postgres stops what takes too long, and should it be mute, so does this.
    async fn within<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let limit = self.limits.statement.saturating_add(Duration::from_secs(5));
        let late = || Failure::new(Exit::OutOfTime, format!("Postgres did not answer in {limit:?}"));
        self.interrupt.within(limit, late, work).await
    }

    /// A transaction whose statements have their limits.
    async fn begin<'a>(
        &self,
        connection: &'a mut PgConnection,
    ) -> Result<Transaction<'a, Postgres>, Failure> {
        let mut transaction = connection.begin().await.map_err(failed)?;
        let limits = [self.limits.statement, self.limits.lock];
        // none at all would be 0, and more than that is refused
        let most = u128::from(i32::MAX.unsigned_abs());
        let [statement, lock] = limits.map(|limit| format!("{}ms", limit.as_millis().clamp(1, most)));
        // for this transaction alone, and never prepared under a name, because a pooler may hand the connection on
        let set = "SELECT pg_catalog.set_config('statement_timeout', $1, true), pg_catalog.set_config('lock_timeout', $2, true)";
        let set = sqlx::query(set).bind(statement).bind(lock).persistent(false);
        set.execute(&mut *transaction).await.map_err(failed)?;
        Ok(transaction)
    }

    /// Creates the schema and what is missing in it, all of it or nothing, and says whether anything was missing.
    ///
    /// Runs that come at once wait for each other.
    pub(crate) async fn create_tables(&self) -> Result<bool, Failure> {
        let mut connection = self.connect().await?;
        let denied = |error| self.denied(error, Role::Owner);
        self.within(async {
            let mut transaction = self.begin(&mut connection).await?;
            let wait = "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('snowflake-sync creates tables', 0))";
            sqlx::query(wait).persistent(false).execute(&mut *transaction).await.map_err(failed)?;
            let before = self.relations(&mut transaction).await?;
            for statement in std::iter::once(self.model.create_schema()).chain(self.model.create_tables()) {
                statement.into_sqlx().execute(&mut *transaction).await.map_err(denied)?;
            }
            let created = self.relations(&mut transaction).await? > before;
            transaction.commit().await.map_err(failed)?;
            Ok(created)
        })
        .await
    }

    /// How many tables and indexes the schema holds.
    async fn relations(&self, transaction: &mut PgConnection) -> Result<i64, Failure> {
        let count = "SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace WHERE n.nspname = $1";
        let schema = self.model.queries_table().schema();
        let count = sqlx::query_scalar(count).bind(schema).persistent(false);
        count.fetch_one(transaction).await.map_err(failed)
    }

    /// Refuses a database in which a write would fail, and gives the lines about what else differs from the model.
    pub(crate) async fn check(&self, today: NaiveDate) -> Result<Vec<String>, Failure> {
        let check = self.model.check(today);
        let rows = self.rows(check.query()).await?;
        let (mut lines, mut fatal, mut lacks_privilege) = (Vec::new(), Vec::new(), false);
        for difference in check.differences(rows).map_err(unasked)? {
            let lines = if difference.severity() == Severity::Errors { &mut fatal } else { &mut lines };
            lines.push(format!("{}: {difference}", difference.severity()));
            lines.extend(difference.mend().iter().map(|statement| format!("    {statement};")));
            lacks_privilege |= difference.kind() == DifferenceKind::Privilege;
        }
        if fatal.is_empty() {
            return Ok(lines);
        }
        let failure =
            Failure::new(Exit::Postgres, "the database is not as the model says").because(fatal.join("\n"));
        Err(match self.grants(Role::Writer).filter(|_| lacks_privilege) {
            Some(grants) => failure.next(grants),
            None => failure.next(
                "run once with --create-tables, after the portal's own tables are there, or mend what is said above",
            ),
        })
    }

    /// What was measured of the output ports.
    pub(crate) async fn coverage(&self, attribution: &Attribution) -> Result<Vec<PortCoverage>, Failure> {
        let query = self.model.coverage(attribution.output_ports()).map_err(unasked)?;
        self.rows(query).await
    }

    /// What has to be counted of these days: never measured, unsettled, or counted by other rules.
    pub(crate) async fn gaps(
        &self,
        attribution: &Attribution,
        rules: Option<&Rules>,
        days: Range<NaiveDate>,
    ) -> Result<Vec<Gap>, Failure> {
        let scope = Scope::new(days, attribution.output_ports()).map_err(unasked)?;
        let gaps = Gaps::of(scope).counted_by(rules.cloned().unwrap_or_default());
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
        let denied = |error| self.denied(error, Role::Writer);
        self.within(async {
            // a pooler may be in between
            let mut transaction = self.begin(&mut connection).await?;
            let rows = query.into_sqlx().fetch_all(&mut *transaction).await.map_err(denied)?;
            transaction.commit().await.map_err(failed)?;
            Ok(rows)
        })
        .await
    }

    /// What makes the tables hold a batch.
    pub(crate) fn ingest(&self, batch: &UsageBatch, empty: Empty) -> Result<Ingest, Failure> {
        let replace = self.model.replace(batch).map_err(|error| refused(WriteError::Rejected(error)))?;
        Ok(match empty {
            Empty::Allowed => replace.allow_empty(),
            Empty::Refused => replace,
        })
    }

    /// Makes the tables hold a batch, or changes nothing.
    pub(crate) async fn write(&self, ingest: Ingest) -> Result<Outcome, Failure> {
        let mut connection = self.connect().await?;
        let (transaction, outcome) = self
            .interrupt
            .or(async {
                let mut transaction = self.begin(&mut connection).await?;
                let written = ingest.run_sqlx(&mut transaction).await;
                let outcome = written.map_err(|error| match error {
                    WriteError::Driver(error) => self.denied(error, Role::Writer),
                    other => refused(other),
                })?;
                Ok((transaction, outcome))
            })
            .await?;
        self.commit(transaction).await?;
        Ok(outcome)
    }

    /// From here on it is too late to stop: whether a commit that was cut off took place, nobody knows.
    async fn commit(&self, transaction: Transaction<'_, Postgres>) -> Result<(), Failure> {
        match tokio::time::timeout(self.limits.statement.min(LONGEST_COMMIT), transaction.commit()).await {
            Ok(result) => result.map_err(undecided),
            Err(late) => Err(undecided(late)),
        }
    }

    /// Keeps the charts fast. The rows are there already.
    pub(crate) async fn vacuum(&self) -> Result<(), Failure> {
        let mut connection = self.connect().await?;
        for statement in self.model.vacuum() {
            self.within(async {
                statement
                    .into_sqlx()
                    .execute(&mut connection)
                    .await
                    .map_err(|error| Failure::new(Exit::Postgres, "VACUUM failed").because(error))
            })
            .await?;
        }
        Ok(())
    }

    /// What failed, and the exact grants where a privilege is missing.
    fn denied(&self, error: sqlx::Error, role: Role) -> Failure {
        let is_denied =
            error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("42501"));
        match self.grants(role).filter(|_| is_denied) {
            Some(grants) => Failure::new(Exit::Postgres, "the role of DATABASE_URL lacks a privilege")
                .because(error)
                .next(grants),
            None => failed(error),
        }
    }

    /// The statements that let the role of `DATABASE_URL` do all that it has to.
    fn grants(&self, role: Role) -> Option<String> {
        let who = match role {
            // the schema need not be there yet, and the database is not the model's
            Role::Owner => "a superuser creates the schema if it is not there, and runs",
            _ => "who owns the tables, or a superuser, runs",
        };
        let grants = self.model.grants(role, self.options.get_username()).ok()?;
        Some(grants.iter().fold(who.to_owned(), |text, grant| text + &format!("\n    {grant};")))
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
    Failure::new(Exit::Postgres, "Postgres was not reached")
        .because(error)
        .next("check DATABASE_URL, and that this machine may connect")
}

fn failed(error: sqlx::Error) -> Failure {
    let code = error.as_database_error().and_then(|error| error.code());
    let (what, next) = match code.as_deref() {
        // undefined_table, invalid_schema_name
        Some("42P01" | "3F000") => {
            ("Postgres failed", "run once with --create-tables, after the portal's own tables are there")
        }
        // query_canceled, by statement_timeout or by a person
        Some("57014") => {
            return Failure::new(Exit::OutOfTime, "Postgres cancelled a statement")
                .because(error)
                .next("the next run tries again; --statement-limit gives it more time");
        }
        // lock_not_available
        Some("55P03") => {
            return Failure::new(Exit::OutOfTime, "somebody else holds a lock in Postgres")
                .because(error)
                .next("the next run tries again; --lock-limit waits longer");
        }
        // foreign_key_violation
        Some("23503") => (
            "Postgres failed",
            "the portal has deleted what is counted, in the same moment: the next run names it",
        ),
        _ => ("Postgres failed", "the next run tries again"),
    };
    Failure::new(Exit::Postgres, what).because(error).next(next)
}

/// Whether a failure says that the tables, or their schema, are not there yet.
pub(crate) fn lacks_tables(failure: &Failure) -> bool {
    let error = failure.cause().and_then(|cause| cause.downcast_ref::<sqlx::Error>());
    let code = error.and_then(sqlx::Error::as_database_error).and_then(|error| error.code());
    matches!(code.as_deref(), Some("42P01" | "3F000"))
}

/// An error of the commit may mean a refusal or a lost answer: the rows may be there all the same.
fn undecided(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::new(
        Exit::Postgres,
        "the commit failed, or its answer was lost: the rows of this part are all written or none of them is",
    )
    .undecided()
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
                "the portal has deleted what is counted, in the same moment: the next run names it"
            } else {
                "this should not be; please report it with the message above"
            };
            Failure::new(Exit::Postgres, "the rows were refused").because(error).next(next)
        }
        other => Failure::new(Exit::Postgres, "the rows were not written").because(other),
    }
}
