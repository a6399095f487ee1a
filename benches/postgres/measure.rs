//! Paired, interleaved runs of one request in every way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use chrono::NaiveDate;
use output_port_usage::UsageModel;
use sqlx::FromRow;
use sqlx::postgres::{PgConnection, PgRow};
use uuid::Uuid;

use crate::answer::Entry;
use crate::baselines::{self, OverviewPoint, Point, Sql, Way};
use crate::cost::{self, Cost};
use crate::request::{Kind, Request};

/// Rounds of our chart beside its floor: at least, and at most within the time.
const ROUNDS: usize = 15;
const MOST_ROUNDS: usize = 101;
/// Rounds beside the slow ways, the same.
const SLOW_ROUNDS: usize = 3;
const MOST_SLOW_ROUNDS: usize = 15;
/// From the sixth execution on a prepared statement may have a generic plan.
const WARM_UP: usize = 6;

/// Median and quartiles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spread {
    pub(crate) lower: f64,
    pub(crate) median: f64,
    pub(crate) upper: f64,
}

impl Spread {
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |part: f64| {
            let place = part * (values.len() - 1) as f64;
            let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
            below + (above - below) * place.fract()
        };
        Self { lower: at(0.25), median: at(0.5), upper: at(0.75) }
    }

    fn of_ratios(above: &[f64], below: &[f64]) -> Self {
        Self::of(above.iter().zip(below).map(|(above, below)| above / below).collect())
    }
}

/// One request, measured. Times are milliseconds.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) request: Request,
    pub(crate) port: &'static str,
    pub(crate) tuples: i64,
    pub(crate) ours: Spread,
    pub(crate) cost: Cost,
    pub(crate) floor: Beside,
    /// A bare GROUP BY of a split's cells that ships them.
    pub(crate) bare: Option<Beside>,
    /// The library's statement before a series was one row.
    pub(crate) points: Option<Beside>,
    pub(crate) design: Option<Beside>,
    pub(crate) log: Option<Beside>,
}

/// Another way, paired with ours.
#[derive(Debug)]
pub(crate) struct Beside {
    pub(crate) time: Spread,
    /// Ours ÷ floor, or another design ÷ ours: above 1 where ours takes longer than the floor, or less than the design.
    pub(crate) ratio: Spread,
    pub(crate) cost: Cost,
}

/// One connection, and how long a request is measured where rounds are short.
#[derive(Debug)]
pub(crate) struct Host {
    pub(crate) model: UsageModel,
    pub(crate) connection: PgConnection,
    pub(crate) patience: Duration,
}

impl Host {
    pub(crate) async fn read(&mut self, request: Request, port: &'static str) -> Result<Reading> {
        let what = format!("{port}: {request}");
        measure(request, port, self).await.context(what)
    }
}

async fn measure(request: Request, port: &'static str, host: &mut Host) -> Result<Reading> {
    let Host { model, connection: to, patience } = host;
    let ours = request.ours();
    let floor = baselines::floor(&request);
    let bare = baselines::bare_groups(&request);
    let points = baselines::points(&request);
    if let (Kind::Split, Some(points)) = (request.kind, &points) {
        let (_, entries) = ours.run(model, to).await?;
        same("rows a point", &entries, &baselines::entries_of_points(points.clone(), to).await?)?;
    }
    let mut times: [Vec<f64>; 4] = Default::default();
    let mut start = Instant::now();
    let mut turn = 0;
    while turn < WARM_UP + ROUNDS || (turn < WARM_UP + MOST_ROUNDS && start.elapsed() < *patience) {
        if turn == WARM_UP {
            times = Default::default();
            start = Instant::now();
        }
        for place in 0..4 {
            // none is always right after the same other
            let way = if turn.is_multiple_of(2) { place } else { 3 - place };
            let time = match way {
                0 => Some(ours.run(model, to).await?.0.as_secs_f64() * 1e3),
                1 => Some(timed::<Total>(&floor, to).await?),
                2 => timed_if::<Group>(&bare, to).await?,
                _ if request.kind == Kind::Overview => timed_if::<OverviewPoint>(&points, to).await?,
                _ => timed_if::<Point>(&points, to).await?,
            };
            times[way].extend(time);
        }
        turn += 1;
    }
    let [of_ours, of_floor, of_bare, of_points] = times;
    let (design, log) = slow_ways(&request, model, to, *patience * 2).await?;
    let (text, values) = ours.parts(model)?;
    let [cost, floor_cost] = cost::of([(&text, &values), floor.parts()], to).await?;
    let count: Vec<(i64,)> = baselines::count(&request).fetch(to).await?;
    let beside = |times: Vec<f64>, cost| Beside {
        ratio: Spread::of_ratios(&of_ours, &times),
        time: Spread::of(times),
        cost,
    };
    Ok(Reading {
        port,
        tuples: count[0].0,
        cost,
        floor: beside(of_floor, floor_cost),
        bare: bare.map(|_| beside(of_bare, Cost::default())),
        points: points.map(|_| beside(of_points, Cost::default())),
        ours: Spread::of(of_ours),
        design,
        log,
        request,
    })
}

