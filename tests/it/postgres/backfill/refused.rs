//! Back-fills that are refused: by what the tables hold, or by what a batch states.

use output_port_usage::*;

use super::batches;
use super::host::{by_sqlx, stated};
use super::keys::catalog;
use crate::driver::twins_agree::twins::{Refusal, Twins};
use crate::portal::{Portal, asset, builder, combination, consumer, day, port, queries, scope, touches};
use crate::tables;

/// Runs a back-fill that is refused, commits all the same, and requires that the tables are as before.
async fn refusal(portal: &Portal, backfill: Backfill, batches: Vec<UsageBatch>) -> Error {
    let before = (tables::versions(portal).await, catalog(portal).await);
    let error = by_sqlx(portal, backfill, batches).await.unwrap_err();
    assert_eq!(before, (tables::versions(portal).await, catalog(portal).await), "{error:?}");
    match error {
        WriteError::Rejected(error) => error,
        other => panic!("{other}"),
    }
}

/// Ports 1 and 2 on one day, without a row.
fn silent(date: chrono::NaiveDate) -> UsageBatch {
    let scope = scope(date..date.succ_opt().unwrap(), [port(1), port(2)]);
    UsageBatch::builder(scope).touches(Vec::new()).combinations(Vec::new()).build()
}

fn one_query(date: chrono::NaiveDate) -> UsageBatch {
    let queries = vec![queries(date, port(1), consumer(1), 1)];
    UsageBatch::builder(silent(date).scope().clone())
        .queries(queries)
        .touches(vec![touches(date, port(1), asset(1), consumer(1), 1)])
        .combinations(Vec::new())
        .build()
}

#[tokio::test]
async fn rows_that_exist_are_named_before_anything_is_loaded() {
    let mut twins = Twins::new().await;
    let last = day(2026, 2, 9);
    let of_other_ports = scope(last..day(2026, 2, 10), [port(8)]);
    for (batch, message) in [
        (
            UsageBatch::builder(scope(last..day(2026, 2, 10), [port(2)]))
                .queries(vec![queries(last, port(2), consumer(1), 1)])
                .build(),
            format!(
                "the output-port queries hold rows in the back-fill's scope: (2026-02-09, {}, {})",
                port(2),
                consumer(1)
            ),
        ),
        (
            UsageBatch::builder(of_other_ports.clone())
                .queries(vec![queries(last, port(8), consumer(1), 1)])
                .combinations(vec![combination(last, port(3), port(8), consumer(1), 1)])
                .build(),
            format!(
                "the combinations hold rows in the back-fill's scope: (2026-02-09, {}, {}, {})",
                port(3),
                port(8),
                consumer(1)
            ),
        ),
    ] {
        twins.replace("", &batch).await.unwrap();
        let refused = twins.backfill(|model| stated(model, &batches(20)), &batches(20)).await;
        let message = message + " is one; replace what exists if that is meant";
        assert_eq!(refused, Err(Refusal::Rejected(message)));
        let error = refusal(&twins.sqlx, stated(twins.model(), &batches(20)), batches(20)).await;
        assert!(error.is_batch());
        let nothing = UsageBatch::builder(batch.scope().clone()).combinations(Vec::new()).build();
        let nothing = twins.model().replace(&nothing).unwrap().allow_empty();
        twins.run("", nothing).await.unwrap();
    }
}

#[tokio::test]
async fn a_table_without_its_key_is_named_before_anything_is_loaded() {
    let portal = Portal::with_combinations().await;
    for without in [
        "ALTER TABLE usage.tech_asset_stats_daily DROP CONSTRAINT tech_asset_stats_daily_pkey",
        // none of these keeps a key from being there twice
        "CREATE UNIQUE INDEX ON usage.tech_asset_stats_daily (output_port_id, date, tech_asset_id, consumer_id)
            WHERE query_count > 1",
        "CREATE UNIQUE INDEX narrow ON usage.tech_asset_stats_daily (output_port_id, date, tech_asset_id)
            INCLUDE (consumer_id)",
        "CREATE INDEX ON usage.tech_asset_stats_daily (output_port_id, date, tech_asset_id, consumer_id)",
        "ALTER TABLE usage.tech_asset_stats_daily
            ADD UNIQUE (output_port_id, date, tech_asset_id, consumer_id) DEFERRABLE",
    ] {
        sqlx::raw_sql(sqlx::AssertSqlSafe(without)).execute(&portal.pool).await.unwrap();
        let error = refusal(&portal, stated(&portal.model, &batches(20)), batches(20)).await;
        assert!(error.is_configuration());
        assert_eq!(
            error.to_string(),
            "the tech-asset touches have no unique key over the columns of the model's key: add it to \
             \"usage\".\"tech_asset_stats_daily\", or create the table by the model"
        );
    }
    let key = "DROP INDEX usage.narrow; CREATE UNIQUE INDEX ON usage.tech_asset_stats_daily (date, consumer_id, tech_asset_id, output_port_id)";
    sqlx::raw_sql(key).execute(&portal.pool).await.unwrap();
    by_sqlx(&portal, stated(&portal.model, &batches(20)), batches(20)).await.unwrap();
}

