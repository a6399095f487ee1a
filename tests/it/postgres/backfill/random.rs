//! Back-fills of random batches, held against replaces of the same.

use std::cell::{Cell, RefCell};

use output_port_usage::*;
use proptest::prelude::*;

use super::host::stated;
use crate::driver::twins_agree::twins::Twins;
use crate::portal::Portal;
use crate::postgres::writes_random::{Drawn, batch, drawn, empty};
use crate::sample;
use crate::tables;

/// 1 to 3 batches that follow one another, of the same ports, measuring the same.
fn batches() -> impl Strategy<Value = Vec<UsageBatch>> {
    let parts = prop::collection::vec((1..4u64, drawn()), 1..4);
    let measured = (prop::bool::weighted(0.8), prop::bool::weighted(0.8));
    (1..16u8, measured, parts).prop_map(|(ports, measured, parts)| {
        let mut start = 0;
        let of_part = |(length, mut drawn): (u64, Drawn)| {
            drawn.measured = measured;
            start += length;
            batch(start - length, length, ports, &drawn)
        };
        parts.into_iter().map(of_part).collect()
    })
}

fn before() -> impl Strategy<Value = Option<UsageBatch>> {
    let any = (0..6u64, 1..4u64, 1..16u8, drawn());
    prop::option::of(any.prop_map(|(start, length, ports, drawn)| batch(start, length, ports, &drawn)))
}

#[test]
fn a_back_fill_is_replacing_by_both_drivers() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (portal, twins) = runtime.block_on(async { (Portal::with_combinations().await, Twins::new().await) });
    let twins = RefCell::new(twins);
    let (loaded, removed) = (Cell::new(0), Cell::new(0));
    sample::runner(48)
        .run(&(before(), batches(), any::<bool>()), |(before, batches, keep_keys)| {
            let mut twins = twins.borrow_mut();
            runtime.block_on(async {
                for portal in [&portal, &twins.sqlx, &twins.tokio] {
                    empty(portal).await;
                    if let Some(before) = &before {
                        let replace = portal.model.replace(before).unwrap().allow_empty();
                        portal.try_ingest(replace).await.unwrap();
                    }
                }
                for batch in &batches {
                    portal.try_ingest(portal.model.replace(batch).unwrap().allow_empty()).await.unwrap();
                }
                let backfill = |model: &UsageModel| {
                    let backfill = stated(model, &batches).allow_empty().replace_existing();
                    if keep_keys { backfill.keep_keys() } else { backfill }
                };
                let outcome = twins.backfill(backfill, &batches).await.unwrap();
                assert_eq!(tables::contents(&twins.sqlx).await, tables::contents(&portal).await);
                loaded.set(
                    loaded.get() + i32::from(outcome.combinations.is_some_and(|pairs| pairs.written > 0)),
                );
                removed.set(removed.get() + i32::from(outcome.queries.removed > 0));
            });
            Ok(())
        })
        .unwrap();
    let met = [&loaded, &removed].map(Cell::get);
    assert!(!sample::is_whole() || met.iter().all(|met| *met >= 5), "the batches must hold rows: {met:?}");
}
