//! Series: one row each, its counts in an array.

use sea_query::{Expr, ExprTrait, Func, FunctionCall, IntoColumnRef, SelectStatement};

use super::MAX_POINTS;
use super::bucket::Bucket;
use super::buckets::Buckets;
use super::coverage::Coverage;
use crate::row::{Columns, FlatRecord};
use crate::time::Granularity;

/// What a reader of the statements is told first.
pub(super) const fn why(granularity: Granularity) -> &'static str {
    match granularity {
        Granularity::Day => BY_DAY,
        _ => BY_BUCKET,
    }
}

const BY_BUCKET: &str = "the counts of a member are folded into two arrays, the places of its buckets and \
their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan";

const BY_DAY: &str = "the counts of a member are folded into two arrays, the places of its buckets and \
their counts, because sorting, joining and sending a row for each member and bucket would take longer than the scan; xid has no \
order, so that a plan for any values hashes the members and does not sort all rows";

/// Reads the columns `buckets`, `places` and `counts` as one count for each bucket.
pub(super) fn read<C: Columns>(row: &C) -> Result<Vec<i64>, C::Error> {
    let buckets = row.count("buckets")?.clamp(0, MAX_POINTS as i64);
    let (places, counts) = (row.counts("places")?, row.counts("counts")?);
    let mut dense = vec![0; buckets as usize];
    for (place, count) in places.into_iter().zip(counts) {
        if let Some(bucket) = usize::try_from(place).ok().and_then(|place| dense.get_mut(place)) {
            *bucket = count;
        }
    }
    Ok(dense)
}

/// The columns that [`read`] reads.
pub(super) fn columns(select: &mut SelectStatement, buckets: Expr, places: Expr, counts: Expr) {
    select
        .expr_as(buckets.cast_as("bigint"), "buckets")
        .expr_as(places.cast_as("bigint[]"), "places")
        .expr_as(counts.cast_as("bigint[]"), "counts");
}

/// The records of a series: one for each bucket, with what `series` says of it.
pub(super) fn records(
    axis: &[Bucket],
    counts: &[i64],
    coverage: Option<&[Coverage]>,
    series: impl Fn(&mut FlatRecord),
) -> Vec<FlatRecord> {
    let buckets = axis.iter().zip(counts).enumerate();
    buckets
        .map(|(number, (bucket, count))| {
            let mut record = FlatRecord::new();
            series(&mut record);
            record.date("bucket", bucket.start).count("query_count", *count).flag("partial", bucket.partial);
            if let Some(coverage) = coverage.and_then(|coverage| coverage.get(number)) {
                record.text("coverage", coverage.word());
            }
            record
        })
        .collect()
}

/// How many buckets the chart has.
pub(super) fn length(buckets: &Buckets) -> Expr {
    Expr::val(i64::try_from(buckets.count()).unwrap_or(i64::MAX))
}

pub(super) fn array_agg<C: IntoColumnRef>(column: C) -> FunctionCall {
    array_agg_of(Expr::col(column))
}

pub(super) fn array_agg_of(value: Expr) -> FunctionCall {
    Func::cust("pg_catalog.array_agg").arg(value)
}
