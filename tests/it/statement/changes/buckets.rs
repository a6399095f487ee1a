//! What the granularity changes.

use output_port_usage::Granularity::{Month, Quarter, Week, Year};
use output_port_usage::chart::*;

use super::{changes, days, over_time, pretty};
use crate::portal::port;

#[test]
fn queries_over_time_by_longer_buckets() {
    let from_week = |granularity| changes(&pretty(&over_time(Week)), &pretty(&over_time(granularity)));
    insta::assert_snapshot!(from_week(Month), @"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by month */
    ");
    insta::assert_snapshot!(from_week(Quarter), @"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by quarter */
    ");
    insta::assert_snapshot!(from_week(Year), @"
    - /* output-port-usage: queries over time by week */
    + /* output-port-usage: queries over time by year */
    ");
}

#[test]
fn a_split_by_other_buckets() {
    let split = |granularity| pretty(&over_time(granularity).split_by_consumer(5));
    let from_month = |granularity| changes(&split(Month), &split(granularity));
    insta::assert_snapshot!(from_month(Week), @"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by week split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
    insta::assert_snapshot!(from_month(Quarter), @"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by quarter split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
    insta::assert_snapshot!(from_month(Year), @"
    - /* output-port-usage: queries over time by month split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: queries over time by year split by consumer; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
}

#[test]
fn an_overview_by_longer_buckets() {
    let overview = |granularity| pretty(&Overview::new(port(1), days()).granularity(granularity));
    let from_week = |granularity| changes(&overview(Week), &overview(granularity));
    insta::assert_snapshot!(from_week(Month), @"
    - /* output-port-usage: overview by week; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: overview by month; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
    insta::assert_snapshot!(from_week(Quarter), @"
    - /* output-port-usage: overview by week; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: overview by quarter; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
    insta::assert_snapshot!(from_week(Year), @"
    - /* output-port-usage: overview by week; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    + /* output-port-usage: overview by year; the counts of a member are folded into two arrays, the places of its buckets and their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan */
    ");
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
