//! Writes of random batches, held against plain folds of the batches and against a naive DELETE and INSERT.

use std::cell::Cell;
use std::collections::BTreeMap;

use chrono::Days;
use output_port_usage::*;
use proptest::prelude::*;

use crate::portal::{Portal, asset, builder, combination, consumer, day, port, queries, scope, touches};
use crate::sample;
use crate::tables::{self, Tables};

/// A batch of up to 4 ports, 3 assets and 2 consumers on up to 4 of 6 days, with every invariant kept.
pub(crate) fn batch(start: u64, length: u64, ports: u8, drawn: &Drawn) -> UsageBatch {
    let stated = (0..4).filter(|of| ports & (1 << of) != 0).map(port);
    let from = day(2026, 2, 26) + Days::new(start);
    let scope = scope(from..from + Days::new(length), stated);
    let date = |offset: u64| from + Days::new(offset % length);
    let mut read = BTreeMap::new();
    for (offset, of, by, counts, spare) in &drawn.cells {
        read.insert((date(*offset), port(*of), consumer(*by)), (counts, *spare));
    }
    let (mut of_ports, mut of_assets) = (BTreeMap::new(), Vec::new());
    for ((date, of, by), (counts, spare)) in read {
        let (most, sum) = (counts.iter().copied().max().unwrap_or(0), counts.iter().sum::<u64>());
        if sum == 0 || !scope.contains(date, of) {
            continue;
        }
        of_ports.insert((date, of, by), (most + spare).min(sum));
        for (number, count) in (0..).zip(counts).filter(|(_, count)| **count > 0) {
            of_assets.push(touches(date, of, asset(number), by, *count));
        }
    }
    let mut pairs = BTreeMap::new();
    for (offset, smaller, distance, by, count) in &drawn.pairs {
        let (date, one, other) = (date(*offset), port(*smaller), port(smaller + distance));
        // a port outside the scope has queries that nobody states here
        let most = |of| match scope.contains(date, of) {
            true => of_ports.get(&(date, of, consumer(*by))).copied().unwrap_or(0),
            false => u64::MAX,
        };
        let count = *count.min(&most(one).min(most(other)));
        if count > 0 && (scope.contains(date, one) || scope.contains(date, other)) {
            pairs.insert((date, one, other, *by), count);
        }
    }
    let rows = of_ports.into_iter().map(|((date, of, by), count)| queries(date, of, by, count)).collect();
    let mut batch = UsageBatch::builder(scope).queries(rows);
    if drawn.measured.0 {
        batch = batch.touches(of_assets);
    }
    if drawn.measured.1 {
        let pairs = pairs.into_iter();
        batch = batch.combinations(
            pairs
                .map(|((date, one, other, by), count)| combination(date, one, other, consumer(by), count))
                .collect(),
        );
    }
    batch.build()
}

/// Offset, port, consumer, touches of each asset, queries above the largest of these.
type Reads = (u64, u128, u128, Vec<u64>, u64);

#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    cells: Vec<Reads>,
    /// Offset, smaller port, distance to the larger, consumer, count.
    pairs: Vec<(u64, u128, u128, u128, u64)>,
    pub(crate) measured: (bool, bool),
}

pub(crate) fn drawn() -> impl Strategy<Value = Drawn> {
    let cell = (0..4u64, 0..4u128, 0..2u128, prop::collection::vec(0..4u64, 3), 0..3u64);
    let pair = (0..4u64, 0..4u128, 1..4u128, 0..2u128, 1..4u64);
    let measured = (prop::bool::weighted(0.9), prop::bool::weighted(0.9));
    (prop::collection::vec(cell, 0..40), prop::collection::vec(pair, 0..16), measured)
        .prop_map(|(cells, pairs, measured)| Drawn { cells, pairs, measured })
}

pub(crate) fn batches() -> impl Strategy<Value = UsageBatch> {
    (0..2u64, 1..4u64, 1..16u8, drawn())
        .prop_map(|(start, length, ports, drawn)| batch(start, length, ports, &drawn))
}

pub(crate) async fn empty(portal: &Portal) {
    // three small tables: faster than TRUNCATE, which makes new files for them and their indexes
    let delete = "DELETE FROM usage.output_port_query_stats_daily; DELETE FROM usage.tech_asset_stats_daily;
        DELETE FROM usage.output_port_combined_with_daily";
    sqlx::raw_sql(delete).execute(&portal.pool).await.unwrap();
}

async fn replace(portal: &Portal, batch: &UsageBatch) -> Outcome {
    portal.try_ingest(portal.model.replace(batch).unwrap().allow_empty()).await.unwrap()
}

async fn upsert(portal: &Portal, batch: &UsageBatch) -> Outcome {
    portal.try_ingest(portal.model.upsert(batch).unwrap()).await.unwrap()
}

fn of_all(outcome: &Outcome, count: impl Fn(&TableOutcome) -> u64) -> u64 {
    [Some(outcome.queries), outcome.touches, outcome.combinations].iter().flatten().map(count).sum()
}

