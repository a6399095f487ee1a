//! Every text that a model renders.

use output_port_usage::Granularity::Month;
use output_port_usage::chart::*;
use output_port_usage::*;

use crate::portal::{asset, consumer, day, port, queries, scope, touches};

/// In how many forms a statement is rendered.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Forms {
    /// The text that is sent.
    Sent,
    /// That, with literals, and in lines.
    All,
}

pub(super) fn texts(model: &UsageModel, forms: Forms) -> Vec<String> {
    let mut texts = Vec::new();
    for migration in model.migrations() {
        texts.extend([migration.up().to_owned(), migration.down().to_owned()]);
    }
    for statement in statements(model) {
        texts.push(statement.sql().to_owned());
        if forms == Forms::All {
            texts.push(statement.pretty());
            // the lock's key is a hash of the model's names, and others look names up in the catalog: shown as
            // literals they differ by right
            let in_values = |text: &String| ["advisory", "pg_catalog"].iter().any(|by| text.contains(by));
            texts.extend(Some(statement.to_string()).filter(|text| !in_values(text)));
        }
    }
    let days = || day(2026, 1, 1)..day(2026, 2, 1);
    let before = Comparison::PreviousPeriod;
    add(&mut texts, forms, model.reconcile(days()));
    let mut chart = Charts { texts: &mut texts, forms, model };
    for granularity in [Granularity::Day, Month] {
        let over_time = || QueriesOverTime::new(port(1), days()).granularity(granularity);
        chart.add(&over_time());
        chart.add(&over_time().compared_with(before));
        chart.add(&over_time().split_by_consumer(3));
        chart.add(&QueriesOverTime::of_ports([port(1)], days()).granularity(granularity));
        chart.add(&Overview::new(port(1), days()).granularity(granularity));
    }
    let distribution = || QueryDistribution::new(port(1), days());
    chart.add(&distribution());
    chart.add(&distribution().compared_with(before));
    chart.add(&distribution().by_group());
    chart.add(&distribution().by_group().compared_with(before));
    chart.add(&MostPopularAssets::new(port(1), days()));
    chart.add(&MostPopularAssets::new(port(1), days()).compared_with(before));
    chart.add(&MostOftenCombinedWith::new(port(1), days()));
    chart.add(&Summary::new(port(1), days()));
    chart.add(&Summary::new(port(1), days()).compared_with(before));
    texts
}

fn statements(model: &UsageModel) -> Vec<Statement> {
    let first = day(2026, 1, 1);
    let rows = vec![queries(first, port(1), consumer(1), 1)];
    let batch = UsageBatch::builder(scope(first..day(2026, 2, 1), [port(1)]))
        .queries(rows)
        .touches(vec![touches(first, port(1), asset(1), consumer(1), 1)])
        .combinations(Vec::new())
        .build();
    [
        model.create_tables(),
        model.drop_tables(),
        model.replace(&batch).unwrap().statements(),
        model.upsert(&batch).unwrap().statements(),
        model.backfill(batch.scope().clone()).unwrap().statements(),
        model.backfill(batch.scope().clone()).unwrap().replace_existing().statements(),
        model.backfill(batch.scope().clone()).unwrap().keep_keys().statements(),
        model.distribute(Distribution::Citus),
        model.distribute(Distribution::TimescaleDb),
        model.delete(port(1), consumer(1), first).unwrap().statements(),
        model.purge(&Purge::before(first)).unwrap().statements(),
        vec![model.create_schema()],
        model.vacuum(),
    ]
    .concat()
}

struct Charts<'a> {
    texts: &'a mut Vec<String>,
    forms: Forms,
    model: &'a UsageModel,
}

impl Charts<'_> {
    fn add<C: Chart>(&mut self, chart: &C) {
        add(self.texts, self.forms, self.model.query(chart));
    }
}

fn add<T>(texts: &mut Vec<String>, forms: Forms, query: Result<Query<T>, Error>) {
    let query = query.unwrap();
    texts.push(query.sql().to_owned());
    if forms == Forms::All {
        texts.extend([query.to_string(), query.pretty()]);
    }
}
