//! The list of every statement: titles, and that each runs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{Portal, builder, day, port};

#[test]
fn titles_are_unique_and_stand_in_the_texts() {
    let model = builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap();
    let statements = model.statements();
    let titles: BTreeSet<&str> = statements.iter().map(|(title, _)| title.as_str()).collect();
    assert_eq!(titles.len(), statements.len());
    for (title, statement) in &statements {
        assert_eq!(title, statement.title());
        let (_, behind) = statement.sql().split_once(' ').unwrap();
        assert!(behind.starts_with(&format!("/* output-port-usage: {title}")), "{}", statement.sql());
    }
    for title in [
        "create the table of combinations",
        "write changed touches",
        "load queries",
        "reconcile the tables",
        "queries over time by quarter",
        "query distribution by group, compared with the year before by weekday",
        "summary",
    ] {
        assert!(titles.contains(title), "{title}: {titles:#?}");
    }
}

/// One snapshot a statement, in `snapshots`: whatever the list gains is reviewed there before it is released.
#[test]
fn every_statement_is_as_reviewed() {
    let model = builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap();
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _bound = settings.bind_to_scope();
    let mut reviewed = BTreeSet::new();
    let mut review = |name: String, text: &str| {
        insta::assert_snapshot!(name.clone(), text);
        reviewed.insert(format!("{name}.snap"));
    };
    let mut texts = BTreeMap::new();
    for (title, statement) in model.statements() {
        let name = title.replace([' ', ','], "_");
        review(name.clone(), &statement.pretty());
        texts.insert(name, statement.pretty());
    }
    // what coverage adds, and what it changes
    let covered =
        builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap();
    for (title, statement) in covered.statements() {
        let name = title.replace([' ', ','], "_");
        match texts.get(&name) {
            None => review(name, &statement.pretty()),
            Some(text) if *text != statement.pretty() => {
                review(format!("{name}_with_coverage"), &statement.pretty());
            }
            Some(_) => {}
        }
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/statement/snapshots");
    let files =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.filter(|name| name.ends_with(".snap")).collect::<BTreeSet<_>>(), reviewed, "left over");
}

#[test]
fn a_model_without_groups_and_combinations_has_fewer_statements() {
    let consumers = || Reference::to("data_products").schema("portal");
    let small = builder().consumers(consumers()).build().unwrap();
    let all = builder().combinations().build().unwrap().statements();
    let titles: Vec<String> = small.statements().into_iter().map(|(title, _)| title).collect();
    assert!(titles.len() < all.len());
    assert!(!titles.iter().any(|title| title.contains("group") || title.contains("combin")), "{titles:?}");
}

#[tokio::test]
async fn every_read_of_the_list_runs_as_it_is_shown() {
    let portal = Portal::with(builder().combinations().coverage().build().unwrap()).await;
    let mut ran = 0;
    for (title, statement) in portal.model.statements() {
        if statement.sql().starts_with("SELECT")
            && !title.contains("distribute")
            && !title.contains("partition")
            || statement.sql().starts_with("WITH")
        {
            for text in [statement.to_string(), statement.pretty_with_literals()] {
                let ran = sqlx::raw_sql(sqlx::AssertSqlSafe(text.clone())).execute(&portal.pool).await;
                assert!(ran.is_ok(), "{title}: {ran:?}: {text}");
            }
            ran += 1;
        }
    }
    assert!(ran > 60, "{ran}");
}

#[tokio::test]
async fn a_day_that_ends_the_calendar_is_shown_as_postgres_reads_it() {
    let portal = Portal::new().await;
    let last = NaiveDate::from_ymd_opt(9999, 12, 31).unwrap();
    let chart = QueriesOverTime::new(port(1), day(9999, 12, 30)..last.succ_opt().unwrap());
    let query = portal.model.query(&chart).unwrap();
    assert!(query.to_string().contains("'10000-01-01'"), "{query}");
    sqlx::raw_sql(sqlx::AssertSqlSafe(query.to_string())).execute(&portal.pool).await.unwrap();
    assert_eq!(portal.rows(&chart).await.len(), 2);
}

#[test]
fn migrations_are_written_to_files_and_nothing_is_overwritten() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path().join("migrations");
    let model = builder().combinations().build().unwrap();
    for _ in 0..2 {
        for migration in model.migrations() {
            let [up, down] = migration.write_to(&folder).unwrap();
            assert_eq!(std::fs::read_to_string(up).unwrap(), migration.up());
            assert_eq!(std::fs::read_to_string(down).unwrap(), migration.down());
        }
    }
    let names: BTreeSet<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        Vec::from_iter(names),
        [
            "0001_usage_tables.down.sql",
            "0001_usage_tables.up.sql",
            "0002_usage_combinations.down.sql",
            "0002_usage_combinations.up.sql"
        ]
    );
    let down = folder.join("0001_usage_tables.down.sql");
    std::fs::write(&down, "-- mine").unwrap();
    std::fs::remove_file(folder.join("0001_usage_tables.up.sql")).unwrap();
    let error = model.migrations()[0].write_to(&folder).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(error.to_string().ends_with("0001_usage_tables.down.sql says something else"), "{error}");
    assert_eq!(std::fs::read_to_string(&down).unwrap(), "-- mine");
    assert!(!folder.join("0001_usage_tables.up.sql").exists());
}
