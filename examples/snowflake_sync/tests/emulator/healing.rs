//! What went wrong, or changed, is made up for by the next run: the tables are those of a full count in a fresh database.

use access_log::Mapping;
use serde_json::{Value, json};

use crate::account::Account;
use crate::job::{MappingFile, Portal, Said, job, run};
use crate::pipeline::{id, log, mapping, mapping_json, mapping_of};

/// Noon of 4 March, the last day of the log.
pub(crate) const NOW: &str = "2026-03-04T12:00:00Z";

pub(crate) struct Stage {
    pub(crate) account: Account,
    pub(crate) portal: Portal,
}

impl Stage {
    /// An account with the whole log, and a portal that knows what these mappings name.
    pub(crate) async fn new(mappings: &[&Mapping]) -> Self {
        let account = Account::start().await;
        account.load(&log(0..13)).await;
        Self { account, portal: Portal::new(mappings).await }
    }

    pub(crate) fn run(&self, mapping: &Mapping, now: &str, arguments: &[&str]) -> Said {
        let file = MappingFile::new(mapping);
        let arguments = [&["--now", now, "--create-tables", "--no-coverage"], arguments].concat();
        run(&mut job(&self.account, &self.portal, &file), &arguments)
    }

    /// Runs without an option, which says `reasons` and leaves what a full count leaves; once more changes nothing.
    pub(crate) async fn heals(&self, mapping: &Mapping, reasons: &[&str]) {
        let said = self.run(mapping, NOW, &[]).is(0);
        for reason in reasons {
            assert!(said.out.contains(reason), "no {reason:?} in: {}", said.out);
        }
        self.is_as_counted_anew(mapping, NOW).await;

        let before = self.portal.versions().await;
        let again = self.run(mapping, NOW, &[]).is(0);
        assert!(again.out.starts_with("reading 2026-03-01 to 2026-03-04 ("), "{}", again.out);
        assert!(
            !again.out.contains("never measured") && !again.out.contains("other mapping"),
            "{}",
            again.out
        );
        assert_eq!(self.portal.versions().await, before);
    }
}

impl Stage {
    /// The tables of usage hold what a first run leaves in a fresh database.
    pub(crate) async fn is_as_counted_anew(&self, mapping: &Mapping, now: &str) {
        let fresh = Portal::new(&[mapping]).await;
        let file = MappingFile::new(mapping);
        run(&mut job(&self.account, &fresh, &file), &["--now", now, "--create-tables", "--no-coverage"])
            .is(0);
        let rows = self.portal.rows().await;
        assert!(rows.len() > 20, "{rows:?}");
        assert_eq!(rows, fresh.rows().await);
    }
}

/// The mapping with something else in it.
pub(crate) fn changed(change: impl FnOnce(&mut Value)) -> Mapping {
    let mut json = mapping_json();
    change(&mut json);
    mapping_of(&json)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_in_the_middle_is_read_and_nothing_around_it() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.account.load(&log(0..5)).await;
    stage.run(&mapping, "2026-02-24T23:00:00Z", &[]).is(0);
    // somebody reads the last days only, so that the 26th stays unknown
    stage.account.add(&log(5..13)).await;
    stage.run(&mapping, NOW, &["--since", "2026-02-27"]).is(0);
    let reasons = [
        "reading 2026-02-24 to 2026-02-26, 2026-03-01 to 2026-03-04 (",
        "never measured: 2 output ports, 2026-02-26\n",
        // the 24th and 25th were not over when they were read
        "not settled:    2 output ports, 2026-02-24 to 2026-03-04 (not all of these days)\n",
        "\n2026-02-24 to 2026-02-26\nqueries:      6 written, 3 unchanged, 0 removed\n",
    ];
    stage.heals(&mapping, &reasons).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_output_port_is_read_for_all_days_that_are_kept() {
    let after = mapping();
    let before = changed(|json| {
        json["output_ports"].as_array_mut().unwrap().pop();
        json["tech_assets"].as_array_mut().unwrap().pop();
    });
    let stage = Stage::new(&[&before, &after]).await;
    stage.run(&before, NOW, &[]).is(0);
    let new = format!("output ports that are counted for the first time:\n  {}  Campaigns\n", id(2));
    stage.heals(&after, &["never measured: 1 output port, 2025-03-05 to 2026-03-04\n", &new]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_moved_tech_asset_takes_its_history_along() {
    let before = mapping();
    let after = changed(|json| json["tech_assets"][1]["output_ports"] = json!([id(2)]));
    let stage = Stage::new(&[&before, &after]).await;
    stage.run(&before, NOW, &[]).is(0);
    stage.heals(&after, &["other mapping:  2 output ports, 2025-03-05 to 2026-03-03\n"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_time_zone_is_that_of_every_day() {
    let before = mapping();
    let after = changed(|json| json["time_zone"] = json!("Asia/Tokyo"));
    let stage = Stage::new(&[&before, &after]).await;
    stage.run(&before, NOW, &[]).is(0);
    let brussels = stage.portal.rows().await;
    stage.heals(&after, &["(Asia/Tokyo)", "other mapping:  2 output ports"]).await;
    assert_ne!(stage.portal.rows().await, brussels);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_returns_is_counted_as_if_it_had_never_left() {
    let with = mapping();
    let without = changed(|json| drop(json["consumers"].as_array_mut().unwrap().remove(0)));
    let stage = Stage::new(&[&with]).await;
    stage.run(&with, NOW, &[]).is(0);
    let before = stage.portal.rows().await;
    stage.run(&without, NOW, &["--since", "2026-03-01"]).is(0);
    assert!(stage.portal.rows().await.len() < before.len());
    stage.heals(&with, &["other mapping:  2 output ports, 2025-03-05 to 2026-03-03\n"]).await;
    assert_eq!(stage.portal.rows().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gap_that_snowflake_has_nothing_for_removes_nothing() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let forget = "UPDATE usage.output_port_usage_coverage SET (measured, settled, counted) = ROW(
        measured - '{[2026-02-21,2026-02-22)}', settled - '{[2026-02-21,2026-02-22)}', counted - '{[2026-02-21,2026-02-22)}')";
    sqlx::query(forget).execute(&stage.portal.pool).await.unwrap();
    let mut history = log(0..13);
    history.retain(|access| !access.record.query_id.starts_with("2026-02-21"));
    stage.account.load(&history).await;
    let before = stage.portal.versions().await;
    stage.run(&mapping, NOW, &[]).is(4).fails_with(&[
        "no query counts by the mapping on 2026-02-21, though the tables hold some; these days were not written",
        "--allow-empty",
    ]);
    assert_eq!(stage.portal.versions().await, before);

    // a day that is empty in the tables too is a day without use
    for table in
        ["output_port_query_stats_daily", "tech_asset_stats_daily", "output_port_combined_with_daily"]
    {
        let delete = format!("DELETE FROM usage.{table} WHERE date = '2026-02-21'");
        sqlx::query(sqlx::AssertSqlSafe(delete)).execute(&stage.portal.pool).await.unwrap();
    }
    stage
        .heals(
            &mapping,
            &[
                "reading 2026-02-21, 2026-03-01 to 2026-03-04 (",
                "never measured: 2 output ports, 2026-02-21\n",
            ],
        )
        .await;
}
