//! The series before they were one row each.

use anyhow::Result;
use chrono::NaiveDate;
use output_port_usage::{Granularity, Values};
use sea_query::Value;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::Sql;
use crate::answer::{self, Entry, Series};
use crate::request::{Kind, Request, TOP};

macro_rules! by_day {
    ($more:literal) => {
        concat!(
            "WITH bucket AS MATERIALIZED (
    SELECT $1::date + step AS start FROM generate_series(0, $2::integer) AS step
), counted AS MATERIALIZED (
    SELECT bucket.start, FALSE AS partial, COALESCE(each.query_count, 0) AS query_count, each.consumers, each.counts",
            $more,
            "
    FROM bucket LEFT JOIN (
        SELECT date, SUM(query_count) AS query_count, array_agg(consumer_id) AS consumers, array_agg(query_count) AS counts
        FROM usage.output_port_query_stats_daily
        WHERE output_port_id = $3 AND date >= $4 AND date < $5
        GROUP BY date
    ) AS each ON each.date = bucket.start
)"
        )
    };
}

macro_rules! weeks {
    () => {
        "WITH bucket AS MATERIALIZED (
    SELECT $1::date + step * 7 AS start, $1::date + (step + 1) * 7 AS end FROM generate_series(0, $2::integer) AS step
), counted AS MATERIALIZED (
    SELECT bucket.start, bucket.start < $4 OR bucket.end > $5 AS partial, COALESCE(each.query_count, 0) AS query_count,
        each.consumers, each.counts"
    };
}

macro_rules! by_week {
    () => {
        concat!(
            weeks!(),
            "
    FROM bucket CROSS JOIN LATERAL (
        SELECT SUM(query_count) AS query_count, array_agg(consumer_id) AS consumers, array_agg(query_count) AS counts
        FROM (
            SELECT consumer_id, SUM(query_count) AS query_count
            FROM usage.output_port_query_stats_daily
            WHERE output_port_id = $3 AND date >= bucket.start AND date < bucket.end AND date >= $4 AND date < $5
            GROUP BY consumer_id
        ) AS by_consumer
    ) AS each
)"
        )
    };
}

macro_rules! by_week_and_date {
    () => {
        concat!(
            weeks!(),
            ", each.active_days, each.last_used
    FROM bucket CROSS JOIN LATERAL (
        SELECT SUM(query_count) FILTER (WHERE consumer_id IS NOT NULL) AS query_count,
            array_agg(consumer_id) FILTER (WHERE consumer_id IS NOT NULL) AS consumers,
            array_agg(query_count) FILTER (WHERE consumer_id IS NOT NULL) AS counts,
            COUNT(date) FILTER (WHERE query_count > 0) AS active_days,
            MAX(date) FILTER (WHERE query_count > 0) AS last_used
        FROM (
            SELECT date, consumer_id, SUM(query_count) AS query_count
            FROM usage.output_port_query_stats_daily
            WHERE output_port_id = $3 AND date >= bucket.start AND date < bucket.end AND date >= $4 AND date < $5
            GROUP BY GROUPING SETS ((date), (consumer_id))
        ) AS sums
    ) AS each
)"
        )
    };
}

macro_rules! ranked {
    () => {
        ", member AS MATERIALIZED (
    SELECT consumer_id, SUM(query_count) AS query_count
    FROM (SELECT unnest(consumers) AS consumer_id, unnest(counts) AS query_count FROM counted) AS cell
    GROUP BY consumer_id
), ranked AS (
    SELECT consumer_id, query_count, row_number() OVER (ORDER BY query_count DESC, consumer_id) AS rank
    FROM member
    WHERE consumer_id IS NOT NULL AND query_count > 0
), series AS (
    SELECT CASE WHEN rank <= $6 THEN rank END AS rank, CASE WHEN rank <= $6 THEN consumer_id END AS consumer_id,
        COUNT(*) AS members
    FROM ranked
    GROUP BY 1, 2
    LIMIT $6 + 1
), of_top AS MATERIALIZED (
    SELECT ranked.rank, counted.start, counted.partial,
        COALESCE(counted.counts[array_position(counted.consumers, ranked.consumer_id)], 0) AS query_count,
        counted.query_count AS total
    FROM ranked CROSS JOIN counted
    WHERE ranked.rank <= $6
), point AS (
    SELECT rank, start, partial, query_count FROM of_top
    UNION ALL
    SELECT NULL AS rank, start, partial, total - SUM(query_count) AS query_count
    FROM of_top
    GROUP BY start, partial, total
)
"
    };
}

