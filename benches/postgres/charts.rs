//! Which charts are read: a median and a heavy output port, from a month to three years.

use std::ops::Range;

use chrono::{Days, Months, NaiveDate};
use output_port_usage::Granularity::{Day, Month, Week};
use uuid::Uuid;

use crate::data::{DAYS, Portal, end, first_day};
use crate::request::{Kind, Request};

/// The last days of the data.
pub(crate) fn last(days: u64) -> Range<NaiveDate> {
    end() - Days::new(days)..end()
}

fn last_year() -> Range<NaiveDate> {
    end() - Months::new(12)..end()
}

/// What is asked of an output port.
pub(crate) fn of_port(port: Uuid) -> Vec<Request> {
    let request = |kind, days, granularity| Request::new(kind, port, days, granularity);
    let three_years = || last(DAYS);
    vec![
        request(Kind::OverTime, last(30), Day),
        request(Kind::OverTime, last(90), Day),
        request(Kind::OverTime, last_year(), Week),
        request(Kind::OverTime, three_years(), Month),
        request(Kind::Distribution, last_year(), Day),
        request(Kind::ByGroup, last_year(), Day),
        request(Kind::Assets, last_year(), Day),
        request(Kind::CombinedWith, last_year(), Day),
        request(Kind::Split, last(90), Day),
        request(Kind::Split, last_year(), Day),
        request(Kind::Split, last_year(), Week),
        request(Kind::Split, three_years(), Day),
        request(Kind::Summary, last_year(), Day),
        request(Kind::Overview, last(90), Day),
        request(Kind::Overview, last_year(), Day),
        request(Kind::Overview, last_year(), Week),
        request(Kind::Overview, three_years(), Day),
    ]
}

/// 50 output ports of all sizes in one request.
pub(crate) fn of_ports(portal: &Portal) -> Request {
    // of so few consumers that a quarter without a query is possible, nobody has a sparkline
    let mut sizes = vec![0; portal.ports.len()];
    portal.pairs.iter().for_each(|pair| sizes[pair.port] += 1);
    let large = portal.ports.iter().zip(sizes).filter(|(_, consumers)| *consumers >= 5);
    let ports: Vec<Uuid> = large.map(|(port, _)| port.id).collect();
    let step = (ports.len() / 50).max(1);
    let ports = ports.into_iter().step_by(step).take(50).collect();
    Request { kind: Kind::OfPorts, ports, days: last(90), granularity: Week }
}

/// The chart whose time is drawn against its range.
pub(crate) fn ranges(port: Uuid) -> Vec<Request> {
    let days = [30, 60, 90, 180, 365, 730, DAYS];
    days.map(|days| Request::new(Kind::OverTime, port, last(days), Week)).into()
}

/// The charts whose time is drawn against the rows: of so many of the days before this one.
pub(crate) fn recent(port: Uuid, until: NaiveDate, days: u64) -> Option<Request> {
    let days = until - Days::new(days)..until;
    (days.start >= first_day()).then(|| Request::new(Kind::OverTime, port, days, Day))
}
