//! The status page at `/`.

use std::fmt::Write as _;
use std::time::SystemTime;

use axum::extract::State;
use axum::response::Html;

use super::html::{ago, escape, page as html_page};
use super::{Server, details};
use crate::check::capitalised;
use crate::check::{Blind, Finding, Report, Verdict, judge};
use crate::engine::{Snapshot, title};

pub(super) async fn page(State(server): State<Server>) -> Html<String> {
    let snapshot = server.board.snapshot();
    let report = judge(&snapshot);
    let mut body = headline(&report, &snapshot);
    for blind in &report.blind {
        blind_card(&mut body, blind, report.at);
    }
    for finding in report.findings.iter().filter(|f| f.verdict >= Verdict::Warning) {
        let since = server.overview.since(finding);
        trouble_card(&mut body, finding, since, report.at);
    }
    details::tables(&mut body, &snapshot);
    targets_table(&mut body, &snapshot);
    advice(&mut body, &server, &report);
    findings_table(&mut body, &report);
    let _ = write!(
        body,
        "<p class=\"dim\">stack-exporter {} · <a href=\"{}\">metrics</a> · \
         <a href=\"/api/v1/status\">this page as JSON</a> · <a href=\"/runbooks/\">runbooks</a></p>",
        env!("CARGO_PKG_VERSION"),
        escape(&server.telemetry_path),
    );
    Html(html_page("stack-exporter status", &body))
}

fn headline(report: &Report, snapshot: &Snapshot) -> String {
    let targets = snapshot.entries.iter().filter(|entry| entry.target.is_some()).count();
    let bad = report.count(Verdict::Warning) + report.count(Verdict::Critical);
    let blind = report.not_visible();
    let (class, text) = match (report.worst(), report.blind.len()) {
        (Verdict::Critical, _) => ("critical", "Something is critical"),
        (Verdict::Warning, _) => ("warning", "Something wants attention"),
        (_, 1..) => ("unknown", "Something cannot be seen"),
        _ => ("ok", "All is well"),
    };
    format!(
        "<h1>stack-exporter: <span class=\"verdict {class}\">{text}</span></h1>\
         <p class=\"dim\">{targets} targets watched, {bad} findings out of bounds, {blind} not visible, {} in bounds. \
         <a href=\"/\">Reload</a></p>",
        report.count(Verdict::Ok)
    )
}

/// "critical" and so on, as word and colour: never colour alone.
fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Critical => ("critical", "Critical"),
        Verdict::Warning => ("warning", "Warning"),
        Verdict::Advice => ("advice", "Advice"),
        Verdict::NeedsHistory => ("dim", "Needs history"),
        Verdict::Ok => ("ok", "In bounds"),
    }
}

fn blind_card(out: &mut String, blind: &Blind, now: SystemTime) {
    let (class, word) = match blind.verdict {
        Verdict::Ok | Verdict::NeedsHistory => ("unknown", "Not visible"),
        bad => verdict(bad),
    };
    let _ = write!(
        out,
        "<section class=\"trouble {class}\"><h2 class=\"verdict\">{word}: {}</h2><p>Cannot see {} because {}. It is at <code>{}</code>.</p>\
         <p>What to do: {}</p><p class=\"dim\">Reason {}, for {}. <a href=\"/debug/{}/{}\">Details</a></p></section>",
        escape(&title(blind.area, &blind.target)),
        escape(blind.what.as_deref().unwrap_or("it")),
        escape(&blind.failure.detail),
        escape(&blind.place),
        escape(&blind.remedy()),
        blind.failure.reason.as_str(),
        ago(blind.since, now),
        blind.area,
        escape(&blind.target),
    );
}

fn trouble_card(out: &mut String, finding: &Finding, since: Option<SystemTime>, now: SystemTime) {
    let (class, word) = verdict(finding.verdict);
    let since = since.map_or_else(|| "New".to_owned(), |since| format!("For {}", ago(since, now)));
    let figure =
        finding.figure().map_or_else(String::new, |figure| format!("<p>{}.</p>", escape(&figure)));
    let _ = write!(
        out,
        "<section class=\"trouble {class}\"><h2 class=\"verdict\">{word}: {}</h2>{figure}\
         <p>{}.</p><p>Next: <code>{}</code></p>\
         <p class=\"dim\">{} ({}). {since}. <a href=\"/runbooks/{}\">Runbook {}</a></p></section>",
        escape(&finding.title()),
        escape(&capitalised(finding.signal.hint)),
        escape(&finding.next()),
        escape(&title(finding.area, &finding.target)),
        escape(&finding.subject()),
        finding.signal.alert,
        finding.signal.alert,
    );
}

