//! Errors: whose mistake they are, what they say, and that a chain says nothing twice.

use std::error::Error as _;

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{Portal, asset, builder, combination, consumer, day, port, queries, scope, touches};

fn first() -> chrono::NaiveDate {
    day(2026, 1, 1)
}

/// Which of the six categories hold.
fn categories(error: &Error) -> Vec<&'static str> {
    let all = [
        ("configuration", error.is_configuration()),
        ("request", error.is_request()),
        ("batch", error.is_batch()),
        ("mapping", error.is_mapping()),
        ("result", error.is_result()),
        ("transaction", error.is_transaction()),
    ];
    all.into_iter().filter(|(_, holds)| *holds).map(|(name, _)| name).collect()
}

#[test]
fn an_error_has_one_category_and_can_be_cloned() {
    let model = builder().build().unwrap();
    let none = first()..first();
    let days = first()..day(2026, 2, 1);
    let unstated = UsageBatch::builder(scope(days.clone(), [])).build();
    for (error, category) in [
        (builder().schema("").build().unwrap_err(), "configuration"),
        (model.query(&MostOftenCombinedWith::new(port(1), days.clone())).unwrap_err(), "configuration"),
        (model.query(&Summary::new(port(1), none)).unwrap_err(), "request"),
        (model.query(&MostPopularAssets::new(port(1), days.clone()).top(0)).unwrap_err(), "request"),
        ("x".parse::<ConsumerId>().unwrap_err(), "request"),
        (model.replace(&unstated).unwrap_err(), "batch"),
        (Attribution::builder().time_zone("Mars/Olympus").build().unwrap_err(), "mapping"),
    ] {
        assert_eq!(categories(&error), [category], "{error}");
        assert_eq!(error.clone().to_string(), error.to_string());
    }
}

/// What a log that prints a chain says: each error's text, its causes after it.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        said.push(cause.to_string());
        next = cause.source();
    }
    said
}

#[tokio::test]
async fn a_write_error_says_which_id_alone_and_a_chain_says_nothing_twice() {
    let portal = Portal::new().await;
    let batch = UsageBatch::builder(scope(first()..day(2026, 1, 2), [port(1)]))
        .queries(vec![queries(first(), port(1), consumer(88), 1)])
        .build();
    let mut transaction = portal.pool.begin().await.unwrap();
    let error = portal.model.replace(&batch).unwrap().run_sqlx(&mut transaction).await.unwrap_err();
    assert_eq!(error.to_string(), format!("unknown consumer {}", consumer(88)));
    assert!(error.source().is_none());
    assert_eq!(error.rejected().unwrap().unknown_ids().unwrap().consumers().len(), 1);
    transaction.rollback().await.unwrap();

    let id = "x".parse::<ConsumerId>().unwrap_err();
    let wrapped = WriteError::<sqlx::Error>::from(id.clone());
    let said = chain(&wrapped);
    assert_eq!(said, chain(&id));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(!said[0].contains(&said[1]), "{said:?}");
}

#[tokio::test]
async fn a_stream_may_fail_with_any_error() {
    let portal = Portal::with_combinations().await;
    let backfill = || portal.model.backfill(scope(first()..day(2026, 1, 2), [port(1)])).unwrap();
    let mut transaction = portal.pool.begin().await.unwrap();
    let boxed: Result<UsageBatch, Box<dyn std::error::Error + Send + Sync>> = Err("torn".into());
    let stream = futures_util::stream::iter([boxed]);
    let error = backfill().run_sqlx(&mut transaction, stream).await.unwrap_err();
    assert_eq!(error.to_string(), "torn");
    let any: Result<UsageBatch, anyhow::Error> =
        Err(anyhow::anyhow!("torn").context("cannot read the export"));
    let error = backfill().run_sqlx(&mut transaction, futures_util::stream::iter([any])).await.unwrap_err();
    assert_eq!(chain(&error), ["cannot read the export", "torn"]);
    // it is an error by itself, whatever the stream's was
    let error: Box<dyn std::error::Error + Send + Sync> = error.into();
    assert!(error.is::<WriteError<sqlx::Error>>());
}

/// A batch is refused for the plainest of its faults.
#[test]
fn rows_are_checked_before_tables_are_compared() {
    let model = builder().combinations().build().unwrap();
    let refused = |rows: Vec<(u128, u64)>, touched: u64| {
        let rows =
            rows.into_iter().map(|(of, count)| queries(first(), port(of), consumer(1), count)).collect();
        let batch = UsageBatch::builder(scope(first()..day(2026, 1, 2), [port(1)]))
            .queries(rows)
            .touches(vec![touches(first(), port(1), asset(1), consumer(1), touched)])
            .build();
        model.replace(&batch).unwrap_err().to_string()
    };
    let key = format!("2026-01-01, {}, {}", port(1), consumer(1));
    assert_eq!(
        refused(vec![(1, 3), (1, 1)], 3),
        format!("the output-port queries hold the key ({key}) twice")
    );
    let outside = format!("2026-01-01, {}, {}", port(9), consumer(1));
    assert_eq!(
        refused(vec![(9, 3)], 3),
        format!("the output-port queries hold a row outside the batch's scope: ({outside})")
    );
    assert!(refused(vec![(1, 1 << 40)], 3).contains("more than the 2147483647"));
    assert!(refused(vec![(1, 2)], 3).starts_with("the batch counts 3 touches of a tech asset but 2 queries"));

    let pair = vec![combination(first(), port(2), port(1), consumer(1), 9)];
    let batch = UsageBatch::builder(scope(first()..day(2026, 1, 2), [port(1)])).combinations(pair).build();
    let error = model.replace(&batch).unwrap_err().to_string();
    assert!(error.starts_with("a combination has its output ports in the wrong order"), "{error}");
}
