//! The three charts of an output port, drawn for a terminal.

#[cfg(test)]
mod tests;

use console::{Alignment, Term, measure_text_width, pad_str, truncate_str};
use ratatui_core::buffer::{Buffer, Cell as Square};
use ratatui_core::layout::{Constraint, Rect};
use ratatui_core::style::{Color, Modifier, Style};
use ratatui_core::symbols::bar;
use ratatui_core::text::{Line, Span};
use ratatui_core::widgets::Widget;
use ratatui_widgets::barchart::{Bar, BarChart, BarGroup};
use ratatui_widgets::table::{Row, Table};

const ACCENT: Style = Style::new().fg(Color::Cyan);
const QUIET: Style = Style::new().fg(Color::DarkGray);
const STRONG: Style = Style::new().add_modifier(Modifier::BOLD);

/// Where charts are drawn: how wide, and whether in colour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Page {
    pub(crate) width: u16,
    pub(crate) colour: bool,
}

/// A column of a chart over time.
#[derive(Debug, Clone)]
pub(crate) struct Point {
    /// What stands under the column, a short date.
    pub(crate) label: String,
    pub(crate) queries: i64,
    /// Whether the bucket is only partly inside the days: drawn in grey.
    pub(crate) partial: bool,
    pub(crate) known: Known,
}

/// What is known of a column: marked by its shape, for readers without colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// All of it.
    Final,
    /// Not all: days are not settled, or were not measured.
    InPart,
    /// Nothing: no day was measured.
    Nothing,
}

/// A part of a whole.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) queries: i64,
    pub(crate) share: f64,
}

/// A line of the most popular assets.
#[derive(Debug, Clone)]
pub(crate) struct Asset {
    pub(crate) name: String,
    pub(crate) touches: i64,
    pub(crate) share: f64,
    pub(crate) consumers: i64,
    pub(crate) last_used: String,
}

impl Page {
    /// As wide as the terminal, 100 columns where there is none; colour as the terminal and `NO_COLOR` allow.
    pub(crate) fn of_stdout() -> Self {
        let width = Term::stdout().size_checked().map_or(100, |(_, columns)| columns);
        Self { width: width.clamp(80, 140), colour: console::colors_enabled() }
    }

    /// Columns over time, in as many bands as they need.
    pub(crate) fn columns(&self, title: &str, points: &[Point]) -> String {
        const HEIGHT: u16 = 10;
        let top = ceiling(points.iter().map(|point| point.queries).max().unwrap_or(0));
        let axis = grouped(top).len() as u16 + 2;
        let room = self.width.saturating_sub(axis).max(1) as usize;
        let mut drawn = self.title(title);
        let bands = points.len().div_ceil(room).max(1);
        for band in points.chunks(points.len().div_ceil(bands).max(1)) {
            let gap = u16::from(band.len() * 2 <= room);
            let step = (room / band.len()).clamp(1, 7) as u16;
            let mut buffer = Buffer::empty(Rect::new(0, 0, self.width, HEIGHT + 2));
            let bars: Vec<Bar> = band
                .iter()
                .map(|point| {
                    let style = if point.partial { QUIET } else { ACCENT };
                    Bar::new(point.queries.max(0) as u64).text_value("").style(style)
                })
                .collect();
            BarChart::default()
                .data(BarGroup::new(bars))
                .bar_width(step - gap)
                .bar_gap(gap)
                .max(top as u64)
                .render(Rect::new(axis, 0, self.width - axis, HEIGHT), &mut buffer);
            for (row, value) in [(0, top), (HEIGHT / 2, top / 2)] {
                let width = axis as usize - 2;
                buffer.set_string(0, row, format!("{:>width$} ┤", grouped(value)), QUIET);
                for column in axis..axis + step * band.len() as u16 {
                    if buffer[(column, row)].symbol() == " " {
                        buffer[(column, row)].set_symbol("┈").set_style(QUIET);
                    }
                }
            }
            for row in (0..HEIGHT).filter(|row| row % (HEIGHT / 2) != 0) {
                buffer.set_string(axis - 1, row, "│", QUIET);
            }
            let base = "─".repeat((step * band.len() as u16) as usize);
            buffer.set_string(0, HEIGHT, format!("{:>width$} └{base}", 0, width = axis as usize - 2), QUIET);
            for (index, point) in band.iter().enumerate() {
                let left = axis + index as u16 * step;
                mark(&mut buffer, Rect::new(left, 0, step - gap, HEIGHT + 1), point.known);
            }
            // As many labels as have room, each under the start of its column.
            let widest = band.iter().map(|point| measure_text_width(&point.label)).max().unwrap_or(0) + 1;
            for (index, point) in band.iter().enumerate().step_by(widest.div_ceil(step as usize)) {
                buffer.set_string(axis + index as u16 * step, HEIGHT + 1, &point.label, QUIET);
            }
            drawn += &self.text(&buffer);
        }
        let total: i64 = points.iter().map(|point| point.queries).sum();
        let mut note = format!("{} queries", grouped(total));
        if let Some(busiest) =
            points.iter().rev().max_by_key(|point| point.queries).filter(|point| point.queries > 0)
        {
            note += &format!(" · busiest: {} with {}", busiest.label, grouped(busiest.queries));
        }
        if points.iter().any(|point| point.partial) {
            note += " · grey: not wholly inside the days";
        }
        drawn += &self.line(&note, QUIET);
        for (known, legend) in [
            (Known::InPart, "░ ╌  may be too low: not all days are measured and settled"),
            (Known::Nothing, "·    not measured, which is not zero"),
        ] {
            if points.iter().any(|point| point.known == known) {
                drawn += &self.line(legend, QUIET);
            }
        }
        drawn
    }

