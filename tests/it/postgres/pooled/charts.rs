//! Every shape of a chart, on days that no client writes, so that its rows are always the same.

use std::ops::Range;

use chrono::NaiveDate;
use output_port_usage::chart::*;
use output_port_usage::*;

use super::rounds::model;
use crate::portal::{Portal, asset, combination, consumer, day, group, port, queries, scope, touches};
use crate::rows::Listed;

/// What is done with each shape.
pub(super) trait Visit: Send {
    fn visit<C: Chart>(&mut self, chart: &C) -> impl Future<Output = ()> + Send
    where
        C::Row: Listed;
}

/// Later than every day of the clients, with a year before that is theirs neither.
fn days() -> Range<NaiveDate> {
    day(2030, 1, 20)..day(2030, 2, 19)
}

/// Counts of every output port on the days of the charts, of the period and of the year before, each with gaps.
pub(super) async fn fill(portal: &Portal) {
    let scope = scope(day(2029, 1, 1)..day(2030, 3, 1), (0..20).map(port));
    let years = [day(2029, 1, 1)..day(2029, 3, 1), day(2029, 12, 15)..day(2030, 3, 1)];
    let dates =
        years.into_iter().flat_map(|year| year.start.iter_days().take_while(move |date| *date < year.end));
    let is_used =
        |nth: u128, number: u128, by: u128| !(nth + number).is_multiple_of(3) && (nth + number * by) % 4 != 1;
    let (mut ports, mut assets, mut pairs) = (Vec::new(), Vec::new(), Vec::new());
    for (nth, date) in (0..).zip(dates) {
        let cells = (0..20).flat_map(|number| (0..6).map(move |by| (number, by)));
        for (number, by) in cells.filter(|(number, by)| is_used(nth, *number, *by)) {
            let count = (1 + (nth * 7 + number * 3 + by * 5) % 11) as u64;
            ports.push(queries(date, port(number), consumer(by), count));
            assets.push(touches(date, port(number), asset((number + by) % 7), consumer(by), count));
            if number % 2 == 0 && is_used(nth, number + 1, by) {
                pairs.push(combination(date, port(number), port(number + 1), consumer(by), 1));
            }
        }
    }
    let batch = UsageBatch::builder(scope).queries(ports).touches(assets).combinations(pairs).build();
    portal.replace(&batch).await;
}

/// Each chart of [`UsageModel::statements`].
pub(super) async fn every(to: &mut impl Visit) {
    for granularity in
        [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year]
    {
        over_time(to, granularity).await;
    }
    rankings(to).await;
    subjects(to).await;
    consumers(to).await;
    portal(to).await;
}

const PREVIOUS: Comparison = Comparison::PreviousPeriod;

fn comparisons() -> [Comparison; 4] {
    let other = Comparison::from(day(2029, 2, 1)..day(2029, 2, 11));
    [PREVIOUS, Comparison::YearBefore, Comparison::YearBeforeByWeekday, other]
}

async fn over_time(to: &mut impl Visit, granularity: Granularity) {
    let over_time = || QueriesOverTime::new(port(1), days()).granularity(granularity);
    to.visit(&over_time()).await;
    for comparison in comparisons() {
        to.visit(&over_time().compared_with(comparison)).await;
    }
    to.visit(&over_time().split_by_consumer(3)).await;
    to.visit(&over_time().split_by_consumer(3).compared_with(PREVIOUS)).await;
    to.visit(&over_time().split_by_group(1)).await;
    to.visit(&over_time().split_by_group(1).compared_with(PREVIOUS)).await;
    let of_ports = || QueriesOverTime::of_ports([port(1), port(4)], days()).granularity(granularity);
    to.visit(&of_ports()).await;
    to.visit(&of_ports().compared_with(PREVIOUS)).await;
    let overview = || Overview::new(port(1), days()).granularity(granularity);
    to.visit(&overview()).await;
    to.visit(&overview().compared_with(PREVIOUS)).await;
}

