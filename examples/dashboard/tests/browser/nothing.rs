//! A portal that nobody has used yet.

use crate::browser::browse;
use crate::facts::{asset, consumer, port};
use crate::site::Site;

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn pages_without_data_say_what_to_do() {
    let site = Site::without_usage().await;
    browse(&site, async |browser| {
        for page in [
            "/".to_owned(),
            format!("/output-ports/{}", port(1)),
            format!("/tech-assets/{}", asset(1)),
            format!("/consumers/{}", consumer(1)),
        ] {
            browser.open(&page).await;
            let text = browser.text().await;
            let todo = "on these days. Try the last 365 days, or see whether the ingest has run for them.";
            assert!(text.matches(todo).count() >= 2, "{page}: {text}");
            assert!(text.contains("not measured") && text.contains("not on these days"), "{page}: {text}");
            browser.click(".empty a").await;
            browser.arrive(&format!("{page}?days=365")).await;
            assert!(browser.text().await.contains("Ask for other days"), "{page}");
        }
    })
    .await;
}
