//! What the Snowflake side takes: names of views, and the rows that a client hands over.

use output_port_usage::snowflake::{Aggregation, ResultRow};
use output_port_usage::*;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use super::log::{is_short_and_visible, texts};
use super::quoted;
use crate::portal::{asset, consumer, day, port};

/// A function that takes the name of a view.
type Taker = (&'static str, for<'a> fn(Aggregation<'a>, String) -> Aggregation<'a>);

fn attribution() -> Attribution {
    let builder = Attribution::builder().object("db.s.t", asset(1)).tech_asset(asset(1), [port(1)]);
    builder.user("ana", consumer(1)).role("reader", consumer(2)).build().unwrap()
}

fn aggregation(attribution: &Attribution) -> Aggregation<'_> {
    Aggregation::new(attribution, day(2026, 1, 1)..day(2026, 1, 2))
}

/// The tokens of a script without white space, with the names in quotes.
fn tokens(script: &str) -> Vec<Token> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, script).tokenize().unwrap();
    tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect()
}

#[test]
fn the_name_of_a_view_is_refused_or_stays_a_name() {
    let attribution = attribution();
    let takers: [Taker; 2] = [
        ("Aggregation::access_history", |aggregation, view| aggregation.access_history(view)),
        ("Aggregation::query_history", |aggregation, view| aggregation.query_history(view)),
    ];
    for (function, with) in takers {
        let plain = with(aggregation(&attribution), "db.s.\"plain\"".to_owned()).usage().unwrap();
        for name in texts() {
            let raw = with(aggregation(&attribution), name.clone());
            for error in [raw.usage().unwrap_err(), raw.coverage().unwrap_err()] {
                assert!(error.is_mapping(), "{function}: {error}");
                assert!(is_short_and_visible(&error.to_string()), "{function}: {error:?}");
            }
            let is_name = (1..=255).contains(&name.chars().count()) && !name.contains('\0');
            match with(aggregation(&attribution), format!("db.s.{}", quoted(&name))).usage() {
                Ok(statement) => {
                    assert!(is_name, "{function}({name:?})");
                    let renamed = tokens(&plain.script()).into_iter().map(|token| match token {
                        Token::Word(Word { value, quote_style: Some('"'), .. }) if value == "plain" => {
                            Token::make_word(&name, Some('"'))
                        }
                        other => other,
                    });
                    assert_eq!(
                        tokens(&statement.script()),
                        renamed.collect::<Vec<_>>(),
                        "{function}({name:?})"
                    );
                }
                Err(error) => assert!(error.is_mapping() && !is_name, "{function}: {error}"),
            }
        }
    }
}

#[test]
fn a_hostile_cell_of_a_count_is_refused_by_row_and_column() {
    let attribution = attribution();
    let statement = aggregation(&attribution).output_port_queries().unwrap();
    let good = ["2026-01-01".to_owned(), port(1).to_string(), consumer(1).to_string(), "3".to_owned()];
    assert_eq!(statement.decode([good.clone().into_iter().map(Some).collect()]).unwrap().queries().len(), 1);
    for text in texts() {
        for column in 0..good.len() {
            let mut cells = good.clone();
            cells[column] = text.clone();
            let error = statement.decode([cells.clone().into_iter().map(Some).collect()]).unwrap_err();
            assert!(error.is_result(), "{error}");
            assert!(is_short_and_visible(&error.to_string()), "{error:?}");
            let json = serde_json::to_string(&cells).unwrap();
            let row: ResultRow = serde_json::from_str(&json).unwrap();
            assert_eq!(statement.decode([row]).unwrap_err().to_string(), error.to_string());
        }
        let key = serde_json::to_string(&text).unwrap();
        let twice = serde_json::from_str::<ResultRow>(&format!("{{{key}: 1, {key}: 2}}")).unwrap_err();
        assert!(twice.to_string().len() < 800, "a message stays short");
        let alone: ResultRow = serde_json::from_str(&format!("{{{key}: 1}}")).unwrap();
        let error = statement.decode([alone]).unwrap_err().to_string();
        assert_eq!(error, "row 1 of the result, column usage_date: is missing");
    }
}

#[test]
fn a_hostile_result_is_none_and_hostile_names_of_a_coverage_come_back() {
    let attribution = attribution();
    let aggregation = aggregation(&attribution);
    let (usage, coverage) = (aggregation.usage().unwrap(), aggregation.coverage().unwrap());
    let row =
        |cells: &[Option<&str>]| cells.iter().map(|cell| cell.map(str::to_owned)).collect::<ResultRow>();
    for text in texts() {
        let text = text.as_str();
        let result = row(&[Some(text), None, None, None, None, None, Some("1")]);
        assert!(is_short_and_visible(&usage.decode([result]).unwrap_err().to_string()));
        let result = row(&[Some(text), None, None, None, None, Some("1")]);
        assert!(is_short_and_visible(&coverage.decode([result]).unwrap_err().to_string()));

        let principal = row(&[Some("unmapped_principal"), Some(text), Some(text), None, None, Some("2")]);
        let object = row(&[Some("unmapped_object"), None, None, None, Some(text), Some("3")]);
        let left_out = coverage.decode([principal, object]).unwrap();
        assert_eq!(left_out.unmapped_principals[0].user_name.as_deref(), Some(text));
        assert_eq!(left_out.unmapped_principals[0].role_name.as_deref(), Some(text));
        assert_eq!(left_out.unmapped_objects[0].object_name.as_deref(), Some(text));
        let json = serde_json::to_string(&left_out).unwrap();
        assert_eq!(serde_json::from_str::<snowflake::CoverageReport>(&json).unwrap(), left_out);
    }
}
