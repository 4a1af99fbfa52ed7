//! A real browser: Chromium, driven through chromedriver's HTTP API.

use serde_json::{Value, json};

use super::port::free_port;
use super::process::{Server, Spec};
use super::wait::{PATIENT, get_ok, until};
use super::{http_client, watchdog};

#[derive(Debug)]
pub struct Browser {
    _server: Server,
    session: String,
}

impl Browser {
    /// A window of this size; `dark` prefers a dark page.
    ///
    /// # Panics
    /// When the browser does not start.
    pub async fn open(width: u32, height: u32, dark: bool) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("browser"));
        let args = [format!("--port={port}"), "--allowed-ips=127.0.0.1".to_owned()];
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let spec = Spec::new("chromedriver".as_ref(), "chromium-driver chromium", &args);
        let server = Server::start(spec, &dir);
        let base = format!("http://127.0.0.1:{port}");
        until("chromedriver", PATIENT, async || get_ok(&format!("{base}/status")).await).await;
        let profile = dir.join("profile");
        let scheme = u8::from(!dark);
        let switches = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-quic".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            format!("--blink-settings=preferredColorScheme={scheme}"),
            format!("--user-data-dir={}", profile.display()),
        ];
        // A phone's width is narrower than any window may be, so the device is emulated.
        let emulation =
            json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 1.0 } });
        let options = json!({ "args": switches, "mobileEmulation": emulation });
        let capabilities =
            json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options } } });
        let answer = post(&format!("{base}/session"), &capabilities).await;
        let id = answer["sessionId"].as_str().unwrap_or_else(|| panic!("no session: {answer}"));
        let browser = Self { session: format!("{base}/session/{id}"), _server: server };
        // What the policy of a page forbids is told by an event and nowhere else.
        let watch = "window.forbidden = []; document.addEventListener('securitypolicyviolation', \
                     (event) => window.forbidden.push(event.violatedDirective + ' ' + event.blockedURI));";
        let command = "Page.addScriptToEvaluateOnNewDocument";
        browser.command(command, &json!({ "source": watch })).await;
        browser
    }

    /// A command of the browser's own protocol.
    pub async fn command(&self, name: &str, params: &Value) -> Value {
        let body = json!({ "cmd": name, "params": params });
        post(&format!("{}/goog/cdp/execute", self.session), &body).await
    }

    /// What the policy of this page has forbidden since it was loaded.
    pub async fn forbidden(&self) -> Value {
        self.script("return window.forbidden").await
    }

    /// What a script returns, as text.
    pub async fn text(&self, script: &str) -> String {
        self.script(script).await.as_str().unwrap_or_default().to_owned()
    }

    pub async fn visit(&self, url: &str) {
        post(&format!("{}/url", self.session), &json!({ "url": url })).await;
    }

    /// What a script returns.
    pub async fn script(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        post(&format!("{}/execute/sync", self.session), &body).await
    }

    /// Presses the tabulator and returns the text of what has the focus then.
    pub async fn tab(&self) -> String {
        let keys = json!({ "actions": [{ "type": "key", "id": "keys", "actions": [
            { "type": "keyDown", "value": "\u{e004}" }, { "type": "keyUp", "value": "\u{e004}" },
        ] }] });
        post(&format!("{}/actions", self.session), &keys).await;
        let focused = self.script("return document.activeElement.textContent.trim()").await;
        focused.as_str().unwrap_or_default().to_owned()
    }
}

async fn post(url: &str, body: &Value) -> Value {
    let sent = http_client().post(url).json(body).send().await;
    let answer: Value = sent.expect("chromedriver").json().await.expect("JSON");
    let value = answer["value"].clone();
    assert!(value["error"].is_null(), "{url}: {value}");
    value
}