    /// One bar for each part, with its share of the whole.
    pub(crate) fn distribution(&self, title: &str, parts: &[Part]) -> String {
        let most = parts.iter().map(|part| part.share).fold(0.0, f64::max);
        let names = self.name_width(parts.iter().map(|part| part.name.as_str()));
        let room = self.width.saturating_sub(names + 8 + 10 + 3 * 2);
        let rows = parts.iter().map(|part| {
            Row::new([
                Line::from(cut(&part.name, names)),
                Line::from(Span::styled(bar_text(part.share, most, room), ACCENT)),
                Line::from(Span::styled(percent(part.share), STRONG)).right_aligned(),
                Line::from(grouped(part.queries)).right_aligned(),
            ])
        });
        let widths = [names, room, 8, 10].map(Constraint::Length);
        self.title(title) + &self.table(Table::new(rows, widths), parts.len())
    }

    /// A table of assets, the most touched first.
    pub(crate) fn assets(&self, title: &str, assets: &[Asset]) -> String {
        let most = assets.iter().map(|asset| asset.share).fold(0.0, f64::max);
        let names = self.name_width(assets.iter().map(|asset| asset.name.as_str()));
        let room = self.width.saturating_sub(names + (3 + 8 + 7 + 9 + 11) + 6 * 2);
        let header = ["#", "Asset", "", "Touches", "Share", "Consumers", "Last used"];
        let header = header.into_iter().enumerate().map(|(column, name)| {
            let line = Line::from(Span::styled(name, QUIET));
            if column == 1 { line } else { line.right_aligned() }
        });
        let rows = assets.iter().enumerate().map(|(index, asset)| {
            Row::new([
                Line::from(Span::styled((index + 1).to_string(), QUIET)).right_aligned(),
                Line::from(cut(&asset.name, names)),
                Line::from(Span::styled(bar_text(asset.share, most, room), ACCENT)),
                Line::from(grouped(asset.touches)).right_aligned(),
                Line::from(Span::styled(percent(asset.share), STRONG)).right_aligned(),
                Line::from(grouped(asset.consumers)).right_aligned(),
                Line::from(asset.last_used.as_str()).right_aligned(),
            ])
        });
        let widths = [3, names, room, 8, 7, 9, 11].map(Constraint::Length);
        let table = Table::new(rows, widths).header(Row::new(header));
        self.title(title) + &self.table(table, assets.len() + 1)
    }

