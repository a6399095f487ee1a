//! Six weeks of a job's life in fast forward, with everything that happens in them at seeded moments.

use access_log::Mapping;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use snowflake_emulation::Access;

use crate::healing::Stage;
use crate::job::{MappingFile, Portal, Said, job, run};
use crate::pipeline::{access, charts, id, log, mapping_json, mapping_of};

const DAYS: u64 = 42;

/// SplitMix64: a seed gives the same weeks everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    PortLeaves,
    PortReturns,
    ConsumerLeaves,
    ConsumerReturns,
    AssetMoves,
    ZoneChanges,
    OutageBegins,
    OutageEnds,
    OneReadsSinceYesterday,
    PortIsMadeAgain,
    AssetIsMadeAgain,
    AssetIsUnknown,
    AssetIsKnown,
    ConnectionIsLost,
    TwoRunAtOnce,
}

/// Which event comes in which hour, in order.
fn events(random: &mut Random) -> Vec<(u64, Event)> {
    use Event::*;
    let mut hour = |days: std::ops::Range<u64>| 24 * days.start + random.below(24 * (days.end - days.start));
    let mut events = Vec::new();
    for (days, length, begins, ends) in [
        (4..20, 240, PortLeaves, PortReturns),
        (4..20, 240, ConsumerLeaves, ConsumerReturns),
        (4..30, 48, OutageBegins, OutageEnds),
        (34..36, 20, AssetIsUnknown, AssetIsKnown),
    ] {
        let at = hour(days);
        events.extend([(at, begins), (at + length, ends)]);
        if begins == OutageBegins {
            events.push((at + length, OneReadsSinceYesterday));
        }
    }
    for event in [AssetMoves, ZoneChanges, PortIsMadeAgain, AssetIsMadeAgain, ConnectionIsLost, TwoRunAtOnce]
    {
        events.push((hour(3..34), event));
    }
    events.sort_unstable();
    events
}

/// Four queries a day, which are logged within 3 hours, and some that come many days late.
fn arrivals(since: DateTime<Utc>, random: &mut Random) -> Vec<(DateTime<Utc>, Access)> {
    let in_time = log(0..DAYS).into_iter().map(|access| (access, 1 + random.below(3)));
    let mut accesses: Vec<_> = in_time.collect();
    for number in 0..8 {
        let start = since + TimeDelta::hours(random.below(24 * 30) as i64);
        let late =
            access(format!("late/{number}"), &start.to_rfc3339(), "COCKPIT", "PUBLIC", &["SALES.OUT.ORDER"]);
        accesses.push((late, 24 * (4 + random.below(9))));
    }
    let arrival = |(access, hours): (Access, u64)| {
        (access.record.query_start_time + TimeDelta::hours(hours as i64), access)
    };
    let mut arrivals: Vec<_> = accesses.into_iter().map(arrival).collect();
    arrivals.sort_by_key(|(at, _)| *at);
    arrivals
}

#[derive(Default)]
struct State {
    port_is_out: bool,
    consumer_is_out: bool,
    asset_moved: bool,
    zone_changed: bool,
    is_out: bool,
    asset_is_unknown: bool,
}

impl State {
    fn mapping(&self) -> Mapping {
        let mut json = mapping_json();
        if self.asset_moved {
            let ports = if self.port_is_out { json!([id(1)]) } else { json!([id(1), id(2)]) };
            json["tech_assets"][1]["output_ports"] = ports;
        }
        if self.port_is_out {
            json["output_ports"].as_array_mut().unwrap().pop();
            json["tech_assets"].as_array_mut().unwrap().pop();
        }
        if self.consumer_is_out {
            json["consumers"].as_array_mut().unwrap().remove(0);
        }
        if self.zone_changed {
            json["time_zone"] = json!("Asia/Tokyo");
        }
        mapping_of(&json)
    }
}

struct Weeks {
    stage: Stage,
    state: State,
}

