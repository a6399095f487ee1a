//! A few numbers, added up by hand from the facts in `world.rs`.

use serde_json::{Value, json};

use crate::world::{CUSTOMERS, ORDER_TABLE, ORDERS, SALES, World};

/// The fields of each row that are named.
fn fields(answer: &Value, names: &[&str]) -> Vec<Vec<Value>> {
    let rows = answer["rows"].as_array().unwrap();
    rows.iter().map(|row| names.iter().map(|name| row.pointer(name).unwrap().clone()).collect()).collect()
}

#[tokio::test]
async fn a_summary_counts_its_days_and_those_before() {
    let world = World::new().await;
    let answer =
        world.json(&format!("/api/output-ports/{ORDERS}/summary?days=30&compare=previous_period")).await;
    // 2 March to 31 March: 1 + 4 + 1 + 2 queries; before, from 31 January on: 10
    let row = json!({
        "query_count": 8, "consumers": 2, "active_days": 3, "last_used": "2026-03-31", "coverage": "measured",
        "previous": 10, "change": -0.2, "previous_coverage": "measured",
    });
    let days = json!({ "from": "2026-03-02", "until": "2026-04-01" });
    let previous = json!({ "from": "2026-01-31", "until": "2026-03-02" });
    assert_eq!(answer, json!({ "days": days, "previous": previous, "rows": [row] }));
}

#[tokio::test]
async fn weeks_begin_on_the_monday_that_holds_the_first_day() {
    let world = World::new().await;
    let answer = world.json(&format!("/api/output-ports/{ORDERS}/over-time?days=29")).await;
    // 29 days begin on Tuesday 3 March; its week begins on Monday the 2nd
    assert_eq!(answer["days"], json!({ "from": "2026-03-02", "until": "2026-04-01" }));
    let starts = ["2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23", "2026-03-30"];
    let axis: Vec<Value> =
        starts.iter().map(|start| json!({ "start": start, "partial": *start == "2026-03-30" })).collect();
    assert_eq!(answer["buckets"], json!(axis));
    let counts: Vec<Value> = fields(&answer, &["/query_count"]).concat();
    assert_eq!(counts, [1, 0, 0, 0, 7]);
}

#[tokio::test]
async fn a_split_and_a_distribution_are_by_consumer_or_by_domain() {
    let world = World::new().await;
    let path =
        |chart: &str, by: &str| format!("/api/output-ports/{ORDERS}/{chart}?days=2&granularity=day&by={by}");
    let split = world.json(&path("split", "consumer")).await;
    let expected = vec![vec![json!("Sales"), json!([4, 1])], vec![json!("Risk"), json!([0, 2])]];
    assert_eq!(fields(&split, &["/member/label", "/counts"]), expected);
    let slices = world.json(&path("distribution", "group")).await;
    let expected = vec![
        vec![json!("group"), json!("Commerce"), json!(5), json!(5.0 / 7.0)],
        vec![json!("group"), json!("Finance"), json!(2), json!(2.0 / 7.0)],
    ];
    assert_eq!(fields(&slices, &["/member/kind", "/member/label", "/query_count", "/share"]), expected);
}

#[tokio::test]
async fn pages_of_a_tech_asset_and_a_consumer_count_their_own() {
    let world = World::new().await;
    let asset = world.json(&format!("/api/tech-assets/{ORDER_TABLE}/distribution?days=30")).await;
    let expected = vec![vec![json!("Sales"), json!(6)], vec![json!("Risk"), json!(2)]];
    assert_eq!(fields(&asset, &["/member/label", "/query_count"]), expected);
    let ports = world.json(&format!("/api/consumers/{SALES}/output-ports?days=30")).await;
    let expected = vec![vec![json!("Orders"), json!(6)], vec![json!("Customers"), json!(3)]];
    assert_eq!(fields(&ports, &["/label", "/query_count"]), expected);
    let combined = world.json(&format!("/api/output-ports/{ORDERS}/combined-with?days=30")).await;
    let expected = vec![vec![json!("Customers"), json!(1), json!(0.125)]];
    assert_eq!(fields(&combined, &["/label", "/query_count", "/share"]), expected);
}

