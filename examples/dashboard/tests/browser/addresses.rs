//! What a page shows is in its address: links, the form, back and forward, and addresses that ask for what there is not.

use serde_json::json;
use thirtyfour::Key;

use crate::browser::{Browser, browse};
use crate::facts::{asset, consumer, port};
use crate::site::Site;

/// How many days the summary is of, as the page says it.
async fn period(browser: &Browser) -> String {
    let text =
        browser.script("return document.querySelector('section .quiet').firstChild.textContent", []).await;
    text.as_str().unwrap().to_owned()
}

async fn buckets(browser: &Browser, heading: &str) -> usize {
    browser.table(heading).await.len()
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn range_granularity_and_comparison_are_in_the_address_and_back_and_forward_follow_it() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        let page = format!("/output-ports/{}", port(1));
        let heading = "Queries over time";
        browser.open(&page).await;
        // 90 days until 30 June begin in a week of 14 of them
        assert_eq!(
            (period(&browser).await.as_str(), buckets(&browser, heading).await),
            ("Apr 2 – Jun 30, 2026", 14)
        );

        browser.click("#ranges a:first-child").await;
        browser.arrive(&format!("{page}?days=30")).await;
        assert_eq!(
            (period(&browser).await.as_str(), buckets(&browser, heading).await),
            ("Jun 1 – 30, 2026", 5)
        );

        browser.script("document.querySelector('[name=granularity]').value = 'day'", []).await;
        browser.script("document.querySelector('[name=compare]').value = 'none'", []).await;
        browser.click("button.primary").await;
        browser.arrive(&format!("{page}?days=30&granularity=day&compare=none&by=consumer&top=10")).await;
        assert_eq!(buckets(&browser, heading).await, 30);
        assert!(!browser.text().await.contains("Before"), "{}", browser.text().await);

        // whoever gets the link sees the same
        let seen = browser.text().await;
        browser.open(&format!("{page}?days=30&granularity=day&compare=none&by=consumer&top=10")).await;
        assert_eq!(browser.text().await, seen);

        browser.back().await;
        browser.arrive(&format!("{page}?days=30")).await;
        assert_eq!(buckets(&browser, heading).await, 5);
        assert!(browser.text().await.contains("Before"));
        browser.back().await;
        browser.arrive(&page).await;
        assert_eq!(buckets(&browser, heading).await, 14);
        browser.forward().await;
        browser.forward().await;
        browser.arrive(&format!("{page}?days=30&granularity=day&compare=none&by=consumer&top=10")).await;
        assert_eq!(buckets(&browser, heading).await, 30);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn any_days_can_be_asked_for_by_keyboard_alone() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open("/").await;
        browser.script("document.querySelector('[name=days]').focus(); document.activeElement.select()", []).await;
        browser.press("7").await;
        browser.press(Key::Enter).await;
        browser.arrive("/?days=7&granularity=week&compare=previous_period&by=consumer&top=10").await;
        assert_eq!(period(&browser).await, "Jun 24 – 30, 2026");

        // the picker wants month, day and year; it empties the number of days
        browser.script("document.querySelector('[name=from]').focus()", []).await;
        browser.press("02012026").await;
        browser.script("document.querySelector('[name=until]').focus()", []).await;
        browser.press("03012026").await;
        browser.press(Key::Enter).await;
        browser
            .arrive("/?from=2026-02-01&until=2026-03-01&granularity=week&compare=previous_period&by=consumer&top=10")
            .await;
        assert_eq!(period(&browser).await, "Feb 1 – 28, 2026");

        // the first thing that the keyboard reaches is a way past the form
        browser.open("/").await;
        browser.press(Key::Tab).await;
        let first = browser.script("return document.activeElement.textContent", []).await;
        assert_eq!(first, json!("Skip to the charts"));
        browser.press(Key::Enter).await;
        browser.wait("document.activeElement.id === 'main'").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn names_lead_to_their_own_pages_for_the_same_days() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        browser.open("/?days=30&granularity=month").await;
        let query = "?days=30&granularity=month";
        let link = |id: String| format!("section a[href$='{id}{query}']");
        browser.click(&link(port(1).to_string())).await;
        browser.arrive(&format!("/output-ports/{}{query}", port(1))).await;
        browser.click(&link(asset(1).to_string())).await;
        browser.arrive(&format!("/tech-assets/{}{query}", asset(1))).await;
        browser.click(&link(consumer(2).to_string())).await;
        browser.arrive(&format!("/consumers/{}{query}", consumer(2))).await;
        assert!(browser.text().await.contains("Consumer 2"));
        browser.click("#home").await;
        browser.arrive(&format!("/{query}")).await;

        browser.script("document.getElementById('q').value = 'PORT 2'", []).await;
        browser.click("#search button").await;
        browser.arrive("/?q=PORT+2").await;
        browser.click(&format!("section a[href='/output-ports/{}']", port(2))).await;
        browser.arrive(&format!("/output-ports/{}", port(2))).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn an_address_that_asks_for_what_there_is_not_says_so_and_leads_on() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        let unknown = format!("/consumers/{}", port(1));
        for (path, status, says) in [
            (unknown.as_str(), "404", "no consumer has the id"),
            ("/output-ports/orders", "400", "no UUID"),
            ("/?from=2026-02-01&until=2026-01-01", "400", "days"),
            ("/?days=4000000", "400", "days"),
            ("/?top=4000000000", "400", "top"),
            ("/?granularity=decade", "400", "decade"),
            ("/?days=30&from=2026-01-01", "400", "days"),
        ] {
            browser.open(path).await;
            let said = browser.script("return document.querySelector('[role=alert]').innerText", []).await;
            let said = said.as_str().unwrap();
            assert!(said.contains(says) && said.contains("Go to the portal"), "{path}: {said}");
            browser.expect_failed_requests(status).await;
        }
    })
    .await;
}
