//! The database goes away and comes back, and so does the network.

use serde_json::json;
use sqlx::{Connection, PgConnection};

use crate::browser::{Browser, browse};
use crate::facts::port;
use crate::site::Site;

/// Renames the site's database, which nobody finds any more then.
async fn rename(site: &Site, from: &str, to: &str) {
    let admin = site.database.url().replace(site.database.name(), "postgres");
    let mut admin = PgConnection::connect(&admin).await.unwrap();
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
    sqlx::query(end).bind(from).execute(&mut admin).await.unwrap();
    // names of throw-away databases are letters, digits and underscores
    let rename = sqlx::AssertSqlSafe(["ALTER DATABASE ", from, " RENAME TO ", to].concat());
    sqlx::query(rename).execute(&mut admin).await.unwrap();
    admin.close().await.unwrap();
}

async fn alert(browser: &Browser) -> String {
    browser
        .wait(
            "document.querySelector('[role=alert]') && document.getElementById('main').ariaBusy === 'false'",
        )
        .await;
    let said = browser.script("return document.querySelector('[role=alert]').innerText", []).await;
    said.as_str().unwrap().to_owned()
}

async fn try_again(browser: &Browser) {
    browser.click("[role=alert] button").await;
    browser.wait("document.getElementById('main').ariaBusy === 'false'").await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn a_database_that_goes_away_is_said_and_comes_back() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        let page = format!("/output-ports/{}", port(1));
        let name = site.database.name();
        let away = format!("{name}_away");
        rename(&site, name, &away).await;
        browser.open(&page).await;
        let said = alert(&browser).await;
        assert!(said.contains("could be loaded") && said.contains("Try again"), "{said}");
        try_again(&browser).await;
        assert_eq!(alert(&browser).await, said);
        browser.expect_failed_requests("status of 50").await;

        rename(&site, &away, name).await;
        try_again(&browser).await;
        browser.wait("document.querySelector('[role=alert]') === null").await;
        assert_eq!(browser.table("Queries over time").await.len(), 14);
        // the keyboard is not lost with the button
        assert_eq!(browser.script("return document.activeElement.id", []).await, json!("main"));
    })
    .await;
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn what_fails_while_a_page_loads_is_asked_again_alone() {
    let site = Site::open().await;
    browse(&site, async |browser| {
        let block = |urls| json!({ "urls": urls });
        browser.devtools("Network.enable", json!({})).await;
        browser.devtools("Network.setBlockedURLs", block(vec!["*/assets?*"])).await;
        browser.open(&format!("/output-ports/{}", port(1))).await;
        assert!(alert(&browser).await.contains("the server cannot be reached"));
        assert!(browser.text().await.contains("Not loaded."));
        assert_eq!(browser.table("Queries over time").await.len(), 14);

        browser.devtools("Network.setBlockedURLs", block(Vec::new())).await;
        try_again(&browser).await;
        browser.wait("document.querySelector('[role=alert]') === null").await;
        assert_eq!(browser.table("Most popular assets").await.len(), 2);
    })
    .await;
}
