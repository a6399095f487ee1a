//! What the planner makes of the pages of a tech asset and of a consumer, and of what an output port's charts say of one
//! consumer or one group; the goals are those of `plans`.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;
use uuid::Uuid;

use crate::chart::plans::{costs, explain};
use crate::portal::{Portal, QUERY_STATS, TOUCH_STATS, asset, builder, consumer, day, group, port};

const PORTS: u128 = 60;
const CONSUMERS: u128 = 400;
/// A tech asset of one output port, and one of three.
const ASSETS: [u128; 2] = [7, 1000];
/// What looking up ten labels may read: two pages of the parent's key and one of the parent each.
const LABELS: u64 = 3 * 10;

#[tokio::test]
async fn pages_read_their_own_rows_of_a_key_and_filters_those_of_the_output_port() {
    let model = builder().combinations().read_by_consumer().read_by_tech_asset().build().unwrap();
    let tables = Tables { portal: filled(model).await };
    for days in [day(2026, 10, 1)..day(2027, 1, 1), day(2026, 1, 1)..day(2027, 1, 1)] {
        for number in ASSETS {
            tables.page_of_asset(asset(number), &days).await;
        }
        tables.page_of_consumer(consumer(50), &days).await;
        let floors = [
            tables.floor(QUERY_STATS, "output_port_id", port(7).0, &days).await,
            tables.floor(TOUCH_STATS, "output_port_id", port(7).0, &days).await,
        ];
        tables.filters(Filter::Consumer, floors, &days).await;
        // the pages of the consumers, which are looked through once
        let pages = tables.pages_of_consumers().await;
        tables.filters(Filter::Group, floors.map(|floor| floor + pages), &days).await;
        tables.filters(Filter::NoGroup, floors.map(|floor| floor + pages), &days).await;
    }
}

struct Tables {
    portal: Portal,
}

#[derive(Clone, Copy)]
enum Filter {
    Consumer,
    Group,
    NoGroup,
}

/// The setters of a filter, which requests share by name alone.
macro_rules! filtered {
    ($filter:expr, $chart:expr) => {
        match $filter {
            Filter::Consumer => $chart.of_consumer(consumer(50)),
            Filter::Group => $chart.of_group(group(3)),
            Filter::NoGroup => $chart.of_no_group(),
        }
    };
}

impl Tables {
    async fn page_of_asset(&self, of: TechAssetId, days: &Range<NaiveDate>) {
        let own = self.floor(TOUCH_STATS, "tech_asset_id", of.0, days).await;
        let before = Comparison::PreviousPeriod.days(days).unwrap();
        let both = own + self.floor(TOUCH_STATS, "tech_asset_id", of.0, &before).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(of, days.clone()).granularity(granularity);
            let above = self.above(&chart).await;
            self.check(&chart, TOUCH_STATS, 1, own + above).await;
            let split = chart.split_by_consumer(5);
            self.check(&split, TOUCH_STATS, 1, own + above + 4 * 5).await;
        }
        let who = QueryDistribution::new(of, days.clone()).with_last_used();
        self.check(&who, TOUCH_STATS, 1, own + LABELS + 5).await;
        self.check(&who.compared_with(Comparison::PreviousPeriod), TOUCH_STATS, 2, both + LABELS + 5).await;
        let summary = Summary::new(of, days.clone());
        self.check(&summary, TOUCH_STATS, 1, own + 5).await;
        self.check(&summary.compared_with(Comparison::PreviousPeriod), TOUCH_STATS, 2, both + 5).await;
    }

    async fn page_of_consumer(&self, of: ConsumerId, days: &Range<NaiveDate>) {
        let queries = self.floor(QUERY_STATS, "consumer_id", of.0, days).await;
        let touches = self.floor(TOUCH_STATS, "consumer_id", of.0, days).await;
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(Subject::Portal, days.clone());
            let chart = chart.of_consumer(of).granularity(granularity);
            let above = self.above(&chart).await;
            self.check(&chart, QUERY_STATS, 1, queries + above).await;
            self.check(&chart.split_by_port(5), QUERY_STATS, 1, queries + above + 4 * 5).await;
        }
        let summary = Summary::new(Subject::Portal, days.clone()).of_consumer(of);
        self.check(&summary, QUERY_STATS, 1, queries + 5).await;
        let assets = MostPopularAssets::of_portal(days.clone()).of_consumer(of);
        self.check(&assets, TOUCH_STATS, 1, touches + LABELS + 5).await;
    }

    async fn filters(&self, by: Filter, [queries, touches]: [u64; 2], days: &Range<NaiveDate>) {
        for granularity in [Granularity::Day, Granularity::Week, Granularity::Month] {
            let chart = QueriesOverTime::new(port(7), days.clone()).granularity(granularity);
            let chart = filtered!(by, chart);
            let above = self.above(&chart).await;
            self.check(&chart, QUERY_STATS, 1, queries + above).await;
            self.check(&chart.split_by_consumer(5), QUERY_STATS, 1, queries + above + 4 * 5).await;
        }
        let summary = filtered!(by, Summary::new(port(7), days.clone()));
        self.check(&summary, QUERY_STATS, 1, queries + 5).await;
        let assets = filtered!(by, MostPopularAssets::new(port(7), days.clone()));
        self.check(&assets, TOUCH_STATS, 1, touches + LABELS + 5).await;
    }

    /// What a chart over time may read above its floor: by day once, otherwise in each bucket.
    async fn above(&self, chart: &QueriesOverTime) -> u64 {
        match chart.buckets().unwrap().len() as u64 {
            buckets if buckets > 53 => 5,
            buckets => 4 * buckets + 5,
        }
    }

    /// Planned for its values and for any: so many scans of keys alone, and so many buffers at most.
    async fn check<C: Chart>(&self, chart: &C, table: &str, scans: usize, most: u64) {
        let Portal { model, .. } = &self.portal;
        let text = model.query(chart).unwrap().to_string();
        for cost in costs(&self.portal, model, chart).await {
            assert_eq!((cost.heap_fetches, cost.temp_blocks), (0, 0), "{cost:?}");
            assert_eq!(cost.nodes, vec![format!("Index Only Scan on {table}"); scans], "{text}");
            assert!(cost.buffers <= most, "{} buffers, at most {most}: {text}", cost.buffers);
        }
    }

    /// The buffers of an index-only SUM of the rows with an id.
    async fn floor(&self, table: &str, column: &str, id: Uuid, days: &Range<NaiveDate>) -> u64 {
        let mut connection = self.portal.pool.acquire().await.unwrap();
        let sql = format!(
            "SELECT sum(query_count) FROM usage.{table} WHERE {column} = $1 AND date >= $2 AND date < $3"
        );
        let sum = sqlx::query_scalar::<_, Option<i64>>(sqlx::AssertSqlSafe(sql.clone()));
        let sum = sum.bind(id).bind(days.start).bind(days.end).fetch_one(&mut *connection).await.unwrap();
        assert!(sum > Some(500), "{sum:?} of {table} by {column}");
        let values = sea_query::Values(vec![id.into(), days.start.into(), days.end.into()]);
        let floor = explain(&mut connection, &sql, values).await;
        assert_eq!(floor.nodes, [format!("Index Only Scan on {table}")]);
        floor.buffers
    }

    async fn pages_of_consumers(&self) -> u64 {
        let pages = "SELECT pg_relation_size('portal.data_products') / 8192";
        sqlx::query_scalar::<_, i64>(pages).fetch_one(&self.portal.pool).await.unwrap() as u64
    }
}

