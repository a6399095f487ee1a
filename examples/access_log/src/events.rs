//! The queries of a log, day by day.

use std::collections::VecDeque;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::portal::{Habit, Portal};
use crate::random::Random;

/// One row of the access history.
///
/// The same query may come twice, and some come days late, as Snowflake's do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The query, counted from 0; a row that comes twice has one number.
    pub query: u64,
    /// The statement that called this one.
    pub parent: Option<u64>,
    /// The procedure's call that it all began with.
    pub root: Option<u64>,
    /// When it started.
    pub start: DateTime<Utc>,
    /// Who ran it, as a place in [`Portal::actors`].
    pub actor: u32,
    /// What it names, as places in [`Portal::objects`]; a self join names one object twice.
    pub objects: Vec<u32>,
}

impl Event {
    /// The query id of a number, in Snowflake's style.
    pub fn query_id(query: u64) -> Uuid {
        let time = 0x01c2_a000 + (query >> 10);
        Uuid::from_u128(
            (u128::from(time) << 96)
                | (0x0504 << 80)
                | (0x3a51 << 64)
                | 0x000a_4e00_0000_0000
                | u128::from(query),
        )
    }
}

/// The queries of a portal's log, in the order of its lines.
///
/// Memory grows with the queries of one day.
#[derive(Debug, Clone)]
pub struct Events<'a> {
    portal: &'a Portal,
    random: Random,
    day: u32,
    /// The sum of all days' weights, and of those that are done.
    weight: (u128, u128),
    queries: u64,
    ready: VecDeque<Event>,
    /// Rows that the history shows only on a later day.
    late: Vec<(u32, Event)>,
}

/// A weekday's share of the week: Monday first.
const WEEKDAYS: [u64; 7] = [100, 112, 108, 104, 84, 15, 11];
/// Running totals of an office's hours, from midnight on.
const OFFICE_HOURS: [u64; 24] =
    [0, 0, 0, 0, 0, 0, 1, 4, 13, 28, 44, 57, 64, 74, 88, 101, 111, 117, 119, 120, 121, 122, 122, 122];

impl<'a> Events<'a> {
    pub(crate) fn new(portal: &'a Portal) -> Self {
        let total = (0..portal.shape.days).map(|day| weight(portal, day)).sum();
        // Any other stream than the portal's own.
        let random = Random::new(!portal.shape.seed);
        Self {
            portal,
            random,
            day: 0,
            weight: (total, 0),
            queries: 0,
            ready: VecDeque::new(),
            late: Vec::new(),
        }
    }

    /// Makes the next day's rows.
    fn make_day(&mut self) {
        self.weight.1 += weight(self.portal, self.day);
        let until = (u128::from(self.portal.shape.queries) * self.weight.1 / self.weight.0) as u64;
        let mut made = Vec::new();
        while self.queries < until {
            self.make_query(until - self.queries, &mut made);
        }
        made.sort_by_key(|event: &Event| (event.start, event.query));
        let last = self.day + 1 == self.portal.shape.days;
        for event in made {
            if self.random.in_a_thousand(10) {
                self.ready.push_back(event.clone());
            }
            if self.random.in_a_thousand(10) && !last {
                self.late.push((self.day + 1 + self.random.below(2) as u32, event));
            } else {
                self.ready.push_back(event);
            }
        }
        let day = self.day;
        self.ready
            .extend(self.late.extract_if(.., |(shown, _)| last || *shown <= day).map(|(_, event)| event));
        self.day += 1;
    }

    /// Makes one query, or a procedure's call with its statements if that many are wanted.
    fn make_query(&mut self, wanted: u64, made: &mut Vec<Event>) {
        let strays = &self.portal.strays;
        let (actor, objects, start) = match self.random.below(1000) {
            0..20 if wanted > 6 => return self.make_procedure(made),
            20..50 => {
                let port = self.random.position(self.portal.assets_of_port.len());
                // What a scanner reads in one query has an end too.
                let objects = self.portal.assets_of_port[port].iter().copied().take(12).collect();
                (strays.scanner, objects, self.around_the_clock())
            }
            50..90 => {
                let actor = strays.unmapped_actors[self.random.position(strays.unmapped_actors.len())];
                let port = self.random.weighted(&self.portal.port_totals);
                (actor, self.reads(port), self.in_office_hours())
            }
            kind => {
                let habit = self.habit();
                let port = self.port(habit);
                let objects = self.reads(port);
                match habit.task {
                    Some(task) if kind < 200 => (task, objects, self.each_morning()),
                    _ if kind < 450 => (habit.service, objects, self.around_the_clock()),
                    _ => {
                        let person = habit.people[self.random.position(habit.people.len())];
                        (person, objects, self.in_office_hours())
                    }
                }
            }
        };
        let query = self.next_number();
        made.push(Event { query, parent: None, root: None, start, actor, objects });
    }

