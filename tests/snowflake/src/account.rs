//! The two history views of an account, made from a log.

use std::cell::RefCell;
use std::collections::HashMap;

use chrono::TimeDelta;
use chrono_tz::Tz;
use output_port_usage::query_log::{AccessedObject, Record};
use output_port_usage::snowflake::Bind;
use rusqlite::types::{ToSqlOutput, Value as SqliteValue, ValueRef};
use rusqlite::{Connection, params, params_from_iter};
use serde_json::{Value, json};

use crate::{Error, functions, rewrite};

/// One row of `ACCESS_HISTORY` and what `QUERY_HISTORY` has of its query.
#[derive(Debug, Clone)]
pub struct Access {
    /// Role and status are those of `QUERY_HISTORY`; no status means `SUCCESS`.
    pub record: Record,
    /// How often the query is in `QUERY_HISTORY`: zero before it has arrived, two where it is repeated.
    pub query_rows: usize,
    /// How much later than the access the query starts there.
    pub delay: TimeDelta,
}

/// An account of Snowflake, whose session has a time zone.
#[derive(Debug)]
pub struct Account {
    connection: Connection,
    insert_access: String,
    insert_query: String,
    clear: String,
    /// What came of each text: most logs share theirs.
    rewritten: RefCell<HashMap<String, String>>,
}

/// The rows of a statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The columns' names as Snowflake gives them, in upper case.
    pub columns: Vec<String>,
    /// A cell for each column: null, a number or a text.
    pub rows: Vec<Vec<Value>>,
}

impl Account {
    /// An account without history, its two views under these names.
    pub fn new(session_zone: Tz, access_history: &str, query_history: &str) -> Result<Self, Error> {
        let connection = Connection::open_in_memory()?;
        functions::register(&connection, session_zone)?;
        connection.execute_batch(&format!(
            "CREATE TABLE \"{access_history}\" (
                query_id TEXT, parent_query_id TEXT, root_query_id TEXT, query_start_time INTEGER, user_name TEXT,
                direct_objects_accessed TEXT, base_objects_accessed TEXT, event_source TEXT, additional_properties TEXT
            );
            CREATE TABLE \"{query_history}\" (
                query_id TEXT, start_time INTEGER, user_name TEXT, role_name TEXT, execution_status TEXT
            );"
        ))?;
        Ok(Self {
            connection,
            insert_access: format!("INSERT INTO \"{access_history}\" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
            insert_query: format!("INSERT INTO \"{query_history}\" VALUES (?, ?, ?, ?, ?)"),
            clear: format!("DELETE FROM \"{access_history}\"; DELETE FROM \"{query_history}\";"),
            rewritten: RefCell::default(),
        })
    }

    /// Puts a log in place of the history.
    pub fn load<'a>(&self, log: impl IntoIterator<Item = &'a Access>) -> Result<(), Error> {
        self.connection.execute_batch(&self.clear)?;
        let transaction = self.connection.unchecked_transaction()?;
        {
            let mut insert_access = transaction.prepare_cached(&self.insert_access)?;
            let mut insert_query = transaction.prepare_cached(&self.insert_query)?;
            for Access { record, query_rows, delay } in log {
                insert_access.execute(params![
                    record.query_id,
                    record.parent_query_id,
                    record.root_query_id,
                    nanos(record, TimeDelta::zero()),
                    record.user_name,
                    objects(&record.direct_objects_accessed),
                    objects(&record.base_objects_accessed),
                    record.event_source,
                    additional_properties(record).map(|properties| properties.to_string()),
                ])?;
                for _ in 0..*query_rows {
                    insert_query.execute(params![
                        record.query_id,
                        nanos(record, *delay),
                        record.user_name,
                        record.role_name,
                        record.execution_status.as_deref().unwrap_or("SUCCESS"),
                    ])?;
                }
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Runs a statement in one of its three forms.
    pub fn run<'a>(&self, sql: &str, binds: impl IntoIterator<Item = &'a Bind>) -> Result<Answer, Error> {
        let binds: Vec<&Bind> = binds.into_iter().collect();
        let known = self.rewritten.borrow().get(sql).cloned();
        let text = match known {
            Some(text) => text,
            None => {
                let text = rewrite(sql)?;
                if !binds.is_empty() {
                    self.rewritten.borrow_mut().insert(sql.to_owned(), text.clone());
                }
                text
            }
        };
        let mut statement = self.connection.prepare_cached(&text)?;
        let columns: Vec<String> =
            statement.column_names().iter().map(|name| name.to_ascii_uppercase()).collect();
        let binds = binds.into_iter().map(|bind| match bind {
            Bind::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Bind::Number(number) => ToSqlOutput::Owned(SqliteValue::Integer(*number)),
            _ => unreachable!("a bind is a text or a number"),
        });
        let mut rows = Vec::new();
        let mut result = statement.query(params_from_iter(binds))?;
        while let Some(row) = result.next()? {
            let cells = (0..columns.len()).map(|column| Ok(cell(row.get_ref(column)?)));
            rows.push(cells.collect::<Result<_, rusqlite::Error>>()?);
        }
        Ok(Answer { columns, rows })
    }
}

fn nanos(record: &Record, delay: TimeDelta) -> Option<i64> {
    (record.query_start_time + delay).timestamp_nanos_opt()
}

/// The array as `ACCESS_HISTORY` holds it: what is absent has no key.
fn objects(objects: &[AccessedObject]) -> String {
    let object = |object: &AccessedObject| {
        let paths = [("objectDomain", &object.object_domain), ("objectName", &object.object_name)];
        let known =
            paths.into_iter().filter_map(|(path, text)| Some((path.to_owned(), json!(text.as_ref()?))));
        Value::Object(known.chain([("columns".to_owned(), json!([]))]).collect())
    };
    Value::Array(objects.iter().map(object).collect()).to_string()
}

/// The column as `ACCESS_HISTORY` has it beside other properties; NULL for a statement.
pub fn additional_properties(record: &Record) -> Option<Value> {
    let event_type = record.irc_event_type.as_ref()?;
    Some(json!({"irc_event_type": event_type, "plan_id": "739334_0", "case_sensitive": false}))
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => json!(number),
        ValueRef::Real(number) => json!(number),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => json!(String::from_utf8_lossy(bytes)),
    }
}
