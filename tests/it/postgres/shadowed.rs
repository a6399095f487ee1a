//! Functions and operators of the same name in other schemas: whoever may create them gets nothing of the crate to run
//! them.
//!
//! What is shadowed is taken from the statements themselves, so that a new one is covered.

use std::collections::BTreeSet;

use output_port_usage::*;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};
use tokio_postgres::Client;

use crate::driver::twins_agree::twins::connect;
use crate::portal::{Portal, builder, consumer, day, port};
use crate::postgres::killed::batch;
use crate::tables;

/// Types of which there is an overload: functions of one argument and of two, operators of every two.
const TYPES: [&str; 23] = [
    "uuid",
    "uuid[]",
    "date",
    "date[]",
    "smallint",
    "smallint[]",
    "integer",
    "integer[]",
    "bigint",
    "bigint[]",
    "numeric",
    "double precision",
    "text",
    "name",
    "interval",
    "timestamp",
    "timestamptz",
    "oid",
    "regclass",
    "boolean",
    "daterange",
    "datemultirange",
    "\"char\"",
];

/// The tokens without white space, those of a block too.
fn tokens(sql: &str) -> Vec<Token> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().unwrap();
    let tokens = tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    let in_blocks = |token| match token {
        Token::DollarQuotedString(block) => self::tokens(&block.value),
        token => vec![token],
    };
    tokens.flat_map(in_blocks).collect()
}

/// The queries of a block: what it asks for, what it loops over, and what it runs.
fn queries_of(block: &str) -> Vec<String> {
    let between = |begin: &str, end: &str| {
        let rest = block.split(begin).skip(1);
        rest.map(|rest| rest.split(end).next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let asked = between("    IF ", " THEN").into_iter().map(|condition| format!("SELECT {condition}"));
    let formatted = between("EXECUTE ", ";").into_iter();
    let formatted = formatted.map(|call| {
        let fields =
            ["nspname", "relname", "conname", "owner", "comment", "privilege_type", "grantee", "how"];
        let call = fields.iter().fold(call, |call, field| call.replace(&format!("of.{field}"), "'x'::name"));
        format!("SELECT {call}")
    });
    let queries: Vec<String> = asked.chain(between("FOR of IN\n", "\n    LOOP")).chain(formatted).collect();
    assert!(!queries.is_empty(), "{block}");
    queries
}

/// The names of what the statements may call: every word before a parenthesis that is a function of PostgreSQL's, and
/// every operator.
async fn called(client: &Client, statements: &[(String, Statement)]) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut words, mut symbols) = (BTreeSet::new(), BTreeSet::new());
    for (_, statement) in statements {
        let tokens = tokens(statement.sql());
        for (token, next) in tokens.iter().zip(&tokens[1..]) {
            match token {
                Token::Word(word) if *next == Token::LParen => {
                    words.insert(word.value.to_lowercase());
                }
                other => {
                    symbols.insert(other.to_string());
                }
            }
        }
    }
    let known = |sql: &'static str, names: BTreeSet<String>| async move {
        let names: Vec<String> = names.into_iter().filter(|name| name.len() < 64).collect();
        let rows = client.query(sql, &[&names]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<BTreeSet<_>>()
    };
    let functions = known(
        "SELECT DISTINCT proname::text FROM pg_proc
         WHERE pronamespace = 'pg_catalog'::regnamespace AND proname = ANY($1) AND pronargs > 0",
        words,
    );
    let operators = known(
        "SELECT DISTINCT oprname::text FROM pg_operator
         WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprname = ANY($1) AND oprkind = 'b'",
        symbols,
    );
    (functions.await, operators.await)
}

