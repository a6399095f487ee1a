//! Days that nobody measured are gaps, and days that may still rise are hatched: in the drawing and in its table.

use serde_json::{Value, json};

use crate::browser::{Browser, browse};
use crate::facts::port;
use crate::site::Site;

/// Of each column of the chart's first part: whether it is left out, and whether it is hatched.
async fn drawn(browser: &Browser) -> Value {
    let script = "
        const [set] = Chart.getChart(document.querySelector('canvas')).data.datasets;
        const hatched = set.backgroundColor.map((colour) => colour instanceof CanvasPattern);
        return set.data.map((count, at) => (count === null ? 'gap' : hatched[at] ? 'hatched' : 'full'));";
    browser.script(script, []).await
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn days_that_nobody_measured_are_gaps_and_days_that_may_rise_are_hatched() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        let page = format!("/output-ports/{}?granularity=day&compare=none", port(1));
        browser.open(&format!("{page}&from=2026-05-08&until=2026-05-22")).await;
        let (full, gap) = (["full"; 2], ["gap"; 10]);
        assert_eq!(drawn(&browser).await, json!([&full[..], &gap, &full].concat()));
        let text = browser.text().await;
        assert!(text.contains("gap: nobody measured") && !text.contains("hatched"), "{text}");
        let mut zeros = 0;
        for (at, row) in browser.table("Queries over time").await.iter().enumerate() {
            let is_gap = (2..12).contains(&at);
            let (words, counts) = row[1..].split_last().unwrap();
            assert_eq!(words.text, if is_gap { "not measured" } else { "measured" }, "day {at}");
            assert!(counts.iter().all(|count| (count.text == "–") == is_gap), "day {at}: {counts:?}");
            zeros += counts.iter().filter(|count| count.text == "0").count();
        }
        // each consumer has a day of the week on which it rests
        assert!(zeros > 0, "a zero that was measured is a zero");

        browser.open(&format!("{page}&from=2026-06-26&until=2026-07-01")).await;
        assert_eq!(drawn(&browser).await, json!(["full", "full", "full", "hatched", "hatched"]));
        let text = browser.text().await;
        assert!(text.contains("hatched: incomplete, or may still rise") && !text.contains("gap:"), "{text}");
    })
    .await;
}
