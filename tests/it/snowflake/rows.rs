//! The rows that come back, and those that cannot.

use output_port_usage::UsageBatch;
use output_port_usage::snowflake::{Aggregation, ResultRow, SnowflakeStatement};
use serde_json::{Value, json};

use super::{day, march, small};
use crate::query_log::hand_made::{consumer, mapping, port};

const PORT: &str = "00000000-0000-0000-0000-00000000b001";
const CONSUMER: &str = "00000000-0000-0000-0000-00000000c001";

fn rows(rows: Value) -> Vec<ResultRow> {
    serde_json::from_value(rows).unwrap()
}

fn queries_statement() -> SnowflakeStatement<UsageBatch> {
    let attribution = small().build().unwrap();
    Aggregation::new(&attribution, march()).output_port_queries().unwrap()
}

#[test]
fn every_shape_of_a_row_decodes_alike() {
    let statement = queries_statement();
    let shapes = [
        json!([{"USAGE_DATE": "2026-03-10", "OUTPUT_PORT_ID": PORT, "CONSUMER_ID": CONSUMER, "QUERY_COUNT": 3}]),
        json!([{"usage_date": 20522.0, "output_port_id": PORT, "consumer_id": CONSUMER, "query_count": 3.0, "more": []}]),
        json!([{"Usage_Date": "20522", "output_port_id": PORT, "consumer_id": CONSUMER, "query_count": "3"}]),
        json!([["20522", PORT, CONSUMER, "3"]]),
        json!([["2026-03-10", PORT.to_uppercase(), CONSUMER, 3]]),
    ];
    for shape in shapes {
        let batch = statement.decode(rows(shape.clone())).unwrap();
        let [row] = batch.queries() else { panic!("{shape}") };
        assert_eq!((row.date, row.query_count), (day("2026-03-10"), 3), "{shape}");
        assert_eq!((row.output_port_id, row.consumer_id), (port(1), consumer(1)), "{shape}");
        assert_eq!(batch.scope(), statement.scope());
        assert!(batch.touches().is_none() && batch.combinations().is_none());
    }
    let texts =
        [Some("2026-03-10"), Some(PORT), Some(CONSUMER), Some("3")].map(|text| text.map(str::to_owned));
    assert_eq!(
        statement.decode([texts.into_iter().collect::<ResultRow>()]).unwrap().queries()[0].query_count,
        3
    );
    assert!(statement.decode([]).unwrap().queries().is_empty());
}

#[test]
fn three_statements_make_one_batch() {
    let attribution = mapping().build().unwrap();
    let aggregation = Aggregation::new(&attribution, march());
    let asset = "00000000-0000-0000-0000-00000000a003";
    let other = "00000000-0000-0000-0000-00000000b002";
    let touches = aggregation.tech_asset_touches().unwrap();
    let touches = touches.decode(rows(json!([[20522, PORT, asset, CONSUMER, 2]]))).unwrap();
    let combinations = aggregation.combinations().unwrap();
    let combinations = combinations.decode(rows(json!([[20522, PORT, other, CONSUMER, 1]]))).unwrap();
    let queries = aggregation.output_port_queries().unwrap();
    let batch = queries.decode(rows(json!([[20522, PORT, CONSUMER, 2]]))).unwrap();
    let batch = batch.into_builder().touches(touches).combinations(combinations).build();

    let usage = aggregation.usage().unwrap();
    let from_one_scan = usage.decode(rows(json!([
        ["combinations", 20522, PORT, other, null, CONSUMER, 1],
        ["output_port_queries", 20522, PORT, null, null, CONSUMER, 2],
        ["tech_asset_touches", 20522, PORT, null, asset, CONSUMER, 2],
    ])));
    assert_eq!(from_one_scan.unwrap(), batch);
}

