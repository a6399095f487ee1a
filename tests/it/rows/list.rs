//! The list.

use output_port_usage::chart::*;
use output_port_usage::*;

use super::{Listed, RowType, Sample, SampleColumn, json};
use crate::portal::{builder, day, port};

/// Types, each with a query that gives its rows and with samples of these.
macro_rules! list {
    ($($row:ty: $query:expr, $samples:expr;)*) => {
        $(impl Listed for $row {})*

        pub(crate) fn list() -> Vec<RowType> {
            vec![$(RowType {
                samples: $samples,
                by_json: |text| json(&serde_json::from_str::<$row>(text).unwrap()),
                by_sqlx: |row| sqlx::FromRow::from_row(row).map(|row: $row| json(&row)),
                by_tokio_postgres: |row| {
                    let query: Query<$row> = $query.unwrap();
                    query.into_tokio_postgres().decode([row]).map(|rows| json(&rows[0]))
                },
            }),*]
        }
    };
}

list! {
    QueriesOverTimePoint: model().query(&over_time()), points();
    QueriesOverTimeSeries: model().query(&over_time().split_by_consumer(1)), series();
    QueryDistributionSlice: model().query(&distribution()), slices();
    MostPopularAsset: model().query(&assets()), popular_assets();
    MostOftenCombined: model().query(&MostOftenCombinedWith::new(port(1), days())), combined();
    MostUsedPort: model().query(&MostUsedPorts::new(days())), used_ports();
    SummaryTotals: model().query(&summary()), totals();
    UnusedMember: model().query(&Unused::tech_assets(days())), unused();
    OverviewRow: model().query(&Overview::new(port(1), days())), overview();
    WithPrevious<QueriesOverTimePoint>: model().query(&over_time().compared_with(BEFORE)), compared(points());
    WithPrevious<QueryDistributionSlice>: model().query(&distribution().compared_with(BEFORE)), compared(slices());
    WithPrevious<MostPopularAsset>: model().query(&assets().compared_with(BEFORE)), compared(popular_assets());
    WithPrevious<QueriesOverTimeSeries>:
        model().query(&over_time().split_by_group(1).compared_with(BEFORE)), compared(series());
    WithPrevious<OverviewRow>:
        model().query(&Overview::new(port(1), days()).compared_with(BEFORE)), compared(overview());
    WithPrevious<MostOftenCombined>:
        model().query(&MostOftenCombinedWith::new(port(1), days()).compared_with(BEFORE)), compared(combined());
    WithPrevious<MostUsedPort>:
        model().query(&MostUsedPorts::new(days()).compared_with(BEFORE)), compared(used_ports());
    WithPrevious<SummaryTotals>: model().query(&summary().compared_with(BEFORE)), compared(totals());
    Violation: model().reconcile(days()), violations();
    PortCoverage: model().coverage([port(1)]), port_coverage();
    CatalogRow: Ok::<_, Error>(model().check(day(2026, 1, 1)).query()), catalog_rows();
    Gap: model().gaps(&Gaps::of(Scope::new(days(), [port(1)]).unwrap())), gaps();
}

const BEFORE: Comparison = Comparison::PreviousPeriod;

fn model() -> UsageModel {
    builder().combinations().coverage().build().unwrap()
}

fn days() -> std::ops::Range<chrono::NaiveDate> {
    day(2026, 1, 1)..day(2026, 1, 2)
}

fn over_time() -> QueriesOverTime {
    QueriesOverTime::new(port(1), days())
}

fn distribution() -> QueryDistribution {
    QueryDistribution::new(port(1), days())
}

fn assets() -> MostPopularAssets {
    MostPopularAssets::new(port(1), days())
}

fn summary() -> Summary {
    Summary::new(port(1), days())
}

