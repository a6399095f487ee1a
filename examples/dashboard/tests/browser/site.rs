//! The server of the pages over a database of its own.

use std::time::Duration;

use output_port_usage::chart::Chart;
use output_port_usage::{UsageModel, UsageModelBuilder};
use serde_json::Value;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use throwaway_postgres::Database;
use usage_dashboard::{Host, Parents, Today};

use crate::facts;

pub(crate) struct Site {
    /// `http://127.0.0.1:` and the port.
    pub(crate) address: String,
    pub(crate) pool: PgPool,
    model: UsageModel,
    pub(crate) database: Database,
}

impl Site {
    /// With the facts that the tests know.
    pub(crate) async fn open() -> Self {
        let site = Self::without_usage().await;
        for batch in facts::batches() {
            let mut transaction = site.pool.begin().await.unwrap();
            site.model.replace(&batch).unwrap().run_sqlx(&mut transaction).await.unwrap();
            transaction.commit().await.unwrap();
        }
        site
    }

    /// With the portal's tables and their rows, none of which was ever used.
    pub(crate) async fn without_usage() -> Self {
        let database = throwaway_postgres::database().unwrap();
        let options = PgPoolOptions::new().max_connections(5).acquire_timeout(Duration::from_secs(2));
        let pool = options.connect(database.url()).await.unwrap();
        let builder: UsageModelBuilder = serde_json::from_str(access_log::MODEL).unwrap();
        let parents = Parents::of(&builder).unwrap();
        let model = builder.build().unwrap();
        create_parents(&pool).await;
        sample_portal::create_tables(&pool, &model).await.unwrap();

        let host = Host {
            pool: pool.clone(),
            model: model.clone(),
            parents,
            today: Today::Fixed(facts::date(facts::TODAY)),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async { axum::serve(listener, usage_dashboard::routes(host)).await });
        Self { address, pool, model, database }
    }

    /// What the library answers, as JSON and as CSV, without the server.
    pub(crate) async fn rows<C: Chart>(&self, chart: &C) -> (Vec<Value>, String) {
        let rows = self.model.query(chart).unwrap().into_sqlx().fetch_all(&self.pool).await.unwrap();
        let mut file = csv::Writer::from_writer(Vec::new());
        chart.records(&rows).unwrap().iter().for_each(|record| file.serialize(record).unwrap());
        let file = String::from_utf8(file.into_inner().unwrap()).unwrap();
        (rows.iter().map(|row| serde_json::to_value(row).unwrap()).collect(), file)
    }

    /// Gives a row of the portal another name.
    pub(crate) async fn rename(&self, table: &'static str, id: uuid::Uuid, name: &str) {
        let mut update = sqlx::QueryBuilder::new("UPDATE portal.");
        update.push(table).push(" SET name = ").push_bind(name).push(" WHERE id = ").push_bind(id);
        assert_eq!(update.build().execute(&self.pool).await.unwrap().rows_affected(), 1, "{table} {id}");
    }
}

async fn create_parents(pool: &PgPool) {
    sqlx::raw_sql(access_log::PARENTS).execute(pool).await.unwrap();
    for (table, id, name) in facts::parents() {
        let mut insert = sqlx::QueryBuilder::new("INSERT INTO portal.");
        insert.push(table).push(" (id, name) VALUES (").push_bind(id).push(", ").push_bind(name).push(")");
        insert.build().execute(pool).await.unwrap();
    }
    // the last that reads has none
    for at in 1..facts::CONSUMERS - 1 {
        sqlx::query("UPDATE portal.data_products SET domain_id = $1 WHERE id = $2")
            .bind(facts::domain(at % facts::DOMAINS + 1))
            .bind(facts::consumer(at).0)
            .execute(pool)
            .await
            .unwrap();
    }
}