/// Makes the overloads that PostgreSQL itself has not, each of which fails when it runs.
async fn shadow(client: &Client, functions: &BTreeSet<String>, operators: &BTreeSet<String>) {
    let list = |names: &mut dyn Iterator<Item = String>| names.collect::<Vec<_>>().join(", ");
    let quoted = |name: &str| format!("'{}'", name.replace('\'', "''"));
    let types = list(&mut TYPES.iter().map(|name| quoted(name)));
    let functions = list(&mut functions.iter().map(|name| quoted(name)));
    let operators = list(&mut operators.iter().map(|name| quoted(name)));
    let script = format!(
        r#"DO $do$
DECLARE
    types CONSTANT text[] := ARRAY[{types}];
    body CONSTANT text := 'LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION ''a shadow ran''; END$$';
    of_two CONSTANT text[] := ARRAY['uuid', 'uuid[]', 'date', 'integer', 'bigint', 'text', 'interval', 'timestamp',
        'daterange', 'datemultirange'];
    one text; two text; named text;
BEGIN
    FOREACH named IN ARRAY ARRAY[{functions}] LOOP
        FOREACH one IN ARRAY types LOOP
            IF to_regprocedure(format('pg_catalog.%I(%s)', named, one)) IS NULL THEN
                EXECUTE format('CREATE FUNCTION public.%I(%s) RETURNS %2$s %3$s', named, one, body);
                EXECUTE format('CREATE FUNCTION earlier.%I(%s) RETURNS %2$s %3$s', named, one, body);
            END IF;
        END LOOP;
        FOREACH one IN ARRAY of_two LOOP
            FOREACH two IN ARRAY of_two LOOP
                IF to_regprocedure(format('pg_catalog.%I(%s, %s)', named, one, two)) IS NULL THEN
                    EXECUTE format('CREATE FUNCTION earlier.%I(%s, %s) RETURNS %2$s %4$s', named, one, two, body);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
    FOREACH one IN ARRAY types LOOP
        FOREACH two IN ARRAY types LOOP
            EXECUTE format('CREATE FUNCTION earlier.compared(%s, %s) RETURNS boolean %s', one, two, body);
            EXECUTE format('CREATE FUNCTION earlier.computed(%s, %s) RETURNS %s %s', one, two,
                CASE one WHEN 'integer' THEN two ELSE one END, body);
            FOREACH named IN ARRAY ARRAY[{operators}] LOOP
                CONTINUE WHEN to_regoperator(format('pg_catalog.%s(%s, %s)', named, one, two)) IS NOT NULL;
                EXECUTE format('CREATE OPERATOR public.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = earlier.%s)',
                    named, one, two, CASE WHEN named ~ '[<>=]' THEN 'compared' ELSE 'computed' END);
            END LOOP;
        END LOOP;
    END LOOP;
END $do$"#
    );
    client.batch_execute("CREATE SCHEMA earlier").await.unwrap();
    client.batch_execute(&script).await.unwrap();
}

/// Everything of a model.
fn model() -> UsageModel {
    builder().combinations().coverage().read_by_consumer().read_by_tech_asset().build().unwrap()
}

/// A client whose path has the shadows first.
async fn exposed(portal: &Portal) -> Client {
    let client = connect(portal).await;
    client.batch_execute("SET search_path = earlier, public").await.unwrap();
    client
}

/// What of the shadows a statement calls, whether or not a row is there to call it for: PostgreSQL writes down what the
/// body of a SQL function depends on.
async fn shadows_of(client: &Client, statement: Statement) -> Result<Vec<String>, tokio_postgres::Error> {
    if statement.sql().starts_with("DO ") {
        let mut shadows = Vec::new();
        for query in queries_of(statement.sql()) {
            shadows.extend(shadows_of_text(client, &query, &[]).await?);
        }
        return Ok(shadows);
    }
    let statement = statement.into_tokio_postgres();
    let types: Vec<String> = statement
        .types()
        .iter()
        .map(|of| match of.name().strip_prefix('_') {
            Some(element) => format!("pg_catalog.{element}[]"),
            None => format!("pg_catalog.{}", of.name()),
        })
        .collect();
    shadows_of_text(client, statement.sql(), &types).await
}

