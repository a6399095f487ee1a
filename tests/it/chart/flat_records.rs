//! Rows as flat records: CSV of every row type.

use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::Portal;
use crate::portal::{builder, consumer, day, port, queries, scope};

fn days() -> std::ops::Range<chrono::NaiveDate> {
    day(2026, 1, 5)..day(2026, 1, 14)
}

async fn portal() -> Portal {
    let portal = Portal::with(builder().build().unwrap()).await;
    let row = |date, by, count| queries(day(2026, 1, date), port(1), consumer(by), count);
    let rows = vec![row(5, 1, 6), row(6, 2, 2), row(13, 3, 1), row(13, 4, 1)];
    portal.replace(&UsageBatch::builder(scope(days(), [port(1)])).queries(rows).build()).await;
    portal
}

async fn csv<C: Chart>(portal: &Portal, chart: &C) -> String {
    let rows = portal.model.query(chart).unwrap().into_sqlx().fetch_all(&portal.pool).await.unwrap();
    let mut file = csv::Writer::from_writer(Vec::new());
    for record in chart.records(&rows).unwrap() {
        file.serialize(record).unwrap();
    }
    String::from_utf8(file.into_inner().unwrap()).unwrap()
}

#[tokio::test]
async fn charts_are_files_with_a_comparison_and_with_other() {
    let portal = portal().await;
    let distribution = QueryDistribution::new(port(1), days()).top(1);
    insta::assert_snapshot!(csv(&portal, &distribution.clone().compared_with(Comparison::PreviousPeriod)).await, @"
    kind,id,label,members,query_count,share,rank,last_used,previous,change
    consumer,00000000-0000-0000-0000-0000c0000001,consumer 1,,6,0.6,1,,0,
    other,,,3,4,0.4,,,0,
    ");
    insta::assert_snapshot!(csv(&portal, &distribution.by_group()).await, @"
    kind,id,label,members,query_count,share,rank,last_used
    group,00000000-0000-0000-0000-0000d0000001,domain 1,,7,0.7,1,
    no_group,,,,1,0.1,,
    other,,,1,2,0.2,,
    ");
    let weeks = QueriesOverTime::new(port(1), days()).granularity(Granularity::Week);
    insta::assert_snapshot!(csv(&portal, &weeks).await, @"
    bucket,query_count,partial
    2026-01-05,8,false
    2026-01-12,2,true
    ");
    insta::assert_snapshot!(csv(&portal, &Summary::new(port(1), days())).await, @"
    query_count,consumers,active_days,last_used
    10,4,3,2026-01-13
    ");
}
