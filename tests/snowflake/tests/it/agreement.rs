//! Every statement in every form against the in-process aggregation.

use std::collections::BTreeMap;

use output_port_usage::snowflake::Mappings;
use snowflake_emulation::Account;

use crate::case::{self, Case, Form};
use crate::random::RULES;

/// Runs a case's statements in all forms and with both kinds of mappings.
fn check(account: &Account, case: &Case) {
    account.load(&case.log).unwrap();
    for mappings in [Mappings::Json, Mappings::Values] {
        let aggregation = case.aggregation(mappings);
        let agreed = case.disagreement(&aggregation, &mut |statement: &dyn Form| {
            let (binds, no_binds) = (statement.binds(), Vec::new());
            let forms = [
                (statement.sql(), &binds),
                (statement.numbered_sql(), &binds),
                (statement.script(), &no_binds),
            ];
            let [marked, numbered, script] = forms.map(|(sql, binds)| {
                account.run(&sql, binds).unwrap_or_else(|error| panic!("{}: {error}\n{sql}", case.name))
            });
            assert_eq!(
                marked.columns,
                statement.columns().iter().map(|c| c.to_uppercase()).collect::<Vec<_>>()
            );
            assert!(marked == numbered && marked == script, "{}: the forms differ", case.name);
            let rows = case::as_maps(&marked);
            Ok(rows)
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
        check(&account, &case);
    }
}

#[test]
fn every_statement_counts_random_logs_as_the_query_log_does() {
    const LOGS: usize = 320;
    let account = case::account();
    let mut met = BTreeMap::<&str, usize>::new();
    for (log, cases) in case::random(LOGS) {
        for rule in log.fold().1 {
            *met.entry(rule).or_default() += 1;
        }
        cases.iter().for_each(|case| check(&account, case));
    }
    for rule in RULES {
        let count = met.get(rule).copied().unwrap_or_default();
        assert!(count * 10 >= LOGS, "{rule}: met by {count} of {LOGS} logs");
    }
}
