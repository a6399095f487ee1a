//! Histories that left the tables wrong for good, or a job that could not go on: they heal, or are named until they do.

use serde_json::json;

use crate::healing::{NOW, Stage, changed};
use crate::job::{MappingFile, job, run};
use crate::pipeline::{access, id, log, mapping, mapping_of};

/// Noon of the Thursday after `NOW`, and of the Monday after that.
const THURSDAY: &str = "2026-03-05T12:00:00Z";
const MONDAY: &str = "2026-03-09T12:00:00Z";

impl Stage {
    async fn execute(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.portal.pool).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_come_days_too_late_are_counted_in_the_first_run_of_a_day_or_a_week() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let late = |day: &str| {
        access(format!("late/{day}"), &format!("{day}T10:00:00Z"), "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER"])
    };
    stage.account.add(&[late("2026-02-24"), late("2026-01-05")]).await;
    // the same day: nothing tells that there is more
    let said = stage.run(&mapping, NOW, &[]).is(0);
    assert!(said.out.contains("queries:      0 written"), "{}", said.out);
    // 30 days once a day, everything once a week
    let said = stage.run(&mapping, THURSDAY, &[]).is(0);
    assert!(said.out.starts_with("reading 2026-02-04 to 2026-03-05 ("), "{}", said.out);
    assert!(
        said.out.contains("once more:      everything from 2026-02-04 on, as scheduled by --recount"),
        "{}",
        said.out
    );
    assert!(said.out.contains("queries:      1 written"), "{}", said.out);
    let said = stage.run(&mapping, THURSDAY, &[]).is(0);
    assert!(said.out.starts_with("reading 2026-03-02 to 2026-03-05 ("), "{}", said.out);
    stage.run(&mapping, MONDAY, &["--recount", "never"]).is(0);
    stage.execute("UPDATE usage.output_port_usage_coverage SET (measured, settled, counted) = ROW(measured - '{[2026-03-09,)}', settled - '{[2026-03-09,)}', counted - '{[2026-03-09,)}')").await;
    stage.run(&mapping, MONDAY, &[]).is(0);
    stage.is_as_counted_anew(&mapping, MONDAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn today_is_written_though_what_is_read_once_more_is_cut_off() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let of_today = access("today".into(), "2026-03-05T10:00:00Z", "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER"]);
    stage.account.add(&[of_today]).await;
    // the second scan, which is not of the last days
    stage.account.misbehave("hold/1");
    let said = stage.run(&mapping, THURSDAY, &["--statement-limit", "10s"]).is(7);
    said.fails_with(&[
        "; 2026-03-02 to 2026-03-05 was written before that; what is read once more was cut off, and comes when --recount schedules it next",
    ]);
    let said = stage.run(&mapping, THURSDAY, &[]).is(0);
    assert!(said.out.starts_with("reading 2026-03-02 to 2026-03-05 ("), "{}", said.out);
    assert!(said.out.contains("queries:      0 written"), "{}", said.out);
    stage.is_as_counted_anew(&mapping, THURSDAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_finds_nothing_to_read_is_done() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let before = stage.portal.versions().await;
    let file = MappingFile::new(&mapping);
    for options in [&["--until", "2026-02-25"][..], &["--until", "2026-02-25", "--dry-run"]] {
        let said =
            run(&mut job(&stage.account, &stage.portal, &file), &[&["--now", NOW][..], options].concat());
        let said = said.is(0);
        assert!(said.out.contains("nothing to read"), "{}", said.out);
    }
    assert_eq!(stage.portal.versions().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_port_that_was_out_of_the_mapping_returns_with_its_combinations() {
    let with = mapping();
    let without = changed(|json| {
        json["output_ports"].as_array_mut().unwrap().pop();
        json["tech_assets"].as_array_mut().unwrap().pop();
    });
    let stage = Stage::new(&[&with]).await;
    stage.run(&with, "2026-02-25T12:00:00Z", &[]).is(0);
    stage.run(&without, "2026-03-01T12:00:00Z", &[]).is(0);
    assert!(stage.portal.rows().await.concat().contains(&id(2)));
    let said = stage.run(&without, NOW, &["--remove-left"]).is(0);
    assert!(said.out.contains(&format!("rows are removed):\n  output port {}\n", id(2))), "{}", said.out);
    assert!(!stage.portal.rows().await.concat().contains(&id(2)));
    stage.heals(&with, &["other mapping:  1 output port"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_left_the_mapping_keeps_all_of_its_rows_or_none() {
    let with = mapping();
    let without = changed(|json| {
        json["output_ports"].as_array_mut().unwrap().pop();
        json["tech_assets"].as_array_mut().unwrap().pop();
        json["consumers"].as_array_mut().unwrap().pop();
    });
    let stage = Stage::new(&[&with]).await;
    stage.run(&with, NOW, &[]).is(0);
    let of =
        |rows: Vec<String>, id: String| rows.into_iter().filter(|row| row.contains(&id)).collect::<Vec<_>>();
    let of_port = of(stage.portal.rows().await, id(2));
    // combinations of COCKPIT with the other output port are among them; it has no other consumer
    assert!(of_port.iter().any(|row| row.starts_with("output_port_combined_with_daily")), "{of_port:?}");
    let said = stage.run(&without, NOW, &[]).is(0);
    let left = format!(
        "not in the mapping any more (its rows stay; --remove-left removes them):\n  output port {}\n",
        id(2)
    );
    assert!(said.out.contains(&left), "{}", said.out);
    assert_eq!(of(stage.portal.rows().await, id(2)), of_port);
    // a consumer has its rows on output ports that are counted, and these state their days completely
    assert_eq!(of(stage.portal.rows().await, id(22)), Vec::<String>::new());

    let said = stage.run(&without, NOW, &["--remove-left"]).is(0);
    assert!(said.out.contains("rows are removed)"), "{}", said.out);
    stage.is_as_counted_anew(&without, NOW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_can_be_deleted_once_it_has_left_the_mapping_however_old_its_rows_are() {
    let with = mapping();
    let without = changed(|json| {
        drop(json["consumers"].as_array_mut().unwrap().pop());
        drop(json["output_ports"][1].as_object_mut().unwrap().remove("producer"));
    });
    let stage = Stage::new(&[&with]).await;
    stage.run(&with, NOW, &[]).is(0);
    // from before what Snowflake keeps
    stage
        .execute("INSERT INTO usage.output_port_query_stats_daily VALUES ('2024-01-01', '00000000-0000-4000-8000-000000000001',
            '00000000-0000-4000-8000-000000000022', 3)")
        .await;
    let said = stage.run(&without, NOW, &[]).is(0);
    assert!(said.out.contains(&format!("  consumer {}\n", id(22))), "{}", said.out);
    let delete = "DELETE FROM portal.data_products WHERE id = '00000000-0000-4000-8000-000000000022'";
    let refused = sqlx::raw_sql(delete).execute(&stage.portal.pool).await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("23503"));
    stage.run(&without, NOW, &["--remove-left"]).is(0);
    stage.execute(delete).await;
    stage.is_as_counted_anew(&without, NOW).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_portal_deletes_and_makes_again_is_counted_again() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    // an output port takes its coverage along, so the next run knows
    stage
        .execute(
            "DELETE FROM portal.datasets WHERE id = '00000000-0000-4000-8000-000000000002';
            INSERT INTO portal.datasets VALUES ('00000000-0000-4000-8000-000000000002', 'again')",
        )
        .await;
    stage.heals(&mapping, &["never measured: 1 output port, 2025-03-05 to 2026-03-04\n"]).await;
    // a tech asset does not: the week's first run finds out
    stage
        .execute(
            "DELETE FROM portal.technical_assets WHERE id = '00000000-0000-4000-8000-000000000011';
            INSERT INTO portal.technical_assets VALUES ('00000000-0000-4000-8000-000000000011', 'again')",
        )
        .await;
    stage.run(&mapping, THURSDAY, &["--recount", "never"]).is(0);
    stage.run(&mapping, MONDAY, &[]).is(0);
    stage.is_as_counted_anew(&mapping, MONDAY).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_account_counts_has_not_left_this_one_s_mapping() {
    // Orders is this account's; Campaigns, Marketing and what it reads are the other's
    let theirs = changed(|json| {
        json["output_ports"] = json!([{"id": id(2), "name": "Campaigns"}]);
        json["tech_assets"].as_array_mut().unwrap().drain(..2);
    });
    let before = changed(|json| {
        json["output_ports"] = json!([{"id": id(1), "name": "Orders"}]);
        json["tech_assets"].as_array_mut().unwrap().pop();
    });
    let mut ours = before.clone();
    ours.consumers.pop();
    let stage = Stage::new(&[&theirs, &before]).await;
    stage.run(&theirs, NOW, &[]).is(0);
    stage
        .execute("UPDATE usage.output_port_usage_coverage SET rules = '01020304-0000-4000-8000-000000000000'")
        .await;
    let of_others =
        |rows: Vec<String>| rows.into_iter().filter(|row| row.contains(&id(2))).collect::<Vec<_>>();
    let rows = of_others(stage.portal.versions().await);
    assert!(rows.iter().any(|row| row.contains(&id(22))), "{rows:?}");

    stage.run(&before, NOW, &[]).is(0);
    let said = stage.run(&ours, NOW, &[]).is(0);
    assert!(!said.out.contains("not in the mapping any more"), "{}", said.out);
    // from before what Snowflake keeps
    stage
        .execute("INSERT INTO usage.output_port_query_stats_daily VALUES ('2024-01-01', '00000000-0000-4000-8000-000000000001',
            '00000000-0000-4000-8000-000000000022', 3)")
        .await;
    let said = stage.run(&ours, NOW, &["--remove-left"]).is(0);
    let left = format!("not in the mapping any more (its 1 rows are removed):\n  consumer {}\n", id(22));
    assert!(said.out.contains(&left) && !said.out.contains("output port 0"), "{}", said.out);
    assert_eq!(of_others(stage.portal.versions().await), rows);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_mapping_still_names_has_not_left_it() {
    let with = mapping();
    let without_asset = changed(|json| drop(json["tech_assets"].as_array_mut().unwrap().pop()));
    let stage = Stage::new(&[&with]).await;
    stage.run(&with, NOW, &[]).is(0);
    let of = |rows: Vec<String>| rows.into_iter().filter(|row| row.contains(&id(2))).collect::<Vec<_>>();
    let rows = of(stage.portal.rows().await);
    assert!(rows.iter().any(|row| row.starts_with("output_port_combined_with_daily")), "{rows:?}");
    // an output port without a tech asset
    let said = stage.run(&without_asset, NOW, &["--remove-left"]).is(0);
    assert!(!said.out.contains("not in the mapping any more"), "{}", said.out);
    assert_eq!(of(stage.portal.rows().await), rows);
    // one whose only tech asset the portal does not know; that has taken its touches along
    stage
        .execute("DELETE FROM portal.technical_assets WHERE id = '00000000-0000-4000-8000-000000000013'")
        .await;
    let rows = of(stage.portal.rows().await);
    let said = stage.run(&with, NOW, &["--remove-left", "--skip-unknown"]).is(8);
    assert!(!said.out.contains("not in the mapping any more"), "{}", said.out);
    assert_eq!(of(stage.portal.rows().await), rows);
    stage
        .execute(
            "INSERT INTO portal.technical_assets VALUES ('00000000-0000-4000-8000-000000000013', 'there')",
        )
        .await;
    stage.heals(&with, &["other mapping:  1 output port"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_port_whose_rows_were_removed_is_counted_again_when_it_returns() {
    let first = changed(|json| {
        json["output_ports"].as_array_mut().unwrap().pop();
        json["tech_assets"].as_array_mut().unwrap().pop();
    });
    let second = changed(|json| {
        json["output_ports"].as_array_mut().unwrap().remove(0);
        json["tech_assets"].as_array_mut().unwrap().drain(..2);
    });
    let stage = Stage::new(&[&first, &second]).await;
    stage.run(&first, NOW, &[]).is(0);
    let said = stage.run(&second, NOW, &["--remove-left"]).is(0);
    assert!(said.out.contains(&format!("  output port {}\n", id(1))), "{}", said.out);
    stage.run(&first, NOW, &["--remove-left"]).is(0);
    stage.heals(&first, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_accounts_do_not_remove_each_other_s_rows() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage.run(&mapping, NOW, &[]).is(0);
    let before = stage.portal.versions().await;
    // as if another account had counted last
    stage
        .execute("UPDATE usage.output_port_usage_coverage SET rules = '01020304-0000-4000-8000-000000000000'")
        .await;
    let theirs = stage.portal.versions().await;
    let said = stage.run(&mapping, NOW, &[]).is(1);
    said.fails_with(&[
        "another account or program than xy12345 counts these output ports; nothing was written",
        &format!("output port {}  Orders", id(1)),
        "--take-over",
    ]);
    assert_eq!(stage.portal.versions().await, theirs);
    stage.run(&mapping, NOW, &["--take-over"]).is(0);
    stage.heals(&mapping, &[]).await;
    assert_eq!(stage.portal.versions().await.len(), before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_the_portal_does_not_know_are_named_before_the_scan_or_left_out_until_it_does() {
    let mapping = mapping();
    let stage = Stage::new(&[&mapping]).await;
    stage
        .execute(
            "DELETE FROM portal.technical_assets WHERE id = '00000000-0000-4000-8000-000000000012';
            DELETE FROM portal.data_products WHERE id = '00000000-0000-4000-8000-000000000022'",
        )
        .await;
    // they were never used on the days of this log
    stage.account.load(&[]).await;
    let names = [format!("tech asset {}  Order line", id(12)), format!("consumer {}  Marketing", id(22))];
    let said = stage.run(&mapping, NOW, &[]).is(5);
    said.fails_with(&[&names[0], &names[1], "--skip-unknown"]);
    assert_eq!(stage.account.seen("scans"), 0);

    stage.account.load(&log(0..13)).await;
    let said = stage.run(&mapping, NOW, &["--skip-unknown"]).is(8);
    said.fails_with(&[
        &names[0],
        &names[1],
        "was left out, and everything else is counted; all rows were written",
    ]);
    let rest = mapping_of(&json!({
        "time_zone": "Europe/Brussels",
        "excluded_users": ["SCANNER"],
        "output_ports": [{"id": id(1), "name": "Orders"}, {"id": id(2), "name": "Campaigns"}],
        "tech_assets": [
            {"id": id(11), "name": "Order", "object": "SALES.OUT.ORDER", "output_ports": [id(1)]},
            {"id": id(13), "name": "Campaign", "object": "MKT.OUT.CAMPAIGN", "output_ports": [id(2)]},
        ],
        "consumers": [{"id": id(21), "name": "Cockpit", "users": ["COCKPIT"]}],
    }));
    stage.is_as_counted_anew(&rest, NOW).await;

    stage
        .execute(
            "INSERT INTO portal.technical_assets VALUES ('00000000-0000-4000-8000-000000000012', 'there');
            INSERT INTO portal.data_products VALUES ('00000000-0000-4000-8000-000000000022', 'there')",
        )
        .await;
    stage.heals(&mapping, &["other mapping:  2 output ports"]).await;
}
