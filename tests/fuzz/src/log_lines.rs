//! Lines of an access log, and what is counted from them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chrono::NaiveDate;
use output_port_usage::query_log::{self, Aggregator, LogSummary, Record};
use output_port_usage::{
    AccessedObjects, Attribution, AttributionBuilder, ConsumerId, CountedUnit, OutputPortId, OverlappingSets,
    Reference, TechAssetId, UsageBatch, UsageModel,
};
use uuid::Uuid;

use crate::text::assert_printable;

/// Bytes as a log: each line is a record or refused by its number, and the counts agree with each other.
pub fn log_lines(data: &[u8]) {
    let (mut records, mut malformed) = (Vec::new(), 0);
    let mut last_number = 0;
    for line in query_log::json_lines(data) {
        match line {
            Ok(record) => records.push(record),
            Err(error) => {
                assert!(error.is_malformed() && error.line_number() > last_number, "{error}");
                last_number = error.line_number();
                let message = error.to_string();
                assert!(message.starts_with(&format!("line {last_number} ")), "{message}");
                assert_printable(&message);
                malformed += 1;
            }
        }
    }
    let lines = data.split(|&byte| byte == b'\n').count();
    assert!(records.len() + malformed <= lines && last_number <= lines as u64);

    for record in &records {
        let line = serde_json::to_string(record).expect("a record is JSON");
        let read: Vec<Record> = query_log::json_lines(line.as_bytes()).map_while(Result::ok).collect();
        assert_eq!(read, std::slice::from_ref(record));
    }

    let [all, specific, _] = MAPPINGS.each_ref().map(|attribution| check_counts(attribution, &records));
    for row in specific.queries() {
        let key = (row.date, row.output_port_id, row.consumer_id);
        let of_all =
            all.queries().iter().find(|other| (other.date, other.output_port_id, other.consumer_id) == key);
        assert!(of_all.is_some_and(|other| other.query_count >= row.query_count), "{row:?}");
    }
}

/// All sets, the most specific of them, and root queries by base objects.
static MAPPINGS: LazyLock<[Attribution; 3]> = LazyLock::new(|| {
    let by_roots = mapping().counted_unit(CountedUnit::RootQuery).accessed_objects(AccessedObjects::Base);
    [mapping(), mapping().overlapping_sets(OverlappingSets::MostSpecific), by_roots]
        .map(|mapping| mapping.build().expect("the mapping is right"))
});

static MODEL: LazyLock<UsageModel> = LazyLock::new(|| {
    UsageModel::builder()
        .output_ports(Reference::to("datasets"))
        .consumers(Reference::to("data_products"))
        .tech_assets(Reference::to("technical_assets"))
        .combinations()
        .build()
        .expect("a model of plain names")
});

/// An object in two assets, its schema in others, its database in another, of which one is behind two ports.
fn mapping() -> AttributionBuilder {
    let (asset, port) = (|id| TechAssetId(Uuid::from_u128(id)), |id| OutputPortId(Uuid::from_u128(id)));
    let consumer = |id| ConsumerId(Uuid::from_u128(id));
    Attribution::builder()
        .object("db.s.t", asset(11))
        .object("db.s.t", asset(12))
        .object("db.s.\"a \"\"b\"\".c\"", asset(12))
        .schema("db.s", asset(12))
        .schema("db.s", asset(13))
        .database("db", asset(14))
        .database("\"d.b\"", asset(14))
        .tech_asset(asset(11), [port(1), port(2)])
        .tech_asset(asset(12), [port(2)])
        .tech_asset(asset(13), [port(1), port(3)])
        .tech_asset(asset(14), [port(4)])
        .user("ana", consumer(21))
        .user("\"bo@x.org\"", consumer(22))
        .role("reader", consumer(23))
        .role("maker", consumer(22))
        .exclude_user("scanner")
        .producer(port(4), consumer(22))
        .time_zone("Europe/Brussels")
}

fn check_counts(attribution: &Attribution, records: &[Record]) -> UsageBatch {
    let (batch, summary) = count(attribution, records.iter());
    let (reversed, summary_reversed) = count(attribution, records.iter().rev());
    assert_eq!((&batch, &summary), (&reversed, &summary_reversed), "the order of records changes counts");
    let (twice, summary_twice) = count(attribution, records.iter().chain(records));
    assert_eq!(batch, twice, "a repeated log changes counts");
    assert_eq!((summary.counted * 2, summary.units), (summary_twice.counted, summary_twice.units));
    check_summary(&summary, records.len() as u64);
    check_batch(&batch, &summary);
    batch
}

fn count<'a>(
    attribution: &Attribution,
    records: impl Iterator<Item = &'a Record>,
) -> (UsageBatch, LogSummary) {
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).expect("a day of the calendar");
    let mut aggregator = Aggregator::new(attribution, day(3, 28)..day(4, 2)).expect("these are days");
    records.for_each(|record| aggregator.add(record));
    aggregator.finish()
}

fn check_summary(summary: &LogSummary, records: u64) {
    let reasons = [
        summary.not_successful,
        summary.outside_days,
        summary.excluded_user,
        summary.iceberg_events,
        summary.no_mapped_object,
        summary.unmapped_principal,
        summary.own_reads,
        summary.counted,
    ];
    assert_eq!((summary.records, reasons.iter().sum::<u64>()), (records, records), "{summary:?}");
    assert!(summary.units <= summary.counted);
    let listed: u64 = summary.unmapped_principals.iter().map(|principal| principal.records).sum();
    assert_eq!(listed + summary.more_unmapped_principals, summary.unmapped_principal);
    let json = serde_json::to_string(summary).expect("a summary is JSON");
    assert_eq!(serde_json::from_str::<LogSummary>(&json).expect("its own JSON is one"), *summary);
}

fn check_batch(batch: &UsageBatch, summary: &LogSummary) {
    let queries: BTreeMap<_, u64> = batch
        .queries()
        .iter()
        .map(|row| ((row.date, row.output_port_id, row.consumer_id), row.query_count))
        .collect();
    assert_eq!(queries.len(), batch.queries().len(), "each key once");
    let most = queries.values().max().copied().unwrap_or_default();
    assert!(most <= summary.units && (summary.units == 0) == queries.is_empty());

    let mut touches: BTreeMap<_, u64> = BTreeMap::new();
    for row in batch.touches().expect("touches are measured") {
        let key = (row.date, row.output_port_id, row.consumer_id);
        assert!((1..=queries[&key]).contains(&row.query_count), "{row:?}");
        *touches.entry(key).or_default() += row.query_count;
    }
    assert!(touches.keys().eq(queries.keys()));
    assert!(queries.iter().all(|(key, count)| touches[key] >= *count), "a query touches something");
    for row in batch.combinations().expect("combinations are measured") {
        assert!(row.output_port_id_1 < row.output_port_id_2);
        for port in [row.output_port_id_1, row.output_port_id_2] {
            let most = queries[&(row.date, port, row.consumer_id)];
            assert!((1..=most).contains(&row.query_count), "{row:?}");
        }
    }
    assert!(MODEL.replace(batch).is_ok(), "what was counted can be written");
}
