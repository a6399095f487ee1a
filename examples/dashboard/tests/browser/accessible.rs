//! For everyone: axe-core, narrow screens, both looks, and what a screen reader is told.

use serde_json::json;

use crate::axe::assert_accessible;
use crate::browser::{Browser, browse};
use crate::facts::{asset, consumer, port};
use crate::site::Site;

fn pages() -> [String; 4] {
    [
        "/".to_owned(),
        format!("/output-ports/{}?days=180", port(1)),
        format!("/tech-assets/{}?by=group", asset(1)),
        format!("/consumers/{}?granularity=day&days=30", consumer(1)),
    ]
}

async fn assert_for_everyone(browser: &Browser, page: &str) {
    browser.script("document.querySelectorAll('details').forEach((one) => (one.open = true))", []).await;
    for scheme in ["light", "dark"] {
        browser.look(scheme).await;
        assert_accessible(browser, &format!("{page}, {scheme}")).await;
    }
    browser.assert_fits(page, &[1920, 768, 360]).await;
    assert_accessible(browser, &format!("{page}, narrow")).await;
    browser.size(1280, 900).await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn pages_meet_wcag_2_2_aa_in_light_and_dark_on_every_width() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        for page in pages() {
            browser.open(&page).await;
            assert_for_everyone(&browser, &page).await;
        }
        browser.open("/?q=port").await;
        assert_for_everyone(&browser, "a search").await;
        browser.open("/output-ports/none").await;
        assert_for_everyone(&browser, "an error").await;
        browser.expect_failed_requests("400").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn empty_pages_meet_wcag_2_2_aa_too() {
    let site = Site::without_usage().await;
    browse(&site, async |browser| {
        for page in pages() {
            browser.open(&page).await;
            assert_for_everyone(&browser, &page).await;
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn each_drawing_has_a_name_and_a_table_behind_it() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        for page in pages() {
            browser.open(&page).await;
            let drawings = "return [...document.querySelectorAll('canvas')].map((canvas) => [
                canvas.getAttribute('role'), canvas.ariaLabel.includes('The table has the numbers.'),
                canvas.closest('section').querySelectorAll('details table caption').length])";
            assert_eq!(browser.script(drawings, []).await, json!([["img", true, 1]]), "{page}");
            let silent = "return [...document.querySelectorAll('svg, .bar, .swatch')].every((one) => one.ariaHidden === 'true')";
            assert_eq!(browser.script(silent, []).await, json!(true), "{page}");
        }
    })
    .await;
}

/// Of the colours that the style sheet gives series, against what is behind them: WCAG 1.4.11 asks for 3 to 1.
const CONTRASTS: &str = "
    const style = getComputedStyle(document.documentElement);
    const light = (name) => {
        const digits = style.getPropertyValue(name).trim().slice(1);
        const parts = [0, 2, 4].map((at) => parseInt(digits.slice(at, at + 2), 16) / 255)
            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2] + 0.05;
    };
    const names = [1, 2, 3, 4, 5, 6, 'none', 'other'].map((name) => '--series-' + name);
    const ratio = (one, other) => Math.max(one, other) / Math.min(one, other);
    return names.filter((name) => ratio(light(name), light('--surface')) < 3);";

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_consumer_keeps_its_colour_and_colours_stand_out_in_light_and_dark() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open(&format!("/output-ports/{}", port(1))).await;
        for scheme in ["light", "dark"] {
            browser.look(scheme).await;
            assert_eq!(browser.script(CONTRASTS, []).await, json!([]), "{scheme}");
        }
        let colours = "
            const colours = {};
            for (const item of document.querySelectorAll('.legend li, tbody tr')) {
                const link = item.querySelector('a[href^=\"/consumers/\"]');
                const colour = item.querySelector('.swatch, .filled');
                if (link !== null) {
                    (colours[link.pathname] ??= []).push(getComputedStyle(colour).backgroundColor);
                }
            }
            const kept = Object.values(colours).filter((both) => both.length === 2);
            return [kept.every(([one, other]) => one === other), new Set(kept.map(([one]) => one)).size];";
        // six consumers have a colour of their own, in the legend and in the ranking
        assert_eq!(browser.script(colours, []).await, json!([true, 6]));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn paper_is_light_even_in_the_dark_and_has_no_form() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open("/?days=30").await;
        let drawn = "Chart.getChart(document.querySelector('canvas')).data.datasets[1].backgroundColor[0]";
        let seen = "
            const isShown = (name) => document.querySelector(name).getClientRects().length > 0;
            return [getComputedStyle(document.documentElement).backgroundColor,
                isShown('#controls'), isShown('.file'), isShown('.body > .scrolling table')];";
        browser.look("dark").await;
        assert_eq!(browser.script(seen, []).await, json!(["rgb(16, 19, 23)", true, true, true]));
        // the drawing follows, a moment later
        browser.wait(&format!("{drawn} === '#2a93d5'")).await;
        browser.print().await;
        assert_eq!(browser.script(seen, []).await, json!(["rgb(255, 255, 255)", false, false, true]));
        browser.wait(&format!("{drawn} === '#0072b2'")).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn numbers_and_days_are_written_as_the_reader_writes_them() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.devtools("Emulation.setLocaleOverride", json!({ "locale": "de-DE" })).await;
        browser.open(&format!("/output-ports/{}?days=30", port(1))).await;
        let text = browser.text().await;
        assert!(text.contains("30.06.2026") && !text.contains("Jun 30, 2026"), "{text}");
        let queries = &browser.table("In short").await[0][0];
        let exact: i64 = queries.value.as_ref().unwrap().parse().unwrap();
        assert_eq!(queries.text, format!("{}.{:03}", exact / 1000, exact % 1000), "below a million");
    })
    .await;
}
