//! The status page in a real browser: wide and narrow, light and dark, by keyboard, without a script, and
//! open while things change.

use serde_json::json;

use crate::servers::browser::Browser;
use crate::servers::exporter::Exporter;
use crate::servers::kostatus::{KoStatus, Mode, example};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

/// The machine that the test runs on may be busy, or full.
const QUIET: &str = "host: { thresholds: { cpu: off, memory: off, disk: off, inodes: off, disk_unreadable: off, \
    oom_kills: off, io_pressure: off, memory_pressure: off, iowait: off, steal: off, swapping: off, disk_queue: off, \
    rebooted: off, reboot_required: off, security_updates: off, package_lists: off } }\n";
const H1: &str = "return document.querySelector('h1').innerText";
const ICON: &str = "return document.querySelector('link[rel=icon]').getAttribute('href')";

/// Waits until a script returns a text with these words in it.
pub async fn seen(browser: &Browser, script: &str, words: &str) {
    until(&format!("{words:?} by {script}"), PATIENT, async || {
        let text = browser.text(script).await;
        if text.contains(words) { Ok(()) } else { Err(text) }
    })
    .await;
}

#[test]
fn the_page_is_readable_everywhere() {
    run(async {
        let nats = Stack::nats().await;
        let config = format!(
            "nats:\n  well: {{ url: \"{}\" }}\n  sick: {{ url: \"http://127.0.0.1:1\" }}\n{QUIET}",
            nats.monitor_url()
        );
        let exporter = Exporter::start(binary(), &config).await;
        for (width, height, dark) in [
            (1600, 1000, false),
            (390, 844, true),
            (390, 844, false),
            (2000, 1200, true),
            (360, 740, false),
        ] {
            let browser = Browser::open(width, height, dark).await;
            browser.visit(&exporter.url()).await;
            seen(&browser, H1, "NATS sick does not answer").await;
            // All that is folded is looked at too.
            browser
                .script("document.querySelectorAll('details').forEach(d => d.open = true)")
                .await;
            fits(&browser, width).await;
            let paper =
                browser.script("return getComputedStyle(document.body).backgroundColor").await;
            let expected = if dark { "rgb(20, 23, 26)" } else { "rgb(255, 255, 255)" };
            assert_eq!(paper, json!(expected));
            let first = "return document.querySelector('#targets tbody tr td').innerText";
            assert_eq!(browser.script(first).await, json!("nats sick"), "sick ones first");
            let off = browser.text("return document.querySelector('#off').innerText").await;
            assert!(off.contains("cpu of host"), "{off}");
            keyboard(&browser).await;
            browser.visit(&format!("{}/runbooks/NatsDown#silence", exporter.url())).await;
            fits(&browser, width).await;
            let silence = browser.text("return document.querySelector('main').innerText").await;
            assert!(silence.contains("alertname=\"NatsDown\""), "{silence}");
        }
    });
}

/// No wider than the window, nothing from elsewhere, nothing that the policy forbids, enough contrast.
pub async fn fits(browser: &Browser, width: u32) {
    let wider = "return document.documentElement.scrollWidth - window.innerWidth";
    let wider = browser.script(wider).await;
    assert!(wider.as_i64().unwrap() <= 0, "the page is wider than {width} by {wider}");
    let assets = "return performance.getEntriesByType('resource').map(r => r.name)\
                  .filter(n => !n.startsWith(location.origin) && !n.startsWith('data:'))";
    assert_eq!(browser.script(assets).await, json!([]), "no outside assets");
    assert_eq!(browser.forbidden().await, json!([]), "the policy of the page");
    assert_eq!(browser.script(CONTRAST).await, json!([]), "text with too little contrast");
    assert_eq!(browser.script(STRUCTURE).await, json!([]), "for screen readers");
}

/// The tabulator comes to everything, and one sees where it is.
async fn keyboard(browser: &Browser) {
    browser.script("document.activeElement.blur(); window.getSelection().removeAllRanges()").await;
    let mut reached = Vec::new();
    for _ in 0..12 {
        reached.push(browser.tab().await);
        let outline = "return getComputedStyle(document.activeElement).outlineStyle";
        assert_ne!(browser.script(outline).await, json!("none"), "{reached:?}");
    }
    assert_eq!(reached[0], "Skip to content");
    for wanted in ["Runbooks", "Metrics", "Copy", "Runbook NatsDown", "Silence it"] {
        assert!(reached.iter().any(|text| text == wanted), "{wanted} in {reached:?}");
    }
}

