//! Adding batches of the same scope.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::UsageBatch;
use super::check::check_count;
use super::fact::Fact;
use crate::error::{Error, Kind};

impl UsageBatch {
    /// Adds the counts of two batches of the same scope.
    ///
    /// For instance those of two warehouse accounts. The order makes no difference. No query may be counted in both:
    /// counts alone cannot show that. Rows come in the order of day and ids, without zero counts. A day is settled that
    /// is settled in both, and the rules are those of [`Rules::merge`](crate::Rules::merge).
    ///
    /// # Errors
    ///
    /// All are [`Error::is_batch`]: different scopes, or touches or combinations that only one of the batches measured;
    /// a key that one batch holds twice; a sum over `i32::MAX`; days that are unsettled from outside the scope.
    ///
    /// # Example
    ///
    /// ```
    /// # use chrono::NaiveDate;
    /// # use output_port_usage::*;
    /// # let (output_port_id, consumer_id) = (OutputPortId(uuid::Uuid::nil()), ConsumerId(uuid::Uuid::nil()));
    /// let date = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap();
    /// let scope = Scope::new(last_days(1, date), [output_port_id])?;
    /// let row = |query_count| OutputPortQueries::new(date, output_port_id, consumer_id, query_count);
    /// let batch = |count| UsageBatch::builder(scope.clone()).queries(vec![row(count)]).build();
    /// let (europe, america) = (batch(2), batch(3));
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
        self.check_unsettled()?;
        other.check_unsettled()?;
        Ok(Self {
            queries: sum(&self.queries, &other.queries)?,
            touches: sum_measured(self.touches, other.touches)?,
            combinations: sum_measured(self.combinations, other.combinations)?,
            unsettled_from: self.unsettled_from.into_iter().chain(other.unsettled_from).min(),
            rules: self.rules.merge(&other.rules),
            scope: self.scope,
        })
    }
}

fn sum_measured<F: Fact>(one: Option<Vec<F>>, other: Option<Vec<F>>) -> Result<Option<Vec<F>>, Error> {
    match (one, other) {
        (None, None) => Ok(None),
        (Some(one), Some(other)) => sum(&one, &other).map(Some),
        (Some(_), None) | (None, Some(_)) => Err(Kind::MeasuredInOne(F::STATS.what()).into()),
    }
}

fn sum<F: Fact>(one: &[F], other: &[F]) -> Result<Vec<F>, Error> {
    let mut sums = by_key(one)?;
    for (key, count) in by_key(other)? {
        let sum = sums.entry(key).or_default();
        *sum = sum.saturating_add(count);
    }
    let rows = sums.into_iter().filter(|(_, count)| *count > 0);
    // whichever batch a count that is too large comes from
    rows.map(|((date, ids), count)| F::of(date, ids, count))
        .map(|row| check_count(&row).map(|()| row))
        .collect()
}

fn by_key<F: Fact>(facts: &[F]) -> Result<BTreeMap<(NaiveDate, F::Ids), u64>, Error> {
    let mut counts = BTreeMap::new();
    for row in facts {
        if counts.insert((row.date(), row.ids()), row.count()).is_some() {
            return Err(Kind::DuplicateKey { table: F::STATS.what(), key: row.named() }.into());
        }
    }
    Ok(counts)
}
