//! Every statement in every form, unchanged, against the in-process aggregation.

use std::collections::BTreeMap;

use output_port_usage::snowflake::Mappings;
use snowflake_connector_rs::Statement;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::account::{self, Account};
use crate::case::{self, Case, Form};
use crate::random::RULES;

/// Runs a case's statements in each form, or in the one whose turn it is.
async fn check(account: &Account, case: &Case, turn: Option<usize>) {
    account.load(&case.log).await;
    for (number, mappings) in [Mappings::Json, Mappings::Values].into_iter().enumerate() {
        if turn.is_some_and(|turn| turn % 2 != number) {
            continue;
        }
        let aggregation = case.aggregation(mappings);
        for form in ["?", ":1", "script"] {
            if turn.is_some_and(|turn| ["?", ":1", "script"][turn / 2 % 3] != form) {
                continue;
            }
            let mut run = |statement: &dyn Form| {
                let rows = async {
                    let binds = statement.binds();
                    match form {
                        "?" => account.rows(account::positional(statement.sql(), &binds)).await,
                        ":1" => account.rows(account::numbered(statement.numbered_sql(), &binds)).await,
                        _ => account.rows(Statement::new(statement.script())).await,
                    }
                };
                let rows = block_in_place(|| Handle::current().block_on(rows));
                rows.map_err(|error| format!("{error}\n{}", statement.script()))
            };
            if let Err(difference) = case.disagreement(&aggregation, &mut run) {
                panic!("{} ({mappings:?}, {form}): {difference}\n{case:#?}", case.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_every_statement_counts_the_hand_made_log_as_the_query_log_does() {
    let account = Account::start().await;
    for case in case::hand_made() {
        check(&account, &case, None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_counts_random_logs_as_the_query_log_does() {
    const LOGS: usize = 60;
    let account = Account::start().await;
    let mut met = BTreeMap::<&str, usize>::new();
    for (turn, (log, cases)) in case::random(LOGS).iter().enumerate() {
        for rule in log.fold().1 {
            *met.entry(rule).or_default() += 1;
        }
        for case in cases {
            check(&account, case, Some(turn)).await;
        }
    }
    for rule in RULES {
        let count = met.get(rule).copied().unwrap_or_default();
        assert!(count * 10 >= LOGS, "{rule}: met by {count} of {LOGS} logs");
    }
}