    /// A call and two to five statements, minutes apart; some run over midnight.
    fn make_procedure(&mut self, made: &mut Vec<Event>) {
        let habit = self.habit();
        let actor = habit.task.unwrap_or(habit.service);
        let over_midnight = self.random.in_a_thousand(400) && self.day + 1 < self.portal.shape.days;
        let minute =
            if over_midnight { 23 * 60 + 50 + self.random.below(10) } else { 60 * self.random.below(20) };
        let milliseconds = minute * 60_000 + self.random.below(60_000);
        let mut start = self.instant(milliseconds);
        let root = self.next_number();
        let call = vec![self.portal.strays.procedure];
        made.push(Event { query: root, parent: None, root: None, start, actor, objects: call });
        let mut parent = root;
        for _ in 0..2 + self.random.below(4) {
            start += TimeDelta::milliseconds(60_000 + self.random.below(300_000) as i64);
            let port = self.port(habit);
            let objects = self.reads(port);
            let query = self.next_number();
            made.push(Event { query, parent: Some(parent), root: Some(root), start, actor, objects });
            // Now and then a statement calls the rest.
            if self.random.in_a_thousand(100) {
                parent = query;
            }
        }
    }

    /// A consumer that is there already.
    fn habit(&mut self) -> &'a Habit {
        loop {
            let habit = &self.portal.habits[self.random.weighted(&self.portal.consumer_totals)];
            if habit.first_day <= self.day {
                return habit;
            }
        }
    }

    fn port(&mut self, habit: &Habit) -> usize {
        match self.random.below(100) {
            0..55 => habit.ports[0] as usize,
            55..90 => habit.ports[self.random.position(habit.ports.len())] as usize,
            _ => self.random.weighted(&self.portal.port_totals),
        }
    }

    /// What a query names that begins with an asset of that port.
    fn reads(&mut self, port: usize) -> Vec<u32> {
        let strays = &self.portal.strays;
        let first = self.asset(port);
        let mut objects = vec![first];
        match self.random.below(1000) {
            0..280 => self.join(port, &mut objects),
            280..400 => {
                let other = self.random.weighted(&self.portal.port_totals);
                self.join(other, &mut objects);
            }
            400..460 => objects.push(first),
            460..500 => {
                self.join(port, &mut objects);
                let other = self.random.weighted(&self.portal.port_totals);
                self.join(other, &mut objects);
            }
            500..530 => {
                objects = vec![strays.unmapped_objects[self.random.position(strays.unmapped_objects.len())]]
            }
            530..550 => objects = vec![strays.stage],
            550..560 => objects = vec![strays.unnamed],
            560..570 => objects = vec![strays.truncated],
            570..600 => {
                objects.push(strays.unmapped_objects[self.random.position(strays.unmapped_objects.len())])
            }
            600..620 => objects.push(strays.stage),
            620..630 => objects.insert(0, strays.truncated),
            _ => {}
        }
        objects
    }

    fn join(&mut self, port: usize, objects: &mut Vec<u32>) {
        let asset = self.asset(port);
        if !objects.contains(&asset) {
            objects.push(asset);
        }
    }

    /// An asset of a port, the first ones the most.
    fn asset(&mut self, port: usize) -> u32 {
        let assets = &self.portal.assets_of_port[port];
        let (one, another) = (self.random.position(assets.len()), self.random.position(assets.len()));
        assets[one.min(another)]
    }

    fn in_office_hours(&mut self) -> DateTime<Utc> {
        let hour = self.random.weighted(&OFFICE_HOURS) as u64;
        let milliseconds = hour * 3_600_000 + self.random.below(3_600_000);
        self.instant(milliseconds)
    }

    fn around_the_clock(&mut self) -> DateTime<Utc> {
        let milliseconds = self.random.below(86_400_000);
        self.instant(milliseconds)
    }

    fn each_morning(&mut self) -> DateTime<Utc> {
        let milliseconds = 6 * 3_600_000 + self.random.below(900_000);
        self.instant(milliseconds)
    }

    /// The instant at that time of the local day.
    fn instant(&self, milliseconds: u64) -> DateTime<Utc> {
        let local = local_day(self.portal, self.day).and_time(NaiveTime::MIN)
            + TimeDelta::milliseconds(milliseconds as i64);
        let at = |local| self.portal.mapping().time_zone.first_instant(local);
        // In spring an hour is left out: what would be in it comes an hour later.
        at(local)
            .or_else(|| at(local + TimeDelta::hours(1)))
            .expect("Brussels leaves out one hour a year, at two in the morning")
    }

    fn next_number(&mut self) -> u64 {
        self.queries += 1;
        self.queries - 1
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() && self.day < self.portal.shape.days {
            self.make_day();
        }
        self.ready.pop_front()
    }
}

/// A day's share of the log: the weekday's, growing by three fifths from the first day to the last.
fn weight(portal: &Portal, day: u32) -> u128 {
    let weekday = local_day(portal, day).weekday().num_days_from_monday() as usize;
    let days = u128::from(portal.shape.days);
    u128::from(WEEKDAYS[weekday]) * (5 * days + 3 * u128::from(day))
}

fn local_day(portal: &Portal, day: u32) -> NaiveDate {
    portal.first_day + Days::new(day.into())
}