async fn shadows_of_text(
    client: &Client,
    sql: &str,
    types: &[String],
) -> Result<Vec<String>, tokio_postgres::Error> {
    let probe = format!(
        "CREATE FUNCTION portal.probe({}) RETURNS void LANGUAGE sql BEGIN ATOMIC {sql}; END",
        types.join(", "),
    );
    client.batch_execute(&probe).await?;
    let depends = "SELECT pg_catalog.pg_describe_object(refclassid, refobjid, refobjsubid)
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid
          AND d.objid OPERATOR(pg_catalog.=) (SELECT p.oid FROM pg_catalog.pg_proc AS p WHERE p.proname OPERATOR(pg_catalog.=) 'probe'::pg_catalog.name)
          AND d.refclassid OPERATOR(pg_catalog.=) ANY (ARRAY['pg_catalog.pg_proc'::pg_catalog.regclass::pg_catalog.oid,
              'pg_catalog.pg_operator'::pg_catalog.regclass::pg_catalog.oid])";
    let rows = client.query(depends, &[]).await?;
    client.batch_execute("DROP FUNCTION portal.probe").await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn no_statement_calls_what_another_schema_shadows() {
    let portal = Portal::with(model()).await;
    let mut statements = portal.model.statements();
    let years = [portal.model.partition_by_year(2025..2027), portal.model.add_years(2025..2027)];
    let years = years.into_iter().chain([portal.model.drop_year(2025)]).flat_map(Result::unwrap);
    statements.extend(years.map(|statement| (statement.title().to_owned(), statement)));
    let client = connect(&portal).await;
    let (functions, operators) = called(&client, &statements).await;
    for known in [
        "unnest",
        "sum",
        "count",
        "generate_series",
        "current_setting",
        "pg_advisory_xact_lock",
        "daterange",
        "range_merge",
    ] {
        assert!(functions.contains(known), "{known} is missing from {functions:?}");
    }
    for known in ["=", "<", ">", "+", "-", "*", "/", "||", "<>", "@>", "&&"] {
        assert!(operators.contains(known), "{known} is missing from {operators:?}");
    }
    shadow(&client, &functions, &operators).await;
    let client = exposed(&portal).await;
    let (mut calling, mut looked_at) = (Vec::new(), 0);
    for (title, statement) in statements {
        let first = statement.sql().split_whitespace().next().unwrap_or_default();
        // other commands call nothing of the path
        if !["SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "DO"].contains(&first)
            || title.starts_with("distribute")
            || title.starts_with("partition")
            || title.starts_with("say how to compress")
        {
            continue;
        }
        looked_at += 1;
        match shadows_of(&client, statement).await {
            Ok(shadows) if shadows.is_empty() => {}
            Ok(shadows) => calling.push(format!("{title}: {shadows:?}")),
            Err(error) => calling.push(format!("{title}: {error:?}")),
        }
    }
    assert!(looked_at > 40, "{looked_at} statements");
    assert!(calling.is_empty(), "{}", calling.join("\n"));
    // and the shadows are there to be called
    let shadowed =
        client.query("SELECT unnest(ARRAY['00000000-0000-0000-0000-000000000000'::uuid])", &[]).await;
    assert_eq!(shadowed.unwrap_err().as_db_error().map(|error| error.message()), Some("a shadow ran"));
}

#[tokio::test]
async fn writes_and_definitions_run_as_ever_beside_shadows() {
    let (plain, shadowed) = (Portal::with(model()).await, Portal::without_tables(model()).await);
    let client = connect(&shadowed).await;
    let (functions, operators) = called(&client, &model().statements()).await;
    shadow(&client, &functions, &operators).await;
    let mut client = exposed(&shadowed).await;
    let create = || [vec![model().create_schema()], model().create_tables()].concat();
    for statement in [create(), create()].concat() {
        let statement = statement.into_tokio_postgres();
        client.query_typed(statement.sql(), &statement.params()).await.unwrap();
    }
    let (replace, upsert) = (model().replace(&batch(3, 2)).unwrap(), model().upsert(&batch(4, 3)).unwrap());
    let removal = model().delete(port(1), consumer(1), day(2026, 1, 1)).unwrap();
    let backfill = || model().backfill(batch(5, 4).scope().clone()).unwrap().replace_existing();
    let batches = || futures_util::stream::iter([Ok::<_, std::convert::Infallible>(batch(5, 4))]);
    let steps = [
        (plain.try_ingest(replace.clone()).await.unwrap(), run(&mut client, replace).await),
        (plain.try_ingest(upsert.clone()).await.unwrap(), run(&mut client, upsert).await),
    ];
    for (plain, shadowed) in steps {
        assert_eq!(plain, shadowed);
    }
    assert_eq!(tables::contents(&plain).await, contents(&client).await);
    let mut transaction = client.transaction().await.unwrap();
    assert_eq!(
        plain.remove(removal.clone()).await,
        removal.run_tokio_postgres(&mut transaction).await.unwrap()
    );
    transaction.commit().await.unwrap();
    assert_eq!(tables::contents(&plain).await, contents(&client).await);
    let mut transaction = plain.pool.begin().await.unwrap();
    let outcome = backfill().run_sqlx(&mut transaction, batches()).await.unwrap();
    transaction.commit().await.unwrap();
    let mut transaction = client.transaction().await.unwrap();
    assert_eq!(outcome, backfill().run_tokio_postgres(&mut transaction, batches()).await.unwrap());
    transaction.commit().await.unwrap();
    assert_eq!(tables::contents(&plain).await, contents(&client).await);
    for statement in model()
        .drop_foreign_keys()
        .into_iter()
        .chain(model().add_foreign_keys())
        .chain(model().vacuum())
        .chain(model().drop_tables())
    {
        let statement = statement.into_tokio_postgres();
        client.query_typed(statement.sql(), &statement.params()).await.unwrap();
    }
}

async fn run(client: &mut Client, ingest: Ingest) -> Outcome {
    let mut transaction = client.transaction().await.unwrap();
    let outcome = ingest.run_tokio_postgres(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    outcome
}

/// As [`tables::contents`], by a client that is exposed.
async fn contents(client: &Client) -> [Vec<String>; 3] {
    let mut contents = [const { Vec::new() }; 3];
    for (rows, table) in contents.iter_mut().zip([
        "output_port_query_stats_daily",
        "tech_asset_stats_daily",
        "output_port_combined_with_daily",
    ]) {
        let read = format!("SELECT t::text FROM usage.\"{table}\" AS t ORDER BY 1");
        *rows = client.query(&read, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    }
    contents
}
