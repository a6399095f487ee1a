//! A schema for each tenant, with a history in each.

use output_port_usage::chart::Summary;
use output_port_usage::*;

use super::{empty, refinery as by_refinery, sqlx as by_sqlx};
use crate::driver::twins_agree::twins::connect;
use crate::portal::{Portal, consumer, day, port, queries, scope};

const TENANTS: [&str; 3] = ["acme", "Globex", "Schön & Co."];

/// The tenant's own schema holds the tables and their parents.
fn model(tenant: &str, has_coverage: bool) -> UsageModel {
    let parent = |table| Reference::to(table).schema(tenant);
    let builder = UsageModel::builder()
        .schema(tenant)
        .output_ports(parent("datasets"))
        .consumers(parent("data_products"))
        .tech_assets(parent("technical_assets"));
    if has_coverage { builder.coverage().build().unwrap() } else { builder.build().unwrap() }
}

/// The recipe of the guide; no model has a schema with a quote in its name.
fn history(tenant: &str) -> String {
    format!("\"{tenant}\".usage_migrations")
}

async fn parents(tenant: &str, portal: &Portal) {
    let parents = format!(
        r#"CREATE SCHEMA "{tenant}"; SET search_path TO "{tenant}";
        CREATE TABLE datasets (id uuid PRIMARY KEY); INSERT INTO datasets VALUES ('{}');
        CREATE TABLE data_products (id uuid PRIMARY KEY); INSERT INTO data_products VALUES ('{}');
        CREATE TABLE technical_assets (id uuid PRIMARY KEY);"#,
        port(1),
        consumer(1)
    );
    connect(portal).await.batch_execute(&parents).await.unwrap();
}

/// Counts so many queries of the tenant, and reads those of each.
async fn counts_its_own(portal: &mut Portal, tenant: usize, count: u64, all: [u64; 3]) {
    let days = day(2026, 1, 1)..day(2026, 1, 2);
    portal.model = model(TENANTS[tenant], false);
    let batch = UsageBatch::builder(scope(days.clone(), [port(1)]));
    portal.replace(&batch.queries(vec![queries(days.start, port(1), consumer(1), count)]).build()).await;
    for (tenant, count) in TENANTS.iter().zip(all) {
        portal.model = model(tenant, false);
        let summary = portal.rows(&Summary::new(port(1), days.clone())).await;
        assert_eq!(summary[0].query_count.unsigned_abs(), count, "{tenant}");
    }
}

/// As [`by_sqlx::with_own_history`] or [`by_refinery::with_own_history`] runs it.
#[derive(Clone, Copy)]
enum Tool {
    Sqlx,
    Refinery,
}

async fn migrate(tool: Tool, tenant: &str, has_coverage: bool, portal: &Portal) {
    let (model, history) = (model(tenant, has_coverage), history(tenant));
    match tool {
        Tool::Sqlx => by_sqlx::with_own_history(&model, &history).run(&portal.pool).await.unwrap(),
        Tool::Refinery => {
            let mut client = connect(portal).await;
            by_refinery::with_own_history(&model, &history).run_async(&mut client).await.unwrap();
        }
    }
}

#[tokio::test]
async fn each_tenant_has_its_tables_its_history_and_its_counts() {
    for tool in [Tool::Sqlx, Tool::Refinery] {
        let mut portal = empty(model(TENANTS[0], false)).await;
        for tenant in TENANTS {
            parents(tenant, &portal).await;
        }
        for tenant in [TENANTS, TENANTS].concat() {
            migrate(tool, tenant, false, &portal).await;
        }
        counts_its_own(&mut portal, 0, 7, [7, 0, 0]).await;
        counts_its_own(&mut portal, 2, 5, [7, 0, 5]).await;
        // one has the next release before the others
        for _ in 0..2 {
            migrate(tool, TENANTS[1], true, &portal).await;
        }
        counts_its_own(&mut portal, 1, 3, [7, 3, 5]).await;
        let versions = |tenant| format!("SELECT version::text FROM {} ORDER BY version", history(tenant));
        assert_eq!(portal.texts(&versions(TENANTS[0])).await, ["1"]);
        assert_eq!(portal.texts(&versions(TENANTS[1])).await, ["1", "5"]);
        let with = "SELECT schemaname FROM pg_tables WHERE tablename = 'output_port_usage_coverage'";
        assert_eq!(portal.texts(with).await, [TENANTS[1]]);
    }
}
