//! Reconciling random tables, held against a plain fold of their rows.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::Range;

use chrono::{Days, NaiveDate};
use output_port_usage::*;
use proptest::prelude::*;
use uuid::Uuid;

use crate::portal::{COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS, asset, consumer, day, port};
use crate::postgres::writes_random::{batches, empty};
use crate::sample;

/// A table's rows: its key's ids behind the day, and the count.
type Rows = BTreeMap<(NaiveDate, Vec<Uuid>), i32>;

/// The three tables, whatever is in them.
#[derive(Debug, Clone)]
struct Tables {
    queries: Rows,
    touches: Rows,
    pairs: Rows,
}

/// What is done to the rows of a batch that kept every invariant.
#[derive(Debug, Clone)]
enum Damage {
    /// Another count, or no row, for one that is there.
    Queries(prop::sample::Index, Option<i32>),
    Touches(prop::sample::Index, i32),
    /// A row that nobody ingested.
    Stray {
        offset: u64,
        of: u128,
        asset: u128,
        by: u128,
    },
    Pairs(prop::sample::Index, i32),
    /// A pair the other way round.
    Turned(prop::sample::Index),
    /// An output port combined with itself.
    Alone(prop::sample::Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        (any(), prop::option::of(0..3)).prop_map(|(row, count)| Damage::Queries(row, count)),
        (any(), 0..12).prop_map(|(row, count)| Damage::Touches(row, count)),
        (0..6u64, 0..4u128, 0..3u128, 0..2u128).prop_map(|(offset, of, asset, by)| Damage::Stray {
            offset,
            of,
            asset,
            by
        }),
        (any(), 0..12).prop_map(|(row, count)| Damage::Pairs(row, count)),
        any().prop_map(Damage::Turned),
        any().prop_map(Damage::Alone),
    ]
}

impl Tables {
    fn of(batch: &UsageBatch) -> Self {
        let count = |count: u64| i32::try_from(count).unwrap();
        let queries = batch
            .queries()
            .iter()
            .map(|row| ((row.date, vec![row.output_port_id.0, row.consumer_id.0]), count(row.query_count)));
        let touches = batch.touches().unwrap_or_default().iter().map(|row| {
            let ids = vec![row.output_port_id.0, row.tech_asset_id.0, row.consumer_id.0];
            ((row.date, ids), count(row.query_count))
        });
        let pairs = batch.combinations().unwrap_or_default().iter().map(|row| {
            let ids = vec![row.output_port_id_1.0, row.output_port_id_2.0, row.consumer_id.0];
            ((row.date, ids), count(row.query_count))
        });
        Self { queries: queries.collect(), touches: touches.collect(), pairs: pairs.collect() }
    }

    fn suffer(&mut self, damage: &Damage) {
        let pick = |rows: &Rows, row: &prop::sample::Index| {
            (!rows.is_empty()).then(|| rows.keys().nth(row.index(rows.len())).unwrap().clone())
        };
        let set = |rows: &mut Rows, row, count| {
            if let Some(key) = pick(rows, row) {
                rows.insert(key, count);
            }
        };
        match damage {
            Damage::Queries(row, Some(count)) => set(&mut self.queries, row, *count),
            Damage::Queries(row, None) => {
                pick(&self.queries, row).and_then(|key| self.queries.remove(&key));
            }
            Damage::Touches(row, count) => set(&mut self.touches, row, *count),
            Damage::Stray { offset, of, asset: read, by } => {
                let ids = vec![port(*of).0, asset(*read).0, consumer(*by).0];
                self.touches.insert((day(2026, 2, 26) + Days::new(*offset), ids), 2);
            }
            Damage::Pairs(row, count) => set(&mut self.pairs, row, *count),
            Damage::Turned(row) => {
                if let Some((date, ids)) = pick(&self.pairs, row) {
                    self.pairs.insert((date, vec![ids[1], ids[0], ids[2]]), 2);
                }
            }
            Damage::Alone(row) => {
                if let Some((date, ids)) = pick(&self.pairs, row) {
                    self.pairs.insert((date, vec![ids[0], ids[0], ids[2]]), 2);
                }
            }
        }
    }

    async fn write(&self, portal: &Portal) {
        empty(portal).await;
        for (table, rows) in
            [(QUERY_STATS, &self.queries), (TOUCH_STATS, &self.touches), (COMBINATION_STATS, &self.pairs)]
        {
            for ((date, ids), count) in rows {
                let ids: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
                let insert =
                    format!("INSERT INTO usage.{table} VALUES ('{date}', {}, {count})", ids.join(", "));
                sqlx::query(sqlx::AssertSqlSafe(insert)).execute(&portal.pool).await.unwrap();
            }
        }
    }

