//! Every statement in every form, unchanged, against the in-process aggregation.

use std::cmp::Reverse;

use output_port_usage::snowflake::Mappings;
use snowflake_connector_rs::Statement;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::account::{self, Account};
use crate::case::{self, Case, Form};
use crate::random::RULES;

/// How a statement's values reach Snowflake.
#[derive(Debug, Clone, Copy)]
enum Values {
    Positional,
    Numbered,
    Literal,
}

const FORMS: [Values; 3] = [Values::Positional, Values::Numbered, Values::Literal];

/// Runs a case's statements in each of the forms.
async fn check(account: &Account, case: &Case, mappings: Mappings, forms: &[Values]) {
    account.load(&case.log).await;
    let aggregation = case.aggregation(mappings);
    for form in forms {
        let mut run = |statement: &dyn Form| {
            let rows = async {
                let binds = statement.binds();
                match form {
                    Values::Positional => account.rows(account::positional(statement.sql(), &binds)).await,
                    Values::Numbered => {
                        account.rows(account::numbered(statement.numbered_sql(), &binds)).await
                    }
                    Values::Literal => account.rows(Statement::new(statement.script())).await,
                }
            };
            let rows = block_in_place(|| Handle::current().block_on(rows));
            rows.unwrap_or_else(|error| panic!("{}: {error}\n{}", case.name, statement.script()))
        };
        if let Err(difference) = case.disagreement(&aggregation, &mut run) {
            panic!("{} ({mappings:?}, {form:?}): {difference}\n{case:#?}", case.name);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_every_statement_counts_the_hand_made_log_as_the_query_log_does() {
    let account = Account::start().await;
    for case in case::hand_made() {
        check(&account, &case, Mappings::Json, &FORMS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_with_maps_written_out_counts_the_hand_made_log_too() {
    let account = Account::start().await;
    // the values that are left to bind are the same in each case: the forms take turns
    for (turn, case) in case::hand_made().iter().enumerate() {
        check(&account, case, Mappings::Values, &[FORMS[turn % 3]]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_counts_random_logs_as_the_query_log_does() {
    const LOGS: usize = 60;
    let account = Account::start().await;
    // those that exercise most rules: fakesnow takes its time
    let mut logs: Vec<_> = case::random(320).into_iter().map(|(log, cases)| (log.fold().1, cases)).collect();
    logs.sort_by_key(|(rules, _)| Reverse(rules.len()));
    logs.truncate(LOGS);
    for rule in RULES {
        let count = logs.iter().filter(|(rules, _)| rules.contains(rule)).count();
        assert!(count * 10 >= LOGS, "{rule}: met by {count} of {LOGS} logs");
    }
    for (turn, (_, cases)) in logs.iter().enumerate() {
        let mappings = [Mappings::Json, Mappings::Values][turn % 2];
        for case in cases {
            check(&account, case, mappings, &[FORMS[turn / 2 % 3]]).await;
        }
    }
}