#[tokio::test]
async fn batches_state_each_day_of_the_scope_once_and_in_order() {
    let portal = Portal::with_combinations().await;
    let (first, second, third) = (day(2026, 1, 1), day(2026, 1, 2), day(2026, 1, 3));
    let (one, two, three) = (one_query(first), one_query(second), one_query(third));
    let whole = || portal.model.backfill(scope(first..day(2026, 1, 4), [port(1), port(2)])).unwrap();
    let out_of_turn = |stated: &str, from: &str| {
        format!(
            "a batch is out of turn: it states {stated}, the back-fill is to be stated from {from} to 2026-01-04 yet \
             (ends are exclusive)"
        )
    };
    let breaks_off = |from: &str| {
        format!("the batches break off: {from} to 2026-01-04 (the end is exclusive) are not stated")
    };
    let (on_first, on_third) = ("2026-01-01 to 2026-01-02", "2026-01-03 to 2026-01-04");
    for (batches, message) in [
        (vec![], breaks_off("2026-01-01")),
        (vec![one.clone(), two.clone()], breaks_off("2026-01-03")),
        (vec![two.clone()], out_of_turn("2026-01-02 to 2026-01-03", "2026-01-01")),
        (vec![one.clone(), one.clone()], out_of_turn(on_first, "2026-01-02")),
        (vec![one.clone(), three.clone()], out_of_turn(on_third, "2026-01-02")),
        (vec![one.clone(), two.clone(), one.clone()], out_of_turn(on_first, "2026-01-03")),
        (
            vec![one.clone(), two.clone(), three.clone(), one_query(day(2026, 1, 4))],
            out_of_turn("2026-01-04 to 2026-01-05", "2026-01-04"),
        ),
    ] {
        let error = refusal(&portal, whole(), batches).await;
        assert!(error.is_batch());
        assert_eq!(error.to_string(), message);
    }
    for (ports, message) in [
        (vec![port(1)], format!("{} is missing", port(2))),
        (vec![port(1), port(2), port(3)], format!("{} is not the back-fill's", port(3))),
    ] {
        let other =
            UsageBatch::builder(scope(second..third, ports)).touches(vec![]).combinations(vec![]).build();
        let error = refusal(&portal, whole(), vec![one.clone(), other]).await;
        assert!(error.is_batch());
        assert_eq!(
            error.to_string(),
            format!(
                "the batch of 2026-01-02 to 2026-01-03 (the end is exclusive) states other output ports than the \
                 back-fill: {message}"
            )
        );
    }
    let quiet = vec![one, silent(second), three];
    assert_eq!(by_sqlx(&portal, whole(), quiet).await.unwrap().queries.written, 2);
}

#[tokio::test]
async fn a_batch_is_checked_as_a_replace_checks_it() {
    let portal = Portal::with_combinations().await;
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let whole = || portal.model.backfill(scope(first..day(2026, 1, 3), [port(1), port(2)])).unwrap();
    let of = |queries: Vec<OutputPortQueries>| {
        UsageBatch::builder(silent(second).scope().clone()).queries(queries)
    };
    let query = |count| queries(second, port(1), consumer(1), count);
    let touch = |count| vec![touches(second, port(1), asset(1), consumer(1), count)];
    let none = Vec::new;
    let pairs = |one, other| vec![combination(second, port(one), port(other), consumer(1), 1)];
    for batch in [
        of(vec![query(1), query(1)]).touches(touch(1)).combinations(none()).build(),
        of(vec![query(2)]).touches(touch(1)).combinations(none()).build(),
        of(vec![query(1)]).touches(touch(2)).combinations(none()).build(),
        of(vec![query(1 << 31)]).touches(touch(1 << 31)).combinations(none()).build(),
        of(vec![queries(first, port(1), consumer(1), 1)]).touches(vec![]).combinations(none()).build(),
        of(vec![queries(second, port(3), consumer(1), 1)]).touches(vec![]).combinations(none()).build(),
        of(vec![query(1)]).touches(touch(1)).combinations(pairs(2, 1)).build(),
        of(vec![query(1)]).touches(touch(1)).combinations(pairs(1, 1)).build(),
        of(vec![query(1)]).touches(touch(1)).combinations(pairs(1, 2)).build(),
        of(vec![query(1)]).touches(touch(1)).combinations(pairs(3, 4)).build(),
    ] {
        let expected = portal.model.replace(&batch).unwrap_err().to_string();
        let error = refusal(&portal, whole(), vec![one_query(first), batch]).await;
        assert_eq!(error.to_string(), expected);
    }
    for (batch, what) in [
        (of(vec![query(1)]).combinations(none()).build(), "tech-asset touches"),
        (of(vec![query(1)]).touches(touch(1)).build(), "combinations"),
    ] {
        let error = refusal(&portal, whole(), vec![one_query(first), batch.clone()]).await;
        assert!(error.is_batch());
        assert!(
            error.to_string().starts_with(&format!("only one of two batches measured the {what}")),
            "{error}"
        );
        let error = refusal(&portal, whole(), vec![batch, one_query(first)]).await;
        assert!(error.is_batch(), "{error}");
    }
    let without = Portal::with(builder().build().unwrap()).await;
    let backfill = stated(&without.model, &batches(20));
    let error = by_sqlx(&without, backfill, batches(20)).await.unwrap_err();
    assert!(error.rejected().unwrap().is_configuration());
    let no_ports = scope(first..second, []);
    assert!(portal.model.backfill(no_ports).unwrap_err().is_batch());
}

