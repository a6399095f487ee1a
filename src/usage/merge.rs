//! Adding batches of the same scope.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use uuid::Uuid;

use super::{Combination, OutputPortQueries, Row, TechAssetTouches, UsageBatch};
use crate::error::{Error, Kind};
use crate::id::{ConsumerId, OutputPortId, TechAssetId};
use crate::model::Stats;

impl UsageBatch {
    /// Adds the counts of two batches of the same scope, for instance of two warehouse accounts.
    ///
    /// Which one is merged into which makes no difference. A query must not be counted in both: the counts cannot tell.
    /// Rows come in the order of day and ids, zero counts left out.
    ///
    /// # Errors
    ///
    /// Different scopes, or touches or combinations that only one of the batches measured
    /// ([`Error::is_unmergeable`]); a key that one batch holds twice ([`Error::is_duplicate_key`]); a sum over
    /// `i32::MAX`.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let (output_port_id, consumer_id) = (OutputPortId(uuid::Uuid::nil()), ConsumerId(uuid::Uuid::nil()));
    /// let date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// let scope = Scope::new(last_days(1, date), [output_port_id])?;
    /// let row = |query_count| OutputPortQueries { date, output_port_id, consumer_id, query_count };
    /// let europe = UsageBatch::new(scope.clone(), vec![row(2)]);
    /// let america = UsageBatch::new(scope, vec![row(3)]);
    /// assert_eq!(europe.merge(america)?.queries(), [row(5)]);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn merge(self, other: UsageBatch) -> Result<UsageBatch, Error> {
        if self.scope != other.scope {
            let described = |batch: &UsageBatch| {
                let days = batch.scope.days();
                format!("{} to {} of {} output ports", days.start, days.end, batch.scope.output_ports().len())
            };
            return Err(Kind::ScopesDiffer { first: described(&self), second: described(&other) }.into());
        }
        Ok(Self {
            queries: sum(Stats::Queries, &self.queries, &other.queries)?,
            touches: sum_measured(Stats::Touches, self.touches, other.touches)?,
            combinations: sum_measured(Stats::Combinations, self.combinations, other.combinations)?,
            scope: self.scope,
        })
    }
}

fn sum_measured<F, const N: usize>(
    stats: Stats,
    one: Option<Vec<F>>,
    other: Option<Vec<F>>,
) -> Result<Option<Vec<F>>, Error>
where
    Row<N>: for<'a> From<&'a F> + Into<F>,
{
    match (one, other) {
        (None, None) => Ok(None),
        (Some(one), Some(other)) => sum(stats, &one, &other).map(Some),
        (Some(_), None) | (None, Some(_)) => Err(Kind::MeasuredInOne(stats.what()).into()),
    }
}

fn sum<F, const N: usize>(stats: Stats, one: &[F], other: &[F]) -> Result<Vec<F>, Error>
where
    Row<N>: for<'a> From<&'a F> + Into<F>,
{
    let table = stats.what();
    let mut sums = by_key(table, one)?;
    for (key, count) in by_key(table, other)? {
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(count);
        if i32::try_from(*sum).is_err() {
            let row = Row { date: key.0, ids: key.1, count: *sum };
            return Err(Kind::CountTooLarge { table, key: row.named(), count: *sum }.into());
        }
    }
    let rows = sums.into_iter().map(|((date, ids), count)| Row { date, ids, count });
    Ok(rows.filter(|row| row.count > 0).map(Row::into).collect())
}

type Counts<const N: usize> = BTreeMap<(NaiveDate, [Uuid; N]), u64>;

fn by_key<F, const N: usize>(table: &'static str, facts: &[F]) -> Result<Counts<N>, Error>
where
    Row<N>: for<'a> From<&'a F>,
{
    let mut counts = Counts::new();
    for row in facts.iter().map(Row::from) {
        if counts.insert((row.date, row.ids), row.count).is_some() {
            return Err(Kind::DuplicateKey { table, key: row.named() }.into());
        }
    }
    Ok(counts)
}

impl From<Row<2>> for OutputPortQueries {
    fn from(Row { date, ids: [port, consumer], count }: Row<2>) -> Self {
        Self {
            date,
            output_port_id: OutputPortId(port),
            consumer_id: ConsumerId(consumer),
            query_count: count,
        }
    }
}

impl From<Row<3>> for TechAssetTouches {
    fn from(Row { date, ids: [port, asset, consumer], count }: Row<3>) -> Self {
        Self {
            date,
            output_port_id: OutputPortId(port),
            tech_asset_id: TechAssetId(asset),
            consumer_id: ConsumerId(consumer),
            query_count: count,
        }
    }
}

impl From<Row<3>> for Combination {
    fn from(Row { date, ids: [smaller, larger, consumer], count }: Row<3>) -> Self {
        Self {
            date,
            output_port_id_1: OutputPortId(smaller),
            output_port_id_2: OutputPortId(larger),
            consumer_id: ConsumerId(consumer),
            query_count: count,
        }
    }
}
