//! What the three tables hold after writes, by plain folds of the batches, without SQL.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use output_port_usage::*;
use uuid::Uuid;

use crate::portal::{COMBINATION_STATS, Portal, QUERY_STATS, TOUCH_STATS};

/// The rows of one table: day and ids in the order of its columns, and the count.
pub(crate) type Rows = BTreeMap<(NaiveDate, Vec<Uuid>), u64>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tables {
    pub(crate) queries: Rows,
    pub(crate) touches: Rows,
    pub(crate) combinations: Rows,
}

impl Tables {
    /// The rows of a batch, table by table; `None` where not measured.
    pub(crate) fn of(batch: &UsageBatch) -> (Rows, Option<Rows>, Option<Rows>) {
        let queries = batch
            .queries()
            .iter()
            .map(|row| ((row.date, vec![row.output_port_id.0, row.consumer_id.0]), row.query_count));
        let touches = batch.touches().map(|rows| {
            let ids =
                |row: &TechAssetTouches| vec![row.output_port_id.0, row.tech_asset_id.0, row.consumer_id.0];
            rows.iter().map(|row| ((row.date, ids(row)), row.query_count)).collect()
        });
        let combinations = batch.combinations().map(|rows| {
            let ids =
                |row: &Combination| vec![row.output_port_id_1.0, row.output_port_id_2.0, row.consumer_id.0];
            rows.iter().map(|row| ((row.date, ids(row)), row.query_count)).collect()
        });
        (queries.collect(), touches, combinations)
    }

    /// The batch wins in its scope, the rest stays.
    pub(crate) fn replace(&mut self, batch: &UsageBatch) {
        let scope = batch.scope();
        let outside = |date: NaiveDate, ports: &[Uuid]| {
            !ports.iter().any(|port| scope.contains(date, OutputPortId(*port)))
        };
        self.queries.retain(|(date, ids), _| outside(*date, &ids[..1]));
        if batch.touches().is_some() {
            self.touches.retain(|(date, ids), _| outside(*date, &ids[..1]));
        }
        if batch.combinations().is_some() {
            self.combinations.retain(|(date, ids), _| outside(*date, &ids[..2]));
        }
        self.upsert(batch);
    }

    /// The batch's rows win, the rest stays.
    pub(crate) fn upsert(&mut self, batch: &UsageBatch) {
        let (queries, touches, combinations) = Self::of(batch);
        self.queries.extend(queries);
        self.touches.extend(touches.into_iter().flatten());
        self.combinations.extend(combinations.into_iter().flatten());
    }

    /// Each table's rows as Postgres writes them, in order.
    pub(crate) fn texts(&self) -> [Vec<String>; 3] {
        [&self.queries, &self.touches, &self.combinations].map(|rows| {
            let mut texts: Vec<String> = rows
                .iter()
                .map(|((date, ids), count)| {
                    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
                    format!("({date},{},{count})", ids.join(","))
                })
                .collect();
            texts.sort_unstable();
            texts
        })
    }
}

/// The contents of the three tables, in the form of [`Tables::texts`].
pub(crate) async fn contents(portal: &Portal) -> [Vec<String>; 3] {
    [
        portal.contents(QUERY_STATS).await,
        portal.contents(TOUCH_STATS).await,
        portal.contents(COMBINATION_STATS).await,
    ]
}

/// As [`contents`], with the row versions.
pub(crate) async fn versions(portal: &Portal) -> [Vec<String>; 3] {
    [
        portal.versions(QUERY_STATS).await,
        portal.versions(TOUCH_STATS).await,
        portal.versions(COMBINATION_STATS).await,
    ]
}
