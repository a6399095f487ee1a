//! Counts that come from several logs, or from several attributions over one log.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::query_log::{self, Record};
use output_port_usage::{Attribution, AttributionBuilder, OverlappingSets, Scope, UsageBatch};
use uuid::Uuid;

use super::march;
use crate::portal::{Portal, asset, consumer, port};
use crate::tables::contents;

fn days() -> Range<NaiveDate> {
    march(10)..march(11)
}

fn read(query_id: &str, user: &str, tables: &[&str]) -> Record {
    let mut record = super::hand_made::read(query_id, "2026-03-10T09:00:00Z", tables);
    record.user_name = Some(user.to_owned());
    record
}

fn count(attribution: &AttributionBuilder, log: &[Record]) -> UsageBatch {
    let attribution: Attribution = attribution.clone().build().unwrap();
    query_log::aggregate(&attribution, days(), log).unwrap()
}

/// The tables' rows: the numbers of port (or both ports), asset, consumer and the count.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    queries: Vec<[u128; 3]>,
    touches: Vec<[u128; 4]>,
    combinations: Vec<[u128; 4]>,
}

/// A table's rows, which begin with the day, as their ids' numbers and the count.
fn rows<const N: usize>(contents: &[String]) -> Vec<[u128; N]> {
    let numbers = |row: &String| {
        let cells: Vec<&str> = row.trim_matches(['(', ')']).split(',').skip(1).collect();
        let (count, ids) = cells.split_last().unwrap();
        let ids = ids.iter().map(|id| id.parse::<Uuid>().unwrap().as_u128() & 0xffff);
        ids.chain([count.parse().unwrap()]).collect::<Vec<_>>().try_into().unwrap()
    };
    contents.iter().map(numbers).collect()
}

async fn counts(portal: &Portal) -> Counts {
    let [queries, touches, combinations] = contents(portal).await;
    Counts { queries: rows(&queries), touches: rows(&touches), combinations: rows(&combinations) }
}

/// The counts of one account, stated for every output port of all accounts.
fn for_all(scope: &Scope, account: &UsageBatch) -> UsageBatch {
    UsageBatch::builder(scope.clone())
        .queries(account.queries().to_vec())
        .touches(account.touches().unwrap().to_vec())
        .combinations(account.combinations().unwrap().to_vec())
        .unsettled_from(account.unsettled_from())
        .rules(account.rules().clone())
        .build()
}

#[tokio::test]
async fn one_name_in_two_accounts_is_two_objects_and_two_principals() {
    // ORDERS and ANA are in both accounts; what America has belongs to the first output port alone
    let europe = Attribution::builder()
        .object("sales.public.orders", asset(1))
        .object("sales.public.returns", asset(3))
        .tech_asset(asset(1), [port(1)])
        .tech_asset(asset(3), [port(2)])
        .user("ana", consumer(1));
    let america = Attribution::builder()
        .object("sales.public.orders", asset(2))
        .tech_asset(asset(2), [port(1)])
        .user("ana", consumer(2))
        .user("bob", consumer(1));
    let europe = count(
        &europe,
        &[
            read("q1", "ANA", &["SALES.PUBLIC.ORDERS"]),
            read("q2", "ANA", &["SALES.PUBLIC.ORDERS", "SALES.PUBLIC.RETURNS"]),
        ],
    );
    let america = count(
        &america,
        &[
            read("q1", "ANA", &["SALES.PUBLIC.ORDERS"]),
            read("q3", "BOB", &["SALES.PUBLIC.ORDERS"]),
            read("q4", "BOB", &["SALES.PUBLIC.RETURNS"]),
        ],
    );
    assert!(europe.clone().merge(america.clone()).unwrap_err().is_batch());

    let scope = Scope::new(days(), [port(1), port(2)]).unwrap();
    let merged = for_all(&scope, &europe).merge(for_all(&scope, &america)).unwrap();
    let portal = Portal::with_combinations().await;
    portal.replace(&merged).await;
    let expected = Counts {
        queries: vec![[1, 1, 3], [1, 2, 1], [2, 1, 1]],
        touches: vec![[1, 1, 1, 2], [1, 2, 1, 1], [1, 2, 2, 1], [2, 3, 1, 1]],
        combinations: vec![[1, 2, 1, 1]],
    };
    assert_eq!(counts(&portal).await, expected);
    let again = for_all(&scope, &america).merge(for_all(&scope, &europe)).unwrap();
    let outcome = portal.replace(&again).await;
    assert_eq!((outcome.queries.written, outcome.queries.unchanged, outcome.queries.removed), (0, 3, 0));
}

