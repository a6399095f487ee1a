//! The charts of one output port: asked of the model, fetched, drawn.

use std::ops::Range;

use access_log::{Mapping, printable};
use anyhow::{Context, Result};
use chrono::{Days, NaiveDate};
use output_port_usage::chart::{
    Chart, Coverage, Member, MostOftenCombined, MostOftenCombinedWith, MostPopularAsset, MostPopularAssets,
    QueriesOverTime, QueriesOverTimePoint, QueryDistribution, QueryDistributionSlice,
};
use output_port_usage::{Granularity, OutputPortId, UsageModel};
use sqlx::postgres::PgPool;

use crate::charts::{Asset, Known, Page, Part, Point, percent};
use crate::report::Totals;

/// The assets that are drawn; all are fetched, so that their total can be checked.
const ASSETS_SHOWN: usize = 10;

pub(crate) struct Dashboard {
    port: OutputPortId,
    days: Range<NaiveDate>,
    granularity: Granularity,
    over_time: Vec<QueriesOverTimePoint>,
    by_consumer: Vec<QueryDistributionSlice>,
    by_domain: Vec<QueryDistributionSlice>,
    assets: Vec<MostPopularAsset>,
    combined: Vec<MostOftenCombined>,
}

impl Dashboard {
    pub(crate) async fn read(
        pool: &PgPool,
        model: &UsageModel,
        port: OutputPortId,
        days: Range<NaiveDate>,
        granularity: Option<Granularity>,
    ) -> Result<Self> {
        let granularity = granularity.unwrap_or_else(|| fitting(&days));
        // whole columns up to the last; rankings are of exactly the days that were asked for
        let over_time = QueriesOverTime::new(port, granularity.expand_start(days.clone()));
        let over_time = over_time.granularity(granularity);
        let by_consumer = QueryDistribution::new(port, days.clone()).top(8);
        let by_domain = by_consumer.clone().by_group();
        let assets = MostPopularAssets::new(port, days.clone()).top(u32::MAX);
        let combined = MostOftenCombinedWith::new(port, days.clone()).top(3);
        Ok(Self {
            over_time: rows(pool, model, &over_time).await?,
            by_consumer: rows(pool, model, &by_consumer).await?,
            by_domain: rows(pool, model, &by_domain).await?,
            assets: rows(pool, model, &assets).await?,
            combined: rows(pool, model, &combined).await?,
            port,
            days,
            granularity,
        })
    }

    /// The charts as text.
    pub(crate) fn draw(&self, page: &Page, mapping: &Mapping) -> String {
        let port = mapping.output_ports.iter().find(|port| port.id == self.port.0);
        let port = port.map_or_else(|| self.port.to_string(), |port| printable(&port.name));
        let unit = match self.granularity {
            Granularity::Week => "week",
            Granularity::Month => "month",
            Granularity::Quarter => "quarter",
            Granularity::Year => "year",
            _ => "day",
        };
        let label = match self.granularity {
            Granularity::Month | Granularity::Quarter => "%b %y",
            Granularity::Year => "%Y",
            _ => "%-d %b",
        };
        let points: Vec<Point> = self
            .over_time
            .iter()
            .map(|point| Point {
                label: point.bucket.format(label).to_string(),
                queries: point.query_count,
                // the log does not reach back to the start of its first column
                partial: point.partial || point.bucket < self.days.start,
                known: match point.coverage {
                    Some(Coverage::NotMeasured) => Known::Nothing,
                    Some(Coverage::Partly | Coverage::Unsettled) => Known::InPart,
                    _ => Known::Final,
                },
            })
            .collect();
        let consumers: Vec<Part> = self
            .by_consumer
            .iter()
            .map(|slice| Part {
                name: printable(&slice.member.name()),
                queries: slice.query_count,
                share: slice.share,
            })
            .collect();
        let domains: Vec<Part> = self
            .by_domain
            .iter()
            .map(|slice| Part {
                name: printable(&domain(&slice.member)),
                queries: slice.query_count,
                share: slice.share,
            })
            .collect();
        let assets: Vec<Asset> = self.assets.iter().take(ASSETS_SHOWN).map(asset).collect();

        let mut drawn = page.columns(&format!("{port}: queries over time, by {unit}"), &points);
        drawn += &page.distribution(&format!("{port}: query distribution, by consumer"), &consumers);
        drawn += &page.distribution(&format!("{port}: query distribution, by domain"), &domains);
        drawn += &page.assets(&format!("{port}: most popular assets"), &assets);
        if self.assets.len() > ASSETS_SHOWN {
            drawn += &format!("and {} more\n", self.assets.len() - ASSETS_SHOWN);
        }
        if !self.combined.is_empty() {
            let others = self.combined.iter().map(|other| {
                let name = other.label.clone().unwrap_or_else(|| other.output_port_id.to_string());
                format!("{} ({})", printable(&name), percent(other.share))
            });
            drawn += &format!("\nMost often combined with {}\n", others.collect::<Vec<_>>().join(", "));
        }
        drawn
    }

    /// What the charts add up to.
    pub(crate) fn totals(&self) -> Totals {
        Totals {
            days: self.days.clone(),
            queries: self.over_time.iter().map(|point| point.query_count).sum(),
            distributed: self.by_consumer.iter().map(|slice| slice.query_count).sum(),
            touches: self.assets.iter().map(|asset| asset.touches).sum(),
        }
    }
}

/// The rows of one chart: one statement, one round trip.
async fn rows<C: Chart>(pool: &PgPool, model: &UsageModel, chart: &C) -> Result<Vec<C::Row>> {
    model.query(chart)?.into_sqlx().fetch_all(pool).await.context("cannot read a chart")
}

/// The narrowest buckets of which at most 40 cover the days.
fn fitting(days: &Range<NaiveDate>) -> Granularity {
    use Granularity::{Day, Month, Quarter, Week, Year};
    let fits = |granularity: &Granularity| {
        let last = days.end - Days::new(1);
        let mut bucket = granularity.bucket(days.start);
        (0..40).any(|_| {
            bucket = granularity.next_bucket(bucket);
            bucket > last
        })
    };
    [Day, Week, Month, Quarter].into_iter().find(fits).unwrap_or(Year)
}

fn domain(member: &Member) -> String {
    match member {
        Member::NoGroup => "No domain".to_owned(),
        member => member.name(),
    }
}

fn asset(row: &MostPopularAsset) -> Asset {
    Asset {
        name: printable(&row.label.clone().unwrap_or_else(|| row.tech_asset_id.to_string())),
        touches: row.touches,
        share: row.share,
        consumers: row.consumers,
        last_used: row.last_used.map(|day| day.to_string()).unwrap_or_default(),
    }
}
