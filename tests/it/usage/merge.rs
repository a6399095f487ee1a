//! Adding batches of the same scope.

use output_port_usage::*;

use crate::portal::{asset, combination, consumer, day, port, queries, scope, touches};

fn first() -> chrono::NaiveDate {
    day(2026, 1, 1)
}

fn two_ports() -> Scope {
    scope(first()..day(2026, 1, 3), [port(1), port(2)])
}

fn batch(rows: &[(u128, u64)]) -> UsageBatch {
    let rows = rows.iter().map(|(by, count)| queries(first(), port(1), consumer(*by), *count)).collect();
    UsageBatch::builder(two_ports()).queries(rows).build()
}

#[test]
fn counts_of_the_same_key_add_up_and_the_others_stay() {
    let one = UsageBatch::builder(two_ports())
        .queries(vec![queries(first(), port(2), consumer(1), 1), queries(first(), port(1), consumer(1), 2)])
        .touches(vec![touches(first(), port(1), asset(1), consumer(1), 2)])
        .combinations(vec![combination(first(), port(1), port(2), consumer(1), 1)])
        .build();
    let other = UsageBatch::builder(two_ports())
        .queries(vec![
            queries(day(2026, 1, 2), port(1), consumer(1), 9),
            queries(first(), port(1), consumer(1), 3),
            queries(first(), port(1), consumer(2), 0),
        ])
        .touches(vec![
            touches(first(), port(1), asset(2), consumer(1), 3),
            touches(first(), port(1), asset(1), consumer(1), 1),
        ])
        .combinations(vec![combination(first(), port(1), port(2), consumer(1), 4)])
        .build();
    let expected = UsageBatch::builder(two_ports())
        .queries(vec![
            queries(first(), port(1), consumer(1), 5),
            queries(first(), port(2), consumer(1), 1),
            queries(day(2026, 1, 2), port(1), consumer(1), 9),
        ])
        .touches(vec![
            touches(first(), port(1), asset(1), consumer(1), 3),
            touches(first(), port(1), asset(2), consumer(1), 3),
        ])
        .combinations(vec![combination(first(), port(1), port(2), consumer(1), 5)])
        .build();
    assert_eq!(one.clone().merge(other.clone()).unwrap(), expected);
    assert_eq!(other.merge(one).unwrap(), expected);
}

#[test]
fn batches_of_different_scopes_are_refused() {
    let elsewhere = UsageBatch::builder(scope(first()..day(2026, 1, 2), [port(1)])).build();
    let error = batch(&[(1, 1)]).merge(elsewhere).unwrap_err();
    assert!(error.is_batch());
    assert_eq!(
        error.to_string(),
        "batches of different scopes do not add up: 2026-01-01 to 2026-01-03 of 2 output ports \
         and 2026-01-01 to 2026-01-02 of 1 output ports"
    );
}

#[test]
fn what_only_one_batch_measured_is_refused() {
    let (one, other) = (batch(&[(1, 1)]).into_builder().touches(vec![]).build(), batch(&[(1, 1)]));
    for error in [one.clone().merge(other.clone()).unwrap_err(), other.clone().merge(one).unwrap_err()] {
        assert!(error.is_batch());
        assert_eq!(
            error.to_string(),
            "only one of two batches measured the tech-asset touches: leave them out of the other, or measure them in both"
        );
    }
    let pairs = other.clone().into_builder().combinations(vec![]).build();
    assert!(pairs.merge(other.clone()).unwrap_err().to_string().contains("the combinations"));
    assert_eq!(other.clone().merge(other).unwrap().queries()[0].query_count, 2);
}

#[test]
fn sums_that_no_table_holds_and_keys_that_are_there_twice_are_refused() {
    let most = i32::MAX as u64;
    assert!(batch(&[(1, most - 1)]).merge(batch(&[(1, 1)])).is_ok());
    let error = batch(&[(1, most)]).merge(batch(&[(1, 1)])).unwrap_err();
    assert!(
        error.to_string().starts_with("the output-port queries count 2147483648 for (2026-01-01, "),
        "{error}"
    );
    assert!(batch(&[(1, u64::MAX)]).merge(batch(&[(1, u64::MAX)])).is_err());
    assert!(batch(&[(1, 1), (1, 1)]).merge(batch(&[])).unwrap_err().is_batch());
    assert!(batch(&[]).merge(batch(&[(1, 1), (1, 1)])).unwrap_err().is_batch());
}

#[test]
fn a_count_that_no_table_holds_is_refused_from_either_side() {
    let (large, small) = (|| batch(&[(1, 1 << 31)]), || batch(&[(2, 1)]));
    let (one, other) = (large().merge(small()).unwrap_err(), small().merge(large()).unwrap_err());
    assert_eq!(one.to_string(), other.to_string());
    assert!(one.to_string().contains("count 2147483648 for"), "{one}");
}