/// The schema T stands behind output port 1, a table of it behind 3; D stands behind 1 and 3.
fn part(ports: &[u128]) -> AttributionBuilder {
    let mut part = Attribution::builder().user("ana", consumer(1));
    for (number, name, behind) in [
        (1, "db.s.a", vec![1]),
        (2, "db.t.*", vec![1]),
        (3, "db.s.c", vec![2]),
        (4, "db.s.d", vec![1, 3]),
        (5, "db.s.e", vec![3]),
        (6, "db.t.x", vec![3]),
    ] {
        let behind: Vec<_> = behind.into_iter().filter(|of| ports.contains(of)).map(port).collect();
        if !behind.is_empty() {
            part = part.objects(name, asset(number)).tech_asset(asset(number), behind);
        }
    }
    part
}

fn log() -> Vec<Record> {
    vec![
        read("q1", "ANA", &["DB.S.A", "DB.S.C"]),
        read("q2", "ANA", &["DB.S.A", "DB.S.E"]),
        read("q3", "ANA", &["DB.S.D"]),
        read("q4", "ANA", &["DB.T.X"]),
    ]
}

#[tokio::test]
async fn parts_by_output_port_give_what_the_whole_gives_but_for_combinations_between_them() {
    let whole = count(&part(&[1, 2, 3]), &log());
    let parts = [count(&part(&[1, 2]), &log()), count(&part(&[3]), &log())];
    let queries = vec![[1, 1, 4], [2, 1, 1], [3, 1, 3]];
    let touches = vec![
        [1, 1, 1, 2],
        [1, 2, 1, 1],
        [1, 4, 1, 1],
        [2, 3, 1, 1],
        [3, 4, 1, 1],
        [3, 5, 1, 1],
        [3, 6, 1, 1],
    ];
    let counted = |combinations: &[[u128; 4]]| Counts {
        queries: queries.clone(),
        touches: touches.clone(),
        combinations: combinations.to_vec(),
    };

    let portal = Portal::with_combinations().await;
    for part in &parts {
        portal.replace(part).await;
    }
    assert_eq!(counts(&portal).await, counted(&[[1, 2, 1, 1]]));

    portal.replace(&whole).await;
    assert_eq!(counts(&portal).await, counted(&[[1, 2, 1, 1], [1, 3, 1, 1]]));
    for part in &parts {
        portal.replace(&part.clone().without_combinations()).await;
    }
    assert_eq!(counts(&portal).await, counted(&[[1, 2, 1, 1], [1, 3, 1, 1]]));
    let outcome = portal.replace(&parts[1]).await;
    assert_eq!(outcome.combinations.unwrap().removed, 1);
    assert_eq!(counts(&portal).await, counted(&[[1, 2, 1, 1]]));
}

#[test]
fn a_part_counts_a_table_for_its_schema_if_another_part_has_the_table() {
    let most_specific = |ports| {
        let batch = count(&part(ports).overlapping_sets(OverlappingSets::MostSpecific), &log());
        let touches = batch.touches().unwrap().iter();
        touches.map(|row| row.tech_asset_id).collect::<Vec<_>>()
    };
    assert_eq!(
        most_specific(&[1, 2, 3]),
        [asset(1), asset(4), asset(3), asset(4), asset(5), asset(6)],
        "the table is no longer of the schema"
    );
    assert_eq!(most_specific(&[1, 2]), [asset(1), asset(2), asset(4), asset(3)]);
    assert_eq!(most_specific(&[3]), [asset(4), asset(5), asset(6)]);
}
