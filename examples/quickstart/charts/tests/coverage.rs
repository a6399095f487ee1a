use super::super::{Known, Page, Point};
use super::{PLAIN, point};

fn known(label: &str, queries: i64, known: Known) -> Point {
    Point { known, ..point(label, queries, false) }
}

fn points() -> [Point; 5] {
    [
        known("2 Mar", 300, Known::InPart),
        known("9 Mar", 800, Known::Final),
        known("16 Mar", 0, Known::Nothing),
        known("23 Mar", 0, Known::Final),
        known("30 Mar", 450, Known::InPart),
    ]
}

#[test]
fn a_gap_is_no_zero_and_what_is_not_final_is_hatched() {
    insta::assert_snapshot!(PLAIN.columns("Orders by week", &points()), @"

    Orders by week

    800 ┤┈┈┈┈┈┈┈██████┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈
        │       ██████
        │       ██████
        │       ██████
        │       ██████               ▅▅▅▅▅▅
    400 ┤┈┈┈┈┈┈┈██████┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈░░░░░░┈
        │▆▆▆▆▆▆ ██████               ░░░░░░
        │░░░░░░ ██████               ░░░░░░
        │░░░░░░ ██████               ░░░░░░
        │░░░░░░ ██████ ······        ░░░░░░
      0 └╌╌╌╌╌╌────────······────────╌╌╌╌╌╌─
         2 Mar  9 Mar  16 Mar 23 Mar 30 Mar
    1,550 queries · busiest: 9 Mar with 800
    ░ ╌  may be too low: not all days are measured and settled
    ·    not measured, which is not zero
    ");
}

#[test]
fn the_legend_says_only_what_is_drawn() {
    let drawn = |last| PLAIN.columns("By week", &[known("2 Mar", 3, Known::Final), known("9 Mar", 0, last)]);
    let legend = |drawn: String| drawn.lines().skip_while(|line| !line.contains(" queries")).skip(1).count();
    assert_eq!(legend(drawn(Known::Final)), 0);
    assert_eq!((legend(drawn(Known::InPart)), legend(drawn(Known::Nothing))), (1, 1));
    assert!(drawn(Known::Nothing).ends_with("not measured, which is not zero\n"));
    // a column of zero that may rise is marked under the axis alone
    assert!(drawn(Known::InPart).contains("└───────╌╌╌╌╌╌"), "{}", drawn(Known::InPart));
}

#[test]
fn marks_need_no_colour() {
    let coloured = Page { colour: true, ..PLAIN }.columns("Orders by week", &points());
    assert_eq!(console::strip_ansi_codes(&coloured), PLAIN.columns("Orders by week", &points()));
}