#[test]
fn an_open_page_changes_by_itself_and_leaves_the_reader_alone() {
    run(async {
        let app = KoStatus::start().await;
        let mut idle = example();
        idle["queue_stats"] =
            json!({ "search": { "pending": 0, "processing": 0, "completed": 15 } });
        app.set_json(&idle);
        app.set_mode(Mode::Closed).await;
        let config =
            format!("queues:\n  app: {{ http: \"{}\", preset: alaw }}\n{QUIET}", app.url());
        let exporter = Exporter::start(binary(), &config).await;
        let browser = Browser::open(1200, 400, false).await;
        browser.visit(&exporter.url()).await;
        seen(&browser, H1, "app").await;
        assert_eq!(browser.text(ICON).await, "/assets/warning.svg");
        assert!(browser.text("return document.title").await.starts_with("1 warning"));
        browser
            .script(
                "window.same = true; document.querySelector('#targets').open = true;
                 document.querySelector('#targets a').focus(); window.scrollTo(0, 50);",
            )
            .await;
        app.set_mode(Mode::Normal).await;
        until("the page sees that all is well", PATIENT, async || {
            // Whoever scrapes has it read.
            exporter.scrape().await;
            let head = browser.text(H1).await;
            if head.contains("All is well, with ") && head.contains(" thresholds switched off") {
                Ok(())
            } else {
                Err(head)
            }
        })
        .await;
        assert_eq!(browser.text(ICON).await, "/assets/ok.svg");
        assert!(browser.text("return document.title").await.starts_with("all is well"));
        let left = "return [window.same, document.querySelector('#targets').open,
                    document.activeElement.innerText, document.querySelector('#troubles') === null]";
        assert_eq!(browser.script(left).await, json!([true, true, "queue app", true]));
        assert_eq!(browser.forbidden().await, json!([]));

        // In the background the tab still tells.
        browser
            .script(
                "Object.defineProperty(document, 'hidden', { get: () => true });
                 document.dispatchEvent(new Event('visibilitychange'));",
            )
            .await;
        app.set_mode(Mode::Closed).await;
        until("the tab of the background", 2 * PATIENT, async || {
            exporter.scrape().await;
            let title = browser.text("return document.title").await;
            if title.starts_with("1 warning") { Ok(()) } else { Err(title) }
        })
        .await;
        assert_eq!(
            browser.script("return window.same").await,
            json!(true),
            "it was not loaded anew"
        );
    });
}

#[test]
fn a_page_says_that_its_exporter_is_gone() {
    run(async {
        let exporter = Exporter::start(binary(), "host: {}\n").await;
        let browser = Browser::open(800, 600, false).await;
        browser.visit(&exporter.url()).await;
        let lost = "return document.querySelector('#lost').innerText";
        assert_eq!(browser.text(lost).await, "");
        exporter.stop().await;
        seen(&browser, lost, "No answer from the exporter since ").await;
        assert!(browser.text("return document.title").await.starts_with("no answer"));
        assert!(browser.text(ICON).await.starts_with("data:image/svg+xml"));
        exporter.restart().await;
        until("the page is true again", PATIENT, async || {
            let text = browser.text(lost).await;
            if text.is_empty() { Ok(()) } else { Err(text) }
        })
        .await;
        assert!(browser.text(ICON).await.starts_with("/assets/"));
        assert_eq!(browser.forbidden().await, json!([]));
    });
}

#[test]
fn commands_are_copied_and_rows_are_filtered() {
    run(async {
        let nats = Stack::nats().await;
        let config = format!(
            "nats:\n  well: {{ url: \"{}\" }}\n  sick: {{ url: \"http://127.0.0.1:1\" }}\n{QUIET}",
            nats.monitor_url()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let browser = Browser::open(1200, 900, false).await;
        let granted = json!({ "permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"] });
        browser.command("Browser.grantPermissions", &granted).await;
        browser.visit(&exporter.url()).await;
        let button = "document.querySelector('#troubles .copy')";
        browser.script(&format!("{button}.click()")).await;
        seen(&browser, &format!("return {button}.innerText"), "Copied").await;
        let copied = browser.text("return navigator.clipboard.readText()").await;
        let command = browser
            .text("return document.querySelector('#troubles [data-text]').textContent")
            .await;
        assert!(!command.is_empty());
        assert_eq!(copied, command);
        until("the button is as before", PATIENT, async || {
            browser.text(&format!("return {button}.innerText")).await == "Copy"
        })
        .await;

        let rows = "return [...document.querySelectorAll('#targets [data-row]')].filter(r => !r.hidden)\
                    .map(r => r.cells[0].textContent).join()";
        let type_in = |words: &str| {
            format!(
                "const box = document.querySelector('#filter'); box.focus(); box.value = {};
                 box.dispatchEvent(new Event('input'))",
                json!(words)
            )
        };
        browser.script(&type_in("nats WELL")).await;
        assert_eq!(browser.text(rows).await, "nats well");
        let troubles = "return document.querySelector('#troubles').hidden";
        assert_eq!(browser.script(troubles).await, json!(true));
        let open = "return document.querySelector('#targets').open";
        assert_eq!(browser.script(open).await, json!(true), "what is found is seen");
        assert_eq!(browser.text("return location.hash").await, "#filter=nats%20WELL");
        browser.visit(&format!("{}/#filter=sick", exporter.url())).await;
        seen(&browser, rows, "nats sick").await;
        assert_eq!(browser.script(troubles).await, json!(false));
        browser.script(&type_in("")).await;
        let all = browser.text(rows).await;
        assert!(all.contains("nats sick") && all.contains("nats well"), "{all}");
        assert_eq!(browser.script(open).await, json!(false), "as it was");
        browser.script(&type_in("project:shop")).await;
        assert_eq!(browser.text(rows).await, "");
        assert_eq!(browser.forbidden().await, json!([]));
    });
}

