//! Names that somebody chose to do harm, or by mistake.

use serde_json::json;

use crate::browser::browse;
use crate::facts::{ASSETS, CONSUMERS, DOMAINS, PORTS, asset, consumer, domain, port};
use crate::site::Site;

/// More than any page has room for, without a place to break it.
fn long() -> String {
    "Umsatzsteuervoranmeldung".repeat(21)[..500].to_owned()
}

fn hostile() -> [String; 9] {
    [
        "<script>window.isHarmed = true</script>".to_owned(),
        "<img src=x onerror=\"window.isHarmed = true\">".to_owned(),
        "\"' onmouseover='window.isHarmed = true' x=\"".to_owned(),
        "\u{202e}sredrO\u{202c} \u{200f}\u{5d0}\u{5d1}\u{5d2}".to_owned(),
        long(),
        String::new(),
        "</h1></section></main><h1>Port".to_owned(),
        "${window.isHarmed = true} {{constructor}} &lt;b&gt; javascript:alert(1)".to_owned(),
        "\u{200b}".to_owned(),
    ]
}

#[tokio::test]
#[ignore = "needs chromium and chromedriver"]
async fn hostile_names_stay_text_and_break_no_layout() {
    let site = Site::open().await;
    let names = hostile();
    let mut named = names.iter().cycle();
    for (table, ids) in [
        ("datasets", (1..=PORTS).map(|at| port(at).0).collect::<Vec<_>>()),
        ("technical_assets", (1..=ASSETS).map(|at| asset(at).0).collect()),
        ("data_products", (1..=CONSUMERS).map(|at| consumer(at).0).collect()),
        ("domains", (1..=DOMAINS).map(domain).collect()),
    ] {
        for id in ids {
            site.rename(table, id, named.next().unwrap()).await;
        }
    }
    browse(&site, async |browser| {
        let ports = (1..=PORTS).map(|at| format!("/output-ports/{}", port(at)));
        let by_domain = [format!("/output-ports/{}?by=group", port(1)), format!("/consumers/{}", consumer(5))];
        let pages = ports.chain(by_domain).chain([format!("/tech-assets/{}", asset(1)), "/".to_owned()]);
        for page in pages {
            browser.open(&page).await;
            browser.assert_fits(&page, &[360, 1280]).await;
            let made = "return [window.isHarmed === undefined, document.querySelectorAll('img, main script, b').length,
                document.querySelectorAll('[onmouseover], [onerror], [href^=javascript]').length]";
            assert_eq!(browser.script(made, []).await, json!([true, 0, 0]), "{page}");
        }
        // the portal lists the consumers: each with its whole name, or with its id where there is nothing to see
        for (at, row) in browser.table("Queries by consumer").await.iter().enumerate() {
            let id = row[1].link.as_deref().unwrap().trim_start_matches("/consumers/").to_owned();
            let all = (1..=CONSUMERS).map(|at| consumer(at).0.to_string());
            let place = all.into_iter().position(|one| one == id).unwrap();
            // ids of ports and assets had the first names
            let name = &names[(place + (PORTS + ASSETS) as usize) % names.len()];
            let shown = if name.is_empty() || name == "\u{200b}" { &id } else { name };
            assert_eq!(row[1].text, *shown, "row {at}");
        }
        let title = browser.script("return document.title", []).await;
        assert_eq!(title, json!("Usage"));
        browser.open(&format!("/output-ports/{}", port(1))).await;
        assert_eq!(browser.script("return document.title", []).await, json!(format!("{} – Usage", names[0])));
    })
    .await;
}
