//! What the granularity changes.

use output_port_usage::Granularity::{Month, Quarter, Week, Year};
use output_port_usage::chart::*;

use super::{changes, days, over_time, pretty};
use crate::portal::port;

#[test]
fn queries_over_time_by_longer_buckets() {
    let from_week = |granularity| changes(&pretty(&over_time(Week)), &pretty(&over_time(granularity)));
    insta::assert_snapshot!(from_week(Month), @r#"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by month */
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Quarter), @r#"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by quarter */
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '3 months'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '3 months'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Year), @r#"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by year */
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 year'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 year'))) AS date) AS "end"
    "#);
}

#[test]
fn a_split_by_other_buckets() {
    let split = |granularity| pretty(&over_time(granularity).split_by_consumer(5));
    let from_month = |granularity| changes(&split(Month), &split(granularity));
    insta::assert_snapshot!(from_month(Week), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_month(Quarter), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '3 months'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '3 months'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_month(Year), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 year'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 year'))) AS date) AS "end"
    "#);
}

#[test]
fn an_overview_by_longer_buckets() {
    let overview = |granularity| pretty(&Overview::new(port(1), days()).granularity(granularity));
    let from_week = |granularity| changes(&overview(Week), &overview(granularity));
    insta::assert_snapshot!(from_week(Month), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Quarter), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '3 months'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '3 months'))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Year), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '7 days'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '7 days'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 year'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 year'))) AS date) AS "end"
    "#);
}

#[test]
fn many_ports_by_longer_buckets() {
    let of_ports =
        |granularity| pretty(&QueriesOverTime::of_ports([port(1)], days()).granularity(granularity));
    let from_month = |granularity| changes(&of_ports(Month), &of_ports(granularity));
    insta::assert_snapshot!(from_month(Quarter), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '3 months'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '3 months'))) AS date) AS "end"
    -         CAST(date_trunc('month', CAST("bucket" AS timestamp)) AS date) AS "bucket",
    +         CAST(date_trunc('quarter', CAST("bucket" AS timestamp)) AS date) AS "bucket",
    "#);
    insta::assert_snapshot!(from_month(Year), @r#"
    -         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 month'))) AS date) AS "start",
    -         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 month'))) AS date) AS "end"
    +         CAST((CAST($1 AS date) + ("step"."step" * (INTERVAL '1 year'))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + (("step"."step" + (1)) * (INTERVAL '1 year'))) AS date) AS "end"
    -         CAST(date_trunc('month', CAST("bucket" AS timestamp)) AS date) AS "bucket",
    +         CAST(date_trunc('year', CAST("bucket" AS timestamp)) AS date) AS "bucket",
    "#);
}
