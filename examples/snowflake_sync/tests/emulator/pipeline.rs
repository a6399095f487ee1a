//! The life of a job: loaded, run again, late rows, another mapping, a failure half-way.

use std::io::Cursor;
use std::ops::Range;

use access_log::Mapping;
use chrono::{Days, NaiveDate, TimeDelta};
use output_port_usage::chart::{
    MostOftenCombinedWith, MostPopularAssets, QueriesOverTime, QueryDistribution,
};
use output_port_usage::query_log::{self, Record};
use output_port_usage::{OutputPortId, UsageModel, UsageModelBuilder};
use serde_json::{Value, json};
use snowflake_emulation::Access;

use crate::account::Account;
use crate::job::{MappingFile, Portal, job, run};

const ZONE: &str = "Europe/Brussels";

pub(crate) fn id(number: u32) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

pub(crate) fn mapping_json() -> Value {
    json!({
        "time_zone": ZONE,
        "excluded_users": ["SCANNER"],
        "output_ports": [
            {"id": id(1), "name": "Orders"},
            {"id": id(2), "name": "Campaigns", "producer": id(22)},
        ],
        "tech_assets": [
            {"id": id(11), "name": "Order", "object": "SALES.OUT.ORDER", "output_ports": [id(1)]},
            {"id": id(12), "name": "Order line", "object": "SALES.OUT.\"Order.Line\"", "output_ports": [id(1)]},
            {"id": id(13), "name": "Campaign", "object": "MKT.OUT.CAMPAIGN", "output_ports": [id(2)]},
        ],
        "consumers": [
            {"id": id(21), "name": "Cockpit", "users": ["COCKPIT"]},
            {"id": id(22), "name": "Marketing", "roles": ["MARKETER"]},
        ],
    })
}

pub(crate) fn mapping() -> Mapping {
    mapping_of(&mapping_json())
}

pub(crate) fn mapping_of(json: &Value) -> Mapping {
    Mapping::read(Cursor::new(json.to_string())).unwrap()
}

/// The mapping after somebody added a role that was not counted before.
fn another_mapping() -> Mapping {
    let mut json = mapping_json();
    json["consumers"].as_array_mut().unwrap().push(json!({
        "id": id(23), "name": "Finance", "roles": ["CONTROLLER"]
    }));
    mapping_of(&json)
}

pub(crate) fn access(query_id: String, start: &str, user: &str, role: &str, objects: &[&str]) -> Access {
    let mut record = Record::new(query_id, start.parse().unwrap());
    record.user_name = Some(user.into());
    record.role_name = Some(role.into());
    record.direct_objects_accessed =
        objects.iter().map(|name| query_log::AccessedObject::new("Table", *name)).collect();
    Access { record, query_rows: 1, delay: TimeDelta::zero() }
}

/// Four queries on each of the last days of February and first of March, an hour before local midnight.
pub(crate) fn log(days: Range<u64>) -> Vec<Access> {
    let first = NaiveDate::from_ymd_opt(2026, 2, 20).unwrap();
    days.flat_map(|day| {
        let date = first + Days::new(day);
        let start = format!("{date}T22:30:00Z");
        let access = |number: usize, user: &str, role: &str, objects: &[&str]| {
            access(format!("{date}/{number}"), &start, user, role, objects)
        };
        [
            access(1, "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER", "SALES.OUT.\"Order.Line\""]),
            access(2, "JO", "MARKETER", &["MKT.OUT.CAMPAIGN", "SALES.OUT.ORDER"]),
            access(3, "COCKPIT", "PUBLIC", &["MKT.OUT.CAMPAIGN", "SALES.OUT.ORDER"]),
            access(4, "KIM", "CONTROLLER", &["SALES.OUT.ORDER"]),
        ]
    })
    .collect()
}

/// The examples' model without coverage: a job that reads day by day and a host that reads a quarter at once have
/// measured other days.
fn model() -> UsageModel {
    let mut model: Value = serde_json::from_str(access_log::MODEL).unwrap();
    model.as_object_mut().unwrap().remove("coverage").unwrap();
    serde_json::from_value::<UsageModelBuilder>(model).unwrap().build().unwrap()
}

