//! The recipes on a real PostgreSQL.

use chrono::NaiveDate;
use output_port_usage::chart::QueriesOverTime;
use output_port_usage::{ConsumerId, OutputPortId, OutputPortQueries, Scope, UsageBatch};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, TransactionTrait};
use sea_orm_host::{Migrator, chart_by_parts, chart_by_pool, ingest, model};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

const PORT: OutputPortId = OutputPortId(Uuid::from_u128(1));
const NEWSLETTER: ConsumerId = ConsumerId(Uuid::from_u128(2));
const COCKPIT: ConsumerId = ConsumerId(Uuid::from_u128(3));

async fn connect(database: &throwaway_postgres::Database) -> DatabaseConnection {
    Database::connect(database.url()).await.unwrap()
}

async fn tables(db: &DatabaseConnection) -> i64 {
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname IN ('public', 'usage')";
    let row = db.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, count)).await;
    row.unwrap().unwrap().try_get_by_index(0).unwrap()
}

#[tokio::test]
async fn a_host_of_sea_orm_migrates_up_twice_and_down() {
    let database = throwaway_postgres::database().unwrap();
    let db = connect(&database).await;
    for _ in 0..2 {
        Migrator::up(&db, None).await.unwrap();
        assert_eq!(tables(&db).await, 3 + 3 + 1, "parents, usage and the host's history");
    }
    Migrator::down(&db, Some(2)).await.unwrap();
    assert_eq!(tables(&db).await, 3 + 1);
    Migrator::down(&db, None).await.unwrap();
    assert_eq!(tables(&db).await, 1);
}

#[tokio::test]
async fn a_host_of_sea_orm_ingests_and_charts() {
    let database = throwaway_postgres::database().unwrap();
    let db = connect(&database).await;
    Migrator::up(&db, None).await.unwrap();
    db.execute_unprepared(&format!(
        "INSERT INTO datasets VALUES ('{PORT}', 'Orders');
         INSERT INTO data_products VALUES ('{NEWSLETTER}', 'Newsletter'), ('{COCKPIT}', 'Cockpit');"
    ))
    .await
    .unwrap();

    let model = model().unwrap();
    let [date, next] = [1, 2].map(|day| NaiveDate::from_ymd_opt(2026, 3, day).unwrap());
    let queries = |consumer_id, query_count| OutputPortQueries::new(date, PORT, consumer_id, query_count);
    let batch = UsageBatch::builder(Scope::new(date..next, [PORT]).unwrap())
        .queries(vec![queries(NEWSLETTER, 2), queries(COCKPIT, 6)])
        .build();
    assert_eq!(ingest(&db, &model, &batch).await.unwrap().queries.written, 2);

    let query = model.query(&QueriesOverTime::new(PORT, date..next)).unwrap();
    let by_pool = chart_by_pool(&db, query.clone()).await.unwrap();
    let told: Vec<_> = by_pool.iter().map(|point| (point.bucket, point.query_count)).collect();
    assert_eq!(told, [(date, 8)]);
    assert_eq!(chart_by_parts(&db, query.clone()).await.unwrap(), by_pool);
    let transaction = db.begin().await.unwrap();
    assert_eq!(chart_by_parts(&transaction, query).await.unwrap(), by_pool);
    transaction.commit().await.unwrap();
}
