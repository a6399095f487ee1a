//! The in-process aggregation against hand-worked tables and a naive fold.

pub(crate) mod hand_made;
mod memory;
mod parts;
mod random;
mod tables;

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::ops::Range;

use chrono::{DateTime, Days, NaiveDate};
use output_port_usage::query_log::{self, AccessedObject, Aggregator, LogSummary, Record};
use output_port_usage::{Attribution, IcebergEvents, UsageBatch};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use self::hand_made::{cases, mapping, read};
use self::random::{RULES, RandomLog};
use self::tables::tables;

fn summary(attribution: &Attribution, days: Range<NaiveDate>, records: &[Record]) -> LogSummary {
    let mut aggregator = Aggregator::new(attribution, days).unwrap();
    records.iter().for_each(|record| aggregator.add(record));
    aggregator.finish().1
}

fn march(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 3, day).unwrap()
}

#[test]
fn every_hand_worked_table_holds() {
    for case in cases() {
        let batch = query_log::aggregate(&case.attribution, case.days.clone(), &case.records).unwrap();
        let [queries, touches, combinations] = tables(&batch);
        assert_eq!(queries, case.queries, "queries: {}", case.name);
        assert_eq!(touches, case.touches, "touches: {}", case.name);
        assert_eq!(combinations, case.combinations, "combinations: {}", case.name);
        assert_eq!(batch.scope().days(), case.days, "{}", case.name);
        assert_eq!(*batch.scope().output_ports(), case.attribution.output_ports(), "{}", case.name);
    }
}

#[test]
fn neither_order_nor_repetition_of_records_matters() {
    for case in cases() {
        let batch = query_log::aggregate(&case.attribution, case.days.clone(), &case.records).unwrap();
        let shuffled = case.records.iter().rev().chain(&case.records);
        let again = query_log::aggregate(&case.attribution, case.days, shuffled).unwrap();
        assert_eq!(batch, again, "{}", case.name);
    }
}

#[test]
fn an_event_of_the_iceberg_catalog_is_a_statement_like_any_other_unless_asked() {
    let of_events = cases().into_iter().filter(|case| case.iceberg_events == IcebergEvents::TableLoads);
    for case in of_events {
        let attribution = mapping().build().unwrap();
        let batch = query_log::aggregate(&attribution, case.days.clone(), &case.records).unwrap();
        assert_eq!(tables(&batch)[0], ["2026-03-10 P1 C1 9", "2026-03-10 P2 C1 1"]);
        let summary = summary(&case.attribution, case.days, &case.records);
        assert_eq!((summary.iceberg_events, summary.unmapped_principal, summary.counted), (5, 1, 5));
    }
}

#[test]
fn days_counted_one_by_one_give_the_same_as_together() {
    for (zone, day) in [
        ("America/St_Johns", "2010-11-07"),
        ("Pacific/Apia", "2011-12-30"),
        ("America/Havana", "2025-11-02"),
        ("Africa/Cairo", "2026-04-24"),
    ] {
        let attribution = mapping().time_zone(zone).build().unwrap();
        let middle: NaiveDate = day.parse().unwrap();
        let days = middle - Days::new(2)..middle + Days::new(3);
        let start = days.start.and_hms_opt(0, 0, 30).unwrap().and_utc().timestamp();
        let records: Vec<Record> = (0..5 * 24 * 60)
            .map(|minute| DateTime::from_timestamp(start + minute * 60, 0).unwrap().to_rfc3339())
            .map(|start| read(&start, &start, &["DB.S.A"]))
            .collect();
        let together = query_log::aggregate(&attribution, days.clone(), &records).unwrap();
        let one_by_one: Vec<_> = days
            .start
            .iter_days()
            .take_while(|day| *day < days.end)
            .map(|day| query_log::aggregate(&attribution, day..day + Days::new(1), &records).unwrap())
            .flat_map(|batch| batch.queries().to_vec())
            .collect();
        assert_eq!(together.queries(), one_by_one, "{zone}");
    }
}