#[test]
fn a_row_that_no_statement_returns_is_refused_with_its_number_and_column() {
    let statement = queries_statement();
    let good = json!([20522, PORT, CONSUMER, 3]);
    let mut errors = Vec::new();
    for (column, cell) in [
        (0, json!(null)),
        (0, json!("10.03.2026")),
        (0, json!(20522.5)),
        (0, json!(20523)),
        (0, json!(i64::MAX)),
        (0, json!("2026-03-09")),
        (1, json!(null)),
        (1, json!("b001")),
        (1, json!("00000000-0000-0000-0000-00000000b009")),
        (2, json!(12)),
        (2, json!("x".repeat(1_000_000))),
        (3, json!(null)),
        (3, json!(-1)),
        (3, json!("-1")),
        (3, json!(1.5)),
        (3, json!("1.5")),
        (3, json!("")),
        (3, json!(true)),
        (3, json!({"a": [1]})),
        (3, json!(u64::MAX)),
    ] {
        let mut bad = good.clone();
        bad[column] = cell;
        let error = statement.decode(rows(json!([good, bad]))).unwrap_err();
        assert!(error.is_result());
        errors.push(error.to_string());
    }
    for shape in [json!([good, [20522, PORT, CONSUMER]]), json!([{"usage_date": 20522}])] {
        let error = statement.decode(rows(shape)).unwrap_err();
        assert!(error.is_result());
        errors.push(error.to_string());
    }
    insta::assert_snapshot!(errors.join("\n"), @r#"
    row 2 of the result, column usage_date: is neither an ISO date nor a number of days since 1970: NULL
    row 2 of the result, column usage_date: is neither an ISO date nor a number of days since 1970: "10.03.2026"
    row 2 of the result, column usage_date: is neither an ISO date nor a number of days since 1970: 20522.5
    row 2 of the result, column usage_date: is a day outside the scope: 2026-03-11
    row 2 of the result, column usage_date: is neither an ISO date nor a number of days since 1970: 9223372036854775807
    row 2 of the result, column usage_date: is a day outside the scope: 2026-03-09
    row 2 of the result, column output_port_id: is no text: NULL
    row 2 of the result, column output_port_id: is no UUID: "b001"
    row 2 of the result, column output_port_id: is an output port outside the scope: 00000000-0000-0000-0000-00000000b009
    row 2 of the result, column consumer_id: is no text: 12
    row 2 of the result, column consumer_id: is no UUID: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"
    row 2 of the result, column query_count: is no count: NULL
    row 2 of the result, column query_count: is no count: -1
    row 2 of the result, column query_count: is no count: "-1"
    row 2 of the result, column query_count: is no count: 1.5
    row 2 of the result, column query_count: is no count: "1.5"
    row 2 of the result, column query_count: is no count: ""
    row 2 of the result, column query_count: is no count: neither a text nor a number
    row 2 of the result, column query_count: is no count: neither a text nor a number
    row 2 of the result, column query_count: is no count: neither a text nor a number
    row 2 of the result has 3 cells, not one for each of the columns usage_date, output_port_id, consumer_id, query_count
    row 1 of the result, column output_port_id: is missing
    "#);
}

#[test]
fn a_result_of_another_statement_is_refused() {
    let attribution = small().build().unwrap();
    let aggregation = Aggregation::new(&attribution, march());
    let usage = aggregation.usage().unwrap();
    let error = usage.decode(rows(json!([["queries", 20522, PORT, null, null, CONSUMER, 1]]))).unwrap_err();
    insta::assert_snapshot!(error, @r#"row 1 of the result, column result: is no result: "queries""#);
    let error = usage.decode(rows(json!([["tech_asset_touches", 20522, PORT, null, null, CONSUMER, 1]])));
    insta::assert_snapshot!(error.unwrap_err(), @"row 1 of the result, column tech_asset_id: is no text: NULL");
    let error =
        aggregation.coverage().unwrap().decode(rows(json!([["x", null, null, null, null, 1]]))).unwrap_err();
    insta::assert_snapshot!(error, @r#"row 1 of the result, column result: is no result: "x""#);
    let twice = serde_json::from_str::<ResultRow>(r#"{"QUERY_COUNT": 1, "query_count": 2}"#).unwrap_err();
    insta::assert_snapshot!(twice, @r#"column "query_count" is there twice at line 1 column 36"#);
}

#[test]
fn a_text_that_is_no_row_is_refused_in_a_few_words() {
    let text = serde_json::to_string(&"x".repeat(1 << 20)).unwrap();
    let error = serde_json::from_str::<ResultRow>(&text).unwrap_err().to_string();
    assert!(error.contains("is not a row: a map of columns, or an array of cells"), "{error}");
    assert!(error.len() < 300, "{}", error.len());
}
