//! A model with names from outside, and every text that it renders.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use output_port_usage::{Statement, UsageModel, UsageModelBuilder};
use serde_json::Value;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use crate::text::{assert_names_one, assert_printable};
use crate::tokens::{Backslash, Token, tokens};

/// Of how many statements one is read, parsed and laid out, since that takes far longer than to render it. The names
/// choose which, so that a fuzzer gets round to all.
const SAMPLED: usize = 128;

/// Builds the model, and asserts that it is refused for a name or that its names are nothing but names.
pub(crate) fn check(builder: &UsageModelBuilder) {
    let file = serde_json::to_value(builder).expect("a builder is JSON");
    let read: UsageModelBuilder = serde_json::from_value(file.clone()).expect("its own JSON is a builder");
    assert_eq!(&read, builder);

    let mut names = Vec::new();
    let plain = renamed(file, &mut names);
    match builder.clone().build() {
        Ok(model) => {
            for name in &names {
                assert!((1..=63).contains(&name.len()) && !name.contains(['"', '\0']), "{name:?} is a name");
            }
            check_statements(&model, &plain, &names);
        }
        Err(error) => {
            assert!(error.is_configuration(), "{error}");
            assert_printable(&error.to_string());
            if names.iter().any(|name| !(1..=63).contains(&name.len()) || name.contains(['"', '\0'])) {
                let message = error.to_string();
                let is_of_another_kind =
                    ["has no reference", "has a group", "have on_delete", "both named", "there is no column"]
                        .iter()
                        .any(|part| message.contains(part));
                if !is_of_another_kind {
                    assert_names_one(&error, &names);
                }
            }
        }
    }
}

fn check_statements(model: &UsageModel, plain: &Value, names: &[String]) {
    let plain = plain_statements(plain);
    let statements = model.statements();
    assert_eq!(statements.len(), plain.len(), "a name changes which statements there are");
    let sample = hash(names) as usize % SAMPLED;
    for (index, ((title, statement), plain)) in statements.iter().zip(&*plain).enumerate() {
        assert_eq!(title, &plain.title);
        if index % SAMPLED == sample {
            check_statement(statement, plain, names);
        }
    }
}

fn check_statement(statement: &Statement, plain: &PlainStatement, names: &[String]) {
    let own = tokens_of(statement.sql());
    assert_renamed(&own, &tokens_of(&plain.sql), names, statement.sql());
    let literals = tokens_of(&statement.to_string());
    assert!(
        !literals.iter().any(|token| matches!(token, Token::Placeholder(_))),
        "a placeholder is left: {statement}"
    );
    check_layout(statement, &own);
    let parsed = Parser::parse_sql(&PostgreSqlDialect {}, definition(statement.sql()));
    let is_plain_known = || Parser::parse_sql(&PostgreSqlDialect {}, definition(&plain.sql)).is_ok();
    assert!(parsed.is_ok() || !is_plain_known(), "{parsed:?}: {}", statement.sql());
}

fn check_layout(statement: &Statement, own: &[Token]) {
    let pretty = statement.pretty();
    assert_eq!(tokens_of(&pretty), own, "{pretty}");
    assert_eq!(statement.pretty(), pretty);
    let literals = statement.pretty_with_literals();
    assert_eq!(tokens_of(&literals), tokens_of(&statement.to_string()), "{literals}");
}

/// Asserts that names and texts differ from the plain ones by nothing but the names.
fn assert_renamed(own: &[Token], plain: &[Token], names: &[String], sql: &str) {
    assert_eq!(own.len(), plain.len(), "a name changes the tokens of {sql}");
    for tokens in own.iter().zip(plain) {
        match tokens {
            (Token::Name(own), Token::Name(plain)) => {
                match names.iter().zip(0..).find(|(_, place)| *plain == plain_name(*place)) {
                    Some((name, _)) => assert_eq!(own, name, "{sql}"),
                    // such as the name of an index, cut where it is too long
                    None if plain.contains(PLAIN) => {}
                    None => assert_eq!(own, plain, "{sql}"),
                }
            }
            (Token::Text(own), Token::Text(plain)) if plain.contains(PLAIN) => {
                let name = names.iter().zip(0..).find(|(_, place)| *plain == plain_name(*place));
                assert!(name.is_none_or(|(name, _)| own == name), "{sql}");
            }
            (own, plain) => assert_eq!(own, plain, "{sql}"),
        }
    }
}

/// The tokens, those of a block in place of its text. Nothing may come behind a block: then a name has ended it.
fn tokens_of(sql: &str) -> Vec<Token> {
    let tokens = tokens(sql, Backslash::Plain).unwrap_or_else(|| panic!("something is left open in {sql}"));
    match tokens.as_slice() {
        [first, title, Token::Text(block)] if *first == Token::Word("DO".to_owned()) => {
            [vec![first.clone(), title.clone()], tokens_of(block)].concat()
        }
        _ => tokens,
    }
}

/// What a block creates where it is missing, which the parser knows where it knows no block.
fn definition(sql: &str) -> &str {
    let created = sql
        .split_once("\n    ) THEN\n        ")
        .and_then(|(_, created)| created.rsplit_once(";\n    END IF"));
    match created {
        Some((created, _)) if sql.starts_with("DO ") => created,
        _ => sql,
    }
}

/// A statement of the model with plain names.
struct PlainStatement {
    title: String,
    sql: String,
}

thread_local! {
    /// By the models' JSON.
    static PLAIN_STATEMENTS: RefCell<HashMap<String, Rc<Vec<PlainStatement>>>> = RefCell::default();
}

fn plain_statements(file: &Value) -> Rc<Vec<PlainStatement>> {
    const MOST: usize = 100;
    let json = file.to_string();
    PLAIN_STATEMENTS.with_borrow_mut(|all| {
        if all.len() > MOST {
            all.clear();
        }
        let statements = all.entry(json).or_insert_with(|| {
            let builder: UsageModelBuilder = serde_json::from_value(file.clone()).expect("it was a builder");
            let model = builder.build().expect("plain names are names");
            let plain = |(title, statement): (String, Statement)| PlainStatement {
                title,
                sql: statement.sql().to_owned(),
            };
            Rc::new(model.statements().into_iter().map(plain).collect())
        });
        Rc::clone(statements)
    })
}

const PLAIN: &str = "plain name ";

fn plain_name(place: usize) -> String {
    format!("{PLAIN}{place:02}")
}

/// The model file with plain names, alike where the names are; `names` are those that it had.
fn renamed(file: Value, names: &mut Vec<String>) -> Value {
    match file {
        Value::Object(entries) => Value::Object(
            entries
                .into_iter()
                .map(|(key, value)| match value {
                    Value::String(name) if key != "on_delete" => (key, Value::String(rename(name, names))),
                    value => (key, renamed(value, names)),
                })
                .collect(),
        ),
        other => other,
    }
}

fn rename(name: String, names: &mut Vec<String>) -> String {
    // the schema of tables that say none: it may be said, too
    if name == "public" {
        return name;
    }
    let place = names.iter().position(|other| *other == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    plain_name(place)
}

fn hash(names: &[String]) -> u64 {
    let mut hasher = DefaultHasher::new();
    names.iter().collect::<BTreeSet<_>>().hash(&mut hasher);
    hasher.finish()
}
