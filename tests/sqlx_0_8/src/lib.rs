//! output-port-usage in a host with SQLx 0.8, through `into_parts()`: definitions, ingests and charts.

mod sqlx;

use output_port_usage::{Ingest, Query, Values};
use sea_query::{ArrayType, Value, ValueType};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};

use self::sqlx::chrono::NaiveDate;
use self::sqlx::error::BoxDynError;
use self::sqlx::postgres::{PgArguments, PgPool, PgRow};
use self::sqlx::types::Uuid;
use self::sqlx::{Arguments, Column, Row, TypeInfo};

/// The values of a statement as arguments of SQLx 0.8: every kind that the library binds.
pub fn arguments(values: Values) -> Result<PgArguments, BoxDynError> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value)?,
            Value::BigInt(value) => arguments.add(value)?,
            Value::ChronoDate(value) => arguments.add(value)?,
            Value::Uuid(value) => arguments.add(value)?,
            Value::Array(ArrayType::Int, Some(_)) => {
                arguments.add::<Vec<i32>>(ValueType::try_from(value)?)?
            }
            Value::Array(ArrayType::ChronoDate, Some(_)) => {
                arguments.add::<Vec<NaiveDate>>(ValueType::try_from(value)?)?
            }
            Value::Array(ArrayType::Uuid, Some(_)) => {
                arguments.add::<Vec<Uuid>>(ValueType::try_from(value)?)?
            }
            other => return Err(format!("the library binds no value like {other:?}").into()),
        }
    }
    Ok(arguments)
}

/// The rows of a chart or of [`reconcile`](output_port_usage::UsageModel::reconcile), to be read by column.
pub async fn rows<T>(pool: &PgPool, query: Query<T>) -> Result<Vec<PgRow>, BoxDynError> {
    let (sql, values) = query.into_parts();
    Ok(sqlx::query_with(&sql, arguments(values)?).fetch_all(pool).await?)
}

/// The typed rows of a chart whose fields are its columns: all but those that carry a consumer or a group.
pub async fn typed<T: DeserializeOwned>(pool: &PgPool, query: Query<T>) -> Result<Vec<T>, BoxDynError> {
    let object = |row: &PgRow| -> Result<T, BoxDynError> {
        let cells =
            row.columns().iter().map(|column| Ok((column.name().to_owned(), cell(row, column.name())?)));
        let mut cells = cells.collect::<Result<Map<String, Json>, BoxDynError>>()?;
        spread(&mut cells)?;
        nest(&mut cells);
        Ok(serde_json::from_value(Json::Object(cells))?)
    };
    rows(pool, query).await?.iter().map(object).collect()
}

/// The counts of a series come as the places of its buckets that have any, of so many buckets, and their counts.
fn spread(cells: &mut Map<String, Json>) -> Result<(), BoxDynError> {
    let (Some(buckets), Some(places)) = (cells.remove("buckets"), cells.remove("places")) else {
        return Ok(());
    };
    let places: Vec<usize> = serde_json::from_value(places)?;
    let counts: Vec<i64> = serde_json::from_value(cells.remove("counts").unwrap_or_default())?;
    let mut dense = vec![0; serde_json::from_value(buckets)?];
    for (place, count) in places.into_iter().zip(counts) {
        *dense.get_mut(place).ok_or("a place beyond the buckets")? = count;
    }
    cells.insert("counts".to_owned(), json!(dense));
    Ok(())
}

/// Whom a slice or a series stands for comes in columns of their own.
fn nest(cells: &mut Map<String, Json>) {
    let Some(kind) = cells.remove("kind") else { return };
    let mut member = Map::from_iter([("kind".to_owned(), kind)]);
    for name in ["id", "label", "members"] {
        member.insert(name.to_owned(), cells.remove(name).unwrap_or_default());
    }
    cells.insert("member".to_owned(), Json::Object(member));
}

/// A column of a chart: dates and ids are texts in JSON.
fn cell(row: &PgRow, name: &str) -> Result<Json, BoxDynError> {
    Ok(match row.column(name).type_info().name() {
        "BOOL" => json!(row.try_get::<Option<bool>, _>(name)?),
        "DATE" => json!(row.try_get::<Option<NaiveDate>, _>(name)?),
        "FLOAT8" => json!(row.try_get::<Option<f64>, _>(name)?),
        "INT8[]" => json!(row.try_get::<Option<Vec<i64>>, _>(name)?),
        "INT8" => json!(row.try_get::<Option<i64>, _>(name)?),
        "TEXT" => json!(row.try_get::<Option<String>, _>(name)?),
        "UUID" => json!(row.try_get::<Option<Uuid>, _>(name)?),
        other => return Err(format!("a chart has no column of type {other}").into()),
    })
}

/// Runs an ingest's statements in one READ COMMITTED transaction, and gives the number of rows written.
///
/// A driver of the library does three things more: it refuses REPEATABLE READ, which the caller's transaction here
/// never is, and a batch without rows, which the caller must; and it can skip rows with unknown ids.
pub async fn ingest(pool: &PgPool, ingest: Ingest) -> Result<usize, BoxDynError> {
    let mut transaction = pool.begin().await?;
    let mut written = 0;
    for statement in ingest.statements() {
        let (sql, values) = statement.into_parts();
        let rows = sqlx::query_with(&sql, arguments(values)?).fetch_all(&mut *transaction).await?;
        // the lookups come before the first write and return what they do not find
        if let Some(unknown) = rows.iter().find_map(|row| row.try_get::<Uuid, _>("id").ok()) {
            return Err(format!("unknown id {unknown}").into());
        }
        if sql.starts_with("INSERT") {
            written += rows.len();
        }
    }
    transaction.commit().await?;
    Ok(written)
}
