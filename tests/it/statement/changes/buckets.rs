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
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end"
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step")) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, "step"."step" + (1))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Quarter), @r#"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by quarter */
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end"
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (3))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (3))) AS date) AS "end"
    "#);
    insta::assert_snapshot!(from_week(Year), @r#"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by year */
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end"
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (12))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (12))) AS date) AS "end"
    "#);
}

#[test]
fn a_split_by_other_buckets() {
    let split = |granularity| pretty(&over_time(granularity).split_by_consumer(5));
    let from_month = |granularity| changes(&split(Month), &split(granularity));
    insta::assert_snapshot!(from_month(Week), @r#"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by week split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step")) AS date) AS "start",
    -         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, "step"."step" + (1))) AS date) AS "end",
    +         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    +         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end",
    "#);
    insta::assert_snapshot!(from_month(Quarter), @r#"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by quarter split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step")) AS date) AS "start",
    -         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, "step"."step" + (1))) AS date) AS "end",
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (3))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (3))) AS date) AS "end",
    "#);
    insta::assert_snapshot!(from_month(Year), @r#"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by year split by consumer; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step")) AS date) AS "start",
    -         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, "step"."step" + (1))) AS date) AS "end",
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (12))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (12))) AS date) AS "end",
    "#);
}

#[test]
fn an_overview_by_longer_buckets() {
    let overview = |granularity| pretty(&Overview::new(port(1), days()).granularity(granularity));
    let from_week = |granularity| changes(&overview(Week), &overview(granularity));
    insta::assert_snapshot!(from_week(Month), @r#"
    - /* output-port-usage: overview by week; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: overview by month; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end",
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step")) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, "step"."step" + (1))) AS date) AS "end",
    "#);
    insta::assert_snapshot!(from_week(Quarter), @r#"
    - /* output-port-usage: overview by week; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: overview by quarter; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end",
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (3))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (3))) AS date) AS "end",
    "#);
    insta::assert_snapshot!(from_week(Year), @r#"
    - /* output-port-usage: overview by week; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    + /* output-port-usage: overview by year; the counts of a consumer are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each consumer and bucket would take longer than the scan */
    -         CAST($1 AS date) + ("step"."step" * (7)) AS "start",
    -         CAST($2 AS date) + (("step"."step" + (1)) * (7)) AS "end",
    +         CAST((CAST($1 AS date) + pg_catalog.make_interval(0, "step"."step" * (12))) AS date) AS "start",
    +         CAST((CAST($2 AS date) + pg_catalog.make_interval(0, ("step"."step" + (1)) * (12))) AS date) AS "end",
    "#);
}

#[test]
fn many_ports_by_longer_buckets() {
    let of_ports =
        |granularity| pretty(&QueriesOverTime::of_ports([port(1)], days()).granularity(granularity));
    let from_month = |granularity| changes(&of_ports(Month), &of_ports(granularity));
    insta::assert_snapshot!(from_month(Quarter), @"
    -     /* output-port-usage: queries over time of many output ports by month */
    +     /* output-port-usage: queries over time of many output ports by quarter */
    ");
    insta::assert_snapshot!(from_month(Year), @"
    -     /* output-port-usage: queries over time of many output ports by month */
    +     /* output-port-usage: queries over time of many output ports by year */
    ");
}