#[test]
fn random_logs_give_what_a_naive_fold_gives_and_meet_every_rule() {
    const LOGS: usize = 400;
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeMap::<&str, usize>::new();
    for _ in 0..LOGS {
        let log: RandomLog = random::log().new_tree(&mut runner).unwrap().current();
        let attribution = log.attribution();
        let batch = query_log::aggregate(&attribution, log.days.clone(), &log.records).unwrap();
        let (expected, rules) = log.fold();
        assert_eq!(tables(&batch), expected, "{log:#?}");
        assert_invariants(&batch);
        for rule in rules {
            *met.entry(rule).or_default() += 1;
        }
        let summary = summary(&attribution, log.days.clone(), &log.records);
        let outcomes = summary.not_successful
            + summary.outside_days
            + summary.excluded_user
            + summary.iceberg_events
            + summary.no_mapped_object
            + summary.unmapped_principal
            + summary.own_reads
            + summary.counted;
        assert_eq!(outcomes, summary.records);
        assert_eq!(summary.records, log.records.len() as u64);
    }
    for rule in RULES {
        let count = met.get(rule).copied().unwrap_or_default();
        assert!(count * 10 >= LOGS, "{rule}: met by {count} of {LOGS} logs");
    }
}

/// Each asset's touches ≤ the port's queries ≤ the sum of its touches; a pair ≤ each of its ports.
fn assert_invariants(batch: &UsageBatch) {
    let mut sums = BTreeMap::new();
    let queries: BTreeMap<_, _> = batch
        .queries()
        .iter()
        .map(|row| ((row.date, row.output_port_id, row.consumer_id), row.query_count))
        .collect();
    for row in batch.touches().unwrap() {
        let key = (row.date, row.output_port_id, row.consumer_id);
        assert!(row.query_count <= queries[&key], "{row:?}");
        *sums.entry(key).or_insert(0) += row.query_count;
    }
    assert!(queries.iter().all(|(key, count)| *count <= sums[key]));
    for row in batch.combinations().unwrap() {
        assert!(row.output_port_id_1 < row.output_port_id_2, "{row:?}");
        for port in [row.output_port_id_1, row.output_port_id_2] {
            assert!(row.query_count <= queries[&(row.date, port, row.consumer_id)], "{row:?}");
        }
    }
}

#[test]
fn the_summary_says_what_became_of_every_record() {
    let attribution = mapping()
        .exclude_user("scanner")
        .producer(hand_made::port(1), hand_made::consumer(1))
        .build()
        .unwrap();
    let log = r#"
{"query_id":"q1","query_start_time":"2026-03-10T09:00:00Z","user_name":"BOB","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"},{"objectDomain":"Table","objectName":"DB.S.NEW"},{"objectDomain":"Table","objectName":"DB.S.NEW"},{"objectDomain":"Stage","objectName":"DB.S.STAGE"}]}
{"query_id":"q1","query_start_time":"2026-03-10T09:00:00Z","user_name":"BOB","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"},{"objectDomain":"Table"}]}
{"query_id":"q2","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"}]}
{"query_id":"q3","query_start_time":"2026-03-10T09:00:00Z","user_name":"EVE","role_name":"PUBLIC","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"},{"objectDomain":"Table","objectName":"DB.S.HERS"}]}
{"query_id":"q4","query_start_time":"2026-03-10T09:00:00Z","user_name":"BOB","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.NEW"}]}
{"query_id":"q5","query_start_time":"2026-03-12T09:00:00Z","user_name":"BOB","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"}]}
{"query_id":"q6","query_start_time":"2026-03-10T09:00:00Z","user_name":"SCANNER","direct_objects_accessed":[{"objectDomain":"Table","objectName":"DB.S.A"}]}
{"query_id":"q7","query_start_time":"2026-03-10T09:00:00Z","user_name":"BOB","execution_status":"FAIL"}
{"query_id":"q8"}
"#;
    let mut aggregator = Aggregator::new(&attribution, march(10)..march(11)).unwrap();
    for line in query_log::json_lines(log.as_bytes()) {
        match line {
            Ok(record) => aggregator.add(&record),
            Err(error) => {
                assert_eq!(
                    error.to_string(),
                    "line 10 is malformed: missing field `query_start_time` (column 17)"
                );
                aggregator.skip_malformed_line();
            }
        }
    }
    let (_, summary) = aggregator.finish();
    let expected = serde_json::json!({
        "malformed_lines": 1, "days_without_records": [], "records": 8, "not_successful": 1, "outside_days": 1, "excluded_user": 1, "iceberg_events": 0,
        "no_mapped_object": 1, "unmapped_principal": 1, "own_reads": 1, "counted": 2, "units": 1,
        "unmapped_principals": [{"user_name": "EVE", "role_name": "PUBLIC", "records": 1}],
        "more_unmapped_principals": 0,
        "unmapped_objects": [{"object_name": "DB.S.NEW", "records": 2}, {"object_name": null, "records": 1}],
        "more_unmapped_objects": 0,
        "ignored_objects": [], "more_ignored_objects": 0, "objects_without_keys": 0,
    });
    assert_eq!(serde_json::to_value(&summary).unwrap(), expected);
    assert_eq!(serde_json::from_value::<LogSummary>(expected).unwrap(), summary);
}