#[tokio::test]
async fn unknown_ids_are_rejected_or_skipped_and_reported_over_all_batches() {
    let mut twins = Twins::new().await;
    let (first, second, third) = (day(2026, 1, 1), day(2026, 1, 2), day(2026, 1, 3));
    let both = |date: chrono::NaiveDate, by| {
        let scope = scope(date..date.succ_opt().unwrap(), [port(1), port(77)]);
        UsageBatch::builder(scope)
            .queries(vec![queries(date, port(1), consumer(1), 1), queries(date, port(77), consumer(by), 1)])
            .touches(vec![
                touches(date, port(1), asset(1), consumer(1), 1),
                touches(date, port(77), asset(99), consumer(by), 1),
            ])
            .combinations(vec![combination(date, port(1), port(77), consumer(1), 0)])
            .build()
    };
    let batches = [both(first, 1), both(second, 89), both(third, 88)];
    let rejected = twins.backfill(|model| stated(model, &batches), &batches).await;
    let message = format!("unknown output port {}; tech asset {}", port(77), asset(99));
    assert_eq!(rejected, Err(Refusal::Rejected(message)));
    assert!(tables::contents(&twins.sqlx).await.iter().all(Vec::is_empty));

    let outcome = twins.backfill(|model| stated(model, &batches).skip_unknown(), &batches).await.unwrap();
    assert_eq!((outcome.queries.written, outcome.queries.skipped), (3, 3));
    let of_assets = outcome.touches.unwrap();
    assert_eq!((of_assets.written, of_assets.skipped), (3, 3));
    assert_eq!(outcome.unknown.output_ports().collect::<Vec<_>>(), [port(77)]);
    assert_eq!(outcome.unknown.consumers().collect::<Vec<_>>(), [consumer(88), consumer(89)]);
    assert_eq!(outcome.unknown.tech_assets().collect::<Vec<_>>(), [asset(99)]);
}

#[tokio::test]
async fn batches_without_a_row_between_them_are_refused_unless_allowed() {
    let mut twins = Twins::filled().await;
    let (first, second) = (day(2026, 1, 1), day(2026, 1, 2));
    let empty = [silent(first), silent(second)];
    let replace = |model: &UsageModel| stated(model, &empty).replace_existing();
    let refused = twins.backfill(replace, &empty).await;
    let message = "the batch has no rows for its whole scope (2 days of 2 output ports), which would remove \
                   everything there: allow it if that is meant";
    assert_eq!(refused, Err(Refusal::Rejected(message.to_owned())));
    let unknown = [UsageBatch::builder(silent(first).scope().clone())
        .queries(vec![queries(first, port(1), consumer(80), 1)])
        .build()];
    let skip = |model: &UsageModel| stated(model, &unknown).replace_existing().skip_unknown();
    let Err(Refusal::Rejected(message)) = twins.backfill(skip, &unknown).await else { panic!("not refused") };
    assert!(message.starts_with("every row of the batch names an unknown id"), "{message}");

    let allowed = |model: &UsageModel| stated(model, &empty).replace_existing().allow_empty();
    let outcome = twins.backfill(allowed, &empty).await.unwrap();
    assert!(outcome.queries.removed > 0 && outcome.queries.written == 0);
}

#[tokio::test]
async fn repeatable_read_is_refused_before_the_first_batch_is_taken() {
    let portal = Portal::with_combinations().await;
    let mut transaction = portal.pool.begin().await.unwrap();
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *transaction).await.unwrap();
    let never = futures_util::stream::pending::<Result<UsageBatch, std::convert::Infallible>>();
    let result = stated(&portal.model, &batches(20)).run_sqlx(&mut transaction, never).await;
    assert!(result.unwrap_err().rejected().unwrap().is_transaction());
    // a savepoint has passed, so the transaction goes on
    sqlx::query("SELECT 1").execute(&mut *transaction).await.unwrap();
}
