//! The recipes of the README and the guide, with numbers worked by hand.

mod coverage;

use output_port_usage::chart::{Comparison, QueriesOverTime, QueryDistribution};
use output_port_usage::*;

use crate::portal::{Portal, consumer, day, port, queries, scope};

/// 16 queries a day until 7 July, 20 until 31 October, 17 in November, whose 24th is today.
async fn until_november() -> Portal {
    let portal = Portal::new().await;
    let days = day(2026, 4, 1)..day(2026, 11, 25);
    let of_day = |date| match date {
        date if date < day(2026, 7, 8) => 16,
        date if date < day(2026, 11, 1) => 20,
        _ => 17,
    };
    let rows = days.start.iter_days().take_while(|date| days.contains(date));
    let rows = rows.map(|date| queries(date, port(1), consumer(1), of_day(date))).collect();
    portal.replace(&UsageBatch::builder(scope(days, [port(1)])).queries(rows).build()).await;
    portal
}

#[tokio::test]
async fn a_month_until_today_is_partial_and_compared_with_as_many_days() {
    let portal = until_november().await;
    let months_of = |days| {
        let months = QueriesOverTime::new(port(1), days).granularity(Granularity::Month);
        months.compared_with(Comparison::PreviousPeriod)
    };
    let asked = last_days(90, day(2026, 11, 24));

    let months = portal.rows(&months_of(Granularity::Month.expand_start(asked.clone()))).await;
    let starts: Vec<_> = months.iter().map(|month| (month.current.bucket, month.current.partial)).collect();
    let start = |month| day(2026, month, 1);
    assert_eq!(starts, [(start(8), false), (start(9), false), (start(10), false), (start(11), true)]);
    // 24 days of 17 beside 24 of 20, from 8 to 31 July: the 116 days before begin on 7 April
    let november = months.last().unwrap();
    assert_eq!((november.current.query_count, november.previous), (408, 480));
    assert_eq!(november.change, Some(-0.15));

    // until the end of November the same 24 days stand beside 30, from 2 July: 576 queries, which looks like -29 %
    let months = portal.rows(&months_of(Granularity::Month.expand(asked.clone()))).await;
    let november = months.last().unwrap();
    assert_eq!((november.current.query_count, november.previous), (408, 576));
    assert_eq!((november.change, november.current.partial), (Some(-168.0 / 576.0), false));

    // complete months alone: September beside 2 to 31 July, October beside August
    let months = portal.rows(&months_of(Granularity::Month.within(asked))).await;
    let counts: Vec<_> = months.iter().map(|month| (month.current.query_count, month.previous)).collect();
    assert_eq!(counts, [(30 * 20, 6 * 16 + 24 * 20), (31 * 20, 31 * 20)]);
}

#[tokio::test]
async fn a_ranking_counts_exactly_the_days_that_were_asked_for() {
    let portal = until_november().await;
    let asked = last_days(90, day(2026, 11, 24));
    let slices = portal.rows(&QueryDistribution::new(port(1), asked)).await;
    // 27 August to 31 October, then November
    let counts: Vec<_> = slices.iter().map(|slice| slice.query_count).collect();
    assert_eq!(counts, [66 * 20 + 24 * 17]);
}
