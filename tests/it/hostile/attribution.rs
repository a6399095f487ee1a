//! Names of objects and principals, time zones and domains: counted in-process and written for Snowflake.

use output_port_usage::query_log::{self, AccessedObject, Record};
use output_port_usage::snowflake::{Aggregation, Bind, Mappings};
use output_port_usage::*;
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::log::{is_short_and_visible, texts};
use super::quoted;
use crate::portal::{asset, consumer, day, port};

/// A mapping that gives its name to the one record that counts by it.
struct Mapping {
    function: &'static str,
    /// The attribution that maps a name.
    with: fn(&str) -> AttributionBuilder,
    /// What Snowflake's views hold for the name.
    record: fn(&str) -> Record,
    /// How often the record then counts.
    count: u64,
}

const MAPPINGS: [Mapping; 7] = [
    Mapping {
        function: "AttributionBuilder::object",
        with: |name| {
            let object = format!("db.s.{name}");
            Attribution::builder()
                .object(object, asset(1))
                .tech_asset(asset(1), [port(1)])
                .user("ana", consumer(1))
        },
        record: |name| record("ANA", "READER", &format!("DB.S.{}", printed(name))),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::objects",
        with: |name| {
            let builder = Attribution::builder().objects(format!("db.{name}.*"), asset(1));
            builder.tech_asset(asset(1), [port(1)]).user("ana", consumer(1))
        },
        record: |name| record("ANA", "READER", &format!("DB.{}.T", printed(name))),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::schema",
        with: |name| {
            let builder = Attribution::builder().schema(format!("db.{name}"), asset(1));
            builder.tech_asset(asset(1), [port(1)]).user("ana", consumer(1))
        },
        record: |name| record("ANA", "READER", &format!("DB.{}.T", printed(name))),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::database",
        with: |name| {
            let builder = Attribution::builder().database(name, asset(1));
            builder.tech_asset(asset(1), [port(1)]).user("ana", consumer(1))
        },
        record: |name| record("ANA", "READER", &format!("{}.S.T", printed(name))),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::user",
        with: |name| mapped().user(name, consumer(1)),
        record: |name| record(name, "READER", "DB.S.T"),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::role",
        with: |name| mapped().role(name, consumer(1)),
        record: |name| record("ANA", name, "DB.S.T"),
        count: 1,
    },
    Mapping {
        function: "AttributionBuilder::exclude_user",
        with: |name| mapped().role("reader", consumer(1)).exclude_user(name),
        record: |name| record(name, "READER", "DB.S.T"),
        count: 0,
    },
];

fn mapped() -> AttributionBuilder {
    Attribution::builder().object("db.s.t", asset(1)).tech_asset(asset(1), [port(1)])
}

fn record(user: &str, role: &str, object: &str) -> Record {
    let mut record = Record::new("q1", "2026-01-01T12:00:00Z".parse().unwrap());
    record.user_name = Some(user.to_owned());
    record.role_name = Some(role.to_owned());
    record.direct_objects_accessed = vec![AccessedObject::new("Table", object)];
    record
}

/// A part of a name in `objectName`: in quotes unless it needs none.
fn printed(part: &str) -> String {
    let is_letter = |c: char| c == '_' || c.is_ascii_uppercase();
    let is_plain =
        part.starts_with(is_letter) && part.chars().all(|c| is_letter(c) || c == '$' || c.is_ascii_digit());
    if is_plain { part.to_owned() } else { quoted(part) }
}

fn days() -> std::ops::Range<chrono::NaiveDate> {
    day(2026, 1, 1)..day(2026, 1, 2)
}

/// What Snowflake would read: the tokens without white space, string constants made alike.
fn tokens(script: &str) -> Vec<Token> {
    let tokens = Tokenizer::new(&SnowflakeDialect {}, script).tokenize().unwrap();
    let visible = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    visible
        .map(|token| match token {
            Token::SingleQuotedString(_) => Token::SingleQuotedString(String::new()),
            other => other,
        })
        .collect()
}

/// Every text that the attribution's names come into, and their binds.
fn scripts(attribution: &Attribution) -> (Vec<String>, Vec<String>, Vec<Bind>) {
    let (mut texts, mut scripts, mut binds) = (Vec::new(), Vec::new(), Vec::new());
    for mappings in [Mappings::Json, Mappings::Values] {
        let aggregation = Aggregation::new(attribution, days()).mappings(mappings);
        let (usage, coverage) = (aggregation.usage().unwrap(), aggregation.coverage().unwrap());
        scripts.extend([usage.script(), coverage.script()]);
        if mappings == Mappings::Json {
            texts.extend([usage.sql(), usage.numbered_sql(), coverage.sql(), coverage.numbered_sql()]);
            binds.extend(usage.binds().cloned());
        }
    }
    (texts, scripts, binds)
}

