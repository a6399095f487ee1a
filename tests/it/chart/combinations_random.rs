//! "Most often combined with" on random facts, held against a plain fold of the same facts.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;

use crate::fold;
use crate::portal::{Portal, combination, consumer, day, port, queries, scope};
use crate::sample;

/// Pairs of 4 ports by 3 consumers on 12 days; small counts, so that ties are common.
#[derive(Debug, Clone)]
struct Facts {
    queries: Vec<OutputPortQueries>,
    combinations: Vec<Combination>,
    days: Range<NaiveDate>,
    top: u32,
}

fn facts() -> impl Strategy<Value = Facts> {
    let pair = (0..12u64, 0..3u128, 1..4u128, 0..3u128, 1..3u64);
    let start = day(2025, 12, 26);
    (prop::collection::vec(pair, 0..40), 0..6u64, 4..16u64, 1..4u32).prop_map(
        move |(pairs, first, length, top)| {
            let (mut by_pair, mut by_port) = (BTreeMap::new(), BTreeMap::new());
            for (offset, smaller, distance, by, count) in pairs {
                let larger = smaller + 1 + distance % (4 - smaller).max(1);
                if larger < 4 {
                    by_pair.insert((start + Days::new(offset), smaller, larger, by), count);
                }
            }
            for (&(date, smaller, larger, by), &count) in &by_pair {
                for of in [smaller, larger] {
                    let most: &mut u64 = by_port.entry((date, of, by)).or_default();
                    *most = count.max(*most);
                }
            }
            Facts {
                queries: by_port
                    .into_iter()
                    .map(|((date, of, by), most)| queries(date, port(of), consumer(by), most))
                    .collect(),
                combinations: by_pair
                    .into_iter()
                    .map(|((date, one, other, by), count)| {
                        combination(date, port(one), port(other), consumer(by), count)
                    })
                    .collect(),
                days: start + Days::new(first)..start + Days::new(first + length),
                top,
            }
        },
    )
}

#[test]
fn combinations_of_random_facts_equal_a_plain_fold() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::with_combinations());
    let everything = scope(day(2025, 12, 1)..day(2026, 2, 1), (0..4).map(port));
    let met = Cell::new((0, 0));
    sample::runner(128)
        .run(&facts(), |facts| {
            runtime.block_on(async {
                let batch = UsageBatch::builder(everything.clone())
                    .queries(facts.queries.clone())
                    .combinations(facts.combinations.clone())
                    .build();
                portal.try_ingest(portal.model.replace(&batch).unwrap().allow_empty()).await.unwrap();
                for of in (0..4).map(port) {
                    let chart = MostOftenCombinedWith::new(of, facts.days.clone()).top(facts.top);
                    let rows = portal.rows(&chart).await;
                    let counts = fold::by_other_port(&facts.combinations, of, &facts.days);
                    let total: i64 = fold::by_consumer(&facts.queries, of, &facts.days).values().sum();
                    let (top, rest) = fold::ranking(counts, facts.top as usize);
                    let read: Vec<_> = rows.iter().map(|row| (row.output_port_id, row.query_count)).collect();
                    assert_eq!(read, top);
                    for (row, rank) in rows.iter().zip(1..) {
                        assert_eq!(row.rank, rank);
                        assert_eq!(row.share, row.query_count as f64 / total as f64);
                        assert_eq!(
                            row.label,
                            Some(format!("port {}", row.output_port_id.0.as_u128() - 0xa000_0000))
                        );
                    }
                    let tie = top.windows(2).any(|pair| pair[0].1 == pair[1].1);
                    let (ties, cuts) = met.get();
                    met.set((ties + i32::from(tie), cuts + i32::from(rest.is_some())));
                }
            });
            Ok(())
        })
        .unwrap();
    let (ties, cuts) = met.get();
    assert!(
        ties > 20 && cuts > 20 || !sample::is_whole(),
        "the facts must meet the rules: ties {ties}, cuts {cuts}"
    );
}
