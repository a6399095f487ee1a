//! The charts, as a terminal shows them.

use super::{Asset, Known, Page, Part, Point};

/// Columns of which not everything is known.
mod coverage;

const PLAIN: Page = Page { width: 80, colour: false };

fn point(label: &str, queries: i64, partial: bool) -> Point {
    Point { label: label.to_owned(), queries, partial, known: Known::Final }
}

fn part(name: &str, queries: i64, share: f64) -> Part {
    Part { name: name.to_owned(), queries, share }
}

#[test]
fn columns_stand_over_their_dates_under_a_round_top() {
    let points = [
        point("2 Mar", 900, true),
        point("9 Mar", 1450, false),
        point("16 Mar", 0, false),
        point("23 Mar", 1100, false),
    ];
    insta::assert_snapshot!(PLAIN.columns("Orders by week", &points), @"

    Orders by week

    1,600 ┤┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈
          │       ██████
          │       ██████
          │       ██████        ▇▇▇▇▇▇
          │▅▅▅▅▅▅ ██████        ██████
      800 ┤██████┈██████┈┈┈┈┈┈┈┈██████┈
          │██████ ██████        ██████
          │██████ ██████        ██████
          │██████ ██████        ██████
          │██████ ██████        ██████
        0 └────────────────────────────
           2 Mar  9 Mar  16 Mar 23 Mar
    3,450 queries · busiest: 9 Mar with 1,450 · grey: not wholly inside the days
    ");
}

#[test]
fn columns_that_do_not_fit_beside_each_other_go_on_below() {
    let points: Vec<Point> = (0..100).map(|day| point("", day, false)).collect();
    let drawn = PLAIN.columns("By day", &points);
    assert_eq!(drawn.matches("100 ┤").count(), 2);
    assert!(drawn.ends_with("4,950 queries · busiest:  with 99\n"), "{drawn}");
}

#[test]
fn nothing_to_draw_is_drawn_as_nothing() {
    assert_eq!(PLAIN.columns("Empty", &[]), "\nEmpty\n\n0 queries\n");
    assert_eq!(PLAIN.distribution("Empty", &[]), "\nEmpty\n\n");
}

#[test]
fn bars_are_as_long_as_their_shares() {
    let parts = [
        part("Sales cockpit", 12_345, 0.5),
        part("A name that is much too long for a chart", 6_172, 0.25),
        part("東京", 25, 0.001),
        part("Other (9)", 6_148, 0.249),
    ];
    insta::assert_snapshot!(PLAIN.distribution("Orders by consumer", &parts), @"

    Orders by consumer

    Sales cockpit               ██████████████████████████████     50.0%      12,345
    A name that is much too l…  ███████████████                    25.0%       6,172
    東京                        ▏                                   0.1%          25
    Other (9)                   ███████████████                    24.9%       6,148
    ");
}

#[test]
fn assets_are_a_table_with_bars() {
    let asset = |name: &str, touches, share, consumers| Asset {
        name: name.to_owned(),
        touches,
        share,
        consumers,
        last_used: "2026-06-30".to_owned(),
    };
    let assets = [asset("Order lines", 1_204, 0.8, 11), asset("Returns", 301, 0.2, 2)];
    insta::assert_snapshot!(PLAIN.assets("Assets of Orders", &assets), @"

    Assets of Orders

      #  Asset                              Touches    Share  Consumers    Last used
      1  Order lines  ███████████████████     1,204    80.0%         11   2026-06-30
      2  Returns      ████▊                     301    20.0%          2   2026-06-30
    ");
}

#[test]
fn colour_comes_with_escapes_and_plain_text_without() {
    let parts = [part("Sales cockpit", 1, 1.0)];
    let coloured = Page { colour: true, ..PLAIN }.distribution("Orders", &parts);
    assert!(coloured.contains("\u{1b}[36m█"));
    let plain = PLAIN.distribution("Orders", &parts);
    assert!(!plain.contains('\u{1b}'));
    assert_eq!(console::strip_ansi_codes(&coloured), plain);
}
