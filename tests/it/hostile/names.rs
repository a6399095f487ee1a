//! Names of tables, columns and parents.

use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use super::rendered::{Forms, texts};
use super::{MEGABYTE, TEXTS, corpus};
use crate::portal::{Portal, builder, consumer, day, port, queries, scope};

/// A model that bears `name` in every place that takes one, or the error.
fn model(name: &str) -> Result<UsageModel, Error> {
    let of = |suffix: &str| format!("{name}{suffix}");
    UsageModel::builder()
        .schema(name)
        .output_ports(Reference::to(of("p")).schema(name).key(name).label(name))
        .consumers(
            Reference::to(of("c"))
                .schema(name)
                .key(name)
                .label(name)
                .group(name, Reference::to(name).label(name)),
        )
        .tech_assets(Reference::to(of("t")).schema(name).key(name).label(name))
        .queries_table(
            TableNames::new(of("1")).column(Column::Date, name).column(Column::ConsumerId, of("x")),
        )
        .touches_table(TableNames::new(of("2")).column(Column::QueryCount, name))
        .combinations_table(TableNames::new(of("3")).column(Column::OutputPortId2, name))
        .read_by_consumer()
        .read_by_tech_asset()
        .build()
}

/// What a server would read: the tokens without white space, those of a block between its quotes, which no name ends.
fn tokens(sql: &str) -> Vec<Token> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).with_unescape(false).tokenize().unwrap();
    let tokens = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    let in_blocks = |token| match token {
        Token::DollarQuotedString(block) => {
            let quote = format!("${}$", block.tag.unwrap());
            assert!(quote.starts_with("$do") && !block.value.contains(&quote), "{sql}");
            let [open, close] = [Token::LBrace, Token::RBrace];
            [vec![open], self::tokens(&block.value), vec![close]].concat()
        }
        token => vec![token],
    };
    tokens.flat_map(in_blocks).collect()
}

/// The tokens of a model whose name is "plain", with `name` in the names and in the texts that hold them.
fn renamed(plain: &[Token], name: &str) -> Vec<Token> {
    let renamed = |token: &Token| match token {
        Token::Word(Word { value, quote_style: Some('"'), .. }) => {
            Token::make_word(&value.replace("plain", name), Some('"'))
        }
        Token::SingleQuotedString(text) => {
            Token::SingleQuotedString(text.replace("plain", &name.replace('\'', "''")))
        }
        other => other.clone(),
    };
    plain.iter().map(renamed).collect()
}

/// A text of a model whose name is "plain", read once and compared with many.
struct Plain {
    tokens: Vec<Token>,
    parts: Vec<Part>,
}

enum Part {
    /// Without the name.
    Same(String),
    /// In a name.
    Name(String),
    /// In a text.
    Text(String),
}

impl Plain {
    fn of(sql: &str) -> Self {
        let plain = Self { tokens: tokens(sql), parts: parts(sql) };
        assert_eq!(plain.with("plain"), sql);
        plain
    }

    /// The text with another name, which has no double quote.
    fn with(&self, name: &str) -> String {
        let in_text = name.replace('\'', "''");
        let renamed = self.parts.iter().map(|part| match part {
            Part::Same(text) => text.clone(),
            Part::Name(text) => text.replace("plain", name),
            Part::Text(text) => text.replace("plain", &in_text),
        });
        renamed.collect()
    }

    /// By its text, which is quick, or by its tokens: a block takes other quotes where a name holds them.
    fn is_with(&self, name: &str, sql: &str) -> bool {
        self.with(name) == sql || renamed(&self.tokens, name) == tokens(sql)
    }
}

