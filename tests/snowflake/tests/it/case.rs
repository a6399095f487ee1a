//! A log in an account, with what the in-process aggregation makes of it.

use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{NaiveDate, TimeDelta};
use output_port_usage::query_log::{self, Aggregator, Record};
use output_port_usage::snowflake::{
    Aggregation, Bind, CoverageReport, Mappings, ResultRow, SnowflakeStatement,
};
use output_port_usage::{Attribution, IcebergEvents, UsageBatch};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;
use snowflake_emulation::{Access, Account, Answer};

use crate::random::{self, RandomLog, is_event};
use crate::tables::tables;

pub(crate) const ACCESS_HISTORY: &str = "SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY";
pub(crate) const QUERY_HISTORY: &str = "SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY";

/// The default time zone of a session of Snowflake.
pub(crate) fn account() -> Account {
    Account::new(chrono_tz::America::Los_Angeles, ACCESS_HISTORY, QUERY_HISTORY).unwrap()
}

/// Which principals an attribution maps: it decides whether `QUERY_HISTORY` is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Principals {
    Users,
    Roles,
    Both,
}

/// Runs a statement in some form, and reads its rows in some shape.
pub(crate) type Run<'a> = &'a mut dyn FnMut(&dyn Form) -> Vec<ResultRow>;

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) attribution: Attribution,
    pub(crate) days: Range<NaiveDate>,
    pub(crate) log: Vec<Access>,
    pub(crate) expected: Expected,
}

/// What the in-process aggregation gives.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expected {
    Usage(UsageBatch),
    Coverage(CoverageReport),
}

/// The records as two views can hold them: `QUERY_HISTORY` has one role and status for each query id.
pub(crate) fn as_views_hold(records: &[Record]) -> Vec<Record> {
    let mut first = BTreeMap::new();
    let mut records = records.to_vec();
    for record in &mut records {
        let known = first
            .entry(record.query_id.clone())
            .or_insert_with(|| (record.role_name.clone(), record.execution_status.clone()));
        (record.role_name, record.execution_status) = known.clone();
    }
    records
}

/// Histories where some queries are there twice, and start up to 50 minutes before or after the access. An event of
/// the Iceberg REST catalog is in `ACCESS_HISTORY` alone.
fn histories(records: Vec<Record>, has_arrived: impl Fn(usize, &str) -> bool) -> Vec<Access> {
    let access = |(index, record): (usize, Record)| {
        let has_arrived = !is_event(&record) && has_arrived(index, &record.query_id);
        let query_rows = if has_arrived { 1 + index % 2 } else { 0 };
        let delay = TimeDelta::minutes((index as i64 * 37) % 101 - 50);
        Access { record, query_rows, delay }
    };
    records.into_iter().enumerate().map(access).collect()
}

impl Case {
    /// The counts of a log whose queries with the id `late` have not arrived in `QUERY_HISTORY`.
    ///
    /// Nor have the events of the Iceberg REST catalog, unless the attribution tells them from statements.
    pub(crate) fn usage(
        name: String,
        attribution: Attribution,
        days: Range<NaiveDate>,
        records: &[Record],
        principals: Principals,
        late: &str,
        iceberg_events: IcebergEvents,
    ) -> Self {
        let mut records = as_views_hold(records);
        let asks_query_history = principals != Principals::Users;
        if !asks_query_history {
            // ACCESS_HISTORY has no failed queries; only QUERY_HISTORY would tell
            records.retain(|record| {
                record
                    .execution_status
                    .as_ref()
                    .is_none_or(|status| matches!(&*status.to_uppercase(), "" | "SUCCESS"))
            });
        }
        let counted = records.iter().filter(|record| match is_event(record) {
            _ if !asks_query_history => true,
            true => iceberg_events == IcebergEvents::TableLoads,
            false => record.query_id != late,
        });
        let expected = query_log::aggregate(&attribution, days.clone(), counted).unwrap();
        let log = histories(records, |_, query_id| query_id != late);
        Self { name, attribution, days, log, expected: Expected::Usage(expected) }
    }