#[test]
fn the_summary_says_why_an_object_does_not_count() {
    let attribution = mapping().schema("stages.out", hand_made::asset(1)).build().unwrap();
    let log = r#"
{"query_id":"q1","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","role_name":"","execution_status":"","direct_objects_accessed":[{"objectDomain":"Stage","objectName":"STAGES.OUT.S"},{"objectDomain":"STAGE","objectName":"STAGES.OUT.S"},{"objectDomain":"Stage","objectName":"OTHER.OUT.S"}]}
{"query_id":"q2","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","direct_objects_accessed":[{"objectDomain":"Stage","objectName":"STAGES.OUT.S"},{"objectName":"DB.S.A"}]}
{"query_id":"q3","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","direct_objects_accessed":[{"objectDomain":"TRUNCATED","objectName":"TRUNCATED"},{"objectDomain":"Table"}]}
{"query_id":"q4","query_start_time":"2026-03-10T09:00:00Z","user_name":"ANA","direct_objects_accessed":[{"objectname":"DB.S.A","objectdomain":"Table"},{"object_name":"DB.S.B"}]}
{"query_id":"q5","query_start_time":"2026-03-10T09:00:00Z","user_name":"","role_name":"PUBLIC","direct_objects_accessed":[{"objectDomain":"Stage","objectName":"STAGES.OUT.S"},{}]}
{"query_id":"q6","query_start_time":"2026-03-10T09:00:00Z","user_name":"","role_name":"PUBLIC","direct_objects_accessed":[{"objectDomain":"Stream","objectName":"STAGES.OUT.CHANGES"}]}
"#;
    let records: Vec<_> = query_log::json_lines(log.as_bytes()).map(Result::unwrap).collect();
    assert_eq!((&records[0].role_name, &records[0].execution_status), (&None, &None), "empty is NULL");
    let summary = summary(&attribution, march(10)..march(11), &records);
    let found = serde_json::json!({
        "no_mapped_object": summary.no_mapped_object,
        "unmapped_principals": summary.unmapped_principals,
        "unmapped_objects": summary.unmapped_objects,
        "ignored_objects": summary.ignored_objects,
        "objects_without_keys": summary.objects_without_keys,
    });
    let expected = serde_json::json!({
        "no_mapped_object": 5,
        "unmapped_principals": [{"user_name": null, "role_name": "PUBLIC", "records": 1}],
        "unmapped_objects": [{"object_name": null, "records": 1}],
        "ignored_objects": [
            {"object_domain": "STAGE", "object_name": "STAGES.OUT.S", "records": 2},
            {"object_domain": null, "object_name": "DB.S.A", "records": 1},
        ],
        "objects_without_keys": 1,
    });
    assert_eq!(found, expected);
}