#[test]
fn without_a_script_the_page_is_read_and_fetched_again() {
    run(async {
        let config = format!("nats: {{ sick: {{ url: \"http://127.0.0.1:1\" }} }}\n{QUIET}");
        let exporter = Exporter::start(binary(), &config).await;
        let browser = Browser::open(1200, 900, false).await;
        browser.command("Emulation.setScriptExecutionDisabled", &json!({ "value": true })).await;
        browser.visit(&exporter.url()).await;
        seen(&browser, H1, "NATS sick does not answer").await;
        let there = "return [document.querySelector('meta[http-equiv=refresh]')?.content,
                     getComputedStyle(document.querySelector('.filter')).display,
                     getComputedStyle(document.querySelector('.copy')).display,
                     document.documentElement.className]";
        assert_eq!(browser.script(there).await, json!(["30", "none", "none", ""]));
    });
}

#[test]
fn the_page_is_small_and_comes_with_its_assets() {
    run(async {
        let exporter = Exporter::start(binary(), "host: { thresholds: { cpu: off } }\n").await;
        let page = exporter.get("/", &[]).await;
        let status = exporter.get("/api/v1/status", &[]).await.body;
        let status: serde_json::Value = serde_json::from_str(&status).unwrap();
        let off = json!([{ "area": "host", "target": "host", "signal": "cpu", "key": null }]);
        assert_eq!(status["switched_off"], off);
        let missed = status["not_watched"].as_array().unwrap();
        assert!(missed.iter().any(|one| one["area"] == "queue"), "{missed:?}");
        assert!(page.body.contains("<b>queue</b>: no queue is named."), "{}", page.body);
        let machine = status["machine"].as_str().unwrap();
        assert!(
            page.body.contains(&format!("stack-exporter on <b>{machine}</b>")),
            "{}",
            page.body
        );
        assert!(page.body.contains(&format!(" · {machine}</title>")), "{}", page.body);
        let policy = page.header("content-security-policy").unwrap().to_owned();
        for part in ["default-src 'none'", "script-src 'self'", "form-action 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        let script = page.body.split("<script src=\"").nth(1).unwrap().split('"').next().unwrap();
        for (path, kind) in [
            (script, "text/javascript; charset=utf-8"),
            ("/assets/ok.svg", "image/svg+xml"),
            ("/assets/unknown.svg", "image/svg+xml"),
        ] {
            let asset = exporter.get(path, &[]).await;
            assert_eq!((asset.status, asset.header("content-type")), (200, Some(kind)), "{path}");
            assert!(asset.header("cache-control").unwrap().contains("max-age"), "{path}");
        }
        assert_eq!(exporter.get("/assets/page.js", &[]).await.status, 404);
        let packed = exporter.get("/", &[("accept-encoding", "gzip")]).await;
        assert_eq!(packed.header("content-encoding"), Some("gzip"));
    });
}

/// Texts whose contrast is under 4.5 to 1 (WCAG AA).
const CONTRAST: &str = "
const lum = c => { const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const paper = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!c.endsWith(', 0)')) return c; } return 'rgb(255, 255, 255)'; };
return [...document.querySelectorAll('body *:not(script, noscript, style, svg *)')]
  .filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
  .filter(e => { const a = lum(getComputedStyle(e).color), b = lum(paper(e));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; }).map(e => e.textContent.slice(0, 40));";

/// What a screen reader would miss.
const STRUCTURE: &str = "
const missing = [];
if (document.documentElement.lang != 'en') missing.push('lang');
if (document.querySelectorAll('h1').length != 1) missing.push('one h1');
for (const landmark of ['main', 'header', 'nav', 'footer']) {
  if (document.querySelectorAll(landmark).length != 1) missing.push(landmark);
}
let last = 0;
document.querySelectorAll('h1, h2, h3, h4').forEach(h => { const level = Number(h.tagName[1]);
  if (level > last + 1) missing.push('a heading before ' + h.textContent); last = level; });
document.querySelectorAll('table').forEach(t => { if (!t.caption) missing.push('caption'); });
document.querySelectorAll('th').forEach(t => { if (!t.scope) missing.push('scope'); });
document.querySelectorAll('a, button, summary').forEach(a => { if (!a.textContent.trim()) missing.push('words'); });
document.querySelectorAll('input').forEach(i => { if (!i.labels.length) missing.push('label'); });
document.querySelectorAll('svg').forEach(s => { if (!s.getAttribute('aria-label') && !s.ariaHidden) missing.push('svg'); });
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
ids.filter((id, at) => ids.indexOf(id) != at).forEach(id => missing.push('twice ' + id));
return missing;";
