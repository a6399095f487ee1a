//! Charts of growth.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use kuva::backend::svg::SvgBackend;
use kuva::plot::{LinePlot, ScatterPlot};
use kuva::render::figure::{Figure, FigureLegendPosition};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;

use crate::measure::{Beside, Reading, Spread};
use crate::report::Report;

/// What is drawn upwards.
#[derive(Debug, Clone, Copy)]
enum Up {
    Milliseconds,
    Buffers,
}

/// A median with its quartiles.
type Point = [f64; 3];

type PointOf = fn(&Reading, Up) -> Option<Point>;

/// A way of answering, its name, colour and points.
const WAYS: [(&str, &str, PointOf); 4] = [
    ("raw log, COUNT(DISTINCT)", "#c44e52", |reading, up| Some(up.of_way(reading.log.as_ref()?))),
    ("usual portal design", "#e08b3c", |reading, up| Some(up.of_way(reading.design.as_ref()?))),
    ("this library", "#2a78b8", |reading, up| Some(up.of(reading.ours, reading.cost.buffers))),
    (FLOOR, "#8c8c8c", |reading, up| Some(up.of_way(&reading.floor))),
];
const FLOOR: &str = "floor: an index-only sum";

impl Up {
    fn of(self, time: Spread, buffers: u64) -> Point {
        match self {
            Self::Milliseconds => [time.lower, time.median, time.upper],
            Self::Buffers => [buffers as f64; 3],
        }
    }

    fn of_way(self, way: &Beside) -> Point {
        self.of(way.time, way.cost.buffers)
    }

    fn label(self) -> &'static str {
        match self {
            Self::Milliseconds => "milliseconds: median, quartiles",
            Self::Buffers => "buffers of 8 kB",
        }
    }
}

pub(crate) fn draw(report: &Report, out: &Path) -> Result<()> {
    for (up, name) in [(Up::Milliseconds, "time"), (Up::Buffers, "buffers")] {
        let panels = [("M", 30), ("M", 90), ("H", 30), ("H", 90)]
            .map(|(port, days)| rows_panel(report, port, days, up));
        write(
            out,
            &format!("rows-{name}.svg"),
            "Queries over time by day, as the tables grow",
            panels.into(),
        )?;
        let panels = ["M", "H"].map(|port| range_panel(report, port, up));
        write(
            out,
            &format!("range-{name}.svg"),
            "Queries over time by week, from a month to three years",
            panels.into(),
        )?;
    }
    Ok(())
}

struct Panel {
    plots: Vec<Plot>,
    layout: Layout,
    /// Every point, for axes that all panels share.
    points: Vec<(f64, f64)>,
}

/// The last days at each size of the table of queries.
fn rows_panel(report: &Report, port: &str, days: i64, up: Up) -> Panel {
    let readings: Vec<(f64, &Reading)> = report
        .checkpoints
        .iter()
        .flat_map(|checkpoint| checkpoint.readings.iter().map(|reading| (checkpoint.rows as f64, reading)))
        .filter(|(_, reading)| reading.port == port && length(reading) == days)
        .collect();
    let title = format!("{}, the last {days} days", describe(port));
    panel(&readings, title, "rows of queries", TickFormat::Custom(Arc::new(short)), up)
}

fn range_panel(report: &Report, port: &str, up: Up) -> Panel {
    let of_port = report.ranges.iter().filter(|reading| reading.port == port);
    let readings: Vec<(f64, &Reading)> = of_port.map(|reading| (length(reading) as f64, reading)).collect();
    panel(&readings, describe(port).to_owned(), "days of the chart", TickFormat::Custom(Arc::new(short)), up)
}

fn panel(readings: &[(f64, &Reading)], title: String, x: &str, ticks: TickFormat, up: Up) -> Panel {
    let (mut plots, mut all) = (Vec::new(), Vec::new());
    for (name, colour, value) in WAYS {
        let points: Vec<(f64, Point)> =
            readings.iter().filter_map(|(x, reading)| Some((*x, value(reading, up)?))).collect();
        let medians: Vec<(f64, f64)> = points.iter().map(|(x, [_, median, _])| (*x, *median)).collect();
        all.extend(points.iter().flat_map(|(x, point)| point.map(|y| (*x, y))));
        let line = LinePlot::new()
            .with_data(medians.clone())
            .with_color(colour)
            .with_stroke_width(2.5)
            .with_band(points.iter().map(|(_, point)| point[0]), points.iter().map(|(_, point)| point[2]))
            .with_legend(name);
        plots.push(Plot::Line(if name == FLOOR { line.with_dashed() } else { line }));
        plots.push(Plot::Scatter(ScatterPlot::new().with_data(medians).with_color(colour).with_size(3.5)));
    }
    let layout = Layout::auto_from_plots(&plots)
        .with_title(title)
        .with_x_label(x)
        .with_y_label(up.label())
        .with_log_scale()
        .with_x_tick_format(ticks)
        .with_y_tick_format(TickFormat::Custom(Arc::new(short)));
    Panel { plots, layout, points: all }
}

fn write(out: &Path, file: &str, title: &str, panels: Vec<Panel>) -> Result<()> {
    let points: Vec<(f64, f64)> = panels.iter().flat_map(|panel| panel.points.clone()).collect();
    let [x, y] = [margin(points.iter().map(|point| point.0)), margin(points.iter().map(|point| point.1))];
    let on_shared_axes = |panel: Panel| {
        let layout = panel.layout.with_x_axis_min(x.0).with_x_axis_max(x.1);
        (panel.plots, layout.with_y_axis_min(y.0).with_y_axis_max(y.1))
    };
    let (plots, layouts): (Vec<Vec<Plot>>, Vec<Layout>) = panels.into_iter().map(on_shared_axes).unzip();
    let figure = Figure::new(plots.len() / 2, 2)
        .with_title(title)
        .with_plots(plots)
        .with_layouts(layouts)
        .with_cell_size(480.0, 340.0)
        .with_shared_legend_position(FigureLegendPosition::BottomCenter);
    let path = out.join(file);
    fs::write(&path, SvgBackend.render_scene(&figure.render())).with_context(|| path.display().to_string())
}

/// The ends of a logarithmic axis, a little outside the values.
fn margin(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) =
        values.fold((f64::MAX, f64::MIN), |(least, most), value| (least.min(value), most.max(value)));
    (least / 1.2, most * 1.2)
}

fn length(reading: &Reading) -> i64 {
    (reading.request.days.end - reading.request.days.start).num_days()
}

fn describe(port: &str) -> &'static str {
    if port == "M" { "Median output port" } else { "Heavy output port" }
}

/// `0.2`, `50`, `20 k`, `20 M`.
fn short(number: f64) -> String {
    // ticks are 1, 2 or 5 times a power of ten; three digits drop what their logarithms leave behind
    let rounded = |number: f64| format!("{}", (number * 1e3).round() / 1e3);
    match number {
        number if number >= 1e6 => rounded(number / 1e6) + " M",
        number if number >= 1e4 => rounded(number / 1e3) + " k",
        number => rounded(number),
    }
}
