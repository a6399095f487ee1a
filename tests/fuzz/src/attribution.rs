//! What an attribution writes for Snowflake.

use chrono::NaiveDate;
use output_port_usage::Attribution;
use output_port_usage::snowflake::{Aggregation, Bind, Mappings, SnowflakeStatement};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;

use crate::text::assert_printable;
use crate::tokens::{Backslash, Token, tokens};

/// Asserts that every statement is the same with its values bound and written out, and is Snowflake's SQL.
///
/// A name from `views`, where it is one, is the name of a view.
pub(crate) fn check(attribution: &Attribution, views: &[String]) {
    let day = NaiveDate::from_ymd_opt(2026, 3, 10).expect("a day of the calendar");
    let days = day..day + chrono::Days::new(2);
    for mappings in [Mappings::Json, Mappings::Values] {
        let aggregation = Aggregation::new(attribution, days.clone()).mappings(mappings);
        let both = (aggregation.usage(), aggregation.coverage());
        let (Ok(usage), Ok(coverage)) = both else {
            assert_eq!(mappings, Mappings::Values, "JSON carries any number of names");
            continue;
        };
        check_statement(&usage);
        check_statement(&coverage);
    }
    for view in views.iter().take(2) {
        match Aggregation::new(attribution, days.clone()).access_history(view).query_history(view).usage() {
            Ok(statement) => check_statement(&statement),
            Err(error) => {
                assert!(error.is_mapping(), "{error}");
                assert_printable(&error.to_string());
            }
        }
    }
}

fn check_statement<T>(statement: &SnowflakeStatement<T>) {
    let script = statement.script();
    let (bound, written) = (tokens_of(&statement.sql()), tokens_of(&script));
    let mut binds = statement.binds();
    let mut written = written.into_iter();
    for token in bound {
        let same = written.next();
        if token != Token::Symbol('?') {
            assert_eq!(same, Some(token), "{script}");
            continue;
        }
        match (binds.next(), same) {
            (Some(Bind::Text(text)), Some(Token::Text(literal))) => assert_eq!(*text, literal),
            (Some(Bind::Number(number)), Some(Token::Symbol('-'))) => {
                assert_eq!(written.next(), Some(Token::Word(number.unsigned_abs().to_string())), "{script}");
            }
            (Some(Bind::Number(number)), literal) => {
                assert_eq!(literal, Some(Token::Word(number.to_string())), "{script}");
            }
            other => panic!("{other:?} in {script}"),
        }
    }
    assert_eq!((binds.next(), written.next()), (None, None), "{script}");
    let parsed = Parser::parse_sql(&SnowflakeDialect {}, &script);
    assert!(parsed.as_ref().is_ok_and(|statements| statements.len() == 1), "{:?}: {script}", parsed.err());
}

fn tokens_of(sql: &str) -> Vec<Token> {
    tokens(sql, Backslash::Escape).unwrap_or_else(|| panic!("something is left open in {sql}"))
}
