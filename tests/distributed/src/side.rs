//! The two databases.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use output_port_usage::{Distribution, SqlxValues, Statement, Values};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, Column, Connection, Row, ValueRef};
use uuid::Uuid;

/// The rows of a result as Postgres sends them: a value's bytes, or NULL.
pub(crate) type Rows = Vec<Vec<Option<Vec<u8>>>>;

/// A plain PostgreSQL and a distributed one, in this order.
pub(crate) struct Sides {
    pub(crate) both: [PgConnection; 2],
    pub(crate) distribution: Distribution,
    pub(crate) differences: usize,
    versions: [String; 2],
}

/// What a step gave on both sides, and the milliseconds that it took.
pub(crate) struct Answer<T> {
    pub(crate) of: [T; 2],
    pub(crate) took: [f64; 2],
}

impl Sides {
    pub(crate) async fn connect(plain: &str, distributed: &str) -> Result<Self> {
        let mut both = [
            PgConnection::connect(plain).await.context("the plain database")?,
            PgConnection::connect(distributed).await.context("the distributed database")?,
        ];
        let mut versions = Vec::new();
        let mut extensions = Vec::new();
        for connection in &mut both {
            let there: Vec<String> = sqlx::query_scalar(
                "SELECT nspname::text FROM pg_namespace WHERE nspname IN ('portal', 'usage')",
            )
            .fetch_all(&mut *connection)
            .await?;
            ensure!(there.is_empty(), "a database has the schema {}: the program makes its own", there[0]);
            let version: String =
                sqlx::query_scalar("SHOW server_version").fetch_one(&mut *connection).await?;
            versions.push(version);
            let extension: Option<(String, String)> = sqlx::query_as(
                "SELECT extname::text, extversion FROM pg_extension WHERE extname IN ('citus', 'timescaledb')",
            )
            .fetch_optional(&mut *connection)
            .await?;
            extensions.push(extension);
        }
        let Some((extension, version)) = extensions.remove(1) else {
            anyhow::bail!("the second database has neither the extension citus nor timescaledb")
        };
        ensure!(extensions == [None], "the first database is not a plain one");
        let distribution = match extension.as_str() {
            "citus" => Distribution::Citus,
            _ => Distribution::TimescaleDb,
        };
        let of_distributed = format!("{} with {extension} {version}", versions[1]);
        let mut sides =
            Self { both, distribution, differences: 0, versions: [versions.remove(0), of_distributed] };
        if distribution == Distribution::Citus {
            let nodes = "SELECT count(*) FROM pg_dist_node WHERE isactive AND shouldhaveshards";
            let nodes: i64 = sqlx::query_scalar(nodes).fetch_one(&mut sides.both[1]).await?;
            sides.versions[1] += &format!(", {nodes} nodes with shards");
        }
        Ok(sides)
    }

    pub(crate) fn describe(&self) -> String {
        format!("PostgreSQL {} beside PostgreSQL {}", self.versions[0], self.versions[1])
    }

    /// Runs a text of the program's own on both.
    pub(crate) async fn text(&mut self, what: &str, text: &str) -> Result<()> {
        for connection in &mut self.both {
            let script = sqlx::raw_sql(AssertSqlSafe(text.to_owned()));
            script.execute(connection).await.with_context(|| what.to_owned())?;
        }
        Ok(())
    }

    pub(crate) async fn insert_parents(
        &mut self,
        table: &str,
        ids: &[Uuid],
        groups: Option<&Vec<Option<Uuid>>>,
    ) -> Result<()> {
        let insert = match groups {
            None => format!(
                "INSERT INTO portal.{table} (id, name) SELECT id, '{table} ' || id FROM unnest($1::uuid[]) AS u(id)"
            ),
            Some(_) => format!(
                "INSERT INTO portal.{table} (id, name, domain_id)
                 SELECT id, '{table} ' || id, domain_id FROM unnest($1::uuid[], $2::uuid[]) AS u(id, domain_id)"
            ),
        };
        for connection in &mut self.both {
            let mut query = sqlx::query(AssertSqlSafe(insert.clone())).bind(ids);
            if let Some(groups) = groups {
                query = query.bind(groups);
            }
            query.execute(connection).await.with_context(|| format!("insert into {table}"))?;
        }
        Ok(())
    }

