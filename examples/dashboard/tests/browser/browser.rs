//! A chromium without a window, driven by its own driver.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thirtyfour::prelude::*;
use thirtyfour::{ChromiumLikeCapabilities, LoggingPrefsLogLevel};

use crate::site::Site;

/// How long a page may take; CI's machines are slow, and busy.
const PATIENCE: Duration = Duration::from_secs(30);

const SETTLED: &str =
    "document.readyState === 'complete' && document.getElementById('main')?.ariaBusy === 'false'";

/// A browser on the pages of a site.
#[derive(Clone)]
pub(crate) struct Browser {
    driver: WebDriver,
    site: String,
}

/// Runs a test in a browser of its own. Afterwards its console must hold no error that the test did not expect, and it
/// must not have asked any other host for anything.
pub(crate) async fn browse(site: &Site, test: impl AsyncFnOnce(Browser)) {
    let chromedriver = Chromedriver::start();
    let driver = WebDriver::new(&chromedriver.address, capabilities())
        .await
        .unwrap_or_else(|error| panic!("no browser ({error}); apt-get install chromium"));
    let site = site.address.clone();
    let outcome = driver
        .run_and_quit(async |driver| {
            let browser = Browser { driver, site };
            browser.size(1280, 900).await;
            test(browser.clone()).await;
            browser.assert_no_errors().await;
            browser.assert_no_other_host().await;
            Ok::<_, WebDriverError>(())
        })
        .await;
    outcome.unwrap();
}

fn capabilities() -> Capabilities {
    let mut chromium = DesiredCapabilities::chrome();
    // CI is root, for whom chromium has no sandbox
    for argument in
        ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en-US"]
    {
        chromium.add_arg(argument).unwrap();
    }
    // the browser's own calls home are not the page's
    for argument in ["--no-first-run", "--disable-background-networking", "--disable-component-update"] {
        chromium.add_arg(argument).unwrap();
    }
    chromium.set_logging_prefs("browser", LoggingPrefsLogLevel::All).unwrap();
    chromium.set_logging_prefs("performance", LoggingPrefsLogLevel::All).unwrap();
    chromium.into()
}

/// The driver's process, which ends with this value.
struct Chromedriver {
    process: Child,
    address: String,
}

impl Chromedriver {
    fn start() -> Self {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("no chromedriver ({error}); apt-get install chromium chromium-driver")
            });
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.ok()?;
            Some(
                line.strip_prefix("ChromeDriver was started successfully on port ")?
                    .trim_end_matches('.')
                    .to_owned(),
            )
        });
        let port = port.expect("chromedriver says its port");
        Self { process, address: format!("http://127.0.0.1:{port}") }
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // it has ended already, or does now
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Browser {
    /// Opens a page and waits until all of it is there.
    pub(crate) async fn open(&self, path: &str) {
        self.driver.goto(format!("{}{path}", self.site)).await.unwrap();
        self.wait(SETTLED).await;
    }

    pub(crate) async fn back(&self) {
        self.driver.back().await.unwrap();
    }

    pub(crate) async fn forward(&self) {
        self.driver.forward().await.unwrap();
    }

    /// Waits until an expression of the page is true.
    pub(crate) async fn wait(&self, expression: &str) {
        let since = Instant::now();
        while self.script(&format!("return Boolean({expression})"), []).await != json!(true) {
            assert!(since.elapsed() < PATIENCE, "never true: {expression}\n{}", self.text().await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the page is at another address, and all of it is there.
    pub(crate) async fn arrive(&self, path: &str) {
        let path = json!(path);
        self.wait(&format!("location.pathname + location.search === {path} && {SETTLED}")).await;
    }

    pub(crate) async fn script<const N: usize>(&self, script: &str, arguments: [Value; N]) -> Value {
        self.driver.execute(script, arguments.to_vec()).await.unwrap().json().clone()
    }

    /// What a promise of the page comes to.
    pub(crate) async fn promise<const N: usize>(&self, script: &str, arguments: [Value; N]) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; \
             (async (...given) => {{ {script} }})(...arguments).then(done, (error) => done(String(error)))"
        );
        self.driver.execute_async(script, arguments.to_vec()).await.unwrap().json().clone()
    }

    /// All that a reader sees.
    pub(crate) async fn text(&self) -> String {
        let text = self.script("return document.body.innerText", []).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn click(&self, selector: &str) {
        self.driver.find(By::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Types into whatever has the keyboard.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        self.driver.action_chain().send_keys(keys).perform().await.unwrap();
    }

    pub(crate) async fn size(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// The page scrolls up and down alone, at each of these widths.
    pub(crate) async fn assert_fits(&self, page: &str, widths: &[u32]) {
        for width in widths {
            self.size(*width, 800).await;
            // drawings follow a moment later
            self.wait("[...document.querySelectorAll('canvas')].every((one) => one.clientWidth <= one.parentNode.clientWidth)")
                .await;
            let overflow =
                "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
            assert_eq!(self.script(overflow, []).await, json!(0), "{page} at {width}");
        }
    }

    /// `light` or `dark`.
    pub(crate) async fn look(&self, scheme: &str) {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// As on paper, for a reader who likes it dark.
    pub(crate) async fn print(&self) {
        let media =
            json!({ "media": "print", "features": [{ "name": "prefers-color-scheme", "value": "dark" }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
        self.driver.cdp().send_raw(command, parameters).await.unwrap();
    }

    /// What the console holds since it was last asked.
    pub(crate) async fn errors(&self) -> Vec<String> {
        let log = self.driver.get_log("browser").await.unwrap();
        log.into_iter().map(|entry| format!("{}: {}", entry.level, entry.message)).collect()
    }

    pub(crate) async fn assert_no_errors(&self) {
        assert_eq!(
            self.errors().await,
            [""; 0],
            "the console of {}",
            self.driver.current_url().await.unwrap()
        );
    }

    /// The test expects failed requests, with this status, and nothing else.
    pub(crate) async fn expect_failed_requests(&self, status: &str) {
        let errors = self.errors().await;
        let others = errors.iter().filter(|error| !(error.contains("/api/") && error.contains(status)));
        assert_eq!(others.collect::<Vec<_>>(), [""; 0]);
        assert!(!errors.is_empty(), "a request should have failed with {status}");
    }

    async fn assert_no_other_host(&self) {
        let log = self.driver.get_log("performance").await.unwrap();
        let mut requests = 0;
        for entry in log {
            let entry: Value = serde_json::from_str(&entry.message).unwrap();
            let message = &entry["message"];
            if message["method"] == "Network.requestWillBeSent" {
                let url = message["params"]["request"]["url"].as_str().unwrap();
                // chromium draws the fields of a form with pictures of its own
                let is_own =
                    url.starts_with(&format!("{}/", self.site)) || url.starts_with("data:image/svg+xml;");
                assert!(is_own, "a request to another host: {url}");
                requests += 1;
            }
        }
        assert!(requests > 0, "the log of requests is empty");
    }
}