fn parts(sql: &str) -> Vec<Part> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).with_unescape(false).tokenize().unwrap();
    let parts = tokens.into_iter().flat_map(|token| match (token.to_string(), token) {
        (_, Token::DollarQuotedString(block)) => {
            let quote = || Part::Same(format!("${}$", block.tag.as_deref().unwrap_or_default()));
            [vec![quote()], parts(&block.value), vec![quote()]].into_iter().flatten().collect()
        }
        (text, Token::Word(Word { quote_style: Some('"'), .. })) => vec![Part::Name(text)],
        (text, Token::SingleQuotedString(_)) => vec![Part::Text(text)],
        (text, _) => vec![Part::Same(text)],
    });
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Same(before)), Part::Same(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// Asserts that the name is refused, or that it changes no token of any statement but the names that bear it.
fn is_harmless(name: &str) -> bool {
    let Ok(model) = model(name) else { return false };
    let plain = self::model("plain").unwrap();
    for (hostile, plain) in texts(&model, Forms::All).iter().zip(texts(&plain, Forms::All)) {
        assert_eq!(tokens(hostile), renamed(&tokens(&plain), name), "{name:?} changed {hostile}");
    }
    true
}

#[test]
fn a_hostile_name_is_refused_or_stays_a_name() {
    let refused: Vec<&str> = TEXTS.into_iter().filter(|name| !is_harmless(name)).collect();
    assert_eq!(refused, ["\"; drop table x; --", "a\"\"b", "nul\0", "U&\"d\\0061t\"", "\"", ""]);
    assert!(model(&"n".repeat(MEGABYTE)).unwrap_err().to_string().len() < 300, "a message stays short");
}

/// A function that takes a name, and a model whose only unusual name it was given.
type Taker = (&'static str, fn(&str) -> UsageModelBuilder);

const TAKERS: [Taker; 33] = [
    ("UsageModelBuilder::schema", |name| base().schema(name)),
    ("TableNames::new, table 1", |name| base().queries_table(TableNames::new(name))),
    ("TableNames::new, table 2", |name| base().touches_table(TableNames::new(name))),
    ("TableNames::new, table 3", |name| base().combinations_table(TableNames::new(name))),
    ("TableNames::new, coverage", |name| base().coverage_table(TableNames::new(name))),
    ("TableNames::column, Measured", |name| {
        base().coverage_table(TableNames::new("4").column(Column::Measured, name))
    }),
    ("TableNames::column, Settled", |name| {
        base().coverage_table(TableNames::new("4").column(Column::Settled, name))
    }),
    ("TableNames::column, Rules", |name| {
        base().coverage_table(TableNames::new("4").column(Column::Rules, name))
    }),
    ("TableNames::column, Counted", |name| {
        base().coverage_table(TableNames::new("4").column(Column::Counted, name))
    }),
    ("TableNames::column, Date", |name| {
        base().queries_table(TableNames::new("1").column(Column::Date, name))
    }),
    ("TableNames::column, OutputPortId", |name| {
        base().queries_table(TableNames::new("1").column(Column::OutputPortId, name))
    }),
    ("TableNames::column, ConsumerId", |name| {
        base().touches_table(TableNames::new("2").column(Column::ConsumerId, name))
    }),
    ("TableNames::column, TechAssetId", |name| {
        base().touches_table(TableNames::new("2").column(Column::TechAssetId, name))
    }),
    ("TableNames::column, QueryCount", |name| {
        base().touches_table(TableNames::new("2").column(Column::QueryCount, name))
    }),
    ("TableNames::column, OutputPortId1", |name| {
        base().combinations_table(TableNames::new("3").column(Column::OutputPortId1, name))
    }),
    ("TableNames::column, OutputPortId2", |name| {
        base().combinations_table(TableNames::new("3").column(Column::OutputPortId2, name))
    }),
    ("Reference::to, output ports", |name| base().output_ports(Reference::to(name))),
    ("Reference::schema, output ports", |name| base().output_ports(Reference::to("p").schema(name))),
    ("Reference::key, output ports", |name| base().output_ports(Reference::to("p").key(name))),
    ("Reference::label, output ports", |name| base().output_ports(Reference::to("p").label(name))),
    ("Reference::to, consumers", |name| base().consumers(grouped(Reference::to(name)))),
    ("Reference::schema, consumers", |name| base().consumers(grouped(Reference::to("c").schema(name)))),
    ("Reference::key, consumers", |name| base().consumers(grouped(Reference::to("c").key(name)))),
    ("Reference::label, consumers", |name| base().consumers(grouped(Reference::to("c").label(name)))),
    ("Reference::group", |name| base().consumers(Reference::to("c").group(name, Reference::to("g")))),
    ("Reference::to, groups", |name| base().consumers(Reference::to("c").group("g", Reference::to(name)))),
    ("Reference::schema, groups", |name| {
        base().consumers(Reference::to("c").group("g", Reference::to("g").schema(name)))
    }),
    ("Reference::key, groups", |name| {
        base().consumers(Reference::to("c").group("g", Reference::to("g").key(name)))
    }),
    ("Reference::label, groups", |name| {
        base().consumers(Reference::to("c").group("g", Reference::to("g").label(name)))
    }),
    ("Reference::to, tech assets", |name| base().tech_assets(Reference::to(name))),
    ("Reference::schema, tech assets", |name| base().tech_assets(Reference::to("t").schema(name))),
    ("Reference::key, tech assets", |name| base().tech_assets(Reference::to("t").key(name))),
    ("Reference::label, tech assets", |name| base().tech_assets(Reference::to("t").label(name))),
];

fn base() -> UsageModelBuilder {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset()
}

fn grouped(consumers: Reference) -> Reference {
    consumers.group("domain_id", Reference::to("domains"))
}

#[test]
fn every_function_that_takes_a_name_refuses_it_or_gives_it_back() {
    for (function, with) in TAKERS {
        let plain = with("plain").build().unwrap();
        let plain: Vec<Plain> = texts(&plain, Forms::Sent).iter().map(|text| Plain::of(text)).collect();
        for name in corpus() {
            let is_name = (1..=63).contains(&name.len()) && !name.contains(['"', '\0']);
            match with(&name).build() {
                Ok(model) => {
                    assert!(is_name, "{function}({name:?})");
                    let texts = texts(&model, Forms::Sent);
                    assert_eq!(texts.len(), plain.len());
                    for (text, plain) in texts.iter().zip(&plain) {
                        assert!(plain.is_with(&name, text), "{function}({name:?}) changed {text}");
                    }
                }
                Err(error) => {
                    assert!(error.is_configuration() && !is_name, "{function}({name:?}): {error}");
                    assert!(error.to_string().len() < 300, "{function}: a message stays short");
                }
            }
        }
    }
}

#[test]
fn names_come_back_as_they_were_given() {
    for name in TEXTS {
        let Ok(model) = model(name) else { continue };
        let stats = model.queries_table();
        assert_eq!((stats.schema(), stats.name()), (name, format!("{name}1").as_str()));
        assert_eq!(stats.column(Column::Date).unwrap().to_string(), name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_stays_a_name(name in "[\\PC\"'\\\\$;\\-/*\n\t\0]{1,4}") {
        // a name of common letters would also stand inside other names, a long one be cut in derived names
        let name = format!("«{name}»");
        is_harmless(&name);
    }
}

#[tokio::test]
async fn hostile_names_work_in_a_real_database() {
    for name in ["back\\slash\\", "it's $1", "-- comment", "🦀\u{202e}", "two  spaces\n"] {
        let model = UsageModel::builder()
            .schema(name)
            .output_ports(Reference::to("datasets").schema("portal").label("name"))
            .consumers(Reference::to("data_products").schema("portal").label("name"))
            .tech_assets(Reference::to("technical_assets").schema("portal").label("name"))
            .queries_table(TableNames::new(name).column(Column::Date, name))
            .read_by_consumer()
            .read_by_tech_asset()
            .build()
            .unwrap();
        let portal = Portal::with(model).await;
        let days = day(2026, 1, 1)..day(2026, 1, 2);
        let batch = UsageBatch::builder(scope(days.clone(), [port(1)]))
            .queries(vec![queries(days.start, port(1), consumer(1), 4)])
            .build();
        portal.replace(&batch).await;
        assert_eq!(portal.rows(&QueriesOverTime::new(port(1), days)).await[0].query_count, 4);
        let schemas = portal
            .texts("SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^(pg_|info|public|portal)'")
            .await;
        assert_eq!(schemas, [name]);
    }
}
