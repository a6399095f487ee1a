//! Every statement of a model, for its reviewers.

mod charts;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use uuid::Uuid;

use crate::error::Error;
use crate::id::{ConsumerId, GroupId, OutputPortId, TechAssetId};
use crate::model::UsageModel;
use crate::postgres::{Distribution, Gaps, Purge};
use crate::statement::Statement;
use crate::usage::{Combination, OutputPortQueries, Scope, TechAssetTouches, UsageBatch};

impl UsageModel {
    /// Every statement of the model with its title: tables, writes, upkeep and charts.
    ///
    /// Hold them in a snapshot test of your own: an upgrade of this crate then shows what it changes and what it adds.
    /// The statements are made for sample ids and days, because texts never depend on ids, days or the size of a batch.
    /// Titles are unique, and stay the same from release to release as long as a statement serves the same purpose. A
    /// chart of an output port comes once for each granularity and comparison. Other subjects, consumers and groups change
    /// one place of a chart, the same whatever its granularity: they come by day and by week. What the model has no table
    /// or group for is left out.
    ///
    /// ```
    /// # use output_port_usage::{Reference, UsageModel};
    /// # let model = UsageModel::builder()
    /// #     .output_ports(Reference::to("datasets"))
    /// #     .consumers(Reference::to("data_products"))
    /// #     .tech_assets(Reference::to("technical_assets"))
    /// #     .build()?;
    /// for (title, statement) in model.statements() {
    ///     // insta::assert_snapshot!(title, statement.pretty());
    /// #   assert!(statement.sql().contains(&title));
    /// }
    /// # Ok::<(), output_port_usage::Error>(())
    /// ```
    pub fn statements(&self) -> Vec<(String, Statement)> {
        let samples = Samples::new();
        let mut statements = vec![self.create_schema()];
        statements.extend(self.create_tables());
        statements.extend(self.create_ways_to_read_concurrently());
        statements.extend(self.drop_tables());
        statements.extend(self.writes(&samples).unwrap_or_else(|error| samples.are_right(&error)));
        statements.extend(self.vacuum());
        statements.push(self.check(samples.day).query().into_statement());
        statements.extend(self.drop_foreign_keys());
        statements.extend(self.add_foreign_keys());
        for distribution in [Distribution::Citus, Distribution::TimescaleDb] {
            statements.extend(self.distribute(distribution));
        }
        statements.extend(charts::of(self, &samples).unwrap_or_else(|error| samples.are_right(&error)));
        // writes share statements
        let mut titles = BTreeSet::new();
        let titled = statements.into_iter().map(|statement| (statement.title().to_owned(), statement));
        titled.filter(|(title, _)| titles.insert(title.clone())).collect()
    }

    fn writes(&self, samples: &Samples) -> Result<Vec<Statement>, Error> {
        let batch = samples.batch(self)?;
        let mut statements = self.replace(&batch)?.statements();
        statements.extend(self.upsert(&batch)?.statements());
        let backfill = self.backfill(batch.scope().clone())?;
        statements.extend(backfill.statements());
        statements.extend(backfill.replace_existing().statements());
        statements.extend(self.delete(samples.port, samples.consumer, samples.day)?.statements());
        statements.extend(self.purge(&Purge::before(samples.day))?.statements());
        statements.push(self.reconcile(samples.day..samples.until)?.into_statement());
        if self.0.coverage.is_some() {
            statements.extend(self.declare_measured(batch.scope())?.statements());
            statements.push(self.coverage([samples.port])?.into_statement());
            let gaps = Gaps::of(batch.scope().clone()).counted_by(batch.rules().clone());
            statements.push(self.gaps(&gaps)?.into_statement());
        }
        Ok(statements)
    }
}

/// Ids and days that stand in for a request's.
struct Samples {
    port: OutputPortId,
    other: OutputPortId,
    consumer: ConsumerId,
    group: GroupId,
    asset: TechAssetId,
    day: NaiveDate,
    until: NaiveDate,
}

impl Samples {
    fn new() -> Self {
        let day = NaiveDate::default();
        Self {
            port: OutputPortId(Uuid::from_u128(1)),
            other: OutputPortId(Uuid::from_u128(2)),
            consumer: ConsumerId(Uuid::from_u128(3)),
            group: GroupId(Uuid::from_u128(5)),
            asset: TechAssetId(Uuid::from_u128(4)),
            day,
            until: day + chrono::Days::new(30),
        }
    }

    /// One row for each table.
    fn batch(&self, model: &UsageModel) -> Result<UsageBatch, Error> {
        let scope = Scope::new(self.day..self.until, [self.port])?;
        let batch = UsageBatch::builder(scope)
            .queries(vec![OutputPortQueries::new(self.day, self.port, self.consumer, 1)])
            .touches(vec![TechAssetTouches::new(self.day, self.port, self.asset, self.consumer, 1)]);
        Ok(match model.0.combinations {
            None => batch.build(),
            Some(_) => {
                let pair = Combination::new(self.day, self.port, self.other, self.consumer, 1);
                batch.combinations(vec![pair]).build()
            }
        })
    }

    fn are_right(&self, error: &Error) -> Vec<Statement> {
        unreachable!("ids and days of the library's own are right: {error}")
    }
}