    /// A third of the page at most for names.
    fn name_width<'a>(&self, names: impl Iterator<Item = &'a str>) -> u16 {
        let widest = names.map(measure_text_width).max().unwrap_or(0);
        widest.clamp(8, self.width as usize / 3) as u16
    }

    fn title(&self, title: &str) -> String {
        format!("\n{}\n", self.line(title, STRONG))
    }

    fn line(&self, text: &str, style: Style) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.width, 1));
        buffer.set_stringn(0, 0, cut(text, self.width), self.width as usize, style);
        self.text(&buffer)
    }

    fn table(&self, table: Table, rows: usize) -> String {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.width, rows as u16));
        Widget::render(table.column_spacing(2), buffer.area, &mut buffer);
        self.text(&buffer)
    }

    /// A buffer as lines of text, without blanks at their ends.
    fn text(&self, buffer: &Buffer) -> String {
        let mut text = String::new();
        for row in buffer.content.chunks(buffer.area.width as usize) {
            let end = row.iter().rposition(|square| square.symbol() != " ").map_or(0, |last| last + 1);
            // A wide character covers the square after it, which stays blank in the buffer.
            let mut covered = 0;
            for run in row[..end].chunk_by(|one, other| style(one) == style(other)) {
                let symbols: String = run
                    .iter()
                    .filter(|square| {
                        let hidden = covered > 0;
                        covered =
                            if hidden { covered - 1 } else { measure_text_width(square.symbol()).max(1) - 1 };
                        !hidden
                    })
                    .map(Square::symbol)
                    .collect();
                let style = style(&run[0]);
                text += &if self.colour { format!("{style}{symbols}{style:#}") } else { symbols };
            }
            text.push('\n');
        }
        text
    }
}

/// Marks a column and the axis under it by what is known of it.
fn mark(buffer: &mut Buffer, column: Rect, known: Known) {
    let axis = column.bottom() - 1;
    for x in column.left()..column.right() {
        match known {
            Known::Final => {}
            Known::InPart => {
                for y in column.top()..axis {
                    if buffer[(x, y)].symbol() == bar::FULL {
                        buffer[(x, y)].set_symbol("░");
                    }
                }
                buffer[(x, axis)].set_symbol("╌");
            }
            Known::Nothing => {
                buffer[(x, axis - 1)].set_symbol("·").set_style(QUIET);
                buffer[(x, axis)].set_symbol("·");
            }
        }
    }
}

fn style(square: &Square) -> anstyle::Style {
    // `Reset` has no counterpart there: it is the absence of a colour.
    let colour = (square.fg != Color::Reset).then(|| anstyle::Color::from(square.fg));
    let style = anstyle::Style::new().fg_color(colour);
    if square.modifier.contains(Modifier::BOLD) { style.bold() } else { style }
}

/// A bar in eighths of a square; whatever is above zero shows.
fn bar_text(share: f64, most: f64, width: u16) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    if share <= 0.0 || most <= 0.0 {
        return String::new();
    }
    let eighths = ((share / most * f64::from(width) * 8.0).round() as usize).max(1);
    bar::FULL.repeat(eighths / 8) + PARTS[eighths % 8]
}

fn cut(text: &str, width: u16) -> String {
    let text = truncate_str(text, width as usize, "…");
    pad_str(&text, width as usize, Alignment::Left, None).into_owned()
}

pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", share * 100.0)
}

/// A count with a comma between thousands.
pub(crate) fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = String::from(if count < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The next round number, so that it and its half read well on an axis.
fn ceiling(most: i64) -> i64 {
    let mut steps: &[i64] = &[2, 4, 6, 8];
    let mut ten = 1;
    loop {
        for step in steps {
            if most <= step.saturating_mul(ten) {
                return step.saturating_mul(ten);
            }
        }
        if steps.len() > 4 {
            ten = i64::saturating_mul(ten, 10);
        }
        steps = &[10, 12, 14, 16, 20, 24, 30, 40, 50, 60, 80];
    }
}