#[test]
fn the_summary_lists_the_days_without_any_record() {
    let attribution = mapping().time_zone("Europe/Brussels").build().unwrap();
    let failed = |start| {
        let mut record = read("q2", start, &["DB.S.UNMAPPED"]);
        record.execution_status = Some("FAIL".into());
        record
    };
    // 23:30 UTC on the 10th is the 11th in Brussels; a failed statement shows that the log goes that far
    let log = [read("q1", "2026-03-10T23:30:00Z", &["DB.S.A"]), failed("2026-03-13T09:00:00Z")];
    let summary = summary(&attribution, march(9)..march(15), &log);
    assert_eq!(summary.days_without_records, [9, 10, 12, 14].map(march));
    assert_eq!((summary.counted, summary.not_successful), (1, 1));
}

#[test]
fn a_malformed_line_says_whether_it_is_the_last() {
    struct Stops;
    impl Read for Stops {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let good = r#"{"query_id":"q","query_start_time":0}"#;
    let cut = &good[..20];
    let errors = |log: &str, capacity| -> Vec<(u64, bool)> {
        query_log::json_lines(BufReader::with_capacity(capacity, log.as_bytes()))
            .filter_map(Result::err)
            .map(|error| (error.line_number(), error.is_last()))
            .collect()
    };
    for capacity in [1, 2, 7, 4096] {
        assert_eq!(errors(&format!("{good}\n{cut}"), capacity), [(2, true)]);
        assert_eq!(errors(&format!("{good}\n{cut}\n"), capacity), [(2, true)]);
        assert_eq!(errors(&format!("{cut}\n \r\n\n\t"), capacity), [(1, true)], "blank lines are no lines");
        // passing over blank lines loses none of their numbers
        assert_eq!(errors(&format!("x\n\n \n  {cut}\n\n{good}"), capacity), [(1, false), (4, false)]);
    }
    let log = format!("{cut}\n");
    let mut lines = query_log::json_lines(BufReader::new(log.as_bytes().chain(Stops)));
    let malformed = lines.next().unwrap().unwrap_err();
    assert_eq!((malformed.is_malformed(), malformed.is_last()), (true, false), "nobody knows what follows");
    let failed = lines.next().unwrap().unwrap_err();
    assert_eq!((failed.is_malformed(), failed.is_last(), failed.line_number()), (false, true, 2));
    assert!(lines.next().is_none());
}

fn records(log: &[u8]) -> Vec<Result<Record, String>> {
    query_log::json_lines(log).map(|line| line.map_err(|error| error.to_string())).collect()
}

#[test]
fn every_way_of_writing_a_record_reads_alike() {
    let objects = r#"[{"columns":[{"columnId":1,"columnName":"X"}],"objectDomain":"Table","objectId":7,"objectName":"DB.S.A"}]"#;
    let text = serde_json::to_string(objects).unwrap();
    let rest = r#""ROOT_QUERY_ID":"r","PARENT_QUERY_ID":null,"USER_NAME":"ANA","ROLE_NAME":"READER","EXECUTION_STATUS":"SUCCESS""#;
    let upper = format!(
        r#"{{"QUERY_ID":"q","QUERY_START_TIME":"2026-03-10 10:00:00.500 +0100",{rest},"DIRECT_OBJECTS_ACCESSED":{text},"BASE_OBJECTS_ACCESSED":null,"OBJECTS_MODIFIED":[]}}"#
    );
    let lower = format!(
        r#"{{"query_id":"q","query_start_time":1773133200.5,{},"direct_objects_accessed":{objects}}}"#,
        rest.to_lowercase().replace("ana", "ANA").replace("reader", "READER").replace("success", "SUCCESS")
    );
    let log =
        format!("\u{feff}{upper}\r\n\n  \t\n{lower}\n{}", lower.replace("1773133200.5", "\"1773133200.5\""));
    let read = records(log.as_bytes());
    assert_eq!(read.len(), 3);
    let first = read[0].clone().unwrap();
    assert!(read.iter().all(|record| *record.as_ref().unwrap() == first), "{read:#?}");

    let mut expected = hand_made::read("q", "2026-03-10T09:00:00.500Z", &["DB.S.A"]);
    expected.base_objects_accessed.clear();
    expected.root_query_id = Some("r".into());
    expected.role_name = Some("READER".into());
    expected.execution_status = Some("SUCCESS".into());
    assert_eq!(first, expected);
    let written = serde_json::to_vec(&first).unwrap();
    assert_eq!(records(&written), [Ok(first)], "what a record writes it also reads");
}

#[test]
fn elements_that_are_no_objects_are_not_kept_and_others_once() {
    let log = r#"{"query_id":"q","query_start_time":0,"direct_objects_accessed":[null,1,-1,1.5,true,"x",[{}],{"objectDomain":1,"objectName":{"a":[]}},{"objectname":"a"}],"base_objects_accessed":""}"#;
    let [Ok(record)] = &records(log.as_bytes())[..] else { panic!("one record") };
    assert_eq!(record.direct_objects_accessed, [Default::default()]);
    assert_eq!(record.base_objects_accessed, []);

    let names =
        (0..40).chain(0..50).map(|number| format!(r#"{{"objectDomain":"Table","objectName":"T{number}"}}"#));
    let names = names.collect::<Vec<_>>().join(",");
    let log = format!(r#"{{"query_id":"q","query_start_time":0,"direct_objects_accessed":[0,{names}]}}"#);
    let [Ok(record)] = &records(log.as_bytes())[..] else { panic!("one record") };
    let expected: Vec<_> = (0..50).map(|number| AccessedObject::new("Table", format!("T{number}"))).collect();
    assert_eq!(record.direct_objects_accessed, expected, "in the order in which they come first");
}

#[test]
fn quotes_around_parts_that_need_none_are_not_read() {
    for (written, read) in [
        (r#""SALES_DB"."OUT"."ORDERS""#, "SALES_DB.OUT.ORDERS"),
        (r#"SALES_DB."OUT"._A$1"#, "SALES_DB.OUT._A$1"),
        (r#""SALES_DB"."out"."Campaign.Daily""#, r#"SALES_DB."out"."Campaign.Daily""#),
        (r#""A""B"."C"."D""#, r#""A""B".C.D"#),
        (r#"DB.S."T""T""#, r#"DB.S."T""T""#),
        (r#"db.s.t"#, "db.s.t"),
        (r#""A"."B""#, r#""A"."B""#),
        (r#""A"."B"."#, "A.B."),
        (r#"TRUNCATED"#, "TRUNCATED"),
    ] {
        let object = serde_json::json!({"objectDomain": "Table", "objectName": written});
        let object: AccessedObject = serde_json::from_value(object).unwrap();
        assert_eq!(object.object_name.as_deref(), Some(read), "{written}");
    }
}

#[test]
fn a_malformed_line_is_reported_with_its_number_and_the_rest_goes_on() {
    let good = br#"{"query_id":"q","query_start_time":0}"#;
    let mut log = Vec::new();
    for line in [
        &good[..],
        b"not json",
        b"",
        br#"{"query_id":"q","query_start_time":0"#,
        br#"{"query_id":null,"query_start_time":0}"#,
        br#"{"query_id":"q","QUERY_ID":"q","query_start_time":0}"#,
        br#"{"query_id":"q","query_start_time":"2026-03-10 09:00:00"}"#,
        br#"{"query_id":"q","query_start_time":1773133200000}"#,
        br#"{"query_id":"q","query_start_time":0,"direct_objects_accessed":"[{"}"#,
        br#"{"query_id":"q","query_start_time":0,"direct_objects_accessed":{}}"#,
        b"{\"query_id\":\"\xff\",\"query_start_time\":0}",
        b"[]",
        &good[..],
    ] {
        log.extend_from_slice(line);
        log.push(b'\n');
    }
    let (read, errors): (Vec<_>, Vec<_>) = records(&log).into_iter().partition(Result::is_ok);
    assert_eq!(read.len(), 2);
    let errors: Vec<String> = errors.into_iter().map(Result::unwrap_err).collect();
    insta::assert_snapshot!(errors.join("\n"), @r#"
    line 2 is malformed: it is no JSON object
    line 4 is malformed: EOF while parsing an object (column 36)
    line 5 is malformed: invalid type: null, expected a string (column 16)
    line 6 is malformed: duplicate field `query_id` (column 26)
    line 7 is malformed: query_start_time is no timestamp with an offset from UTC: "2026-03-10 09:00:00" (column 56)
    line 8 is malformed: query_start_time is outside the years 1 to 9999, in seconds since the epoch: 1773133200000 (column 48)
    line 9 is malformed: the text of an array is not one (EOF while parsing an object at line 1 column 2) (column 67)
    line 10 is malformed: invalid type: map, expected an array of accessed objects, or a text that holds one (column 65)
    line 11 is malformed: invalid unicode code point (column 14)
    line 12 is malformed: it is no JSON object
    "#);
}

#[test]
fn a_log_of_another_shape_is_one_error() {
    let utf_16 = |mark: &[u8]| {
        let text = "{\"query_id\":\"q\",\"query_start_time\":0}\r\n".repeat(3);
        [mark, &text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()
    };
    let big_endian =
        [b"\xfe\xff".to_vec(), "{}\n{}".encode_utf16().flat_map(u16::to_be_bytes).collect()].concat();
    for (log, shape) in [
        (
            b"[\n{\"query_id\":\"q\",\"query_start_time\":0},\n{}\n]".to_vec(),
            "a JSON array: write one object a line, as jq does with -c '.[]'",
        ),
        (
            b"\xef\xbb\xbf [{\"query_id\":\"q\",\"query_start_time\":0},{}]".to_vec(),
            "a JSON array: write one object a line, as jq does with -c '.[]'",
        ),
        (utf_16(b"\xff\xfe"), "UTF-16: write it as UTF-8"),
        (utf_16(b""), "UTF-16: write it as UTF-8"),
        (big_endian, "UTF-16: write it as UTF-8"),
    ] {
        let read: Vec<_> = query_log::json_lines(log.as_slice()).collect();
        let [Err(error)] = &read[..] else { panic!("one error: {read:?}") };
        assert!(error.is_malformed() && error.is_last());
        assert_eq!(error.to_string(), format!("line 1 is malformed: the log is {shape}"));
    }
    let good = "{\"query_id\":\"q\",\"query_start_time\":0}";
    let two_marks = format!("\u{feff}\u{feff}{good}\n{good}");
    assert!(records(two_marks.as_bytes()).iter().all(Result::is_ok));
    let [Ok(_), Err(array)] = &records(format!("{good}\n[]").as_bytes())[..] else { panic!("two lines") };
    assert_eq!(array, "line 2 is malformed: it is no JSON object");
}

#[test]
fn a_key_in_mixed_case_is_named() {
    for key in ["User_Name", "userName", "ROLE_name", "Direct_Objects_Accessed"] {
        let log = format!("{{\"query_id\":\"q\",\"query_start_time\":0,\"{key}\":null}}");
        let read = records(log.as_bytes());
        if key == "userName" {
            assert!(read[0].is_ok(), "another key is ignored");
            continue;
        }
        let error = read[0].as_ref().unwrap_err();
        let expected =
            format!("line 1 is malformed: key {key:?} is written neither in lower nor in upper case");
        assert!(error.starts_with(&expected), "{error}");
    }
}

#[test]
fn an_error_of_the_reader_ends_the_log() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk is gone"))
        }
    }
    let log = BufReader::new(b"{\"query_id\":\"q\",\"query_start_time\":0}\n".chain(Broken));
    let mut lines = query_log::json_lines(log);
    assert!(lines.next().unwrap().is_ok());
    let error = lines.next().unwrap().unwrap_err();
    assert!(!error.is_malformed());
    assert_eq!((error.line_number(), error.to_string()), (2, "cannot read line 2".into()));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the disk is gone");
    assert!(lines.next().is_none());
}

#[test]
fn empty_reversed_and_far_days_are_refused() {
    let attribution = mapping().build().unwrap();
    let day = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap();
    for days in [march(10)..march(10), march(11)..march(10), day(0)..day(2), day(9999)..day(10001)] {
        let error = query_log::aggregate(&attribution, days, Vec::<Record>::new()).unwrap_err();
        assert!(error.is_request(), "{error}");
    }
    assert!(query_log::aggregate(&attribution, day(1)..day(10000), Vec::<Record>::new()).is_ok());
}
