//! Names: configured, checked once, always quoted.

use output_port_usage::*;

use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

#[test]
fn a_model_without_a_parent_names_what_is_missing() {
    let error = UsageModel::builder().output_ports(Reference::to("datasets")).build().unwrap_err();
    assert_eq!(error.to_string(), "the model has no reference for consumers");
}

#[test]
fn names_that_cannot_be_names_are_refused_with_their_place() {
    let long = "n".repeat(64);
    for (model, message) in [
        (builder().schema(""), "name \"\" of the model's schema is empty".to_owned()),
        (
            builder().queries_table(TableNames::new("a\"b")),
            "name \"a\\\"b\" of the table of the output-port queries holds a double quote".to_owned(),
        ),
        (
            builder().touches_table(TableNames::new("t").column(Column::Date, "d\0")),
            "name \"d\\0\" of column date of the tech-asset touches holds a NUL".to_owned(),
        ),
        (
            builder().tech_assets(Reference::to("t").label(&long)),
            format!(
                "name {long:?} of the label column of tech assets is longer than the 63 bytes that Postgres keeps"
            ),
        ),
        (
            builder().consumers(Reference::to("t").group("g", Reference::to(""))),
            "name \"\" of the table of consumer groups is empty".to_owned(),
        ),
    ] {
        let error = model.build().unwrap_err();
        assert!(error.is_configuration(), "{error}");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn two_names_alike_are_refused() {
    let same_tables =
        builder().queries_table(TableNames::new("stats")).touches_table(TableNames::new("stats"));
    let error = same_tables.build().unwrap_err();
    assert!(error.is_configuration());
    assert_eq!(
        error.to_string(),
        "the table of the output-port queries and the table of the tech-asset touches are both named \"stats\""
    );

    let columns = TableNames::new("stats").column(Column::Date, "n").column(Column::QueryCount, "n");
    let error = builder().queries_table(columns).build().unwrap_err();
    assert!(error.is_configuration());

    let parent = builder().schema("portal").queries_table(TableNames::new("datasets"));
    assert!(parent.build().unwrap_err().is_configuration());
}

#[test]
fn a_column_that_the_table_does_not_have_is_refused() {
    let names = TableNames::new("stats").column(Column::TechAssetId, "asset");
    let error = builder().queries_table(names).build().unwrap_err();
    assert_eq!(error.to_string(), "there is no column tech_asset_id in the output-port queries");
}

#[tokio::test]
async fn a_schema_named_like_a_statement_is_a_schema_and_harms_nothing() {
    let model = builder()
        .schema("public; drop table x")
        .queries_table(TableNames::new("it's a \\ table $1 $do$").column(Column::Date, "select"))
        .build()
        .unwrap();
    let portal = Portal::without_tables(model).await;
    sqlx::raw_sql("CREATE TABLE public.x ()").execute(&portal.pool).await.unwrap();
    portal.create_tables().await;
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let batch = UsageBatch::builder(scope(days.clone(), [port(1)]))
        .queries(vec![queries(days.start, port(1), consumer(1), 2)])
        .build();
    portal.replace(&batch).await;
    let points = portal.rows(&chart::QueriesOverTime::new(port(1), days)).await;
    assert_eq!(points[0].query_count, 2);
    let tables = portal
        .texts("SELECT schemaname || '.' || tablename FROM pg_tables WHERE tablename ~ '^(x|it)' ORDER BY 1")
        .await;
    assert_eq!(tables, ["public.x", "public; drop table x.it's a \\ table $1 $do$"]);
}

#[tokio::test]
async fn an_adopted_table_keeps_its_own_names() {
    let names = TableNames::new("port_usage")
        .column(Column::Date, "day")
        .column(Column::OutputPortId, "port")
        .column(Column::ConsumerId, "reader")
        .column(Column::QueryCount, "n");
    let portal = Portal::with(builder().queries_table(names).build().unwrap()).await;
    let days = day(2026, 1, 1)..day(2026, 1, 3);
    let batch = UsageBatch::builder(scope(days.clone(), [port(1)]))
        .queries(vec![queries(days.start, port(1), consumer(1), 7)])
        .build();
    portal.replace(&batch).await;
    let rows = portal.texts("SELECT format('%s %s', day, n) FROM usage.port_usage").await;
    assert_eq!(rows, ["2026-01-01 7"]);
    let slices = portal.rows(&chart::QueryDistribution::new(port(1), days)).await;
    assert_eq!(slices[0].query_count, 7);
}

#[test]
fn names_that_are_derived_from_tables_are_names_too() {
    let names = |queries, touches| {
        builder().queries_table(TableNames::new(queries)).touches_table(TableNames::new(touches)).build()
    };
    for (touches, index) in [
        ("x_pkey", "the primary key"),
        ("x_date_idx", "the index on the date"),
        ("x_by_consumer_idx", "the index by consumer"),
    ] {
        let error = names("x", touches).unwrap_err();
        assert!(error.is_configuration());
        assert_eq!(
            error.to_string(),
            format!(
                "the table of the tech-asset touches and {index} of the output-port queries are both named \"{touches}\""
            )
        );
    }
    // queries have no such indexes
    assert!(names("x", "x_way_back_idx").is_ok());
    assert!(names("x", "x_by_tech_asset_idx").is_ok());
    let error = names("x_by_tech_asset_idx", "x").unwrap_err().to_string();
    assert!(error.contains("the index by tech asset of the tech-asset touches"), "{error}");
    let pairs = builder()
        .combinations()
        .queries_table(TableNames::new("output_port_combined_with_daily_way_back_idx"));
    assert!(
        pairs
            .build()
            .unwrap_err()
            .to_string()
            .contains("the index on the second output port of the combinations")
    );
    // indexes live in the model's schema, parents in another
    assert!(builder().schema("portal").queries_table(TableNames::new("x")).build().is_ok());
}

#[test]
fn what_a_reference_has_no_use_for_is_refused() {
    let grouped = || Reference::to("datasets").group("domain_id", Reference::to("domains"));
    let error = builder().output_ports(grouped()).build().unwrap_err();
    assert_eq!(error.to_string(), "the reference for output ports has a group: only consumers are grouped");
    let error = builder().tech_assets(grouped()).build().unwrap_err();
    assert_eq!(error.to_string(), "the reference for tech assets has a group: only consumers are grouped");
    let nested = Reference::to("data_products").group("domain_id", grouped());
    let error = builder().consumers(nested).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the reference for consumer groups has a group: only consumers are grouped"
    );
    let kept = Reference::to("domains").on_delete(OnDelete::Cascade);
    let error =
        builder().consumers(Reference::to("data_products").group("domain_id", kept)).build().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the groups of consumers have on_delete: the model has no foreign key to them"
    );
}

