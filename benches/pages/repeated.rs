//! Labels and groups of parents in which every id stands twice, beside those of parents with a key.

use anyhow::Result;
use chrono::Days;
use output_port_usage::chart::{
    Chart, MostOftenCombinedWith, MostPopularAssets, QueriesOverTime, QueryDistribution,
};
use output_port_usage::{Granularity, OnDelete, Reference, UsageModel, UsageModelBuilder};

use crate::beside::{Beside, Floor, Goal};
use crate::portal::{END, HEAVY, MEDIAN, builder};

/// A second version of every parent; its group is the same.
const TWICE: &str = "
CREATE TABLE datasets_twice AS SELECT id, name FROM datasets UNION ALL SELECT id, name || ' again' FROM datasets;
CREATE TABLE data_products_twice AS
    SELECT id, name, domain_id FROM data_products UNION ALL SELECT id, name || ' again', domain_id FROM data_products;
CREATE TABLE technical_assets_twice AS
    SELECT id, name FROM technical_assets UNION ALL SELECT id, name || ' again' FROM technical_assets;
CREATE TABLE domains_twice AS SELECT id, name FROM domains UNION ALL SELECT id, name || ' again' FROM domains;
CREATE INDEX ON datasets_twice (id);
CREATE INDEX ON data_products_twice (id);
CREATE INDEX ON technical_assets_twice (id);
CREATE INDEX ON domains_twice (id)";

fn twice() -> UsageModelBuilder {
    let keep = |table| Reference::to(table).label("name").on_delete(OnDelete::Keep);
    let domains = Reference::to("domains_twice").label("name");
    builder()
        .output_ports(keep("datasets_twice"))
        .consumers(keep("data_products_twice").group("domain_id", domains))
        .tech_assets(keep("technical_assets_twice"))
}

/// The same chart of the model with keys is its floor.
pub(crate) async fn rows(beside: &mut Beside, plain: &UsageModel) -> Result<()> {
    sqlx::raw_sql(TWICE).execute(&mut beside.to).await?;
    sqlx::raw_sql("VACUUM ANALYZE").execute(&mut beside.to).await?;
    beside.model = twice().build()?;
    for (name, port) in [("M", MEDIAN), ("H", HEAVY)] {
        let days = END - Days::new(90)..END;
        beside.head(&format!("{name}, 90 days, parents twice"));
        let distribution = QueryDistribution::new(port, days.clone());
        row(beside, plain, "distribution, top 10", &distribution.clone().top(10)).await?;
        row(beside, plain, "distribution by group", &distribution.by_group()).await?;
        let by_week = QueriesOverTime::new(port, days.clone()).granularity(Granularity::Week);
        row(beside, plain, "split by consumer, by week", &by_week.clone().split_by_consumer(5)).await?;
        row(beside, plain, "split by group, by week", &by_week.split_by_group(5)).await?;
        row(beside, plain, "popular assets", &MostPopularAssets::new(port, days.clone())).await?;
        row(beside, plain, "combined with", &MostOftenCombinedWith::new(port, days)).await?;
    }
    Ok(())
}

async fn row<C: Chart>(beside: &mut Beside, plain: &UsageModel, what: &str, chart: &C) -> Result<()> {
    let (sql, values) = plain.query(chart)?.into_parts();
    beside.row(what, chart, &Floor { sql, values: values.0 }, Some(Goal(1.1, 0.05))).await
}
