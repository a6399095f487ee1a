//! axe-core: what a program can tell of the accessibility of a page.

use std::path::Path;

use serde_json::Value;

use crate::browser::Browser;

const FILE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/browser/node_modules/axe-core/axe.min.js");
const INSTALL: &str = "npm install --no-save --prefix target/browser axe-core@4.14.1";

/// Fails with everything that is against WCAG 2.2, A or AA.
pub(crate) async fn assert_accessible(browser: &Browser, what: &str) {
    let axe = std::fs::read_to_string(Path::new(FILE))
        .unwrap_or_else(|error| panic!("no axe-core ({error}); {INSTALL}"));
    browser.script(&axe, []).await;
    let found = browser
        .promise(
            "const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
             const { violations, passes } = await axe.run({ runOnly: tags });
             const where = ({ nodes }) => nodes.map(({ html, failureSummary }) => html.slice(0, 200) + ': ' + failureSummary);
             return { violations: violations.map((one) => [one.id, one.help, where(one)]), passes: passes.length };",
            [],
        )
        .await;
    assert!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "{what}: axe did not run: {found}");
    assert_eq!(found["violations"], Value::Array(Vec::new()), "{what}: {:#}", found["violations"]);
}
