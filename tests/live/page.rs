//! The status page in a real browser: wide and light, narrow and dark.

use serde_json::json;

use crate::servers::browser::Browser;
use crate::servers::exporter::Exporter;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

#[test]
fn the_page_is_readable_everywhere_and_sick_targets_come_first() {
    run(async {
        let nats = Stack::nats().await;
        let config = format!(
            "nats:\n  well: {{ url: \"{}\" }}\n  sick: {{ url: \"http://127.0.0.1:1\" }}\n",
            nats.monitor_url()
        );
        let exporter = Exporter::start(binary(), &config).await;
        for (width, height, dark) in [(1200, 900, false), (360, 740, true)] {
            let browser = Browser::open(width, height, dark).await;
            until("the verdict on the sick target", PATIENT, async || {
                browser.visit(&exporter.url()).await;
                let text = browser.script("return document.body.innerText").await;
                let text = text.as_str().unwrap_or_default().to_owned();
                if text.contains("Critical: nats sick") { Ok(()) } else { Err(text) }
            })
            .await;
            let wider = browser
                .script("return document.documentElement.scrollWidth - window.innerWidth")
                .await;
            assert!(wider.as_i64().unwrap() <= 0, "the page is wider than {width} by {wider}");
            let first = "return document.querySelector('tbody tr td').innerText";
            assert_eq!(browser.script(first).await, json!("nats sick"), "sick ones first");
            let assets = "return performance.getEntriesByType('resource').map(r => r.name).filter(n => n.startsWith('http'))";
            assert_eq!(browser.script(assets).await, json!([]), "no outside assets");
            let paper =
                browser.script("return getComputedStyle(document.body).backgroundColor").await;
            let expected = if dark { "rgb(20, 23, 26)" } else { "rgb(255, 255, 255)" };
            assert_eq!(paper, json!(expected));
            assert_eq!(browser.script(CONTRAST).await, json!([]), "text with too little contrast");
            assert_eq!(browser.script(STRUCTURE).await, json!([]), "for screen readers");
            assert_eq!(browser.tab().await, "Skip to content");
            assert_eq!(browser.tab().await, "Reload");
        }
    });
}

/// Texts whose contrast is under 4.5 to 1 (WCAG AA).
const CONTRAST: &str = "
const lum = c => { const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => { v /= 255;
  return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
const paper = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
  if (!c.endsWith(', 0)')) return c; } return 'rgb(255, 255, 255)'; };
return [...document.querySelectorAll('main *')].filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
  .filter(e => { const a = lum(getComputedStyle(e).color), b = lum(paper(e));
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5; }).map(e => e.textContent.slice(0, 40));";

/// What a screen reader would miss.
const STRUCTURE: &str = "
const missing = [];
if (document.documentElement.lang != 'en') missing.push('lang');
if (document.querySelectorAll('h1').length != 1) missing.push('one h1');
if (!document.querySelector('main')) missing.push('main');
document.querySelectorAll('table').forEach(t => { if (!t.caption) missing.push('caption'); });
document.querySelectorAll('th').forEach(t => { if (!t.scope) missing.push('scope'); });
document.querySelectorAll('a').forEach(a => { if (!a.textContent.trim()) missing.push('link text'); });
return missing;";
