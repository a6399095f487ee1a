//! What one line of a log takes: its own bytes and what it counts, however often it says a thing.

use allocation_counter::{AllocationInfo, measure};
use output_port_usage::query_log::{self, AccessedObject, Aggregator, Record};
use output_port_usage::{Attribution, UsageBatch};

use super::hand_made::{asset, consumer, port};
use super::march;

const PORTS: u128 = 1000;
/// What a touch may take until it is counted, its rows included.
const TOUCH: u64 = 1024;

/// A table and a schema behind 1,000 output ports.
fn attribution() -> Attribution {
    Attribution::builder()
        .object("db.s.t", asset(1))
        .schema("db.s", asset(2))
        .tech_asset(asset(1), (1..=PORTS).map(port))
        .tech_asset(asset(2), (1..=PORTS).map(port))
        .user("ana", consumer(1))
        .build()
        .unwrap()
}

fn line(elements: &str, times: usize) -> String {
    let elements = vec![elements; times].join(",");
    format!(
        r#"{{"query_id":"q","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","direct_objects_accessed":[{elements}]}}"#
    )
}

/// Reads and counts a log, and measures it without the attribution.
fn counted(log: &str) -> (AllocationInfo, UsageBatch) {
    let attribution = attribution();
    let mut aggregator = Some(Aggregator::new(&attribution, march(10)..march(11)).unwrap());
    let mut batch = None;
    let info = measure(|| {
        let mut aggregator = aggregator.take().unwrap();
        for record in query_log::json_lines(log.as_bytes()) {
            aggregator.add(&record.unwrap());
        }
        batch = Some(aggregator.finish().0);
    });
    (info, batch.unwrap())
}

#[test]
fn an_object_that_is_repeated_through_a_line_counts_and_takes_what_it_does_once() {
    const ELEMENT: &str = r#"{"objectDomain":"Table","objectName":"DB.S.T"}"#;
    let once = counted(&line(ELEMENT, 1));
    let log = line(ELEMENT, 100_000);
    let repeated = counted(&log);
    assert_eq!(repeated.1, once.1);
    let touches = repeated.1.touches().unwrap();
    assert_eq!((touches.len() as u128, touches[0].query_count), (2 * PORTS, 1));

    let (once, repeated) = (once.0, repeated.0);
    assert!(once.bytes_max <= 2 * PORTS as u64 * TOUCH, "{once:?}");
    // the line itself, in a buffer that doubles
    assert!(repeated.bytes_max <= once.bytes_max + 3 * log.len() as u64, "{repeated:?}");
    // two texts for each element, which are dropped at once
    assert!(repeated.count_total <= once.count_total + 2 * 100_000 + 64, "{repeated:?}");
}

#[test]
fn what_is_no_object_is_not_kept() {
    for element in ["0", "null", "[]", "[[1],{}]", "true", "-1.5", "\"\""] {
        let log = line(element, 200_000);
        let (info, batch) = counted(&log);
        assert!(batch.queries().is_empty());
        assert!(info.bytes_max <= 3 * log.len() as u64 + 100_000, "{element}: {info:?}");
        assert!(info.count_total <= 2_000, "{element}: {info:?}");
    }
    // an object without a name that counts is kept once
    let log = line(r#"{"objectname":"DB.S.T","more":[1,{"objectName":"DB.S.T"}]}"#, 50_000);
    let (info, _) = counted(&log);
    assert!(info.bytes_max <= 3 * log.len() as u64 + 100_000, "{info:?}");
    assert!(info.count_total <= 2_000, "{info:?}");
}

#[test]
fn the_objects_of_one_schema_are_one_read() {
    let attribution = attribution();
    let mut record = Record::new("q", "2026-03-10T09:00:00Z".parse().unwrap());
    record.user_name = Some("ANA".to_owned());
    record.direct_objects_accessed =
        (0..50_000).map(|number| AccessedObject::new("Table", format!("DB.S.T{}", number / 2))).collect();
    let mut aggregator = Aggregator::new(&attribution, march(10)..march(11)).unwrap();
    let info = measure(|| aggregator.add(&record));
    assert!(info.bytes_max <= PORTS as u64 * TOUCH, "{info:?}");
    let again = measure(|| (0..20).for_each(|_| aggregator.add(&record)));
    assert!(again.bytes_max <= PORTS as u64 * TOUCH, "{again:?}");
    let (batch, summary) = aggregator.finish();
    assert_eq!((batch.queries().len() as u128, summary.counted, summary.units), (PORTS, 21, 1));
}