impl Weeks {
    async fn execute(&self, sql: String) {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&self.stage.portal.pool).await.unwrap();
    }

    async fn make_again(&self, table: &str, name: &str, number: u32) {
        let id = id(number);
        let again = format!(
            "DELETE FROM portal.{table} WHERE id = '{id}'; INSERT INTO portal.{table} VALUES ('{id}', '{name}')"
        );
        self.execute(again).await;
    }

    fn run(&self, now: DateTime<Utc>, arguments: &[&str]) -> Said {
        self.stage.run(&self.state.mapping(), &now.to_rfc3339(), arguments)
    }

    async fn happens(&mut self, event: Event, now: DateTime<Utc>) {
        use Event::*;
        match event {
            PortLeaves | PortReturns => self.state.port_is_out = event == PortLeaves,
            ConsumerLeaves | ConsumerReturns => self.state.consumer_is_out = event == ConsumerLeaves,
            AssetMoves => self.state.asset_moved = true,
            ZoneChanges => self.state.zone_changed = true,
            OutageBegins | OutageEnds => self.state.is_out = event == OutageBegins,
            OneReadsSinceYesterday => {
                let yesterday = (now - TimeDelta::days(1)).date_naive().to_string();
                self.run(now, &["--since", &yesterday]).is(0);
            }
            PortIsMadeAgain => self.make_again("datasets", "port", 1).await,
            AssetIsMadeAgain => self.make_again("technical_assets", "asset", 11).await,
            AssetIsUnknown => {
                self.execute(format!("DELETE FROM portal.technical_assets WHERE id = '{}'", id(11))).await;
                self.state.asset_is_unknown = true;
            }
            AssetIsKnown => {
                self.execute(format!("INSERT INTO portal.technical_assets VALUES ('{}', 'asset')", id(11)))
                    .await;
                self.state.asset_is_unknown = false;
            }
            ConnectionIsLost => {
                self.stage.account.misbehave("lose");
                self.run(now, &[]).is(6);
            }
            TwoRunAtOnce => {
                let file = MappingFile::new(&self.state.mapping());
                let now = now.to_rfc3339();
                let runs = [(); 2].map(|()| {
                    let mut job = job(&self.stage.account, &self.stage.portal, &file);
                    job.args(["--now", &now, "--create-tables", "--no-coverage"]).spawn().unwrap()
                });
                for run in runs {
                    Said::of(run.wait_with_output().unwrap()).is(0);
                }
            }
        }
    }
}

/// A run every so many hours: `OUTPUT_PORT_USAGE_HOURS_BETWEEN_RUNS=1` is the hourly job, and takes long.
#[tokio::test(flavor = "multi_thread")]
async fn after_six_weeks_with_everything_in_them_the_tables_are_those_of_a_full_count() {
    let setting =
        |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let between = setting("OUTPUT_PORT_USAGE_HOURS_BETWEEN_RUNS", 31);
    let seed = setting("OUTPUT_PORT_USAGE_SEED", 19);
    let mut random = Random(seed);
    let since: DateTime<Utc> = "2026-02-20T00:10:00Z".parse().unwrap();
    let mut arrivals = arrivals(since, &mut random).into_iter().peekable();
    let events = events(&mut random);
    println!("seed {seed}: {events:?}");
    let mut weeks =
        Weeks { stage: Stage::new(&[&State::default().mapping()]).await, state: State::default() };
    weeks.stage.account.load(&[]).await;

    // until the first Monday after everything has come is over
    let last = 24 * (DAYS + 5);
    for hour in 12..last {
        let now = since + TimeDelta::hours(hour as i64);
        let happening: Vec<Event> =
            events.iter().filter(|(at, _)| *at == hour).map(|(_, event)| *event).collect();
        if hour % between != 0 && happening.is_empty() && hour != last - 1 {
            continue;
        }
        let arrived: Vec<Access> =
            std::iter::from_fn(|| arrivals.next_if(|(at, _)| *at <= now)).map(|(_, of)| of).collect();
        weeks.stage.account.add(&arrived).await;
        for event in happening {
            weeks.happens(event, now).await;
        }
        // before the first day is over there may be nothing to count
        if !weeks.state.is_out && hour >= 26 {
            let expected = if weeks.state.asset_is_unknown { 5 } else { 0 };
            weeks.run(now, &[]).is(expected);
        }
    }
    assert!(arrivals.next().is_none());
    let (now, mapping) = (since + TimeDelta::hours(last as i64 - 1), weeks.state.mapping());
    let now = now.to_rfc3339();
    weeks.stage.is_as_counted_anew(&mapping, &now).await;
    let said = weeks.stage.run(&mapping, &now, &["--log", "line"]).is(0);
    assert!(said.out.contains(" never_measured=0 other_rules=0"), "{}", said.out);
    let fresh = Portal::new(&[&mapping]).await;
    let file = MappingFile::new(&mapping);
    run(&mut job(&weeks.stage.account, &fresh, &file), &["--now", &now, "--create-tables", "--no-coverage"])
        .is(0);
    assert_eq!(charts(&weeks.stage.portal, &mapping).await, charts(&fresh, &mapping).await);
}
