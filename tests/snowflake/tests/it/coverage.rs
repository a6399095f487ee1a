//! The coverage report against a hand-worked one.

use chrono::TimeDelta;
use output_port_usage::query_log::Record;
use output_port_usage::snowflake::{Aggregation, CoverageReport};
use serde_json::json;
use snowflake_emulation::Access;

use crate::case;
use crate::hand_made::{consumer, mapping, port, read};

/// A record with how often it is in `QUERY_HISTORY`.
fn access(query_rows: usize, user: &str, role: &str, record: Record) -> Access {
    let mut record = record;
    record.user_name = Some(user.into());
    record.role_name = Some(role.into());
    Access { record, query_rows, delay: TimeDelta::zero() }
}

#[test]
fn the_coverage_report_names_what_one_more_mapping_would_count() {
    const NINE: &str = "2026-03-10T09:00:00Z";
    let attribution = mapping().exclude_user("scanner").producer(port(1), consumer(1)).build().unwrap();
    let mut failed = access(1, "EVE", "PUBLIC", read("q9", NINE, &["DB.S.A"]));
    failed.record.execution_status = Some("FAIL".into());
    let mut nameless = access(1, "BOB", "PUBLIC", read("q8", NINE, &["DB.S.A"]));
    nameless.record.direct_objects_accessed[0].object_name = None;
    let of_domain = |domain: Option<&str>, query_id: &str, object: &str| {
        let mut access = access(1, "BOB", "PUBLIC", read(query_id, NINE, &[object, object]));
        for object in &mut access.record.direct_objects_accessed {
            object.object_domain = domain.map(str::to_owned);
        }
        access
    };
    let mut without_keys = of_domain(None, "q20", "DB.S.A");
    without_keys.record.direct_objects_accessed[1].object_name = None;
    let log = [
        // mapped, but of other domains; cut off; of no use
        of_domain(Some("Stage"), "q14", "DB.S.A"),
        of_domain(Some("STAGE"), "q15", "DB.S.A"),
        of_domain(Some("Function"), "q16", "DB.S.A"),
        of_domain(Some("Function"), "q17", "DB.S.NEW"),
        of_domain(Some("Truncated"), "q18", "TRUNCATED"),
        of_domain(None, "q19", "DB.S.B"),
        without_keys,
        // EVE is unmapped: two queries on mapped objects, one of them on two and listed twice
        access(1, "EVE", "PUBLIC", read("q1", NINE, &["DB.S.A", "DB.S.B"])),
        access(2, "EVE", "PUBLIC", read("q2", NINE, &["DB.S.A"])),
        access(1, "EVE", "PUBLIC", read("q3", NINE, &["DB.S.HERS"])),
        access(1, "EVE", "READER", read("q4", NINE, &["DB.S.A"])),
        // a mapped principal reads unmapped objects, once by user and once by role
        access(1, "BOB", "PUBLIC", read("q5", NINE, &["DB.S.NEW", "DB.S.NEW", "DB.S.A"])),
        access(1, "ZED", "READER", read("q6", NINE, &["DB.S.NEW"])),
        access(1, "SCANNER", "READER", read("q7", NINE, &["DB.S.NEW"])),
        nameless,
        failed,
        // not there yet: two with mapped objects, of which one could never count
        access(0, "ANA", "PUBLIC", read("q10", NINE, &["DB.S.C", "DB.S.NEW"])),
        access(0, "EVE", "PUBLIC", read("q11", NINE, &["DB.S.A"])),
        access(0, "SCANNER", "PUBLIC", read("q12", NINE, &["DB.S.A"])),
        access(0, "ANA", "PUBLIC", read("q13", "2026-03-11T00:00:00Z", &["DB.S.A"])),
    ];
    let expected: CoverageReport = serde_json::from_value(json!({
        "unmapped_principals": [{"user_name": "EVE", "role_name": "PUBLIC", "query_count": 2}],
        "unmapped_objects": [
            {"object_name": null, "query_count": 2},
            {"object_name": "DB.S.NEW", "query_count": 2},
        ],
        "uncounted_domains": [
            {"object_domain": "STAGE", "object_name": "DB.S.A", "query_count": 2},
            {"object_domain": null, "object_name": "DB.S.A", "query_count": 1},
            {"object_domain": null, "object_name": "DB.S.B", "query_count": 1},
            {"object_domain": "FUNCTION", "object_name": "DB.S.A", "query_count": 1},
        ],
        "objects_without_keys": 1,
        "not_in_query_history": 2,
    }))
    .unwrap();
    let day = "2026-03-10".parse().unwrap().."2026-03-11".parse().unwrap();
    let statement = Aggregation::new(&attribution, day).coverage().unwrap();
    let account = case::account();
    account.load(&log).unwrap();
    let answer = account.run(&statement.sql(), statement.binds()).unwrap();
    assert_eq!(statement.decode(case::as_maps(&answer)).unwrap(), expected);
}

#[test]
fn nothing_to_report_is_an_empty_report() {
    let attribution = mapping().build().unwrap();
    let day = "2026-03-10".parse().unwrap().."2026-03-11".parse().unwrap();
    let statement = Aggregation::new(&attribution, day).coverage().unwrap();
    let answer = case::account().run(&statement.script(), []).unwrap();
    assert_eq!(statement.decode(case::as_texts(&answer)).unwrap(), CoverageReport::default());
}