    /// Runs statements without rows, each by itself, and names the one that fails.
    pub(crate) async fn statements(&mut self, statements: &[Statement]) -> Result<()> {
        for side in [0, 1] {
            for statement in statements {
                self.statement(side, statement).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn statement(&mut self, side: usize, statement: &Statement) -> Result<()> {
        let query = statement.clone().into_sqlx();
        let name = ["plain", "distributed"][side];
        query
            .execute(&mut self.both[side])
            .await
            .with_context(|| format!("{name}: {}", statement.title()))?;
        Ok(())
    }

    /// The rows of a query on both sides.
    pub(crate) async fn rows(&mut self, what: &str, sql: &str, values: &Values) -> Result<Answer<Rows>> {
        let (mut of, mut took) = ([Rows::new(), Rows::new()], [0.0; 2]);
        for side in [0, 1] {
            let query = sqlx::query_with(AssertSqlSafe(sql.to_owned()), SqlxValues(values.clone()));
            let start = Instant::now();
            let rows = query.persistent(false).fetch_all(&mut self.both[side]).await;
            took[side] = start.elapsed().as_secs_f64() * 1e3;
            of[side] = bytes(&rows.with_context(|| format!("{}: {what}", ["plain", "distributed"][side]))?)?;
        }
        Ok(Answer { of, took })
    }

    /// Says so where both sides are not equal.
    pub(crate) fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        what: &str,
        [plain, distributed]: &[T; 2],
    ) {
        if plain != distributed {
            self.differences += 1;
            println!("DIFFERENT: {what}\n  plain       {plain:?}\n  distributed {distributed:?}");
        }
    }

    /// Says so where the rows of a read are not equal.
    pub(crate) fn compare_rows(&mut self, what: &str, rows: &[Rows; 2]) -> bool {
        let equal = rows[0] == rows[1];
        if !equal {
            self.differences += 1;
            println!("DIFFERENT: {what}: {}", first_difference(rows));
        }
        equal
    }

    /// Says so where a step failed on one side.
    pub(crate) fn failed(&mut self, what: &str, error: &dyn std::fmt::Debug) {
        self.differences += 1;
        println!("FAILED: {what}: {error:?}");
    }

    pub(crate) async fn drop_schemas(mut self) -> Result<()> {
        self.text("drop what was made", "DROP SCHEMA usage CASCADE; DROP SCHEMA portal CASCADE").await
    }
}

fn bytes(rows: &[PgRow]) -> Result<Rows> {
    let value = |row: &PgRow, column| -> Result<Option<Vec<u8>>> {
        let value = row.try_get_raw(column)?;
        if value.is_null() {
            return Ok(None);
        }
        let bytes = value.as_bytes().map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok(Some(bytes.to_vec()))
    };
    let each = |row: &PgRow| {
        let mut values = (0..row.len()).map(|column| value(row, column)).collect::<Result<Vec<_>>>()?;
        if let Some(series) = series(row)? {
            for (value, column) in values.iter_mut().zip(row.columns()) {
                if ["places", "counts"].contains(&column.name()) {
                    *value = None;
                }
            }
            values.push(Some(series));
        }
        Ok(values)
    };
    rows.iter().map(each).collect()
}

/// The places and counts of a series, which come in any order, as pairs in the order of the places.
fn series(row: &PgRow) -> Result<Option<Vec<u8>>> {
    if row.try_column("places").is_err() {
        return Ok(None);
    }
    let places: Option<Vec<i64>> = row.try_get("places")?;
    let counts: Option<Vec<i64>> = row.try_get("counts")?;
    let mut pairs: Vec<_> = places.into_iter().flatten().zip(counts.into_iter().flatten()).collect();
    pairs.sort_unstable();
    Ok(Some(
        pairs.iter().flat_map(|(place, count)| [place.to_be_bytes(), count.to_be_bytes()].concat()).collect(),
    ))
}

/// The first row in which both differ, as far as it can be read without its types.
fn first_difference([plain, distributed]: &[Rows; 2]) -> String {
    let text = |rows: &Rows, row: usize| {
        let values = |row: &Vec<Option<Vec<u8>>>| row.iter().map(shown).collect::<Vec<_>>().join(", ");
        rows.get(row).map_or("none".to_owned(), values)
    };
    let row = plain.iter().zip(distributed).take_while(|(plain, distributed)| plain == distributed).count();
    let (of_plain, of_distributed) = (text(plain, row), text(distributed, row));
    format!(
        "row {row} of {} and {}\n  plain       {of_plain}\n  distributed {of_distributed}",
        plain.len(),
        distributed.len()
    )
}

fn shown(value: &Option<Vec<u8>>) -> String {
    match value.as_deref() {
        None => "NULL".to_owned(),
        Some(bytes) => match (<[u8; 16]>::try_from(bytes), <[u8; 8]>::try_from(bytes)) {
            (Ok(id), _) => Uuid::from_bytes(id).to_string(),
            (_, Ok(number)) => i64::from_be_bytes(number).to_string(),
            _ => String::from_utf8_lossy(bytes).escape_default().to_string(),
        },
    }
}