/// The value of each column in SQL; a name has one type in every row.
const VALUES: [(&str, &str); 39] = [
    ("active_days", "4::bigint"),
    ("bucket", "DATE '2026-01-01'"),
    ("buckets", "3::bigint"),
    ("change", "-0.5::float8"),
    ("consumer_id", "'00000000-0000-0000-0000-0000000000c1'::uuid"),
    ("consumers", "5::bigint"),
    ("counted", "9::bigint"),
    ("coverage", "'partly'::text"),
    ("counts", "'{34,8}'::bigint[]"),
    ("date", "DATE '2026-01-02'"),
    ("fact", "'{}'::text"),
    ("first_measured", "DATE '2026-01-04'"),
    ("from", "DATE '2026-01-05'"),
    ("id", "'00000000-0000-0000-0000-0000000000d1'::uuid"),
    ("kind", "'group'::text"),
    ("label", "'sales'::text"),
    ("last_measured", "DATE '2026-01-06'"),
    ("last_used", "DATE '2026-01-03'"),
    ("members", "3::bigint"),
    ("missing_days", "2::bigint"),
    ("of_days", "'unsettled'::text"),
    ("other_output_port_id", "'00000000-0000-0000-0000-0000000000a2'::uuid"),
    ("output_port_id", "'00000000-0000-0000-0000-0000000000a1'::uuid"),
    ("partial", "true"),
    ("percentile_rank", "37.5::float8"),
    ("places", "'{2,0}'::bigint[]"),
    ("previous", "84::bigint"),
    ("previous_coverage", "'measured'::text"),
    ("queries", "8::bigint"),
    ("query_count", "42::bigint"),
    ("rank", "7::bigint"),
    ("reason", "1::bigint"),
    ("rules", "'00000000-0000-0000-0000-0000000000f1'::uuid"),
    ("settled_until", "DATE '2026-01-07'"),
    ("share", "0.25::float8"),
    ("tech_asset_id", "'00000000-0000-0000-0000-0000000000e1'::uuid"),
    ("total", "true"),
    ("touches", "6::bigint"),
    ("until", "DATE '2026-01-08'"),
];

