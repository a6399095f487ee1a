//! What the pages show is what the library answers: in each table, and in each file.

use output_port_usage::chart::*;
use output_port_usage::{Granularity, last_days};
use serde_json::{Value, json};

use crate::browser::{Browser, browse};
use crate::facts::{self, asset, consumer, port};
use crate::site::Site;

const BEFORE: Comparison = Comparison::PreviousPeriod;

fn days() -> std::ops::Range<chrono::NaiveDate> {
    last_days(30, facts::date(facts::TODAY))
}

fn over_time(subject: impl Into<Subject>) -> QueriesOverTime {
    QueriesOverTime::new(subject, Granularity::Week.expand_start(days())).granularity(Granularity::Week)
}

/// The name of whatever a row is of.
fn name(row: &Value) -> Value {
    let member = row.get("member").unwrap_or(row);
    match member["kind"].as_str() {
        Some("other") => json!(format!("Other ({})", member["members"])),
        Some("no_group") => json!("No domain"),
        _ => member["label"].clone(),
    }
}

/// A ranking's cells: of Other without a rank, and of earlier days that were not measured without a count.
fn ranked(rows: &[Value], count: &str, more: &[&str]) -> Vec<Vec<Value>> {
    let cells = |row: &Value| {
        let rank = if row["rank"].is_null() { json!("") } else { row["rank"].clone() };
        let mut cells =
            vec![rank, name(row), row[count].clone(), row["share"].clone(), row["previous"].clone()];
        cells.push(row["change"].clone());
        cells.extend(more.iter().map(|field| row[field].clone()));
        cells
    };
    rows.iter().map(cells).collect()
}

/// What the table behind the columns has: the whole, each part, the days before, and what was measured.
fn in_time(points: &[Value], series: &[Value]) -> Vec<Vec<Value>> {
    let cells = |(at, point): (usize, &Value)| {
        let mut cells = vec![point["bucket"].clone(), point["query_count"].clone()];
        cells.extend(series.iter().map(|series| series["counts"][at].clone()));
        cells.extend([point["previous"].clone(), point["change"].clone()]);
        let cut = if point["partial"] == json!(true) { ", cut by the days asked for" } else { "" };
        let words = match point["coverage"].as_str().unwrap() {
            "unsettled" => "may still rise",
            "partly" => "measured in part",
            other => other,
        };
        cells.push(json!(format!("{words}{cut}")));
        cells
    };
    points.iter().enumerate().map(cells).collect()
}

async fn assert_ranking<C: Chart>(site: &Site, browser: &Browser, heading: &str, chart: &C, more: &[&str]) {
    let (rows, file) = site.rows(chart).await;
    assert!(!rows.is_empty(), "{heading}");
    let count = if rows[0].get("touches").is_some() { "touches" } else { "query_count" };
    browser.assert_table(heading, &ranked(&rows, count, more)).await;
    assert_eq!(browser.file(heading).await, file, "{heading}");
}

async fn assert_over_time<C: Chart, S: Chart>(
    site: &Site,
    browser: &Browser,
    heading: &str,
    whole: &C,
    split: &S,
) {
    let ((points, file), (series, _)) = (site.rows(whole).await, site.rows(split).await);
    assert!(points.len() == 5 && series.len() > 1, "{heading}: {series:?}");
    browser.assert_table(heading, &in_time(&points, &series)).await;
    assert_eq!(browser.file(heading).await, file, "{heading}");
}

async fn assert_in_short<C: Chart>(site: &Site, browser: &Browser, chart: &C, fields: &[&str]) {
    let (rows, file) = site.rows(chart).await;
    let tiles: Vec<_> = fields.iter().map(|field| vec![rows[0][field].clone()]).collect();
    browser.assert_table("In short", &tiles).await;
    assert_eq!(browser.file("In short").await, file);
}

