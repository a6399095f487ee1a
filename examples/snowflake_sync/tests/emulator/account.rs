//! An account: the adapter with `fakesnow -s` behind it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use output_port_usage::query_log::AccessedObject;
use output_port_usage::snowflake::{Bind, ResultRow};
use serde_json::{Value, json};
use snowflake_connector_rs::{
    AuthConfig, CellValue, Client, ClientConfig, EndpointConfig, IntoStatement, Session, SessionConfig,
    Statement,
};
use snowflake_emulation::{Access, additional_properties};

pub(crate) const ACCOUNT: &str = "xy12345";
pub(crate) const USER: &str = "sync";
/// Nothing that a message could hold by chance.
pub(crate) const PASSWORD: &str = "Tr0ub4dor-and-3";

pub(crate) struct Account {
    adapter: Child,
    pub(crate) port: u16,
    session: Session,
}

/// The Python that has fakesnow.
pub(crate) fn python() -> PathBuf {
    match std::env::var_os("OUTPUT_PORT_USAGE_PYTHON") {
        Some(python) => python.into(),
        None => {
            panic!("OUTPUT_PORT_USAGE_PYTHON is not set: run .ci/snowflake-emulator, which installs fakesnow")
        }
    }
}

/// A file of this member's tests.
pub(crate) fn file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("emulator").join(name)
}

/// The directory with the key pairs that `.ci/snowflake-emulator` makes.
pub(crate) fn keys() -> PathBuf {
    python().parent().and_then(|bin| bin.parent()).expect("a virtual environment").join("keys")
}

impl Account {
    /// An account without history.
    pub(crate) async fn start() -> Self {
        let mut adapter = Command::new(python())
            .arg(file("adapter.py"))
            .arg(keys().join("public.pem"))
            .env("ADAPTER_PASSWORD", PASSWORD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the adapter starts");
        let mut line = String::new();
        BufReader::new(adapter.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().parse().expect("the adapter says its port");
        let config = ClientConfig::new(USER, ACCOUNT, AuthConfig::password(PASSWORD))
            .with_session(SessionConfig::new().with_session_parameter("QUERY_TAG", "test".into()))
            .with_endpoint(EndpointConfig::custom_base_url(
                format!("http://127.0.0.1:{port}").parse().unwrap(),
            ));
        let session = Client::new(config).unwrap().create_session().await.unwrap();
        let account = Self { adapter, port, session };
        for sql in [
            "CREATE DATABASE SNOWFLAKE",
            "CREATE SCHEMA SNOWFLAKE.ACCOUNT_USAGE",
            "CREATE TABLE SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY (
                query_id VARCHAR, query_start_time TIMESTAMP_LTZ, user_name VARCHAR, direct_objects_accessed ARRAY,
                base_objects_accessed ARRAY, parent_query_id VARCHAR, root_query_id VARCHAR,
                event_source VARCHAR, additional_properties VARIANT
            )",
            "CREATE TABLE SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY (
                query_id VARCHAR, start_time TIMESTAMP_LTZ, user_name VARCHAR, role_name VARCHAR,
                execution_status VARCHAR
            )",
        ] {
            account.rows(sql).await.unwrap();
        }
        account
    }

