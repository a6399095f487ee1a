//! What a chart is compared with: the same answer by the usual portal design and by the raw log, and the floor.

mod design;
mod floor;
mod log;
mod points;

use std::time::Instant;

use anyhow::{Context, Result};
use chrono::NaiveDate;
use output_port_usage::{SqlxValues, Values};
use sea_query::{ArrayType, Value};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use crate::answer::{self, Entry, Member, Series, billionths, number};
use crate::request::{Kind, Request, TOP, Timed};

pub(crate) use floor::{bare_groups, count, floor};
pub(crate) use points::{OverviewPoint, Point, entries as entries_of_points, points};

/// The statements of a design, whose results the application folds.
///
/// Each binds the output port (or all of them), the first day, the day after the last and, where it has buckets,
/// their unit.
struct Texts {
    over_time: &'static str,
    of_ports: &'static str,
    split: &'static str,
    distribution: &'static str,
    by_group: &'static str,
    assets: &'static str,
    assets_before: &'static str,
    /// With the output port's own queries.
    combined: Option<[&'static str; 2]>,
    summary: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The usual portal design.
    Design,
    /// The raw query log.
    Log,
}

impl Way {
    fn texts(self) -> &'static Texts {
        match self {
            Self::Design => &design::TEXTS,
            Self::Log => &log::TEXTS,
        }
    }
}

/// A statement of a baseline.
#[derive(Debug, Clone)]
pub(crate) struct Sql {
    pub(crate) text: &'static str,
    pub(crate) values: Values,
}

impl Sql {
    pub(crate) fn parts(&self) -> (&str, &Values) {
        (self.text, &self.values)
    }

    pub(crate) async fn fetch<R>(self, to: &mut PgConnection) -> Result<Vec<R>>
    where
        R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let query = sqlx::query_as_with(AssertSqlSafe(self.text), SqlxValues(self.values));
        query.fetch_all(to).await.context(self.text)
    }
}

impl Request {
    fn sql(&self, text: &'static str) -> Sql {
        let values = vec![self.port(), self.days.start.into(), self.days.end.into()];
        Sql { text, values: Values(values) }
    }

    fn by_unit(&self, text: &'static str) -> Sql {
        let mut sql = self.sql(text);
        sql.values.0.push(self.unit().into());
        sql
    }

    fn before(&self, text: &'static str) -> Sql {
        let days = self.previous();
        Sql { text, values: Values(vec![self.port(), days.start.into(), days.end.into()]) }
    }

    fn port(&self) -> Value {
        match self.kind {
            Kind::OfPorts => {
                let ports = self.ports.iter().map(|&port| port.into()).collect();
                Value::Array(ArrayType::Uuid, Some(Box::new(ports)))
            }
            _ => self.ports[0].into(),
        }
    }

    /// The statements of a way, in the order in which they run; none where the design has no such table.
    pub(crate) fn statements(&self, way: Way) -> Option<Vec<Sql>> {
        let texts = way.texts();
        Some(match self.kind {
            Kind::OverTime => vec![self.by_unit(texts.over_time)],
            Kind::OfPorts => vec![self.by_unit(texts.of_ports)],
            Kind::Split => vec![self.by_unit(texts.split)],
            Kind::Distribution => vec![self.sql(texts.distribution)],
            Kind::ByGroup => vec![self.sql(texts.by_group)],
            Kind::Assets => vec![self.sql(texts.assets), self.before(texts.assets_before)],
            Kind::CombinedWith => texts.combined?.map(|text| self.sql(text)).into(),
            Kind::Summary => vec![self.sql(texts.summary)],
            Kind::Overview => vec![
                self.by_unit(texts.over_time),
                self.by_unit(texts.split),
                self.sql(texts.distribution),
                self.sql(texts.summary),
            ],
        })
    }

    /// Runs a way's statements and folds their rows; the time is that of both.
    pub(crate) async fn run(&self, way: Way, to: &mut PgConnection) -> Result<Option<Timed>> {
        let Some(statements) = self.statements(way) else { return Ok(None) };
        let start = Instant::now();
        let mut statements = statements.into_iter();
        let mut next = || statements.next().expect("a statement for each part of the chart");
        let buckets = || answer::buckets(&self.days, self.granularity);
        let entries = match self.kind {
            Kind::OverTime => answer::filled(next().fetch(to).await?, &buckets()),
            Kind::OfPorts => of_ports(next().fetch(to).await?, &buckets()),
            Kind::Split => answer::grid(next().fetch(to).await?, &buckets(), TOP),
            Kind::Distribution | Kind::ByGroup => answer::ranked(next().fetch(to).await?, TOP),
            Kind::Assets => {
                let now = next().fetch(to).await?;
                assets(now, next().fetch(to).await?)
            }
            Kind::CombinedWith => {
                let members = next().fetch(to).await?;
                let total: Vec<(i64,)> = next().fetch(to).await?;
                combined(members, total[0].0)
            }
            Kind::Summary => summary(next().fetch(to).await?),
            Kind::Overview => {
                let mut entries = answer::filled(next().fetch(to).await?, &buckets());
                entries.extend(answer::grid(next().fetch(to).await?, &buckets(), TOP));
                entries.extend(answer::ranked(next().fetch(to).await?, TOP));
                entries.extend(summary(next().fetch(to).await?));
                entries
            }
        };
        Ok(Some((start.elapsed(), entries)))
    }
}

/// Rows of one output port follow each other.
fn of_ports(rows: Vec<(Uuid, String, NaiveDate, i64)>, buckets: &[NaiveDate]) -> Vec<Entry> {
    let mut entries = Vec::new();
    for rows in rows.chunk_by(|one, other| one.0 == other.0) {
        let points = rows.iter().map(|&(_, _, bucket, count)| (bucket, count)).collect();
        let series = Series::Of { id: rows[0].0, label: Some(rows[0].1.clone()) };
        entries.extend(
            answer::filled(points, buckets)
                .into_iter()
                .map(|entry| Entry { series: series.clone(), ..entry }),
        );
    }
    entries
}

fn assets(mut rows: Vec<(Uuid, String, i64, i64, NaiveDate)>, before: Vec<(Uuid, i64)>) -> Vec<Entry> {
    let total: i64 = rows.iter().map(|row| row.2).sum();
    rows.sort_by_key(|row| (-row.2, row.0));
    rows.truncate(TOP);
    let entry = |(id, label, touches, consumers, last_used)| {
        let previous = before.iter().find(|(asset, _)| *asset == id).map_or(0, |(_, touches)| *touches);
        let share = billionths(touches as f64 / total as f64);
        let numbers = [touches, share, consumers, number(last_used), previous];
        Entry { series: Series::Of { id, label: Some(label) }, bucket: None, numbers }
    };
    rows.into_iter().map(entry).collect()
}

/// Shares are of the output port's queries, and there is no Other.
fn combined(members: Vec<Member>, total: i64) -> Vec<Entry> {
    let mut entries = answer::ranked(members, TOP);
    entries.truncate(TOP);
    for entry in &mut entries {
        entry.numbers[1] = billionths(entry.numbers[0] as f64 / total as f64);
    }
    entries
}

fn summary(rows: Vec<(i64, i64, i64, Option<NaiveDate>)>) -> Vec<Entry> {
    let entry = |(queries, consumers, days, last_used): (_, _, _, Option<NaiveDate>)| {
        let numbers = [queries, consumers, days, last_used.map_or(0, number), 0];
        Entry { series: Series::All, bucket: None, numbers }
    };
    rows.into_iter().map(entry).collect()
}