/// The text values of the JSON documents among the binds.
fn bound_names(binds: &[Bind]) -> Vec<String> {
    let documents = binds.iter().filter_map(|bind| match bind {
        Bind::Text(text) => {
            serde_json::from_str::<Vec<serde_json::Map<String, serde_json::Value>>>(text).ok()
        }
        _ => None,
    });
    let cells = documents.flatten().flat_map(|row| row.into_iter().map(|(_, cell)| cell));
    cells.filter_map(|cell| cell.as_str().map(str::to_owned)).collect()
}

#[test]
fn a_quoted_name_counts_what_bears_it_and_changes_no_statement() {
    for Mapping { function, with, record, count } in MAPPINGS {
        let (plain_texts, plain_scripts, _) = scripts(&with("\"plain\"").build().unwrap());
        let plain_tokens: Vec<Vec<Token>> = plain_scripts.iter().map(|script| tokens(script)).collect();
        for name in texts() {
            let is_name = (1..=255).contains(&name.chars().count()) && !name.contains('\0');
            let attribution = match with(&quoted(&name)).build() {
                Ok(attribution) => attribution,
                Err(error) => {
                    assert!(error.is_mapping() && !is_name, "{function}: {error}");
                    assert!(is_short_and_visible(&error.to_string()), "{function}: {error:?}");
                    continue;
                }
            };
            assert!(is_name, "{function}({name:.100?})");
            let batch = query_log::aggregate(&attribution, days(), [record(&name)]).unwrap();
            let counted: u64 = batch.queries().iter().map(|row| row.query_count).sum();
            assert_eq!(counted, count, "{function}({name:?})");
            let other = query_log::aggregate(&attribution, days(), [record("SOMEBODY ELSE")]).unwrap();
            let counted: u64 = other.queries().iter().map(|row| row.query_count).sum();
            assert_eq!(counted, 1 - count, "{function}({name:?})");

            let (texts, scripts, binds) = scripts(&attribution);
            assert_eq!(texts, plain_texts, "{function}: a name is a value of the bound forms");
            for (script, plain) in scripts.iter().zip(&plain_tokens) {
                assert_eq!(&tokens(script), plain, "{function}({name:?}) changed {script}");
            }
            let expected = match function.rsplit(':').next() {
                Some("object") => format!("DB.S.{}", printed(&name)),
                Some("schema" | "objects") => format!("DB.{}.", printed(&name)),
                Some("database") => format!("{}.", printed(&name)),
                _ => name,
            };
            assert!(bound_names(&binds).contains(&expected), "{function}: {expected:?}");
        }
    }
}

#[test]
fn an_unquoted_name_is_folded_or_refused() {
    for Mapping { function, with, record, count } in MAPPINGS {
        for name in texts() {
            let is_name = name.len() <= 255
                && name.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic())
                && name.chars().all(|c| matches!(c, '_' | '$') || c.is_ascii_alphanumeric());
            match with(&name).build() {
                Ok(attribution) => {
                    assert!(is_name, "{function}({name:?})");
                    let folded = record(&name.to_uppercase());
                    let batch = query_log::aggregate(&attribution, days(), [folded]).unwrap();
                    assert_eq!(batch.queries().len() as u64, count, "{function}({name:?})");
                }
                Err(error) => {
                    assert!(error.is_mapping() && !is_name, "{function}: {error}");
                    assert!(is_short_and_visible(&error.to_string()), "{function}: {error:?}");
                }
            }
        }
    }
}

#[test]
fn a_hostile_time_zone_is_unknown() {
    for name in texts() {
        let error = mapped().user("ana", consumer(1)).time_zone(name).build().unwrap_err();
        assert!(error.is_mapping());
        assert!(is_short_and_visible(&error.to_string()), "{error:?}");
    }
}

#[test]
fn an_object_domain_is_words_or_refused() {
    let with = |domain: &str| mapped().user("ana", consumer(1)).object_domains([domain]).build();
    let plain = tokens(&scripts(&with("table").unwrap()).1[0]);
    for domain in texts() {
        let is_words = !domain.is_empty() && domain.chars().all(|c| c.is_ascii_alphabetic());
        match with(&domain) {
            Ok(attribution) => {
                assert!(is_words, "{domain:.100?}");
                assert_eq!(tokens(&scripts(&attribution).1[0]), plain);
                let mut record = record("ANA", "READER", "DB.S.T");
                record.direct_objects_accessed = vec![AccessedObject::new(domain, "DB.S.T")];
                let batch = query_log::aggregate(&attribution, days(), [record]).unwrap();
                assert_eq!(batch.queries().len(), 1);
            }
            Err(error) => {
                assert!(error.is_mapping() && !is_words, "{error}");
                assert!(is_short_and_visible(&error.to_string()), "{error:?}");
            }
        }
    }
}
