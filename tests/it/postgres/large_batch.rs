//! A batch of a million rows.

use chrono::Days;
use output_port_usage::*;

use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

/// 20 ports by 20 consumers on 2,500 days.
fn million() -> UsageBatch {
    let from = day(2019, 1, 1);
    let keys = (0..2_500).flat_map(|offset| {
        (0..20).flat_map(move |of| (0..20).map(move |by| (from + Days::new(offset), port(of), consumer(by))))
    });
    let rows = keys.map(|(date, of, by)| queries(date, of, by, 1)).collect();
    UsageBatch::builder(scope(from..from + Days::new(2_500), (0..20).map(port))).queries(rows).build()
}

#[tokio::test]
async fn a_million_rows_are_one_batch() {
    // two thirds of the time of such an insert are foreign keys, which have nothing to do with the size of a batch
    let kept = |table| Reference::to(table).schema("portal").on_delete(OnDelete::Keep);
    let model = builder().output_ports(kept("datasets")).consumers(kept("data_products")).build().unwrap();
    let portal = Portal::with(model).await;
    let outcome = portal.replace(&million()).await;
    assert_eq!((outcome.queries.written, outcome.queries.unchanged), (1_000_000, 0));
    let count = "SELECT count(*)::text FROM usage.output_port_query_stats_daily";
    assert_eq!(portal.texts(count).await, ["1000000"]);
}