/// Every chart of every output port, as text.
pub(crate) async fn charts(portal: &Portal, mapping: &Mapping) -> Vec<String> {
    let days: Range<NaiveDate> = "2026-01-01".parse().unwrap().."2026-04-01".parse().unwrap();
    let model = model();
    let mut charts = Vec::new();
    for port in &mapping.output_ports {
        let port = OutputPortId(port.id);
        let query = model.query(&QueriesOverTime::new(port, days.clone())).unwrap();
        charts.push(format!("{:?}", query.into_sqlx().fetch_all(&portal.pool).await.unwrap()));
        let query = model.query(&QueryDistribution::new(port, days.clone())).unwrap();
        charts.push(format!("{:?}", query.into_sqlx().fetch_all(&portal.pool).await.unwrap()));
        let query = model.query(&MostPopularAssets::new(port, days.clone())).unwrap();
        charts.push(format!("{:?}", query.into_sqlx().fetch_all(&portal.pool).await.unwrap()));
        let query = model.query(&MostOftenCombinedWith::new(port, days.clone())).unwrap();
        charts.push(format!("{:?}", query.into_sqlx().fetch_all(&portal.pool).await.unwrap()));
    }
    charts
}

/// The charts of a portal whose host reads the log itself.
async fn charts_in_process(log: &[Access], mapping: &Mapping) -> Vec<String> {
    let portal = Portal::new(&[mapping]).await;
    let model = model();
    model.create_schema().into_sqlx().execute(&portal.pool).await.unwrap();
    for statement in model.create_tables() {
        statement.into_sqlx().execute(&portal.pool).await.unwrap();
    }
    let days: Range<NaiveDate> = "2026-01-01".parse().unwrap().."2026-04-01".parse().unwrap();
    let records = log.iter().map(|access| &access.record);
    let batch = query_log::aggregate(&mapping.attribution().unwrap(), days, records).unwrap();
    let mut transaction = portal.pool.begin().await.unwrap();
    model.replace(&batch).unwrap().run_sqlx(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    charts(&portal, mapping).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_keeps_the_tables_as_the_log_is() {
    let (first_mapping, second_mapping) = (mapping(), another_mapping());
    let (first, second) = (MappingFile::new(&first_mapping), MappingFile::new(&second_mapping));
    let mut account = Account::start().await;
    let portal = Portal::new(&[&first_mapping, &second_mapping]).await;

    // 20 February to 1 March; 22:30 UTC is 23:30 in Brussels
    let mut history = log(0..10);
    account.load(&history).await;
    let now = ["--now", "2026-03-01T23:00:00Z"];
    let said = run(&mut job(&account, &portal, &first), &[&now[..], &["--create-tables"]].concat()).is(0);
    // per day: COCKPIT reads both ports and combines them; Marketing's own port is left out
    assert!(said.out.contains("queries:      30 written, 0 unchanged, 0 removed"), "{}", said.out);
    assert!(said.out.contains("touches:      40 written, 0 unchanged, 0 removed"), "{}", said.out);
    assert!(said.out.contains("combinations: 10 written, 0 unchanged, 0 removed"), "{}", said.out);
    assert!(said.out.contains("10  KIM as CONTROLLER"), "{}", said.out);
    assert_eq!(charts(&portal, &first_mapping).await, charts_in_process(&history, &first_mapping).await);

    // again, as of the same instant: the last three days are read and nothing is written
    let before = portal.versions().await;
    let said = run(&mut job(&account, &portal, &first), &now).is(0);
    assert!(said.out.contains("reading 2026-02-27 to 2026-03-02"), "{}", said.out);
    assert!(said.out.contains("queries:      0 written, 9 unchanged, 0 removed"), "{}", said.out);
    assert!(said.out.contains("coverage:     0 output ports changed"), "{}", said.out);
    assert_eq!(portal.versions().await, before);

    // late rows of the 28th, and the first rows of the 2nd
    let mut late =
        vec![access("late/1".into(), "2026-02-28T10:00:00Z", "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER"])];
    late.extend(log(10..11));
    account.add(&late).await;
    history.extend(late);
    let said = run(&mut job(&account, &portal, &first), &["--now", "2026-03-03T01:00:00Z"]).is(0);
    assert!(said.out.contains("queries:      4 written"), "{}", said.out);
    assert_eq!(charts(&portal, &first_mapping).await, charts_in_process(&history, &first_mapping).await);

    // the connection is lost while Snowflake counts: nothing changes, the next run makes up for it
    let more = log(11..13);
    account.add(&more).await;
    history.extend(more);
    let before = portal.versions().await;
    account.misbehave("lose");
    let now = ["--now", "2026-03-04T23:00:00Z"];
    let said = run(&mut job(&account, &portal, &first), &now).is(6);
    said.fails_with(&["the connection to Snowflake failed", "nothing was written", "next run"]);
    assert_eq!(portal.versions().await, before);

    // a table is missing, which is known before Snowflake counts; or Postgres fails between two tables: still nothing
    for (break_third, mend, expected) in [
        (
            "ALTER TABLE usage.output_port_combined_with_daily RENAME TO elsewhere",
            "ALTER TABLE usage.elsewhere RENAME TO output_port_combined_with_daily",
            "the database is not as the model says; nothing was written",
        ),
        (
            "ALTER TABLE usage.output_port_combined_with_daily ADD CONSTRAINT none CHECK (query_count < 0) NOT VALID",
            "ALTER TABLE usage.output_port_combined_with_daily DROP CONSTRAINT none",
            "Postgres failed; nothing was written",
        ),
    ] {
        sqlx::query(break_third).execute(&portal.pool).await.unwrap();
        let said = run(&mut job(&account, &portal, &first), &now).is(5);
        said.fails_with(&[expected, "output_port_combined_with_daily"]);
        sqlx::query(mend).execute(&portal.pool).await.unwrap();
    }
    assert_eq!(portal.versions().await, before);
    run(&mut job(&account, &portal, &first), &now).is(0);
    assert_eq!(charts(&portal, &first_mapping).await, charts_in_process(&history, &first_mapping).await);

    // the mapping changes: all days follow it
    let said = run(&mut job(&account, &portal, &second), &now).is(0);
    assert!(said.out.contains("other mapping:  2 output ports"), "{}", said.out);
    assert_eq!(charts(&portal, &second_mapping).await, charts_in_process(&history, &second_mapping).await);
    account.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_at_once_leave_what_one_leaves() {
    let mapping = mapping();
    let file = MappingFile::new(&mapping);
    let account = Account::start().await;
    let history = log(0..10);
    account.load(&history).await;
    let portal = Portal::new(&[&mapping]).await;
    let now = ["--now", "2026-03-02T12:00:00Z"];
    run(&mut job(&account, &portal, &file), &[&now[..], &["--create-tables"]].concat()).is(0);
    sqlx::query("DELETE FROM usage.tech_asset_stats_daily").execute(&portal.pool).await.unwrap();
    let since = [&now[..], &["--since", "2026-02-20"]].concat();
    let runs = [(); 3].map(|()| job(&account, &portal, &file).args(&since).spawn().unwrap());
    for run in runs {
        crate::job::Said::of(run.wait_with_output().unwrap()).is(0);
    }
    assert_eq!(charts(&portal, &mapping).await, charts_in_process(&history, &mapping).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_zone_of_this_machine_changes_nothing() {
    let mapping = mapping();
    let file = MappingFile::new(&mapping);
    let account = Account::start().await;
    let history = log(0..10);
    account.load(&history).await;
    for zone in ["Pacific/Apia", "America/Los_Angeles"] {
        let portal = Portal::new(&[&mapping]).await;
        let mut job = job(&account, &portal, &file);
        let now = ["--now", "2026-03-02T12:00:00Z", "--create-tables"];
        let said = run(job.env("TZ", zone), &now).is(0);
        assert!(said.out.contains("to 2026-03-02 (Europe/Brussels)"), "{}", said.out);
        assert_eq!(charts(&portal, &mapping).await, charts_in_process(&history, &mapping).await, "{zone}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_plans_by_the_clock_of_snowflake() {
    let mapping = mapping();
    let file = MappingFile::new(&mapping);
    let account = Account::start().await;
    let portal = Portal::new(&[&mapping]).await;
    let attribution = mapping.attribution().unwrap();
    let yesterday = chrono::Utc::now() - TimeDelta::days(1);
    let start = yesterday.to_rfc3339();
    account.load(&[access("q1".into(), &start, "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER"])]).await;
    let said = run(&mut job(&account, &portal, &file), &["--create-tables"]).is(0);
    let today = attribution.usage_date(chrono::Utc::now());
    assert!(said.out.contains(&format!("to {today} (Europe/Brussels)")), "{}", said.out);
    assert!(said.out.contains("queries:      1 written"), "{}", said.out);
}