    /// The coverage of a log, each record a query of its own; every seventh has not arrived.
    pub(crate) fn coverage(
        name: String,
        attribution: Attribution,
        days: Range<NaiveDate>,
        records: &[Record],
        iceberg_events: IcebergEvents,
    ) -> Self {
        let has_arrived = |index: usize| index % 7 != 3;
        let mut records = records.to_vec();
        let (mut arrived, mut late) =
            [(); 2].map(|()| Aggregator::new(&attribution, days.clone()).unwrap()).into();
        for (index, record) in records.iter_mut().enumerate() {
            record.query_id = format!("{}/{index}", record.query_id);
            let is_expected = match is_event(record) {
                true => iceberg_events == IcebergEvents::TableLoads,
                false => has_arrived(index),
            };
            if is_expected {
                arrived.add(record);
            } else {
                record.execution_status = None;
                late.add(record);
            }
        }
        let (arrived, late): (query_log::LogSummary, query_log::LogSummary) =
            (arrived.finish().1, late.finish().1);
        let expected = serde_json::json!({
            "unmapped_principals": arrived.unmapped_principals.iter().map(|principal| serde_json::json!({
                "user_name": principal.user_name, "role_name": principal.role_name, "query_count": principal.records,
            })).collect::<Vec<_>>(),
            "unmapped_objects": arrived.unmapped_objects.iter().map(|object| serde_json::json!({
                "object_name": object.object_name, "query_count": object.records,
            })).collect::<Vec<_>>(),
            "uncounted_domains": arrived.ignored_objects.iter().map(|object| serde_json::json!({
                "object_domain": object.object_domain, "object_name": object.object_name,
                "query_count": object.records,
            })).collect::<Vec<_>>(),
            "objects_without_keys": arrived.objects_without_keys,
            "not_in_query_history": late.counted + late.unmapped_principal + late.own_reads,
        });
        let expected = Expected::Coverage(serde_json::from_value(expected).unwrap());
        let log = histories(records, |index, _| has_arrived(index));
        Self { name, attribution, days, log, expected }
    }

    pub(crate) fn aggregation(&self, mappings: Mappings) -> Aggregation<'_> {
        Aggregation::new(&self.attribution, self.days.clone()).mappings(mappings)
    }

    /// Runs the case's statements as `run` does, and says what differs from the expected result.
    pub(crate) fn disagreement(&self, aggregation: &Aggregation<'_>, run: Run<'_>) -> Result<(), String> {
        match &self.expected {
            Expected::Usage(expected) => {
                let usage = aggregation.usage().unwrap();
                same("usage", expected, usage.decode(run(&usage)))?;

                let queries = aggregation.output_port_queries().unwrap();
                let batch = queries.decode(run(&queries));
                let only_queries = UsageBatch::builder(expected.scope().clone())
                    .queries(expected.queries().to_vec())
                    .rules(expected.rules().clone())
                    .build();
                same("output_port_queries", &only_queries, batch)?;

                let touches = aggregation.tech_asset_touches().unwrap();
                let rows = run(&touches);
                same("tech_asset_touches", expected.touches().unwrap(), touches.decode(rows))?;

                let combinations = aggregation.combinations().unwrap();
                let rows = run(&combinations);
                same("combinations", expected.combinations().unwrap(), combinations.decode(rows))
            }
            Expected::Coverage(expected) => {
                let coverage = aggregation.coverage().unwrap();
                same("coverage", expected, coverage.decode(run(&coverage)))
            }
        }
    }
}

fn same<E, T>(what: &str, expected: &E, found: Result<T, output_port_usage::Error>) -> Result<(), String>
where
    E: std::fmt::Debug + PartialEq + ?Sized,
    T: std::fmt::Debug + std::borrow::Borrow<E>,
{
    match found {
        Ok(found) if found.borrow() == expected => Ok(()),
        Ok(found) => Err(format!("{what}: {found:#?}\nbut in-process: {expected:#?}")),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

/// A statement without the type of its result.
pub(crate) trait Form {
    fn sql(&self) -> String;
    fn numbered_sql(&self) -> String;
    fn script(&self) -> String;
    fn binds(&self) -> Vec<Bind>;
    fn columns(&self) -> &'static [&'static str];
}

impl<T> Form for SnowflakeStatement<T> {
    fn sql(&self) -> String {
        self.sql()
    }

    fn numbered_sql(&self) -> String {
        self.numbered_sql()
    }

    fn script(&self) -> String {
        self.script()
    }

    fn binds(&self) -> Vec<Bind> {
        self.binds().cloned().collect()
    }

    fn columns(&self) -> &'static [&'static str] {
        self.columns()
    }
}