/// Two years of ports with five tech assets and twelve consumers each, most of whom read one or two ports on two days of
/// three; three ports share a tech asset. Of eight groups one is nobody's.
async fn filled(model: UsageModel) -> Portal {
    let portal = Portal::with(model).await;
    let ids = |count: u128, id: fn(u128) -> Uuid| (0..count).map(id).collect::<Vec<_>>();
    let ports = ids(PORTS, |n| port(n).0);
    let consumers = ids(CONSUMERS, |n| consumer(n).0);
    let assets = [ids(5 * PORTS, |n| asset(n).0), vec![asset(ASSETS[1]).0]].concat();
    for (table, ids) in [("datasets", &ports), ("data_products", &consumers), ("technical_assets", &assets)] {
        let parents = format!(
            "INSERT INTO portal.{table} (id, name) SELECT id, id::text FROM unnest($1::uuid[]) AS u(id)
            ON CONFLICT DO NOTHING"
        );
        sqlx::query(sqlx::AssertSqlSafe(parents)).bind(ids).execute(&portal.pool).await.unwrap();
    }
    let groups = "UPDATE portal.data_products AS p SET domain_id = ($2::uuid[])[u.n % 8]
        FROM unnest($1::uuid[]) WITH ORDINALITY AS u(id, n) WHERE u.id = p.id";
    let of = ids(7, |n| group(n).0);
    sqlx::query(groups).bind(&consumers).bind(&of).execute(&portal.pool).await.unwrap();
    let mut connection = portal.pool.acquire().await.unwrap();
    // without the checks of foreign keys, which take most of the time
    sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
    // day by day, as daily ingests lay rows out
    let queries =
        "INSERT INTO usage.output_port_query_stats_daily (date, output_port_id, consumer_id, query_count)
        SELECT date '2025-01-01' + d, p.id, ($2::uuid[])[1 + (7 * p.n + c) % $3], 3 + (p.n + c + d) % 9
        FROM generate_series(0, 729) AS d, unnest($1::uuid[]) WITH ORDINALITY AS p(id, n), generate_series(0, 11) AS c
        WHERE (p.n + c + d) % 3 > 0
        ORDER BY d, p.id, 3";
    let queries = sqlx::query(queries).bind(&ports).bind(&consumers).bind(CONSUMERS as i64);
    let written = queries.execute(&mut *connection).await.unwrap().rows_affected();
    assert_eq!(written, 730 * PORTS as u64 * 12 * 2 / 3);
    let touches =
        "INSERT INTO usage.tech_asset_stats_daily (date, output_port_id, tech_asset_id, consumer_id, query_count)
        SELECT q.date, q.output_port_id, a.id, q.consumer_id, q.query_count
        FROM usage.output_port_query_stats_daily AS q
        JOIN unnest($1::uuid[]) WITH ORDINALITY AS p(id, n) ON p.id = q.output_port_id
        JOIN unnest($2::uuid[]) WITH ORDINALITY AS a(id, n) ON a.n <= 5 * $3 AND a.n % $3 = p.n % $3
                AND (a.n / $3 + q.query_count) % 5 < 2
            OR a.n > 5 * $3 AND p.n <= 3
        ORDER BY q.date, q.output_port_id, a.id, q.consumer_id";
    let touches = sqlx::query(touches).bind(&ports).bind(&assets).bind(PORTS as i64);
    let written = touches.execute(&mut *connection).await.unwrap().rows_affected();
    assert!(written > 500_000, "{written}");
    connection.close().await.unwrap();
    portal.vacuum().await;
    let parents =
        "VACUUM ANALYZE portal.datasets, portal.data_products, portal.technical_assets, portal.domains";
    sqlx::raw_sql(parents).execute(&portal.pool).await.unwrap();
    portal
}
