//! Every statement in every form against the in-process aggregation.

use std::collections::BTreeMap;

use output_port_usage::snowflake::Mappings;
use snowflake_emulation::Account;

use crate::case::{self, Case, Form};
use crate::random::RULES;

/// The forms that a case is run in: all, or with one kind of VALUES text in turn, which saves parsing.
#[derive(Debug, Clone, Copy)]
enum Forms {
    All,
    InTurn(usize),
}

/// Runs a case's statements, and reads their rows in every shape in turn.
fn check(account: &Account, case: &Case, forms: Forms) {
    account.load(&case.log).unwrap();
    for mappings in [Mappings::Json, Mappings::Values] {
        let aggregation = case.aggregation(mappings);
        let agreed = case.disagreement(&aggregation, &mut |statement: &dyn Form| {
            let (binds, no_binds) = (statement.binds(), Vec::new());
            let texts = [
                (statement.sql(), &binds),
                (statement.numbered_sql(), &binds),
                (statement.script(), &no_binds),
            ];
            let texts = match (forms, mappings) {
                (Forms::InTurn(turn), Mappings::Values) => &texts[turn % 3..=turn % 3],
                _ => &texts[..],
            };
            let mut answers = texts.iter().map(|(sql, binds)| {
                account.run(sql, *binds).unwrap_or_else(|error| panic!("{}: {error}\n{sql}", case.name))
            });
            let answer = answers.next().unwrap();
            assert!(answers.all(|other| other == answer), "{}: the forms differ", case.name);
            let columns: Vec<String> = statement.columns().iter().map(|name| name.to_uppercase()).collect();
            assert_eq!(answer.columns, columns);
            match (case.log.len() + columns.len()) % 3 {
                0 => case::as_maps(&answer),
                1 => case::as_api_data(&answer),
                _ => case::as_texts(&answer),
            }
        });
        if let Err(difference) = agreed {
            panic!("{} ({mappings:?}): {difference}\n{case:#?}", case.name);
        }
    }
}

#[test]
fn every_statement_counts_the_hand_made_log_as_the_query_log_does() {
    let account = case::account();
    for case in case::hand_made() {
        check(&account, &case, Forms::All);
    }
}

#[test]
fn every_statement_counts_random_logs_as_the_query_log_does() {
    const LOGS: usize = 320;
    let account = case::account();
    let mut met = BTreeMap::<&str, usize>::new();
    for (index, (log, cases)) in case::random(LOGS).iter().enumerate() {
        for rule in log.fold().1 {
            *met.entry(rule).or_default() += 1;
        }
        cases.iter().for_each(|case| check(&account, case, Forms::InTurn(index)));
    }
    for rule in RULES {
        let count = met.get(rule).copied().unwrap_or_default();
        assert!(count * 10 >= LOGS, "{rule}: met by {count} of {LOGS} logs");
    }
}