#[tokio::test]
async fn the_portal_ranks_what_is_used_and_lists_what_is_not() {
    let world = World::new().await;
    let ranking = world.json("/api/portal/output-ports?days=30").await;
    let expected = vec![vec![json!("Orders"), json!(8)], vec![json!("Customers"), json!(3)]];
    assert_eq!(fields(&ranking, &["/label", "/query_count"]), expected);
    // Customers rose from none, by three; Orders fell from ten to eight
    let risers = world.json("/api/portal/output-ports?days=30&compare=previous_period&order=risers").await;
    assert_eq!(fields(&risers, &["/label", "/previous"]), [[json!("Customers"), json!(0)]]);
    let fallers = "days=30&granularity=month&compare=previous_period&order=fallers";
    let fell = world.json(&format!("/api/portal/output-ports?{fallers}")).await;
    assert_eq!(fields(&fell, &["/label", "/previous"]), [[json!("Orders"), json!(10)]]);
    let line = world.json(&format!("/api/portal/sparklines?{fallers}")).await;
    assert_eq!(fields(&line, &["/member/label", "/counts"]), [[json!("Orders"), json!([8])]]);
    for (what, name) in [("output-ports", "Stock"), ("tech-assets", "STOCK"), ("consumers", "Idle")] {
        let unused = world.json(&format!("/api/portal/unused-{what}?days=30")).await;
        assert_eq!(fields(&unused, &["/member/label", "/last_used"]), [[json!(name), Value::Null]]);
    }
}

#[tokio::test]
async fn what_is_gone_is_ranked_if_the_page_asks() {
    let world = World::new().await;
    let path = format!(
        "/api/output-ports/{ORDERS}/distribution?from=2026-03-03&until=2026-03-30&compare=previous_period"
    );
    // nobody between 3 and 29 March; Sales in the days before
    assert_eq!(world.json(&path).await["rows"], json!([]));
    let gone = world.json(&format!("{path}&gone=true")).await;
    let expected = [[json!("Sales"), json!(0), json!(11), json!(-1.0)]];
    assert_eq!(fields(&gone, &["/member/label", "/query_count", "/previous", "/change"]), expected);
}

#[tokio::test]
async fn no_ranked_output_port_means_no_line_either() {
    let world = World::new().await;
    let none = world.json("/api/portal/sparklines?from=2026-03-03&until=2026-03-04&granularity=day").await;
    let days = json!({ "from": "2026-03-03", "until": "2026-03-04" });
    let buckets = json!([{ "start": "2026-03-03", "partial": false }]);
    assert_eq!(none, json!({ "days": days, "buckets": buckets, "rows": [] }));
}

#[tokio::test]
async fn coverage_tells_the_days_that_nobody_measured() {
    let world = World::new().await;
    let answer =
        world.json(&format!("/api/output-ports/{ORDERS}/coverage?from=2025-12-30&until=2026-04-03")).await;
    let gap = |from, until| json!({ "from": from, "until": until, "reason": "never_measured" });
    let expected = json!({
        "days": { "from": "2025-12-30", "until": "2026-04-03" },
        "first_measured": "2026-01-01", "last_measured": "2026-03-31", "settled_until": "2026-04-01",
        "gaps": [gap("2025-12-30", "2026-01-01"), gap("2026-04-01", "2026-04-03")],
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn names_are_found_by_a_part_of_them() {
    let world = World::new().await;
    let all = world.json("/api/output-ports").await;
    let named = |id, label| json!({ "id": id, "label": label });
    assert_eq!(all.as_array().unwrap().len(), 3);
    assert_eq!(all[0], named(CUSTOMERS.to_string(), "Customers"));
    assert_eq!(world.json("/api/output-ports?q=CUST").await, json!([all[0]]));
    assert_eq!(world.json("/api/consumers?limit=1").await.as_array().unwrap().len(), 1);
    // no wildcard: nothing is called so
    assert_eq!(world.json("/api/output-ports?q=%25").await, json!([]));
    assert_eq!(world.json("/api/output-ports?q=_").await, json!([]));
    assert_eq!(world.json("/api/output-ports?q=%5C").await, json!([]));
    let one = world.json(&format!("/api/output-ports/{ORDERS}")).await;
    assert_eq!(one, named(ORDERS.to_string(), "Orders"));
}

#[tokio::test]
async fn the_portal_tells_what_its_model_has() {
    let world = World::new().await;
    let about = world.json("/api/portal").await;
    assert_eq!(
        about,
        json!({ "today": "2026-03-31", "groups": true, "combinations": true, "coverage": true })
    );
}