/// Ours, the design and the log in turn, each once to warm up and once measured: a slow one empties the caches for the
/// next.
async fn slow_ways(
    request: &Request,
    model: &UsageModel,
    to: &mut PgConnection,
    patience: Duration,
) -> Result<(Option<Beside>, Option<Beside>)> {
    let ours = request.ours();
    let mut of_ours = Vec::new();
    let mut others: [Vec<f64>; 2] = Default::default();
    let start = Instant::now();
    while of_ours.len() < SLOW_ROUNDS || (of_ours.len() < MOST_SLOW_ROUNDS && start.elapsed() < patience) {
        ours.run(model, to).await?;
        let (time, entries) = ours.run(model, to).await?;
        of_ours.push(time.as_secs_f64() * 1e3);
        for (way, times) in [Way::Design, Way::Log].into_iter().zip(&mut others) {
            request.run(way, to).await?;
            if let Some((time, others)) = request.run(way, to).await? {
                same(&format!("{way:?}"), &entries, &others)?;
                times.push(time.as_secs_f64() * 1e3);
            }
        }
    }
    let [of_design, of_log] = others;
    let beside = |times: Vec<f64>, cost| Beside {
        ratio: Spread::of_ratios(&times, &of_ours),
        time: Spread::of(times),
        cost,
    };
    let design = cost::of_way(request, Way::Design, to).await?;
    let log = cost::of_way(request, Way::Log, to).await?;
    Ok((design.map(|cost| beside(of_design, cost)), log.map(|cost| beside(of_log, cost))))
}

/// Fails with the first difference.
fn same(way: &str, ours: &[Entry], others: &[Entry]) -> Result<()> {
    let different = ours.iter().zip(others).find(|(ours, others)| ours != others);
    if let Some((ours, other)) = different {
        anyhow::bail!("the {way} has other numbers: ours {ours:?}, its {other:?}");
    }
    ensure!(ours.len() == others.len(), "{} entries, the {way} has {}", ours.len(), others.len());
    ensure!(ours.iter().any(|entry| entry.numbers[0] > 0), "there is nothing to count");
    Ok(())
}

/// A sum.
type Total = (Option<i64>,);

/// A row of a bare GROUP BY: bucket, consumer, queries.
type Group = (NaiveDate, Uuid, i64);

async fn timed_if<R>(sql: &Option<Sql>, to: &mut PgConnection) -> Result<Option<f64>>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    Ok(match sql {
        Some(sql) => Some(timed::<R>(sql, to).await?),
        None => None,
    })
}

async fn timed<R>(sql: &Sql, to: &mut PgConnection) -> Result<f64>
where
    R: for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let sql = sql.clone();
    let start = Instant::now();
    let rows: Vec<R> = sql.fetch(to).await?;
    let time = start.elapsed().as_secs_f64() * 1e3;
    drop(rows);
    Ok(time)
}
