//! Names from outside, however hostile: an error, or the same name back, and never another statement.

use output_port_usage::chart::*;
use output_port_usage::*;
use proptest::prelude::*;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer, Word};

use crate::portal::{Portal, asset, consumer, day, port, queries, scope, touches};

const CORPUS: [&str; 22] = [
    "public; drop table x",
    "\"; drop table x; --",
    "a\"\"b",
    "it's",
    "''; select 1; --",
    "back\\slash\\",
    "$1",
    "$$ $tag$",
    "-- comment",
    "/* comment",
    "*/",
    "two  spaces\tand\nlines\r\n",
    " ",
    "select",
    "nul\0",
    "\u{202e}right to left\u{202c}",
    "\u{200b}zero width",
    "emoji 🦀🔥",
    "e\u{301}",
    "E'\\x41'",
    "U&\"d\\0061t\"",
    "%s {0} :name ?",
];

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
        .query_stats(TableNames::new(of("1")).column(Column::Date, name).column(Column::ConsumerId, of("x")))
        .touch_stats(TableNames::new(of("2")).column(Column::QueryCount, name))
        .combination_stats(TableNames::new(of("3")).column(Column::OutputPortId2, name))
        .delete_indexes()
        .build()
}

/// Every text that the model renders, each three ways.
fn texts(model: &UsageModel) -> Vec<String> {
    let days = day(2026, 1, 1)..day(2026, 2, 1);
    let batch = UsageBatch::new(
        scope(days.clone(), [port(1)]),
        vec![queries(day(2026, 1, 1), port(1), consumer(1), 1)],
    )
    .touches(vec![touches(day(2026, 1, 1), port(1), asset(1), consumer(1), 1)])
    .combinations(Vec::new());
    let mut texts = Vec::new();
    let mut statements = model.create_tables();
    statements.extend(model.drop_tables());
    statements.extend(model.replace(&batch).unwrap().statements());
    statements.extend(model.backfill(batch.scope().clone()).unwrap().statements());
    statements.extend(model.delete(port(1), consumer(1), day(2026, 1, 1)).unwrap().statements());
    statements.extend(model.purge(&Purge::before(day(2026, 1, 1))).unwrap().statements());
    statements.extend([model.create_schema(), model.vacuum()]);
    for statement in statements {
        texts.extend([statement.sql().to_owned(), statement.pretty()]);
        // the lock's key is a hash of the model's names, and a back-fill looks names up in the catalog: shown as
        // literals they differ by right
        let in_values = |text: &String| text.contains("advisory") || text.contains("pg_catalog");
        texts.extend(Some(statement.to_string()).filter(|text| !in_values(text)));
    }
    let reconcile = model.reconcile(days.clone()).unwrap();
    texts.extend([reconcile.sql().to_owned(), reconcile.to_string(), reconcile.pretty()]);
    fn add<C: Chart>(texts: &mut Vec<String>, model: &UsageModel, chart: &C) {
        let query = model.query(chart).unwrap();
        texts.extend([query.sql().to_owned(), query.to_string(), query.pretty()]);
    }
    let over_time = QueriesOverTime::new(port(1), days.clone());
    add(&mut texts, model, &over_time);
    add(&mut texts, model, &over_time.granularity(Granularity::Month));
    add(&mut texts, model, &QueryDistribution::new(port(1), days.clone()));
    add(&mut texts, model, &QueryDistribution::new(port(1), days.clone()).by_group());
    add(&mut texts, model, &MostPopularAssets::new(port(1), days.clone()));
    add(&mut texts, model, &MostOftenCombinedWith::new(port(1), days.clone()));
    let over_time = || QueriesOverTime::new(port(1), days.clone());
    add(&mut texts, model, &over_time().split_by_consumer(3));
    add(&mut texts, model, &over_time().compared_with(Comparison::PreviousPeriod));
    add(&mut texts, model, &QueriesOverTime::of_ports([port(1)], days.clone()));
    add(&mut texts, model, &Summary::new(port(1), days.clone()));
    add(&mut texts, model, &Overview::new(port(1), days.clone()));
    add(&mut texts, model, &MostPopularAssets::new(port(1), days).compared_with(Comparison::YearBefore));
    texts
}

