//! Ids: text, JSON, and both drivers' own traits.

use std::collections::HashMap;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use output_port_usage::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::postgres::{PgHasArrayType, PgPool};
use tokio_postgres::types::{FromSqlOwned, ToSql};
use uuid::{Uuid, uuid};

use crate::portal::{Portal, builder};

const TEXT: &str = "0190d3a2-5c1e-7b4a-8f00-0123456789ab";
const UUID: Uuid = uuid!("0190d3a2-5c1e-7b4a-8f00-0123456789ab");

fn goes_through_text_and_json<I>(what: &str)
where
    I: FromStr<Err = Error>
        + Display
        + Serialize
        + DeserializeOwned
        + From<Uuid>
        + Into<Uuid>
        + Copy
        + Eq
        + Debug,
{
    let id = I::from(UUID);
    assert_eq!(id.to_string(), TEXT);
    assert_eq!(TEXT.parse::<I>().unwrap(), id);
    assert_eq!(TEXT.to_uppercase().parse::<I>().unwrap(), id);
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{TEXT}\""));
    assert_eq!(serde_json::from_str::<I>(&format!("\"{TEXT}\"")).unwrap(), id);
    assert_eq!(Into::<Uuid>::into(id), UUID);
    let error = "sales".parse::<I>().unwrap_err();
    assert_eq!(error.to_string(), format!("{what} is not a UUID: \"sales\""));
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn ids_go_through_text_and_json() {
    goes_through_text_and_json::<OutputPortId>("output port id");
    goes_through_text_and_json::<ConsumerId>("consumer id");
    goes_through_text_and_json::<TechAssetId>("tech asset id");
    goes_through_text_and_json::<GroupId>("group id");
    let counts = HashMap::from([(OutputPortId(UUID), 1)]);
    assert_eq!(serde_json::to_string(&counts).unwrap(), format!("{{\"{TEXT}\":1}}"), "ids can be keys");
}

async fn goes_through_both_drivers<I>(pool: &PgPool, client: &tokio_postgres::Client)
where
    I: From<Uuid> + Copy + Eq + Debug + Send + Sync + Unpin + 'static,
    I: sqlx::Type<sqlx::Postgres> + PgHasArrayType,
    I: for<'a> sqlx::Encode<'a, sqlx::Postgres> + for<'r> sqlx::Decode<'r, sqlx::Postgres>,
    I: ToSql + FromSqlOwned,
{
    let (id, list) = (I::from(UUID), vec![I::from(UUID), I::from(Uuid::nil())]);
    let sql = "SELECT $1::uuid AS id, $2::uuid[] AS list, $3::uuid AS none, ($1::uuid)::text AS text";
    let row: (I, Vec<I>, Option<I>, String) =
        sqlx::query_as(sql).bind(id).bind(&list).bind(None::<I>).fetch_one(pool).await.unwrap();
    assert_eq!(row, (id, list.clone(), None, TEXT.to_owned()));
    let row = client.query_one(sql, &[&id, &list, &None::<I>]).await.unwrap();
    assert_eq!(row.try_get::<_, I>("id").unwrap(), id);
    assert_eq!(row.try_get::<_, Vec<I>>("list").unwrap(), list);
    assert_eq!(row.try_get::<_, Option<I>>("none").unwrap(), None);
    assert_eq!(row.try_get::<_, String>("text").unwrap(), TEXT);

    assert!(sqlx::query_scalar::<_, I>("SELECT 'a'::text").fetch_one(pool).await.is_err());
    assert!(client.query_one("SELECT 'a'::text", &[]).await.unwrap().try_get::<_, I>(0).is_err());
    assert!(client.query_one("SELECT $1::text", &[&id]).await.is_err());
}

#[tokio::test]
async fn ids_go_through_both_drivers() {
    let portal = Portal::without_tables(builder().build().unwrap()).await;
    let (client, connection) =
        tokio_postgres::connect(portal.database.url(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    goes_through_both_drivers::<OutputPortId>(&portal.pool, &client).await;
    goes_through_both_drivers::<ConsumerId>(&portal.pool, &client).await;
    goes_through_both_drivers::<TechAssetId>(&portal.pool, &client).await;
    goes_through_both_drivers::<GroupId>(&portal.pool, &client).await;
}