const TILES: [&str; 4] = ["query_count", "consumers", "active_days", "last_used"];

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_page_of_an_output_port_has_the_rows_of_the_library() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open(&format!("/output-ports/{}?days=30", port(1))).await;
        assert_in_short(&site, &browser, &Summary::new(port(1), days()).compared_with(BEFORE), &TILES).await;
        let (whole, split) = (over_time(port(1)), over_time(port(1)).split_by_consumer(6));
        let (whole, split) = (whole.compared_with(BEFORE), split.compared_with(BEFORE));
        assert_over_time(&site, &browser, "Queries over time", &whole, &split).await;
        let consumers = QueryDistribution::new(port(1), days()).top(10).with_last_used();
        let consumers = consumers.compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Queries by consumer", &consumers, &["last_used"]).await;
        let assets = MostPopularAssets::new(port(1), days()).top(10).compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Most popular assets", &assets, &["consumers", "last_used"]).await;
        let combined =
            MostOftenCombinedWith::new(port(1), days()).top(10).compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Most often combined with", &combined, &[]).await;
        // the facts leave ten days of May out, and the last two are not settled
        browser.open(&format!("/output-ports/{}?days=90", port(1))).await;
        let gaps = [
            vec![json!("May 10 – 19, 2026"), json!(10), json!("nobody measured them")],
            vec![json!("Jun 29 – 30, 2026"), json!(2), json!("rows may still arrive")],
        ];
        browser.assert_table("Days to ingest again", &gaps).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn by_domain_a_page_counts_those_without_one_and_the_others() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open(&format!("/output-ports/{}?days=30&by=group&top=5&compare=year_before", port(2))).await;
        let domains = QueryDistribution::new(port(2), days()).by_group().top(5).with_last_used();
        let domains = domains.compared_with(Comparison::YearBefore).include_gone();
        let (rows, file) = site.rows(&domains).await;
        assert_eq!(rows.len(), 4, "three domains, and those without: {rows:#?}");
        // nobody measured the year before, so its zeros are none
        let mut cells = ranked(&rows, "query_count", &["last_used"]);
        cells.iter_mut().for_each(|row| row[4] = Value::Null);
        browser.assert_table("Queries by domain", &cells).await;
        assert_eq!(browser.file("Queries by domain").await, file);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_page_of_a_tech_asset_has_the_rows_of_the_library() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open(&format!("/tech-assets/{}?days=30&top=5", asset(4))).await;
        assert_in_short(&site, &browser, &Summary::new(asset(4), days()).compared_with(BEFORE), &TILES).await;
        let (whole, split) = (over_time(asset(4)), over_time(asset(4)).split_by_consumer(6));
        let (whole, split) = (whole.compared_with(BEFORE), split.compared_with(BEFORE));
        assert_over_time(&site, &browser, "Touches over time", &whole, &split).await;
        let consumers = QueryDistribution::new(asset(4), days()).top(5).with_last_used();
        let consumers = consumers.compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Touches by consumer", &consumers, &["last_used"]).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_page_of_a_consumer_has_the_rows_of_the_library() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open(&format!("/consumers/{}?days=30", consumer(1))).await;
        let summary = Summary::new(Subject::Portal, days()).of_consumer(consumer(1)).compared_with(BEFORE);
        assert_in_short(&site, &browser, &summary, &["query_count", "active_days", "last_used"]).await;
        let whole = over_time(Subject::Portal).of_consumer(consumer(1));
        let split = whole.clone().split_by_port(6).compared_with(BEFORE);
        let whole = whole.compared_with(BEFORE);
        assert_over_time(&site, &browser, "Queries over time", &whole, &split).await;
        let ports = MostUsedPorts::new(days()).of_consumer(consumer(1)).top(10);
        let ports = ports.compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Output ports that it reads", &ports, &["last_used"]).await;
        let assets = MostPopularAssets::of_portal(days()).of_consumer(consumer(1)).top(10);
        let assets = assets.compared_with(BEFORE).include_gone();
        assert_ranking(&site, &browser, "Tech assets that it touches", &assets, &["last_used"]).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn the_page_of_the_portal_has_the_rows_of_the_library() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open("/?days=30").await;
        assert_in_short(
            &site,
            &browser,
            &Summary::new(Subject::Portal, days()).compared_with(BEFORE),
            &TILES,
        )
        .await;
        let (whole, split) = (over_time(Subject::Portal), over_time(Subject::Portal).split_by_consumer(6));
        let (whole, split) = (whole.compared_with(BEFORE), split.compared_with(BEFORE));
        assert_over_time(&site, &browser, "Queries over time", &whole, &split).await;
        assert_ports(&site, &browser).await;
        let unused = [
            ("Unused output ports", Unused::output_ports(days()), "Port 4"),
            ("Unused tech assets", Unused::tech_assets(days()), "Asset 5"),
            ("Unused consumers", Unused::consumers(days()), "Consumer 10"),
        ];
        for (heading, chart, only) in unused {
            let (rows, file) = site.rows(&chart.top(10)).await;
            assert_eq!(rows.len(), 1, "{heading}: {rows:?}");
            browser.assert_table(heading, &[vec![json!(only), json!("never")]]).await;
            assert_eq!(browser.file(heading).await, file, "{heading}");
        }
    })
    .await;
}

/// The ranking, its lines, and what rose and fell.
async fn assert_ports(site: &Site, browser: &Browser) {
    let ports = MostUsedPorts::new(days()).top(10).compared_with(BEFORE);
    let (rows, file) = site.rows(&ports.clone().include_gone()).await;
    let mut cells = ranked(&rows, "query_count", &["percentile_rank", "consumers", "last_used"]);
    for row in &mut cells {
        // the percentile is a number from 0 to 100, and the line has its numbers on the output port's own page
        row[6] = json!(row[6].as_f64().unwrap() as i64);
        row.push(json!(""));
    }
    browser.assert_table("Most used output ports", &cells).await;
    assert_eq!(browser.file("Most used output ports").await, file);
    let drawn = "return document.querySelectorAll('.sparkline path').length";
    assert_eq!(browser.script(drawn, []).await, json!(rows.len()));

    for (heading, order) in [("Risers", PortOrder::Risers), ("Fallers", PortOrder::Fallers)] {
        let (rows, _) = site.rows(&ports.clone().order(order).include_gone()).await;
        browser.assert_table(heading, &ranked(&rows, "query_count", &[])).await;
    }
}