async fn rankings(to: &mut impl Visit) {
    let distribution = || QueryDistribution::new(port(2), days()).top(3);
    to.visit(&distribution()).await;
    to.visit(&distribution().with_last_used()).await;
    to.visit(&distribution().compared_with(PREVIOUS).include_gone()).await;
    to.visit(&distribution().by_group()).await;
    to.visit(&distribution().by_group().compared_with(PREVIOUS).include_gone()).await;
    let assets = || MostPopularAssets::new(port(3), days());
    to.visit(&assets()).await;
    to.visit(&assets().compared_with(PREVIOUS).include_gone()).await;
    let combined = || MostOftenCombinedWith::new(port(2), days());
    to.visit(&combined()).await;
    to.visit(&combined().compared_with(PREVIOUS).include_gone()).await;
    to.visit(&Summary::new(port(5), days())).await;
    for comparison in comparisons() {
        to.visit(&distribution().compared_with(comparison)).await;
        to.visit(&distribution().by_group().compared_with(comparison)).await;
        to.visit(&assets().compared_with(comparison)).await;
        to.visit(&combined().compared_with(comparison)).await;
        to.visit(&Summary::new(port(5), days()).compared_with(comparison)).await;
    }
}

async fn subjects(to: &mut impl Visit) {
    let of_port = Subject::TechAssetOfPort { id: asset(1), output_port_id: port(1) };
    for subject in [of_port, asset(1).into(), Subject::Portal] {
        for granularity in [Granularity::Day, Granularity::Week] {
            let over_time = || QueriesOverTime::new(subject, days()).granularity(granularity);
            to.visit(&over_time()).await;
            to.visit(&over_time().compared_with(PREVIOUS)).await;
            to.visit(&over_time().split_by_consumer(3)).await;
            to.visit(&over_time().split_by_group(1)).await;
        }
        to.visit(&QueryDistribution::new(subject, days())).await;
        to.visit(&Summary::new(subject, days())).await;
    }
}

async fn consumers(to: &mut impl Visit) {
    for subject in [Subject::from(port(1)), Subject::Portal] {
        for granularity in [Granularity::Day, Granularity::Week] {
            let over_time = || QueriesOverTime::new(subject, days()).granularity(granularity);
            to.visit(&over_time().of_consumer(consumer(1))).await;
            to.visit(&over_time().of_group(group(1))).await;
            to.visit(&over_time().of_no_group()).await;
            if subject == Subject::Portal {
                to.visit(&over_time().of_consumer(consumer(1)).split_by_port(3)).await;
                to.visit(&over_time().split_by_port(3)).await;
            }
        }
    }
    let ports = || MostUsedPorts::new(days());
    to.visit(&ports().of_consumer(consumer(1))).await;
    to.visit(&ports().of_consumer(consumer(1)).compared_with(PREVIOUS).include_gone()).await;
    to.visit(&ports().of_group(group(1))).await;
    to.visit(&ports().of_group(group(1)).compared_with(PREVIOUS)).await;
    to.visit(&MostPopularAssets::of_portal(days())).await;
    to.visit(&MostPopularAssets::of_portal(days()).of_consumer(consumer(1))).await;
    to.visit(&Summary::new(Subject::Portal, days()).of_consumer(consumer(1))).await;
}

async fn portal(to: &mut impl Visit) {
    let ports = || MostUsedPorts::new(days());
    for ports in [ports(), ports().of_ports([port(1), port(4)])] {
        to.visit(&ports).await;
        to.visit(&ports.all()).await;
    }
    for comparison in comparisons() {
        to.visit(&ports().compared_with(comparison)).await;
    }
    to.visit(&ports().compared_with(PREVIOUS).include_gone()).await;
    to.visit(&ports().compared_with(PREVIOUS).order(PortOrder::Risers)).await;
    to.visit(&ports().compared_with(PREVIOUS).order(PortOrder::Fallers)).await;
    to.visit(&ports().all().compared_with(PREVIOUS).order(PortOrder::Fallers)).await;
    // the last of the days has not all of them
    let one_day = day(2030, 2, 28)..day(2030, 3, 1);
    for unused in [Unused::output_ports, Unused::tech_assets, Unused::consumers] {
        to.visit(&unused(one_day.clone())).await;
        to.visit(&unused(one_day.clone()).top(2)).await;
    }
}

struct Titles(Vec<String>);

impl Visit for Titles {
    async fn visit<C: Chart>(&mut self, chart: &C)
    where
        C::Row: Listed,
    {
        self.0.push(model().query(chart).unwrap().title().to_owned());
    }
}

#[tokio::test]
async fn every_chart_of_the_model_is_read_behind_the_pooler() {
    let mut titles = Titles(Vec::new());
    every(&mut titles).await;
    let first = titles.0[0].clone();
    // charts are the end of the list
    let of_model = model().statements().into_iter().map(|(title, _)| title);
    let missing: Vec<_> =
        of_model.skip_while(|title| *title != first).filter(|title| !titles.0.contains(title)).collect();
    assert_eq!(missing, [""; 0]);
    assert!(titles.0.len() > 150, "{}", titles.0.len());
}