/// Rows as maps, keys in upper case.
pub(crate) fn as_maps(answer: &Answer) -> Vec<ResultRow> {
    let map = |row: &Vec<Value>| {
        let columns = answer.columns.iter().cloned();
        Value::Object(columns.zip(row.iter().cloned()).collect())
    };
    answer.rows.iter().map(|row| serde_json::from_value(map(row)).unwrap()).collect()
}

/// Rows as the SQL API returns them: arrays of texts, dates as days since the epoch.
pub(crate) fn as_api_data(answer: &Answer) -> Vec<ResultRow> {
    let cell = |cell: &Value| match cell {
        Value::Null => Value::Null,
        Value::String(text) => match text.parse::<NaiveDate>() {
            Ok(date) => (date - NaiveDate::default()).num_days().to_string().into(),
            Err(_) => text.clone().into(),
        },
        other => other.to_string().into(),
    };
    let array = |row: &Vec<Value>| Value::Array(row.iter().map(cell).collect());
    answer.rows.iter().map(|row| serde_json::from_value(array(row)).unwrap()).collect()
}

/// Rows collected cell by cell.
pub(crate) fn as_texts(answer: &Answer) -> Vec<ResultRow> {
    let cell = |cell: &Value| match cell {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    answer.rows.iter().map(|row| row.iter().map(cell).collect()).collect()
}

/// The hand-made log, and some cases of what only two views can hold.
pub(crate) fn hand_made() -> Vec<Case> {
    let mut cases: Vec<Case> = crate::hand_made::cases()
        .into_iter()
        .flat_map(|case| {
            let usage = Case::usage(
                case.name.to_owned(),
                case.attribution.clone(),
                case.days.clone(),
                &case.records,
                Principals::Both,
                "",
                case.iceberg_events,
            );
            let hand_worked = [case.queries, case.touches, case.combinations];
            let Expected::Usage(batch) = &usage.expected else { unreachable!("it is a case of counts") };
            assert_eq!(tables(batch), hand_worked, "{}", case.name);
            let name = format!("coverage of: {}", case.name);
            [usage, Case::coverage(name, case.attribution, case.days, &case.records, case.iceberg_events)]
        })
        .collect();
    let two_days: Vec<Record> = ["2010-11-07T02:30:30Z", "2010-11-07T02:31:00Z"]
        .map(|start| crate::hand_made::read(start, start, &["DB.S.A"]))
        .into();
    let sixth: NaiveDate = "2010-11-06".parse().unwrap();
    cases.push(Case::usage(
        "in St. John's a minute of tomorrow comes before the end of today".to_owned(),
        crate::hand_made::mapping().time_zone("America/St_Johns").build().unwrap(),
        sixth..sixth.succ_opt().unwrap(),
        &two_days,
        Principals::Both,
        "",
        IcebergEvents::Every,
    ));
    cases
}

/// Random logs, each once for its counts and once for its coverage, with the rules that they exercise.
pub(crate) fn random(count: usize) -> Vec<(RandomLog, [Case; 2])> {
    let mut runner = TestRunner::deterministic();
    let log = random::log();
    (0..count)
        .map(|index| {
            let mut log: RandomLog = log.new_tree(&mut runner).unwrap().current();
            log.records = as_views_hold(&log.records);
            let principals = match index % 4 {
                0 => Principals::Users,
                1 => Principals::Roles,
                _ => Principals::Both,
            };
            match principals {
                Principals::Users => log.roles.clear(),
                Principals::Roles => log.users.clear(),
                Principals::Both => {}
            }
            let (attribution, days) = (log.attribution(), log.days.clone());
            let late = if index % 3 == 0 { "q7" } else { "" };
            let usage = Case::usage(
                format!("random log {index}"),
                attribution.clone(),
                days.clone(),
                &log.records,
                principals,
                late,
                log.iceberg_events,
            );
            let name = format!("coverage of random log {index}");
            let coverage = Case::coverage(name, attribution, days, &log.records, log.iceberg_events);
            (log, [usage, coverage])
        })
        .collect()
}
