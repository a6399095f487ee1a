//! A log's rhythm: weekdays, growth, office hours, newcomers and idle ports.

use std::collections::{BTreeMap, BTreeSet};

use access_log::{Event, Portal, Shape, ShapeError};
use chrono::{Datelike, NaiveDate, Timelike};

use crate::scan::Scan;

#[test]
fn the_log_holds_as_many_queries_as_asked_for_on_the_days_asked_for() {
    for (queries, days) in [(2_000, 120), (1, 3), (999, 5)] {
        let shape = Shape { queries, days, ..Shape::default() };
        let scan = Scan::of(shape);
        let ids: BTreeSet<_> = scan.rows.iter().map(|row| row.text("query_id")).collect();
        assert_eq!(ids.len() as u64, queries);
        let first_day = shape.until - chrono::Days::new(days.into());
        assert!(scan.rows.iter().all(|row| (first_day..shape.until).contains(&scan.local(row).date())));
    }
}

#[test]
fn weekdays_are_busier_than_weekends_and_the_last_month_than_the_first() {
    let scan = Scan::of_default();
    let mut by_day: BTreeMap<NaiveDate, u32> = BTreeMap::new();
    for row in &scan.rows {
        *by_day.entry(scan.local(row).date()).or_default() += 1;
    }
    assert_eq!(by_day.len(), 120);
    let weekly = |weekend: bool| {
        let days = by_day.iter().filter(|(day, _)| (day.weekday().num_days_from_monday() > 4) == weekend);
        days.map(|(_, rows)| rows).sum::<u32>()
    };
    assert!(weekly(false) > 10 * weekly(true), "{} against {}", weekly(false), weekly(true));
    let (first, last): (u32, u32) = (by_day.values().take(28).sum(), by_day.values().rev().take(28).sum());
    assert!(10 * last > 13 * first, "{first} grows to {last}");
}

#[test]
fn people_keep_office_hours_on_both_sides_of_the_clock_change() {
    let scan = Scan::of_default();
    let changed = NaiveDate::from_ymd_opt(2026, 3, 29).unwrap();
    for summer in [false, true] {
        let hours: Vec<u32> = scan
            .rows
            .iter()
            .filter(|row| (scan.local(row).date() >= changed) == summer)
            .filter(|row| row.text("user_name").is_some_and(|user| user.starts_with("ANNA_")))
            .map(|row| scan.local(row).hour())
            .collect();
        assert!(hours.len() > 20);
        assert!(hours.iter().all(|hour| (6..22).contains(hour)), "{hours:?}");
    }
}

#[test]
fn one_consumer_starts_late_and_one_output_port_is_nearly_idle() {
    let scan = Scan::of_default();
    let mut first_days = BTreeMap::new();
    let mut reads = vec![0_usize; 8];
    for row in &scan.rows {
        if let Some(consumer) = scan.consumer(row) {
            first_days.entry(consumer).or_insert(scan.local(row).date());
            scan.ports(row).flat_map(|(_, ports)| ports).for_each(|port| reads[*port] += 1);
        }
    }
    let start = NaiveDate::from_ymd_opt(2026, 3, 3).unwrap();
    let late = first_days.iter().filter(|(_, day)| (**day - start).num_days() > 60).count();
    assert_eq!((first_days.len(), late), (12, 1));
    assert!((1..100).contains(&reads[7]), "{reads:?}");
    assert!(reads[..7].iter().all(|reads| *reads > 500), "{reads:?}");
}

#[test]
fn a_large_portal_has_names_of_its_own_for_everything() {
    let shape = Shape {
        output_ports: 100,
        tech_assets: 700,
        consumers: 150,
        domains: 9,
        queries: 500,
        ..Shape::default()
    };
    let portal = Portal::new(shape).unwrap();
    let mapping = portal.mapping();
    let text = serde_json::to_vec(mapping).unwrap();
    assert_eq!(&access_log::Mapping::read(text.as_slice()).unwrap(), mapping);
    let sizes = (
        mapping.output_ports.len(),
        mapping.tech_assets.len(),
        mapping.consumers.len(),
        mapping.domains.len(),
    );
    assert_eq!(sizes, (100, 700, 150, 9));
    let objects: BTreeSet<_> = mapping.tech_assets.iter().map(|asset| &asset.objects[0]).collect();
    assert_eq!(objects.len(), 700);
    let principals =
        || mapping.consumers.iter().flat_map(|consumer| consumer.users.iter().chain(&consumer.roles));
    assert_eq!(principals().collect::<BTreeSet<_>>().len(), principals().count());
    let names: BTreeSet<_> = mapping.output_ports.iter().map(|port| &port.name).collect();
    assert_eq!(names.len(), 100);
}

#[test]
fn plain_events_say_what_the_lines_say() {
    let scan = Scan::of(Shape { queries: 2000, ..Shape::default() });
    let portal = Portal::new(Shape { queries: 2000, ..Shape::default() }).unwrap();
    let events: Vec<Event> = portal.events().collect();
    assert_eq!(events.len(), scan.rows.len());
    for (event, row) in events.iter().zip(&scan.rows) {
        assert_eq!(Some(Event::query_id(event.query).to_string().as_str()), row.text("query_id"));
        assert_eq!(event.start, row.start);
        let consumer = portal.actors()[event.actor as usize].consumer.map(|place| place as usize);
        assert_eq!(consumer, scan.consumer(row));
        let assets = event.objects.iter().filter_map(|object| portal.objects()[*object as usize].asset);
        let objects = assets.map(|asset| scan.mapping.tech_assets[asset as usize].objects[0].as_str());
        assert!(objects.eq(scan.ports(row).map(|(name, _)| name)));
    }
}

#[test]
fn a_shape_without_a_log_is_refused_with_the_field() {
    let refused = |shape| Portal::new(shape).unwrap_err().to_string();
    let shape = Shape::default();
    assert_eq!(refused(Shape { days: 2, ..shape }), "days is 2: at least 3");
    assert_eq!(refused(Shape { queries: 0, ..shape }), "queries is 0: at least 1");
    assert_eq!(refused(Shape { output_ports: 0, ..shape }), "output_ports is 0: at least 1");
    assert_eq!(refused(Shape { tech_assets: 7, ..shape }), "tech_assets is 7: at least 8");
    assert_eq!(
        refused(Shape { domains: 13, ..shape }),
        "domains is 13: at most one for each of the 12 consumers"
    );
    assert_eq!(
        refused(Shape { days: u32::MAX, ..shape }),
        "4294967295 days before 2026-07-01 leave the years 1970 to 9999"
    );
    assert!(matches!(
        Portal::new(Shape { days: 30_000, ..shape }),
        Err(ShapeError::OutOfCalendar { days: 30_000, .. })
    ));
}