fn points() -> Vec<Sample> {
    vec![
        row(r#"{"bucket":"2026-01-01","query_count":42,"partial":true,"coverage":"partly"}"#)
            .columns(["bucket", "query_count", "partial"])
            .or_null(["coverage"]),
        row(r#"{"bucket":"2026-01-01","query_count":42,"partial":true}"#)
            .columns(["bucket", "query_count", "partial"])
            .null("coverage"),
    ]
}

/// Each kind of member, as JSON and as columns.
fn members() -> Vec<(String, Vec<SampleColumn>)> {
    let id = "00000000-0000-0000-0000-0000000000d1";
    let kind = |kind: &str| row("").value("kind", &format!("'{kind}'::text"));
    let one = |of: &str| {
        let json = format!(r#"{{"kind":"{of}","id":"{id}","label":"sales"}}"#);
        (json, kind(of).columns(["id"]).or_null(["label"]).columns)
    };
    vec![
        one("consumer"),
        one("group"),
        one("output_port"),
        (r#"{"kind":"no_group"}"#.to_owned(), kind("no_group").columns),
        (r#"{"kind":"other","members":3}"#.to_owned(), kind("other").columns(["members"]).columns),
    ]
}

fn series() -> Vec<Sample> {
    let each = |(member, columns): (String, Vec<SampleColumn>)| {
        let json = format!(
            r#"{{"member":{member},"rank":7,"query_count":42,"counts":[8,0,34],"coverage":["measured","unsettled","not_measured"]}}"#
        );
        Sample { columns, json }
            .columns(["query_count", "buckets", "places", "counts"])
            .letters("coverage", "mun")
            .or_null(["rank"])
    };
    let unranked =
        row(r#"{"member":{"kind":"other","members":3},"rank":null,"query_count":42,"counts":[8,0,34]}"#)
            .value("kind", "'other'::text")
            .columns(["members", "query_count", "buckets", "places", "counts"])
            .null("coverage")
            .null("rank");
    members().into_iter().map(each).chain([unranked]).collect()
}

fn slices() -> Vec<Sample> {
    let each = |(member, columns): (String, Vec<SampleColumn>)| {
        let json = format!(
            r#"{{"member":{member},"query_count":42,"share":0.25,"rank":7,"last_used":"2026-01-03"}}"#
        );
        Sample { columns, json }.columns(["query_count", "share"]).or_null(["rank", "last_used"])
    };
    let unranked = row(r#"{"member":{"kind":"no_group"},"query_count":42,"share":0.25,"rank":null}"#)
        .value("kind", "'no_group'::text")
        .columns(["query_count", "share"])
        .null("last_used")
        .null("rank");
    members().into_iter().map(each).chain([unranked]).collect()
}

fn popular_assets() -> Vec<Sample> {
    vec![
        row(r#"{"tech_asset_id":"00000000-0000-0000-0000-0000000000e1","label":"sales","touches":6,"share":0.25,"rank":7,"consumers":5,"last_used":"2026-01-03"}"#)
            .columns(["tech_asset_id", "touches", "share", "rank", "consumers"])
            .or_null(["label", "last_used"]),
    ]
}

fn combined() -> Vec<Sample> {
    vec![
        row(r#"{"output_port_id":"00000000-0000-0000-0000-0000000000a1","label":"sales","query_count":42,"share":0.25,"rank":7}"#)
            .columns(["output_port_id", "query_count", "share", "rank"])
            .or_null(["label"]),
    ]
}

fn used_ports() -> Vec<Sample> {
    vec![
        row(r#"{"output_port_id":"00000000-0000-0000-0000-0000000000a1","label":"sales","query_count":42,"share":0.25,"rank":7,"percentile_rank":37.5,"consumers":5,"last_used":"2026-01-03","coverage":"partly"}"#)
            .columns(["output_port_id", "query_count", "share", "rank", "percentile_rank", "consumers"])
            .or_null(["label", "last_used", "coverage"]),
        row(r#"{"output_port_id":"00000000-0000-0000-0000-0000000000a1","label":null,"query_count":0,"share":0.0,"rank":7,"percentile_rank":0.0,"consumers":0,"last_used":null}"#)
            .columns(["output_port_id", "rank"])
            .value("query_count", "0::bigint")
            .value("share", "0::float8")
            .value("percentile_rank", "0::float8")
            .value("consumers", "0::bigint")
            .null("label")
            .null("last_used")
            .null("coverage"),
    ]
}

fn unused() -> Vec<Sample> {
    let of = |kind: &str| {
        row(&format!(
            r#"{{"member":{{"kind":"{kind}","id":"00000000-0000-0000-0000-0000000000d1","label":"sales"}},"last_used":"2026-01-03"}}"#
        ))
        .value("kind", &format!("'{kind}'::text"))
        .columns(["id"])
        .or_null(["label", "last_used"])
    };
    ["output_port", "tech_asset", "consumer"].map(of).into()
}

fn totals() -> Vec<Sample> {
    vec![
        row(r#"{"query_count":42,"consumers":5,"active_days":4,"last_used":"2026-01-03","coverage":"partly"}"#)
            .columns(["query_count", "consumers", "active_days"])
            .or_null(["last_used", "coverage"]),
        row(r#"{"query_count":42,"consumers":5,"active_days":4,"last_used":null}"#)
            .columns(["query_count", "consumers", "active_days"])
            .null("coverage")
            .null("last_used"),
    ]
}

fn overview() -> Vec<Sample> {
    // the summary's word has a column of its own beside the letters of the buckets
    let summaries = || {
        vec![
            row(r#"{"kind":"total","query_count":42,"consumers":5,"active_days":4,"last_used":"2026-01-03","coverage":"unsettled","coverage_over_time":["measured","unsettled"]}"#)
                .columns(["total", "query_count", "consumers", "active_days"])
                .letters("coverage", "mu")
                .or_null(["last_used", "of_days"]),
            row(r#"{"kind":"total","query_count":42,"consumers":5,"active_days":4,"last_used":null}"#)
                .columns(["total", "query_count", "consumers", "active_days"])
                .null("coverage")
                .null("of_days")
                .null("last_used"),
        ]
    };
    let of_overview = |row: Sample| {
        let json = row.json.replacen('{', r#"{"kind":"series","#, 1);
        Sample { json, ..row }.value("total", "false")
    };
    summaries().into_iter().chain(series().into_iter().map(of_overview)).collect()
}

/// The rows with what a comparison adds to them.
fn compared(rows: Vec<Sample>) -> Vec<Sample> {
    let compared = |row: Sample| {
        let fields = row.json.strip_suffix('}').unwrap();
        let json = format!(r#"{fields},"previous":84,"change":-0.5,"previous_coverage":"measured"}}"#);
        Sample { json, ..row }.columns(["previous"]).or_null(["change", "previous_coverage"])
    };
    rows.into_iter().map(compared).collect()
}

fn violations() -> Vec<Sample> {
    let key = ["date", "output_port_id", "consumer_id", "counted"];
    vec![
        row(r#"{"kind":"touches_above_queries","date":"2026-01-02","output_port_id":"00000000-0000-0000-0000-0000000000a1","tech_asset_id":"00000000-0000-0000-0000-0000000000e1","consumer_id":"00000000-0000-0000-0000-0000000000c1","touches":9,"queries":8}"#)
            .columns(key)
            .columns(["tech_asset_id", "queries"])
            .null("other_output_port_id"),
        row(r#"{"kind":"combination_above_queries","date":"2026-01-02","output_port_id":"00000000-0000-0000-0000-0000000000a1","other_output_port_id":"00000000-0000-0000-0000-0000000000a2","consumer_id":"00000000-0000-0000-0000-0000000000c1","combinations":9,"queries":8}"#)
            .columns(key)
            .null("tech_asset_id")
            .or_null(["other_output_port_id", "queries"]),
        row(r#"{"kind":"pair_out_of_order","date":"2026-01-02","output_port_id_1":"00000000-0000-0000-0000-0000000000a1","output_port_id_2":"00000000-0000-0000-0000-0000000000a2","consumer_id":"00000000-0000-0000-0000-0000000000c1","combinations":9}"#)
            .columns(key)
            .null("tech_asset_id")
            .or_null(["other_output_port_id"])
            .null("queries"),
        row(r#"{"kind":"settled_not_measured","date":"2026-01-02","output_port_id":"00000000-0000-0000-0000-0000000000a1","days":9}"#)
            .columns(["date", "output_port_id", "counted"])
            .null("consumer_id")
            .null("tech_asset_id")
            .null("other_output_port_id"),
    ]
}

fn port_coverage() -> Vec<Sample> {
    vec![
        row(r#"{"output_port_id":"00000000-0000-0000-0000-0000000000a1","first_measured":"2026-01-04","last_measured":"2026-01-06","settled_until":"2026-01-07","missing_days":2,"rules":"00000000-0000-0000-0000-0000000000f1"}"#)
            .columns(["output_port_id", "missing_days"])
            .or_null(["first_measured", "last_measured", "settled_until", "rules"]),
    ]
}

fn catalog_rows() -> Vec<Sample> {
    vec![row(r#"{"fact":"{}"}"#).columns(["fact"])]
}

fn gaps() -> Vec<Sample> {
    let gap = |reason: &str| {
        row(&format!(
            r#"{{"output_port_id":"00000000-0000-0000-0000-0000000000a1","days":{{"start":"2026-01-05","end":"2026-01-08"}},"reason":"{reason}"}}"#
        ))
        .columns(["output_port_id", "from", "until"])
    };
    vec![
        gap("never_measured").value("reason", "0::bigint"),
        gap("unsettled").columns(["reason"]),
        gap("other_rules").value("reason", "2::bigint"),
    ]
}

fn row(json: &str) -> Sample {
    Sample { columns: Vec::new(), json: json.to_owned() }
}

fn value(name: &str) -> &'static str {
    VALUES.iter().find(|(known, _)| *known == name).unwrap().1
}

impl Sample {
    fn add(mut self, name: &'static str, value: String, nullable: bool) -> Self {
        self.columns.push(SampleColumn { name, value, nullable });
        self
    }

    /// Columns whose value a row cannot do without.
    fn columns<const N: usize>(self, names: [&'static str; N]) -> Self {
        names.into_iter().fold(self, |row, name| row.value(name, value(name)))
    }

    fn value(self, name: &'static str, value: &str) -> Self {
        self.add(name, value.to_owned(), false)
    }

    /// A letter for each bucket, whose NULL makes another row.
    fn letters(self, name: &'static str, letters: &str) -> Self {
        self.add(name, format!("'{letters}'::text"), true)
    }

    /// Columns whose NULL makes another row, none that is broken.
    fn or_null<const N: usize>(self, names: [&'static str; N]) -> Self {
        names.into_iter().fold(self, |row, name| row.add(name, value(name).to_owned(), true))
    }

    fn null(self, name: &'static str) -> Self {
        let value = value(name);
        self.add(name, format!("nullif({value}, {value})"), true)
    }
}
