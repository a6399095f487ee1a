//! The charts of the list.

use std::ops::Range;

use chrono::NaiveDate;

use super::Samples;
use crate::chart::{
    Chart, Compared, Comparison, MostOftenCombinedWith, MostPopularAssets, MostUsedPorts, Overview,
    PortOrder, QueriesOverTime, QueryDistribution, Subject, Summary, Unused,
};
use crate::error::Error;
use crate::model::UsageModel;
use crate::statement::Statement;
use crate::time::Granularity;

/// The statement of each chart.
pub(super) fn of(model: &UsageModel, samples: &Samples) -> Result<Vec<Statement>, Error> {
    let mut charts = Charts { model, samples, statements: Vec::new() };
    for granularity in GRANULARITIES {
        charts.over_time(granularity)?;
    }
    charts.rankings()?;
    charts.subjects()?;
    charts.consumers()?;
    charts.portal()?;
    Ok(charts.statements)
}

const GRANULARITIES: [Granularity; 5] =
    [Granularity::Day, Granularity::Week, Granularity::Month, Granularity::Quarter, Granularity::Year];

struct Charts<'a> {
    model: &'a UsageModel,
    samples: &'a Samples,
    statements: Vec<Statement>,
}

impl Charts<'_> {
    fn days(&self) -> Range<NaiveDate> {
        self.samples.day..self.samples.until
    }

    fn has_groups(&self) -> bool {
        self.model.0.consumers.group.is_some()
    }

    fn add<C: Chart>(&mut self, chart: &C) -> Result<(), Error> {
        self.statements.push(self.model.query(chart)?.into_statement());
        Ok(())
    }

    /// A chart with each comparison.
    fn compared<C>(&mut self, chart: impl Fn(Comparison) -> Compared<C>) -> Result<(), Error>
    where
        Compared<C>: Chart,
    {
        let back = |days| self.samples.day - chrono::Days::new(days);
        let other = Comparison::from(back(90)..back(45));
        let years = [Comparison::YearBefore, Comparison::YearBeforeByWeekday];
        let all = [Comparison::PreviousPeriod].into_iter().chain(years).chain([other]);
        all.into_iter().try_for_each(|comparison| self.add(&chart(comparison)))
    }

    /// The charts over time of an output port.
    fn over_time(&mut self, granularity: Granularity) -> Result<(), Error> {
        let (port, days) = (self.samples.port, self.days());
        let over_time = QueriesOverTime::new(port, days.clone()).granularity(granularity);
        self.add(&over_time)?;
        self.compared(|comparison| over_time.clone().compared_with(comparison))?;
        let split = over_time.clone().split_by_consumer(5);
        self.add(&split)?;
        self.add(&split.compared_with(Comparison::PreviousPeriod))?;
        if self.has_groups() {
            let split = over_time.split_by_group(5);
            self.add(&split)?;
            self.add(&split.compared_with(Comparison::PreviousPeriod))?;
        }
        let of_ports = QueriesOverTime::of_ports([port, self.samples.other], days.clone());
        let of_ports = of_ports.granularity(granularity);
        self.add(&of_ports)?;
        self.add(&of_ports.compared_with(Comparison::PreviousPeriod))?;
        let overview = Overview::new(port, days).granularity(granularity);
        self.add(&overview)?;
        self.add(&overview.compared_with(Comparison::PreviousPeriod))
    }

    /// The charts of an output port that have no granularity.
    fn rankings(&mut self) -> Result<(), Error> {
        let (port, days) = (self.samples.port, self.days());
        let previous = Comparison::PreviousPeriod;
        let distribution = QueryDistribution::new(port, days.clone());
        self.add(&distribution)?;
        self.add(&distribution.clone().with_last_used())?;
        self.compared(|comparison| distribution.clone().compared_with(comparison))?;
        self.add(&distribution.clone().compared_with(previous).include_gone())?;
        if self.has_groups() {
            let by_group = distribution.by_group();
            self.add(&by_group)?;
            self.compared(|comparison| by_group.clone().compared_with(comparison))?;
            self.add(&by_group.compared_with(previous).include_gone())?;
        }
        let assets = MostPopularAssets::new(port, days.clone());
        self.add(&assets)?;
        self.compared(|comparison| assets.clone().compared_with(comparison))?;
        self.add(&assets.compared_with(previous).include_gone())?;
        if self.model.0.combinations.is_some() {
            let combined = MostOftenCombinedWith::new(port, days.clone());
            self.add(&combined)?;
            self.compared(|comparison| combined.clone().compared_with(comparison))?;
            self.add(&combined.compared_with(previous).include_gone())?;
        }
        let summary = Summary::new(port, days);
        self.add(&summary)?;
        self.compared(|comparison| summary.clone().compared_with(comparison))
    }

    /// The charts of other subjects than an output port.
    fn subjects(&mut self) -> Result<(), Error> {
        let id = self.samples.asset;
        let of_port = Subject::TechAssetOfPort { id, output_port_id: self.samples.port };
        for subject in [of_port, Subject::TechAsset { id }, Subject::Portal] {
            for granularity in [Granularity::Day, Granularity::Week] {
                let over_time = QueriesOverTime::new(subject, self.days()).granularity(granularity);
                self.add(&over_time)?;
                self.add(&over_time.clone().compared_with(Comparison::PreviousPeriod))?;
                self.add(&over_time.clone().split_by_consumer(5))?;
                if self.has_groups() {
                    self.add(&over_time.split_by_group(5))?;
                }
            }
            self.add(&QueryDistribution::new(subject, self.days()))?;
            self.add(&Summary::new(subject, self.days()))?;
        }
        Ok(())
    }

    /// The charts for some consumers alone.
    fn consumers(&mut self) -> Result<(), Error> {
        let consumer = self.samples.consumer;
        let port = |charts: &Self| QueriesOverTime::new(charts.samples.port, charts.days());
        let portal = |charts: &Self| QueriesOverTime::new(Subject::Portal, charts.days());
        let weekly = |chart: QueriesOverTime| chart.granularity(Granularity::Week);
        for over_time in [port(self), weekly(port(self)), portal(self), weekly(portal(self))] {
            self.add(&over_time.clone().of_consumer(consumer))?;
            if self.has_groups() {
                self.add(&over_time.clone().of_group(self.samples.group))?;
                self.add(&over_time.of_no_group())?;
            }
        }
        // what a data product reads
        self.add(&portal(self).of_consumer(consumer).split_by_port(5))?;
        self.add(&weekly(portal(self)).of_consumer(consumer).split_by_port(5))?;
        self.add(&portal(self).split_by_port(5))?;
        let ports = MostUsedPorts::new(self.days());
        let previous = Comparison::PreviousPeriod;
        self.add(&ports.clone().of_consumer(consumer))?;
        self.add(&ports.clone().of_consumer(consumer).compared_with(previous).include_gone())?;
        if self.has_groups() {
            self.add(&ports.clone().of_group(self.samples.group))?;
            self.add(&ports.of_group(self.samples.group).compared_with(previous))?;
        }
        self.add(&MostPopularAssets::of_portal(self.days()))?;
        self.add(&MostPopularAssets::of_portal(self.days()).of_consumer(consumer))?;
        self.add(&Summary::new(Subject::Portal, self.days()).of_consumer(consumer))
    }

    /// The output ports of the portal, and what is unused in it.
    fn portal(&mut self) -> Result<(), Error> {
        let ports = MostUsedPorts::new(self.days());
        let list = ports.clone().of_ports([self.samples.port, self.samples.other]);
        for ports in [&ports, &list] {
            self.add(ports)?;
            self.add(&ports.clone().all())?;
        }
        self.compared(|comparison| ports.clone().compared_with(comparison))?;
        let compared = ports.clone().compared_with(Comparison::PreviousPeriod);
        self.add(&compared.clone().include_gone())?;
        for order in [PortOrder::Risers, PortOrder::Fallers] {
            self.add(&compared.clone().order(order))?;
        }
        // for alerts
        let all = ports.all().compared_with(Comparison::PreviousPeriod);
        self.add(&all.order(PortOrder::Fallers))?;
        for unused in [Unused::output_ports, Unused::tech_assets, Unused::consumers] {
            self.add(&unused(self.days()))?;
            self.add(&unused(self.days()).top(10))?;
        }
        Ok(())
    }
}
