//! Hostile names, bound and written out: each counts, and none ends its literal.

use chrono::{NaiveDate, TimeDelta};
use output_port_usage::snowflake::{Aggregation, Mappings};
use output_port_usage::{Attribution, AttributionBuilder};
use proptest::prelude::*;
use snowflake_emulation::{Access, Account};

use crate::case;
use crate::hand_made::{asset, consumer, port, read};

const NINE: &str = "2026-03-10T09:00:00Z";

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn mapping(object: &str, user: &str) -> AttributionBuilder {
    Attribution::builder()
        .object(format!("db.s.{}", quoted(object)), asset(1))
        .tech_asset(asset(1), [port(1)])
        .user(quoted(user), consumer(1))
}

/// A log in which each user reads an object once, by names as Snowflake prints them.
fn log<'a>(reads: impl IntoIterator<Item = (&'a str, String)>) -> Vec<Access> {
    let access = |(index, (user, object)): (usize, (&str, String))| {
        let mut record = read(&format!("q{index}"), NINE, &[&object]);
        record.user_name = Some(user.to_owned());
        Access { record, query_rows: 1, delay: TimeDelta::zero() }
    };
    reads.into_iter().enumerate().map(access).collect()
}

fn day() -> std::ops::Range<NaiveDate> {
    "2026-03-10".parse().unwrap().."2026-03-11".parse().unwrap()
}

/// The touches that each form of the statement counts.
fn counts(account: &Account, aggregation: &Aggregation<'_>) -> Vec<u64> {
    let mut counts = Vec::new();
    for mappings in [Mappings::Json, Mappings::Values] {
        let statement = aggregation.clone().mappings(mappings).usage().unwrap();
        let (binds, none) = (statement.binds().collect::<Vec<_>>(), Vec::new());
        for (sql, binds) in
            [(statement.sql(), &binds), (statement.numbered_sql(), &binds), (statement.script(), &none)]
        {
            let answer = account.run(&sql, binds.iter().copied()).unwrap();
            let batch = statement.decode(case::as_texts(&answer)).unwrap();
            counts.push(batch.touches().unwrap().iter().map(|row| row.query_count).sum());
        }
    }
    counts
}

/// The object as Snowflake prints it: each of these names needs its quotes.
fn as_printed(object: &str) -> String {
    format!("DB.S.{}", quoted(object))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_name_counts_in_every_form(
        object in r#"[\\'"?:$%{}\n1-]{1,12}\PC{0,20}"#,
        user in r#"[\\'"?:$%{}\n1-]{1,12}\PC{0,20}"#,
        excluded in r#"[\\'"]{1,4}x"#,
    ) {
        prop_assume!(user != excluded);
        let attribution = mapping(&object, &user).exclude_user(quoted(&excluded)).build().unwrap();
        let account = case::account();
        account.load(&log([(&*user, as_printed(&object)), (&excluded, as_printed(&object))])).unwrap();
        prop_assert_eq!(counts(&account, &Aggregation::new(&attribution, day())), [1; 6]);
    }
}

#[test]
fn names_that_look_like_sql_are_only_names() {
    let names = [
        "x' OR '1'='1",
        "x\\' OR 1=1 --",
        "x'); DROP TABLE touches; --",
        "? :1 :2 $1 %s {} $$ /* */ --",
        "line\nbreak\ttab\r\u{85}\u{2028}",
        "\u{202e}right to left\u{202c} and 👩‍🚀",
        "\\",
        "\\\\'",
        "'",
        "''",
        "\\u0000 \\x00 \\n",
    ];
    let account = case::account();
    for name in names {
        let attribution = mapping(name, name).build().unwrap();
        account.load(&log([(name, as_printed(name))])).unwrap();
        assert_eq!(counts(&account, &Aggregation::new(&attribution, day())), [1; 6], "{name:?}");
    }
}

#[test]
fn a_megabyte_of_names_counts_bound_and_written_out() {
    const OBJECTS: usize = 3000;
    let name = |number: usize| format!("{number} {}", "\\'\"👩".repeat(60));
    let mut attribution = mapping("first", "ana").tech_asset(asset(2), [port(2)]);
    for number in 0..OBJECTS {
        attribution = attribution.object(format!("db.s.{}", quoted(&name(number))), asset(2));
    }
    let attribution = attribution.build().unwrap();
    let account = case::account();
    account.load(&log((0..OBJECTS).step_by(1000).map(|number| ("ana", as_printed(&name(number)))))).unwrap();
    let statement = Aggregation::new(&attribution, day()).usage().unwrap();
    for (sql, binds) in [(statement.sql(), statement.binds().collect()), (statement.script(), Vec::new())] {
        assert_eq!(sql.len() > 1 << 20, binds.is_empty());
        let answer = account.run(&sql, binds).unwrap();
        let batch = statement.decode(case::as_maps(&answer)).unwrap();
        assert_eq!(batch.touches().unwrap()[0].query_count, 3);
    }
}

#[test]
fn views_may_bear_any_name() {
    let (accesses, queries) = ("a; DROP b.\"c'\\.d\"", "\"SELECT\".\"select\".\"?\"");
    let error =
        Aggregation::new(&mapping("t", "ana").build().unwrap(), day()).access_history(accesses).usage();
    assert!(error.unwrap_err().is_mapping());

    // in the emulation a view bears the parts of its name without their quotes
    let account = Account::new(chrono_tz::UTC, "DB.copies.c'\\.d", "SELECT.select.?").unwrap();
    account.load(&log([("ana", as_printed("t"))])).unwrap();
    let attribution = mapping("t", "ana").role("reader", consumer(2)).build().unwrap();
    let aggregation = Aggregation::new(&attribution, day())
        .access_history("db.\"copies\".\"c'\\.d\"")
        .query_history(queries);
    assert_eq!(counts(&account, &aggregation), [1; 6]);
}