#[test]
fn a_model_is_data_and_a_wrong_key_is_named() {
    let whole = builder()
        .queries_table(TableNames::new("port_usage").column(Column::Date, "day"))
        .touches_table(TableNames::default())
        .combinations()
        .read_by_consumer()
        .read_by_tech_asset();
    let text = serde_json::to_string(&whole).unwrap();
    let read: UsageModelBuilder = serde_json::from_str(&text).unwrap();
    assert_eq!(read, whole);
    assert_eq!(read.build().unwrap(), whole.build().unwrap());
    for (json, message) in [
        (r#"{"shema": "usage"}"#, "unknown field `shema`"),
        (r#"{"consumers": {"table": "t", "lable": "name"}}"#, "unknown field `lable`"),
        (r#"{"consumers": {"schema": "portal"}}"#, "missing field `table`"),
        (r#"{"consumers": {"table": "t", "group": {"column": "g"}}}"#, "missing field `parent`"),
        (r#"{"tech_assets": {"table": "t", "on_delete": "forget"}}"#, "unknown variant `forget`"),
        (r#"{"queries": {"columns": {"dates": "day"}}}"#, "unknown variant `dates`"),
    ] {
        let error = serde_json::from_str::<UsageModelBuilder>(json).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    let foreign: UsageModelBuilder =
        serde_json::from_str(r#"{"queries": {"columns": {"tech_asset_id": "a"}}}"#).unwrap();
    let model = |names: UsageModelBuilder| {
        names
            .output_ports(Reference::to("a"))
            .consumers(Reference::to("b"))
            .tech_assets(Reference::to("c"))
            .build()
    };
    assert_eq!(
        model(foreign).unwrap_err().to_string(),
        "there is no column tech_asset_id in the output-port queries"
    );
}