    /// Puts a log in place of the history.
    pub(crate) async fn load<'a>(&self, log: impl IntoIterator<Item = &'a Access>) {
        self.rows("DELETE FROM SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY").await.unwrap();
        self.rows("DELETE FROM SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY").await.unwrap();
        self.add(log).await;
    }

    /// Adds a log to the history.
    pub(crate) async fn add<'a>(&self, log: impl IntoIterator<Item = &'a Access>) {
        let (mut accesses, mut queries) = (Vec::new(), Vec::new());
        for Access { record, query_rows, delay } in log {
            accesses.push(json!({
                "query_id": record.query_id,
                "start": record.query_start_time.timestamp_micros(),
                "user_name": record.user_name,
                "direct": objects(&record.direct_objects_accessed),
                "base": objects(&record.base_objects_accessed),
                "parent_query_id": record.parent_query_id,
                "root_query_id": record.root_query_id,
                "event_source": record.event_source,
                "additional_properties": additional_properties(record),
            }));
            let query = json!({
                "query_id": record.query_id,
                "start": (record.query_start_time + *delay).timestamp_micros(),
                "user_name": record.user_name,
                "role_name": record.role_name,
                "execution_status": record.execution_status.as_deref().unwrap_or("SUCCESS"),
            });
            queries.extend(std::iter::repeat_n(query, *query_rows));
        }
        let insert = "INSERT INTO SNOWFLAKE.ACCOUNT_USAGE.ACCESS_HISTORY
            SELECT value:\"query_id\"::VARCHAR, TO_TIMESTAMP_LTZ(value:\"start\"::NUMBER, 6), value:\"user_name\"::VARCHAR,
                value:\"direct\", value:\"base\", value:\"parent_query_id\"::VARCHAR, value:\"root_query_id\"::VARCHAR,
                value:\"event_source\"::VARCHAR, value:\"additional_properties\"
            FROM TABLE(FLATTEN(input => PARSE_JSON(?)))";
        self.insert(insert, accesses).await;
        let insert = "INSERT INTO SNOWFLAKE.ACCOUNT_USAGE.QUERY_HISTORY
            SELECT value:\"query_id\"::VARCHAR, TO_TIMESTAMP_LTZ(value:\"start\"::NUMBER, 6), value:\"user_name\"::VARCHAR,
                value:\"role_name\"::VARCHAR, value:\"execution_status\"::VARCHAR
            FROM TABLE(FLATTEN(input => PARSE_JSON(?)))";
        self.insert(insert, queries).await;
    }

    async fn insert(&self, insert: &'static str, rows: Vec<Value>) {
        if !rows.is_empty() {
            self.rows(Statement::new(insert).bind(Value::Array(rows).to_string())).await.unwrap();
        }
    }

    /// The rows of a statement, cell by cell.
    pub(crate) async fn rows(
        &self,
        statement: impl IntoStatement,
    ) -> Result<Vec<ResultRow>, snowflake_connector_rs::Error> {
        let rows = self.session.query(statement).await?.collect::<Vec<_>>().await?;
        let cell = |cell: CellValue| match cell {
            CellValue::Null => None,
            CellValue::String(text) => Some(text),
            CellValue::Integer(number) => Some(number.to_string()),
            CellValue::Date(date) => Some(date.to_string()),
            other => panic!("a result of the library has no {other:?}"),
        };
        Ok(rows
            .into_iter()
            .map(|row| row.into_parts().1.into_vec().into_iter().map(cell).collect())
            .collect())
    }

    /// Makes the next scan of `ACCESS_HISTORY` misbehave; the adapter says how.
    pub(crate) fn misbehave(&self, how: &str) {
        self.ask(&format!("POST /adapter/{how}"));
    }

    /// How often something came to the adapter.
    pub(crate) fn seen(&self, what: &str) -> u64 {
        let answer = self.ask("GET /adapter/seen");
        let body = answer.split("\r\n\r\n").nth(1).unwrap();
        serde_json::from_str::<Value>(body).unwrap()[what].as_u64().unwrap()
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: adapter\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Ends the account as a power cut would.
    pub(crate) fn stop(&mut self) {
        drop(self.adapter.stdin.take());
        self.adapter.wait().unwrap();
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The array as `ACCESS_HISTORY` holds it: what is absent has no key.
fn objects(objects: &[AccessedObject]) -> Value {
    let object = |object: &AccessedObject| {
        let paths = [("objectDomain", &object.object_domain), ("objectName", &object.object_name)];
        let known =
            paths.into_iter().filter_map(|(path, text)| Some((path.to_owned(), json!(text.as_ref()?))));
        Value::Object(known.chain([("columns".to_owned(), json!([]))]).collect())
    };
    objects.iter().map(object).collect()
}

/// The text with `?`, its binds typed.
pub(crate) fn positional(sql: String, binds: &[Bind]) -> impl IntoStatement {
    let statement = Statement::new_positional(sql);
    binds.iter().fold(statement, |statement, bind| match bind {
        Bind::Text(text) => statement.bind(text.clone()),
        Bind::Number(number) => statement.bind(*number),
        other => panic!("a bind is a text or a number, not {other:?}"),
    })
}

/// The text with `:1`, its binds typed.
pub(crate) fn numbered(sql: String, binds: &[Bind]) -> impl IntoStatement {
    let statement = Statement::new_named(sql);
    binds.iter().zip(1..).fold(statement, |statement, (bind, number)| {
        let number: i32 = number;
        match bind {
            Bind::Text(text) => statement.bind_named(number.to_string(), text.clone()),
            Bind::Number(value) => statement.bind_named(number.to_string(), *value),
            other => panic!("a bind is a text or a number, not {other:?}"),
        }
    })
}