    /// What contradicts on `days`, in the order of the columns.
    fn violations(&self, days: &Range<NaiveDate>) -> Vec<Found> {
        let queries = |date: NaiveDate, of: Uuid, by: Uuid| {
            i64::from(self.queries.get(&(date, vec![of, by])).copied().unwrap_or(0))
        };
        let mut found = Vec::new();
        for ((date, ids), &count) in self.touches.iter().filter(|((date, _), _)| days.contains(date)) {
            let (count, queries) = (i64::from(count), queries(*date, ids[0], ids[2]));
            if count > queries {
                found.push((
                    *date,
                    ids[0],
                    ids[2],
                    First(Some(ids[1])),
                    First(None),
                    count,
                    First(Some(queries)),
                ));
            }
        }
        for ((date, ids), &count) in self.pairs.iter().filter(|((date, _), _)| days.contains(date)) {
            let (count, by) = (i64::from(count), ids[2]);
            for (this, other) in [(ids[0], ids[1]), (ids[1], ids[0])] {
                let queries = queries(*date, this, by);
                if count > queries {
                    found.push((
                        *date,
                        this,
                        by,
                        First(None),
                        First(Some(other)),
                        count,
                        First(Some(queries)),
                    ));
                }
            }
            if ids[0] >= ids[1] {
                found.push((*date, ids[0], by, First(None), First(Some(ids[1])), count, First(None)));
            }
        }
        found.sort();
        found
    }
}

/// Day, output port, consumer, tech asset, other output port, count, queries.
type Found = (NaiveDate, Uuid, Uuid, First<Uuid>, First<Uuid>, i64, First<i64>);

/// What is there comes before what is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct First<T>(Option<T>);

impl<T: Ord + Copy> Ord for First<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.0.is_none(), self.0).cmp(&(other.0.is_none(), other.0))
    }
}

impl<T: Ord + Copy> PartialOrd for First<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

fn read(violation: &Violation) -> Found {
    match violation {
        Violation::TouchesAboveQueries {
            date,
            output_port_id,
            tech_asset_id,
            consumer_id,
            touches,
            queries,
            ..
        } => (
            *date,
            output_port_id.0,
            consumer_id.0,
            First(Some(tech_asset_id.0)),
            First(None),
            *touches,
            First(Some(*queries)),
        ),
        Violation::CombinationAboveQueries {
            date,
            output_port_id,
            other_output_port_id,
            consumer_id,
            combinations,
            queries,
            ..
        } => (
            *date,
            output_port_id.0,
            consumer_id.0,
            First(None),
            First(Some(other_output_port_id.0)),
            *combinations,
            First(Some(*queries)),
        ),
        Violation::PairOutOfOrder {
            date,
            output_port_id_1,
            output_port_id_2,
            consumer_id,
            combinations,
            ..
        } => (
            *date,
            output_port_id_1.0,
            consumer_id.0,
            First(None),
            First(Some(output_port_id_2.0)),
            *combinations,
            First(None),
        ),
        other => panic!("an unknown violation: {other:?}"),
    }
}

#[test]
fn violations_of_random_tables_equal_a_plain_fold() {
    const CASES: u32 = 200;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let portal = runtime.block_on(Portal::with_combinations());
    let unordered = "ALTER TABLE usage.output_port_combined_with_daily
        DROP CONSTRAINT output_port_combined_with_daily_ordered_check";
    runtime.block_on(sqlx::raw_sql(unordered).execute(&portal.pool)).unwrap();
    let met = Cell::new([0_u32; 4]);
    let damages = prop_oneof![
        1 => Just(Vec::new()),
        3 => prop::collection::vec(damage(), 1..8),
    ];
    let asked = (0..3u64, 1..6u64);
    sample::runner(CASES)
        .run(&(batches(), damages, asked), |(batch, damages, (start, length))| {
            let mut tables = Tables::of(&batch);
            damages.iter().for_each(|damage| tables.suffer(damage));
            let from = day(2026, 2, 26) + Days::new(start);
            let days = from..from + Days::new(length);
            let violations = runtime.block_on(async {
                tables.write(&portal).await;
                let query = portal.model.reconcile(days.clone()).unwrap();
                query.into_sqlx().fetch_all(&portal.pool).await.unwrap()
            });
            let found: Vec<Found> = violations.iter().map(read).collect();
            prop_assert_eq!(&found, &tables.violations(&days));

            let [mut none, mut above, mut pairs, mut turned] = met.get();
            none += u32::from(!tables.queries.is_empty() && found.is_empty());
            above += u32::from(found.iter().any(|found| found.3.0.is_some()));
            pairs += u32::from(found.iter().any(|found| found.4.0.is_some() && found.6.0.is_some()));
            turned += u32::from(found.iter().any(|found| found.6.0.is_none()));
            met.set([none, above, pairs, turned]);
            Ok(())
        })
        .unwrap();
    let met = met.get();
    assert!(!sample::is_whole() || met.iter().all(|met| *met > CASES / 10), "a kind is hardly met: {met:?}");
}
