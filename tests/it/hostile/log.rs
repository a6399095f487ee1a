//! Records of a log: their fields, their JSON, and lines that are none.

use output_port_usage::query_log::{self, AccessedObject, Aggregator, LogSummary, Record};
use output_port_usage::*;
use proptest::prelude::*;

use super::corpus;
use crate::portal::{asset, consumer, day, port};

/// A field of a record that holds text, and how a record is made with it.
type Field = (&'static str, fn(&str) -> Record);

const FIELDS: [Field; 9] = [
    ("Record::new", of_ana),
    ("parent_query_id", |text| with(|record| record.parent_query_id = Some(text.to_owned()))),
    ("root_query_id", |text| with(|record| record.root_query_id = Some(text.to_owned()))),
    ("user_name", |text| with(|record| record.user_name = Some(text.to_owned()))),
    ("role_name", |text| with(|record| record.role_name = Some(text.to_owned()))),
    ("execution_status", |text| with(|record| record.execution_status = Some(text.to_owned()))),
    ("AccessedObject::new, domain", |text| {
        with(|record| record.direct_objects_accessed.push(AccessedObject::new(text, "DB.S.U")))
    }),
    ("AccessedObject::new, name", |text| {
        with(|record| record.direct_objects_accessed.push(AccessedObject::new("Table", text)))
    }),
    ("base_objects_accessed", |text| {
        with(|record| record.base_objects_accessed.push(AccessedObject::new(text, text)))
    }),
];

/// A record of `ANA` that counts.
fn of_ana(query_id: &str) -> Record {
    let mut record = Record::new(query_id, "2026-01-01T12:00:00Z".parse().unwrap());
    record.user_name = Some("ANA".to_owned());
    record.role_name = Some("READER".to_owned());
    record.direct_objects_accessed = vec![AccessedObject::new("Table", "DB.S.T")];
    record
}

fn with(change: impl FnOnce(&mut Record)) -> Record {
    let mut record = of_ana("q1");
    change(&mut record);
    record
}

fn attribution(unit: CountedUnit) -> Attribution {
    let builder = Attribution::builder().object("db.s.t", asset(1)).tech_asset(asset(1), [port(1)]);
    builder.user("ana", consumer(1)).counted_unit(unit).build().unwrap()
}

fn count(attribution: &Attribution, records: &[Record]) -> (u64, LogSummary) {
    let mut aggregator = Aggregator::new(attribution, day(2026, 1, 1)..day(2026, 1, 2)).unwrap();
    records.iter().for_each(|record| aggregator.add(record));
    let (batch, summary) = aggregator.finish();
    (batch.queries().iter().map(|row| row.query_count).sum(), summary)
}

#[test]
fn a_record_with_hostile_text_goes_through_one_line_of_json() {
    for (field, with) in FIELDS {
        for text in texts() {
            let mut record = with(&text);
            let line = serde_json::to_string(&record).unwrap();
            // an empty text is NULL
            for field in [
                &mut record.parent_query_id,
                &mut record.root_query_id,
                &mut record.user_name,
                &mut record.role_name,
                &mut record.execution_status,
            ] {
                field.take_if(|text| text.is_empty());
            }
            let read: Vec<Record> = query_log::json_lines(line.as_bytes()).map(Result::unwrap).collect();
            assert!(read == [record], "{field}: {text:.100?}");
        }
    }
}

#[test]
fn a_record_with_hostile_text_counts_or_is_left_out_for_one_reason() {
    let attribution = attribution(CountedUnit::Statement);
    for (field, with) in FIELDS {
        for text in texts() {
            let (counted, summary) = count(&attribution, &[with(&text), of_ana("another")]);
            // nobody maps the texts, and no status of them is a success
            let is_failure = field == "execution_status" && !text.is_empty();
            let left_out = u64::from(field == "user_name" || is_failure);
            assert_eq!(counted, 2 - left_out, "{field}: {text:.100?}");
            assert_eq!((summary.records, summary.counted), (2, 2 - left_out));
            assert_eq!(summary.unmapped_principal + summary.not_successful, left_out);
            let json = serde_json::to_string(&summary).unwrap();
            assert_eq!(serde_json::from_str::<LogSummary>(&json).unwrap(), summary);
        }
    }
}

#[test]
fn unmapped_names_come_back_in_the_summary_as_they_are() {
    let attribution = attribution(CountedUnit::Statement);
    for text in texts() {
        let of_user = with(|record| record.user_name = Some(text.clone()));
        let of_role = with(|record| {
            record.user_name = None;
            record.role_name = Some(text.clone());
        });
        for (record, user) in [(of_user, true), (of_role, false)] {
            let (_, summary) = count(&attribution, &[record]);
            // a name that no real one is as long as is counted without being kept
            if text.len() > 3_500 {
                assert_eq!((summary.unmapped_principals.len(), summary.more_unmapped_principals), (0, 1));
                continue;
            }
            let listed = &summary.unmapped_principals[0];
            let name = if user { &listed.user_name } else { &listed.role_name };
            assert_eq!(name.as_deref(), Some(text.as_str()));
        }
        let of_object =
            with(|record| record.direct_objects_accessed.push(AccessedObject::new("View", text.as_str())));
        let (_, summary) = count(&attribution, &[of_object]);
        match summary.unmapped_objects.first() {
            Some(listed) => assert_eq!(listed.object_name.as_deref(), Some(text.as_str())),
            None => assert_eq!((text.len() > 3_500, summary.more_unmapped_objects), (true, 1)),
        }
    }
}

#[test]
fn hostile_ids_of_queries_are_alike_only_where_they_are_equal() {
    let texts: Vec<String> = texts().collect();
    let twice = |with: fn(&str) -> Record| -> Vec<Record> {
        texts.iter().chain(&texts).map(|text| with(text)).collect()
    };
    let (counted, _) = count(&attribution(CountedUnit::Statement), &twice(of_ana));
    assert_eq!(counted, texts.len() as u64);
    let of_root = |text: &str| {
        let mut child = of_ana(&format!("child of {text}"));
        child.root_query_id = Some(text.to_owned());
        child
    };
    let (counted, _) = count(&attribution(CountedUnit::RootQuery), &twice(of_root));
    assert_eq!(counted, texts.len() as u64);
}

/// Reads the lines, the last of which is a good record; what is wrong with the others.
fn refusals(lines: &[u8]) -> Vec<String> {
    let log = [lines, b"\n{\"query_id\":\"last\",\"query_start_time\":0}"].concat();
    let mut read: Vec<_> = query_log::json_lines(log.as_slice()).collect();
    let last = read.pop().unwrap().unwrap();
    assert_eq!(last.query_id, "last", "reading goes on behind a line that is none");
    let refused = read.into_iter().map(|line| {
        let error = line.unwrap_err();
        assert!(error.is_malformed());
        error.to_string()
    });
    refused.collect()
}

/// The texts, and what a terminal would obey.
pub(super) fn texts() -> impl Iterator<Item = String> {
    corpus().chain(["\u{1b}]0;title\u{7}\u{9b}31m\u{202e}\u{8}\r".to_owned()])
}

pub(super) fn is_short_and_visible(message: &str) -> bool {
    message.len() < 1_000 && !message.chars().any(|char| char.is_control() || char == '\u{202e}')
}

#[test]
fn a_line_that_is_no_record_is_refused_by_its_number() {
    for text in texts() {
        let lines: Vec<&str> = text.trim_start_matches('\u{feff}').split('\n').map(str::trim_ascii).collect();
        let numbers = lines.iter().zip(1..).filter(|(line, _)| !line.is_empty()).map(|(_, number)| number);
        let refused = refusals(text.as_bytes());
        assert_eq!(refused.len(), numbers.clone().count(), "{text:.100?}");
        for (message, number) in refused.iter().zip(numbers) {
            assert_eq!(*message, format!("line {number} is malformed: it is no JSON object"));
        }
        let refused = refusals(format!("{{{}", text.replace('\n', " ")).as_bytes());
        assert!(refused.len() == 1 && is_short_and_visible(&refused[0]), "{refused:.200?}");
    }
    for bytes in [&b"{\"query_id\":\"\xc3\x28\",\"query_start_time\":0}"[..], b"{\"query_id\":\"\\ud800\"}"] {
        let refused = refusals(bytes);
        assert!(refused.len() == 1 && is_short_and_visible(&refused[0]), "{refused:?}");
    }
}

#[test]
fn a_hostile_value_in_a_place_of_another_type_is_refused() {
    for text in texts() {
        let value = serde_json::to_string(&text).unwrap();
        let line = |fields: &str| format!("{{\"query_id\":\"q\",{fields}}}");
        let start = refusals(line(&format!("\"query_start_time\":{value}")).as_bytes());
        assert!(start.len() == 1 && is_short_and_visible(&start[0]), "{start:.200?}");
        for array in ["direct_objects_accessed", "BASE_OBJECTS_ACCESSED"] {
            let fields = format!("\"query_start_time\":0,\"{array}\":{value}");
            // a text of white space is an empty array, as in the columns of a file without types
            if text.trim().is_empty() {
                assert!(query_log::json_lines(line(&fields).as_bytes()).all(|record| record.is_ok()));
                continue;
            }
            let refused = refusals(line(&fields).as_bytes());
            assert!(refused.len() == 1 && is_short_and_visible(&refused[0]), "{refused:.200?}");
        }
        let unknown = line(&format!("\"query_start_time\":0,{value}:{value}"));
        let record = query_log::json_lines(unknown.as_bytes()).next().unwrap().unwrap();
        assert_eq!(record, Record::new("q", chrono::DateTime::UNIX_EPOCH), "other keys are ignored");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_records_or_malformed_lines(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for line in query_log::json_lines(bytes.as_slice()) {
            if let Err(error) = line {
                prop_assert!(error.is_malformed());
                prop_assert!(is_short_and_visible(&error.to_string()), "{:?}", error.to_string());
            }
        }
    }
}