/// What anybody would write: DELETE the scope, INSERT the rows.
async fn delete_and_insert(portal: &Portal, batch: &UsageBatch) {
    let ports: Vec<_> = batch.scope().output_ports().iter().map(|port| port.0).collect();
    let days = batch.scope().days();
    let (of_ports, of_assets, pairs) = Tables::of(batch);
    for (table, ports_match, rows) in [
        ("output_port_query_stats_daily", "output_port_id = ANY($1)", Some(of_ports)),
        ("tech_asset_stats_daily", "output_port_id = ANY($1)", of_assets),
        (
            "output_port_combined_with_daily",
            "(output_port_id_1 = ANY($1) OR output_port_id_2 = ANY($1))",
            pairs,
        ),
    ] {
        let Some(rows) = rows else { continue };
        let delete = format!("DELETE FROM usage.{table} WHERE {ports_match} AND date >= $2 AND date < $3");
        let delete = sqlx::query(sqlx::AssertSqlSafe(delete)).bind(&ports).bind(days.start).bind(days.end);
        delete.execute(&portal.pool).await.unwrap();
        let values: Vec<String> = rows
            .iter()
            .map(|((date, ids), count)| {
                let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
                format!("('{date}', {}, {count})", ids.join(", "))
            })
            .collect();
        if !values.is_empty() {
            let insert = format!("INSERT INTO usage.{table} VALUES {}", values.join(", "));
            sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&portal.pool).await.unwrap();
        }
    }
}

#[test]
fn replacing_is_deleting_and_inserting_and_twice_is_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (portal, naive) =
        runtime.block_on(async { (Portal::with_combinations().await, Portal::with_combinations().await) });
    let (removed, unchanged, elsewhere) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let sequences = prop::collection::vec(batches(), 2..4);
    sample::runner(32)
        .run(&sequences, |sequence| {
            runtime.block_on(async {
                empty(&portal).await;
                empty(&naive).await;
                let mut expected = Tables::default();
                for batch in &sequence {
                    let outcome = replace(&portal, batch).await;
                    // the batch wins on its scope and what was there before stays elsewhere
                    expected.replace(batch);
                    let held = tables::contents(&portal).await;
                    assert_eq!(held, expected.texts());
                    delete_and_insert(&naive, batch).await;
                    assert_eq!(held, tables::contents(&naive).await);

                    let versions = tables::versions(&portal).await;
                    let again = replace(&portal, batch).await;
                    assert_eq!(of_all(&again, |table| table.written + table.removed), 0);
                    assert_eq!(versions, tables::versions(&portal).await);

                    removed.set(removed.get() + i32::from(of_all(&outcome, |table| table.removed) > 0));
                    unchanged.set(unchanged.get() + i32::from(of_all(&outcome, |table| table.unchanged) > 0));
                    let of_batch = Tables::of(batch).0.len();
                    elsewhere.set(elsewhere.get() + i32::from(expected.queries.len() > of_batch));
                }
            });
            Ok(())
        })
        .unwrap();
    let met = [&removed, &unchanged, &elsewhere].map(Cell::get);
    assert!(!sample::is_whole() || met.iter().all(|met| *met >= 10), "the batches must overlap: {met:?}");
}

#[test]
fn an_upsert_never_removes_and_twice_is_once() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::with_combinations());
    let (kept, changed) = (Cell::new(0), Cell::new(0));
    sample::runner(40)
        .run(&(batches(), batches()), |(before, batch)| {
            runtime.block_on(async {
                empty(&portal).await;
                replace(&portal, &before).await;
                let mut expected = Tables::default();
                expected.replace(&before);
                let rows = expected.clone();
                let outcome = upsert(&portal, &batch).await;
                expected.upsert(&batch);
                assert_eq!(of_all(&outcome, |table| table.removed), 0);
                assert_eq!(tables::contents(&portal).await, expected.texts());
                // each key of before is still there
                assert!(rows.queries.keys().all(|key| expected.queries.contains_key(key)));

                let versions = tables::versions(&portal).await;
                assert_eq!(of_all(&upsert(&portal, &batch).await, |table| table.written), 0);
                assert_eq!(versions, tables::versions(&portal).await);

                let named = Tables::of(&batch).0;
                let both = || rows.queries.iter().filter(|(key, _)| named.contains_key(*key));
                kept.set(kept.get() + i32::from(both().count() < rows.queries.len()));
                changed.set(changed.get() + i32::from(both().any(|(key, count)| named[key] != *count)));
            });
            Ok(())
        })
        .unwrap();
    let met = [&kept, &changed].map(Cell::get);
    assert!(!sample::is_whole() || met.iter().all(|met| *met >= 10), "the batches must overlap: {met:?}");
}

fn sum(one: &UsageBatch, other: &UsageBatch) -> Tables {
    let mut sum = Tables::default();
    for batch in [one, other] {
        let (queries, touches, combinations) = Tables::of(batch);
        for (into, rows) in [
            (&mut sum.queries, queries),
            (&mut sum.touches, touches.unwrap_or_default()),
            (&mut sum.combinations, combinations.unwrap_or_default()),
        ] {
            rows.into_iter().for_each(|(key, count)| *into.entry(key).or_default() += count);
        }
    }
    sum
}

#[test]
fn merging_commutes_and_adds() {
    let same_scope = (0..3u64, 1..5u64, 1..16u8, drawn(), drawn(), drawn());
    let model = builder().combinations().build().unwrap();
    sample::runner(256)
        .run(&same_scope, |(start, length, ports, mut one, mut other, mut third)| {
            for drawn in [&mut one, &mut other, &mut third] {
                drawn.measured = (true, true);
            }
            let [one, other, third] = [one, other, third].map(|drawn| batch(start, length, ports, &drawn));
            let merged = one.clone().merge(other.clone()).unwrap();
            assert_eq!(merged, other.clone().merge(one.clone()).unwrap());
            let (queries, touches, combinations) = Tables::of(&merged);
            let expected = sum(&one, &other);
            assert_eq!(queries, expected.queries);
            assert_eq!(touches.unwrap(), expected.touches);
            assert_eq!(combinations.unwrap(), expected.combinations);
            // sums of batches that keep the invariants keep them
            assert!(model.replace(&merged).is_ok());
            let either_way = other.merge(third.clone()).unwrap();
            assert_eq!(merged.merge(third).unwrap(), one.merge(either_way).unwrap());
            Ok(())
        })
        .unwrap();
}