/// What a server would read: the tokens without white space, `name` inside quoted names made plain.
fn tokens(sql: &str, name: &str) -> Vec<Token> {
    let dialect = PostgreSqlDialect {};
    let tokens = Tokenizer::new(&dialect, sql).with_unescape(false).tokenize().unwrap();
    tokens
        .into_iter()
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .map(|token| match token {
            Token::Word(Word { value, quote_style: Some('"'), .. }) => {
                Token::make_word(&value.replace(name, "plain"), Some('"'))
            }
            other => other,
        })
        .collect()
}

/// Asserts that the name is refused, or that it changes no token of any statement but the names that bear it.
fn is_harmless(name: &str) -> bool {
    let Ok(model) = model(name) else { return false };
    let plain = self::model("plain").unwrap();
    for (hostile, plain) in texts(&model).iter().zip(texts(&plain)) {
        assert_eq!(tokens(hostile, name), tokens(&plain, "plain"), "{name:?} changed {hostile}");
    }
    true
}

#[test]
fn a_hostile_name_is_refused_or_stays_a_name() {
    let refused: Vec<&str> = CORPUS.into_iter().filter(|name| !is_harmless(name)).collect();
    assert_eq!(refused, ["\"; drop table x; --", "a\"\"b", "nul\0", "U&\"d\\0061t\""]);
    assert!(model(&"n".repeat(1_000_000)).unwrap_err().to_string().len() < 300, "a message stays short");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_refused_or_stays_a_name(name in "[\\PC\"'\\\\$;\\-/*\n\t\0]{1,4}") {
        // a name of common letters would also stand inside other names, a long one be cut in derived names
        let name = format!("«{name}»");
        is_harmless(&name);
    }

    #[test]
    fn any_text_is_an_id_or_an_error_that_shows_it(text in "\\PC{0,60}") {
        for error in [text.parse::<OutputPortId>().err(), text.parse::<TechAssetId>().err()] {
            let Some(error) = error else { continue };
            let shown = error.to_string();
            prop_assert!(shown.contains("is not a UUID"), "{}", shown);
        }
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
            .query_stats(TableNames::new(name).column(Column::Date, name))
            .delete_indexes()
            .build()
            .unwrap();
        let portal = Portal::with(model).await;
        let days = day(2026, 1, 1)..day(2026, 1, 2);
        let batch = UsageBatch::new(
            scope(days.clone(), [port(1)]),
            vec![queries(days.start, port(1), consumer(1), 4)],
        );
        portal.replace(&batch).await;
        assert_eq!(portal.rows(&QueriesOverTime::new(port(1), days)).await[0].query_count, 4);
        let schemas = portal
            .texts("SELECT nspname::text FROM pg_namespace WHERE nspname !~ '^(pg_|info|public|portal)'")
            .await;
        assert_eq!(schemas, [name]);
    }
}

#[tokio::test]
async fn hostile_labels_come_back_as_they_are() {
    let portal = Portal::new().await;
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    let batch =
        UsageBatch::new(scope(days.clone(), [port(1)]), vec![queries(days.start, port(1), consumer(1), 2)]);
    portal.replace(&batch).await;
    let megabyte = "🦀'\"\\".repeat(150_000);
    // Postgres itself keeps NUL out of a text
    let labels = CORPUS.into_iter().filter(|label| !label.contains('\0')).chain([megabyte.as_str()]);
    for label in labels {
        let rename = "UPDATE portal.data_products SET name = $2 WHERE id = $1";
        sqlx::query(rename).bind(consumer(1)).bind(label).execute(&portal.pool).await.unwrap();
        let slices = portal.rows(&QueryDistribution::new(port(1), days.clone())).await;
        let expected = ConsumerOrOther::Consumer { id: consumer(1), label: Some(label.to_owned()) };
        assert_eq!(slices[0].consumer, expected);
    }
}
