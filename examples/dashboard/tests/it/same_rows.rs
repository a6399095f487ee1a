//! Every chart of the API has the rows that the library itself gives, as JSON and as a file.

use axum::http::StatusCode;
use output_port_usage::chart::*;
use output_port_usage::{Granularity, last_days};

use crate::world::{ORDER_TABLE, ORDERS, SALES, World, day};

impl World {
    async fn has_rows_of<C: Chart>(&self, path: &str, chart: C) {
        let rows = self.model.query(&chart).unwrap().into_sqlx().fetch_all(&self.pool).await.unwrap();
        assert!(!rows.is_empty(), "{path}: nothing to compare");
        // to the last digit, which reading it back could lose
        let written = serde_json::to_string(&rows).unwrap();
        let got = self.get(path).await;
        assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.text());
        assert_eq!(got.text().split_once("\"rows\":").unwrap().1, format!("{written}}}"), "{path}");

        let mut file = csv::Writer::from_writer(Vec::new());
        chart.records(&rows).unwrap().iter().for_each(|record| file.serialize(record).unwrap());
        let got = self.get(&format!("{path}&format=csv")).await;
        assert_eq!(got.text(), String::from_utf8(file.into_inner().unwrap()).unwrap(), "{path}");
        assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
        let name = path.split('?').next().unwrap().rsplit('/').next().unwrap();
        assert_eq!(got.header("content-disposition"), format!("attachment; filename=\"{name}.csv\""));
    }
}

const PREVIOUS: Comparison = Comparison::PreviousPeriod;
const COMPARED: &str = "compare=previous_period";

fn by_week(subject: impl Into<Subject>) -> QueriesOverTime {
    let weeks = Granularity::Week.expand_start(last_days(90, day(3, 31)));
    QueriesOverTime::new(subject, weeks).granularity(Granularity::Week)
}

#[tokio::test]
async fn the_page_of_an_output_port() {
    let world = World::new().await;
    let at = |chart: &str| format!("/api/output-ports/{ORDERS}/{chart}");
    let (month, quarter) = (last_days(30, day(3, 31)), last_days(90, day(3, 31)));
    world.has_rows_of(&at("summary?days=30"), Summary::new(ORDERS, month.clone())).await;
    let summary = Summary::new(ORDERS, month.clone()).compared_with(Comparison::YearBeforeByWeekday);
    world.has_rows_of(&at("summary?days=30&compare=year_before_by_weekday"), summary).await;
    world.has_rows_of(&at("over-time?days=90"), by_week(ORDERS)).await;
    world.has_rows_of(&at(&format!("over-time?{COMPARED}")), by_week(ORDERS).compared_with(PREVIOUS)).await;
    world.has_rows_of(&at("split?top=1"), by_week(ORDERS).split_by_consumer(1)).await;
    let split = by_week(ORDERS).split_by_group(10).compared_with(PREVIOUS);
    world.has_rows_of(&at(&format!("split?by=group&{COMPARED}")), split).await;
    let slices = QueryDistribution::new(ORDERS, quarter.clone()).with_last_used();
    world.has_rows_of(&at("distribution?days=90"), slices.clone().top(10)).await;
    let year_before = slices.top(1).compared_with(Comparison::YearBefore).include_gone();
    world.has_rows_of(&at("distribution?top=1&compare=year_before&gone=true"), year_before).await;
    let assets = MostPopularAssets::new(ORDERS, quarter.clone());
    world.has_rows_of(&at("assets?top=10"), assets.clone()).await;
    world.has_rows_of(&at(&format!("assets?{COMPARED}")), assets.compared_with(PREVIOUS)).await;
    let combined = MostOftenCombinedWith::new(ORDERS, quarter);
    world.has_rows_of(&at("combined-with?top=10"), combined.clone()).await;
    world.has_rows_of(&at(&format!("combined-with?{COMPARED}")), combined.compared_with(PREVIOUS)).await;
}

#[tokio::test]
async fn the_page_of_a_tech_asset() {
    let world = World::new().await;
    let at = |chart: &str| format!("/api/tech-assets/{ORDER_TABLE}/{chart}");
    let days = last_days(90, day(3, 31));
    world.has_rows_of(&at("summary?days=90"), Summary::new(ORDER_TABLE, days.clone())).await;
    world.has_rows_of(&at("over-time?days=90"), by_week(ORDER_TABLE)).await;
    world.has_rows_of(&at("split?by=group"), by_week(ORDER_TABLE).split_by_group(10)).await;
    let slices = QueryDistribution::new(ORDER_TABLE, days).with_last_used();
    world.has_rows_of(&at("distribution?by=consumer"), slices).await;
}

#[tokio::test]
async fn the_page_of_a_consumer() {
    let world = World::new().await;
    let at = |chart: &str| format!("/api/consumers/{SALES}/{chart}");
    let days = last_days(90, day(3, 31));
    let over_time = by_week(Subject::Portal).of_consumer(SALES);
    let summary = Summary::new(Subject::Portal, days.clone()).of_consumer(SALES);
    world.has_rows_of(&at("summary?days=90"), summary).await;
    world.has_rows_of(&at("over-time?days=90"), over_time.clone()).await;
    world.has_rows_of(&at("split?top=1"), over_time.split_by_port(1)).await;
    let ports = MostUsedPorts::new(days.clone()).of_consumer(SALES);
    world.has_rows_of(&at("output-ports?days=90"), ports.clone()).await;
    let risers = ports.compared_with(PREVIOUS).order(PortOrder::Risers);
    world.has_rows_of(&at(&format!("output-ports?order=risers&{COMPARED}")), risers).await;
    let assets = MostPopularAssets::of_portal(days).of_consumer(SALES);
    world.has_rows_of(&at("assets?days=90"), assets).await;
}

#[tokio::test]
async fn the_page_of_the_portal() {
    let world = World::new().await;
    let at = |chart: &str| format!("/api/portal/{chart}");
    let days = last_days(90, day(3, 31));
    world.has_rows_of(&at("summary?days=90"), Summary::new(Subject::Portal, days.clone())).await;
    world.has_rows_of(&at("over-time?days=90"), by_week(Subject::Portal)).await;
    world.has_rows_of(&at("split?top=1"), by_week(Subject::Portal).split_by_consumer(1)).await;
    let slices = QueryDistribution::new(Subject::Portal, days.clone()).with_last_used();
    world.has_rows_of(&at("distribution?by=group"), slices.by_group()).await;
    let ports = MostUsedPorts::new(days.clone());
    world.has_rows_of(&at("output-ports?top=1"), ports.clone().top(1)).await;
    let all = ports.compared_with(PREVIOUS).include_gone();
    world.has_rows_of(&at(&format!("output-ports?gone=true&{COMPARED}")), all).await;
    let lines = QueriesOverTime::of_ports([ORDERS], by_week_days()).granularity(Granularity::Week);
    world.has_rows_of(&at("sparklines?top=1"), lines).await;
    world.has_rows_of(&at("assets?days=90"), MostPopularAssets::of_portal(days.clone())).await;
    world.has_rows_of(&at("unused-output-ports?days=90"), Unused::output_ports(days.clone())).await;
    world.has_rows_of(&at("unused-tech-assets?days=90"), Unused::tech_assets(days.clone())).await;
    world.has_rows_of(&at("unused-consumers?days=90"), Unused::consumers(days)).await;
}

fn by_week_days() -> std::ops::Range<chrono::NaiveDate> {
    Granularity::Week.expand_start(last_days(90, day(3, 31)))
}