macro_rules! point {
    () => {
        "series.consumer_id, series.rank, series.members, point.start, point.query_count::bigint, point.partial, \
         labelled.name"
    };
}

macro_rules! labelled {
    () => {
        "point JOIN series ON COALESCE(series.rank, 0) = COALESCE(point.rank, 0)
    LEFT JOIN portal.data_products AS labelled ON labelled.id = series.consumer_id"
    };
}

macro_rules! overview {
    () => {
        concat!(
            "SELECT NULL::uuid AS consumer_id, NULL::bigint AS rank, NULL::bigint AS members, start, query_count::bigint,
    partial, NULL::text AS label, TRUE AS total, active_days::bigint, last_used
FROM counted
UNION ALL
SELECT ",
            point!(),
            ", FALSE, NULL, NULL FROM ",
            labelled!(),
            " ORDER BY total DESC, rank, start"
        )
    };
}

/// The library's own statements before a series was one row: a row for each series and bucket, zeros filled in by the
/// server.
///
/// They bind the first bucket, the number of the last, the output port, the days and the top n.
pub(crate) fn points(request: &Request) -> Option<Sql> {
    let text = match (request.kind, request.granularity) {
        (Kind::Split, Granularity::Day) => SPLIT_BY_DAY,
        (Kind::Split, Granularity::Week) => SPLIT_BY_WEEK,
        (Kind::Overview, Granularity::Day) => OVERVIEW_BY_DAY,
        (Kind::Overview, Granularity::Week) => OVERVIEW_BY_WEEK,
        _ => return None,
    };
    let buckets = answer::buckets(&request.days, request.granularity);
    let values: Vec<Value> = vec![
        buckets[0].into(),
        (buckets.len() as i32 - 1).into(),
        request.ports[0].into(),
        request.days.start.into(),
        request.days.end.into(),
        (TOP as i64).into(),
    ];
    Some(Sql { text, values: Values(values) })
}

/// Consumer, rank, members of Other, bucket, queries, whether the bucket is partial, label.
pub(crate) type Point = (Option<Uuid>, Option<i64>, Option<i64>, NaiveDate, i64, bool, Option<String>);

/// As [`Point`], then whether it is of the total, and the active days and the last one of a bucket.
pub(crate) type OverviewPoint = (
    Option<Uuid>,
    Option<i64>,
    Option<i64>,
    NaiveDate,
    i64,
    bool,
    Option<String>,
    bool,
    Option<i64>,
    Option<NaiveDate>,
);

/// What the statement of a split gives, to be compared.
pub(crate) async fn entries(split: Sql, to: &mut PgConnection) -> Result<Vec<Entry>> {
    let rows: Vec<Point> = split.fetch(to).await?;
    let entry = |(id, _, members, bucket, count, _, label): Point| {
        let series = match id {
            Some(id) => Series::Of { id, label },
            None => Series::Other { members: members.unwrap_or(0) },
        };
        Entry::new(series, Some(bucket), count)
    };
    Ok(rows.into_iter().map(entry).collect())
}

const SPLIT_BY_DAY: &str = concat!(
    by_day!(""),
    ranked!(),
    "SELECT ",
    point!(),
    " FROM ",
    labelled!(),
    " ORDER BY series.rank, point.start"
);

const SPLIT_BY_WEEK: &str = concat!(
    by_week!(),
    ranked!(),
    "SELECT ",
    point!(),
    " FROM ",
    labelled!(),
    " ORDER BY series.rank, point.start"
);

const OVERVIEW_BY_DAY: &str = concat!(
    by_day!(
        ", CASE WHEN each.query_count > 0 THEN 1 ELSE 0 END AS active_days,
        CASE WHEN each.query_count > 0 THEN bucket.start END AS last_used"
    ),
    ranked!(),
    overview!()
);

const OVERVIEW_BY_WEEK: &str = concat!(by_week_and_date!(), ranked!(), overview!());
