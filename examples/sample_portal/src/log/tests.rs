use std::io::Cursor;

use output_port_usage::{ConsumerId, OutputPortId, TechAssetId};
use uuid::Uuid;

use super::*;

fn attribution() -> Attribution {
    let asset = TechAssetId(Uuid::from_u128(1));
    let mapping = Attribution::builder().object("db.s.t", asset).user("ana", ConsumerId(Uuid::from_u128(2)));
    mapping.tech_asset(asset, [OutputPortId(Uuid::from_u128(3))]).build().unwrap()
}

/// A record on each of these days of March.
fn counted(records: &[(u32, &str)]) -> Counted {
    let record = |(number, (day, user)): (usize, &(u32, &str))| {
        format!(
            r#"{{"query_id": "q{number}", "query_start_time": "2026-03-{day:02}T12:00:00Z", "user_name": "{user}",
                "direct_objects_accessed": [{{"objectDomain": "Table", "objectName": "DB.S.T"}}]}}"#
        )
        .replace('\n', " ")
    };
    let text = records.iter().enumerate().map(record).collect::<Vec<_>>().join("\n");
    let log = Log { name: "test".to_owned(), bytes: text.len() as u64, reader: Box::new(Cursor::new(text)) };
    log.count(&attribution()).unwrap()
}

#[test]
fn a_day_without_a_record_is_in_no_batch_and_the_last_one_is_unsettled() {
    let day = |day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
    // a record that does not count is a record: the 2nd is a day without use
    let counted = counted(&[(1, "ANA"), (2, "JO"), (5, "ANA"), (8, "ANA"), (9, "ANA")]);
    let batches = counted.batches().unwrap();
    let days: Vec<_> = batches.iter().map(|batch| (batch.scope().days(), batch.queries().len())).collect();
    assert_eq!(days, [(day(1)..day(3), 1), (day(5)..day(6), 1), (day(8)..day(10), 2)]);
    let unsettled: Vec<_> = batches.iter().map(UsageBatch::unsettled_from).collect();
    assert_eq!(unsettled, [None, None, Some(day(9))]);
    assert!(batches.iter().all(|batch| *batch.rules() == attribution().rules()));
}

#[test]
fn a_log_of_one_day_is_one_batch() {
    let batches = counted(&[(1, "ANA")]).batches().unwrap();
    assert_eq!(batches.len(), 1);
    assert_eq!(batches[0].unsettled_from(), NaiveDate::from_ymd_opt(2026, 3, 1));
}