fn targets_table(out: &mut String, snapshot: &Snapshot) {
    *out += "<h2>What is watched</h2><div class=\"scroll\"><table><caption>Targets, sick ones first</caption>\
             <thead><tr><th scope=\"col\">Target</th><th scope=\"col\">State</th><th scope=\"col\">Since</th>\
             <th scope=\"col\">Where</th><th scope=\"col\" class=\"number\">Read in</th><th scope=\"col\" class=\"number\">Series</th></tr></thead><tbody>";
    let mut rows: Vec<_> = snapshot
        .entries
        .iter()
        .filter_map(|entry| Some((entry.target.as_ref()?, entry.state.as_ref()?)))
        .collect();
    rows.sort_by_key(|(_, state)| state.up().unwrap_or(false));
    for (target, state) in rows {
        let (class, word) = match state.up() {
            Some(true) => ("ok", "up"),
            Some(false) => ("critical", "down"),
            None => ("unknown", "not read yet"),
        };
        let took = state.took.map_or_else(String::new, |took| format!("{} ms", took.as_millis()));
        let series = state.reading.as_ref().map_or_else(String::new, |r| r.series.to_string());
        let _ = write!(
            out,
            "<tr><td data-label=\"Target\"><a href=\"/debug/{}/{}\">{}</a></td><td data-label=\"State\" class=\"verdict {class}\">{word}</td>\
             <td data-label=\"Since\">{}</td><td data-label=\"Where\">{}</td><td data-label=\"Read in\" class=\"number\">{took}</td>\
             <td data-label=\"Series\" class=\"number\">{series}</td></tr>",
            target.id.area,
            escape(&target.id.name),
            escape(&target.id.to_string()),
            ago(state.since, snapshot.at),
            escape(&target.place),
        );
    }
    *out += "</tbody></table></div>";
}

/// What is worth doing one day, and thresholds that speak of nothing.
fn advice(out: &mut String, server: &Server, report: &Report) {
    let advice: Vec<_> =
        report.findings.iter().filter(|finding| finding.verdict == Verdict::Advice).collect();
    if !advice.is_empty() {
        let _ = write!(
            out,
            "<h2>Advice</h2><details><summary>{} things that can wait</summary>",
            advice.len()
        );
        for finding in advice {
            trouble_card(out, finding, server.overview.since(finding), report.at);
        }
        *out += "</details>";
    }
    for idle in &report.idle {
        let (title, sentence) = (title(idle.area, &idle.target), idle.sentence());
        let _ = write!(out, "<p class=\"dim\">{}: {}.</p>", escape(&title), escape(&sentence));
    }
}

fn findings_table(out: &mut String, report: &Report) {
    let fine: Vec<_> = report.findings.iter().filter(|f| f.verdict < Verdict::Advice).collect();
    let _ = write!(
        out,
        "<h2>In bounds</h2><details{}><summary>{} values and their thresholds</summary><div class=\"scroll\"><table>\
         <caption>Value against threshold</caption><thead><tr><th scope=\"col\">Target</th><th scope=\"col\">Signal</th>\
         <th scope=\"col\" class=\"number\">Value</th><th scope=\"col\">Threshold</th></tr></thead><tbody>",
        if fine.len() <= 40 { " open" } else { "" },
        fine.len()
    );
    for finding in fine {
        let _ = write!(
            out,
            "<tr><td data-label=\"Target\">{}</td><td data-label=\"Signal\"><a href=\"/runbooks/{}\">{}</a></td>\
             <td data-label=\"Value\" class=\"number\">{}</td><td data-label=\"Threshold\">{}</td></tr>",
            escape(&title(finding.area, &finding.target)),
            finding.signal.alert,
            escape(&finding.subject()),
            escape(&finding.shown_value()),
            escape(&finding.shown_threshold()),
        );
    }
    *out += "</tbody></table></div></details>";
}
