//! What the message of an alert says: its annotations as templates of Prometheus, and what these say
//! once they are filled in, which the generated tests demand.
//!
//! - `summary`, `description`, `next`: what is wrong, how far, what is known of it, the first command;
//! - `all_clear`: that it is over;
//! - `host`: the machine; `changed`: what happened on it within the last half hour;
//! - `runbook_url`, `page`, `dashboard`: where to read on, the last without Grafana's address.

use std::collections::BTreeMap;

use super::changed;
use super::known::Known;
use super::links::{Links, host};
use super::rules::quoted;
use crate::catalogue::{Area, Direction, Severity, Signal};
use crate::check::capitalised;

/// Texts that many rules of a file have are written once, and named from then on.
#[derive(Default)]
pub(super) struct Shared(BTreeMap<String, String>);

impl Shared {
    /// The text in YAML: with a name for it where it stands for the first time.
    pub(super) fn once(&mut self, annotation: &str, text: &str) -> String {
        if !["host", "changed", "page"].contains(&annotation) {
            return quoted(text);
        }
        if let Some(name) = self.0.get(text) {
            return format!("*{name}");
        }
        let others = self.0.values().filter(|name| name.starts_with(annotation)).count();
        let name = match others {
            0 => annotation.to_owned(),
            more => format!("{annotation}{}", more + 1),
        };
        self.0.insert(text.to_owned(), name.clone());
        format!("&{name} {}", quoted(text))
    }
}

/// The annotations of a rule.
pub(super) fn templates(
    area: &Area,
    signal: &Signal,
    severity: Severity,
    runbook_base: &str,
) -> Vec<(&'static str, String)> {
    let links = Links::new(area, signal, runbook_base);
    let mut all = vec![
        ("summary", signal.title.template()),
        ("description", description(area, signal, severity)),
        ("next", signal.next.command_template()),
        ("all_clear", signal.clear.template()),
        ("host", host()),
    ];
    if says_changes(severity) {
        all.push(("changed", changed::template()));
    }
    all.extend(links.templates());
    all
}

/// What is true for weeks has nothing to do with the last half hour.
pub(super) fn says_changes(severity: Severity) -> bool {
    severity != Severity::Info
}

fn description(area: &Area, signal: &Signal, severity: Severity) -> String {
    let known: String = Known::of(area, signal).map(Known::template).collect();
    let hint = capitalised(signal.hint);
    if signal.is_up() {
        let failure = format!(
            "max by (reason) (stack_target_failure{{area=\"{}\",instance=%q,target=%q}}) == 1",
            area.name
        );
        return format!(
            "{{{{ range printf `{failure}` $labels.instance $labels.target | query }}}}\
             Reason: {{{{ .Labels.reason }}}}. {{{{ end }}}}{known}{hint}."
        );
    }
    if signal.is_probe() {
        let failure = "max by (phase, reason) (stack_probe_failure{instance=%q,target=%q}) == 1";
        return format!(
            "{{{{ range printf `{failure}` $labels.instance $labels.target | query }}}}\
             Phase: {{{{ .Labels.phase }}}}, reason: {{{{ .Labels.reason }}}}. {{{{ end }}}}{known}{hint}."
        );
    }
    if signal.is_fact() {
        return format!("{known}{hint}.");
    }
    format!(
        "{}: {}, should be {}. {known}{hint}.",
        signal.what,
        signal.unit.template("$value"),
        threshold(area, signal, severity),
    )
}

/// The threshold in force: the thing's own if it has one, else that of all things.
fn threshold(area: &Area, signal: &Signal, severity: Severity) -> String {
    let query = |labels: &[&str], more: &str| {
        let names: Vec<_> = ["instance", "target"].iter().chain(labels).collect();
        let matchers: Vec<_> = names.iter().map(|name| format!("{name}=%q")).collect();
        let values: Vec<_> = names.iter().map(|name| format!("$labels.{name}")).collect();
        format!(
            "printf `stack_threshold{{area=\"{}\",signal=\"{}\",severity=\"{}\",{}{more}}}` {} | query",
            area.name,
            signal.name,
            severity.as_str(),
            matchers.join(","),
            values.join(" ")
        )
    };
    let bound = format!("{} {}", signal.bound(), signal.unit.template(". | first | value"));
    let show = if may_be_none(signal) {
        format!("{{{{ if . | first | value }}}}{bound}{{{{ else }}}}none{{{{ end }}}}")
    } else {
        bound
    };
    let Some(last) = signal.item.last() else {
        return format!("{{{{ with {} }}}}{show}{{{{ end }}}}", query(&[], ""));
    };
    format!(
        "{{{{ with {} }}}}{show}{{{{ else }}}}{{{{ with {} }}}}{show}{{{{ end }}}}{{{{ end }}}}",
        query(signal.item, ""),
        query(&[], &format!(",{last}=\"\"")),
    )
}

/// Whether there may be a threshold of nothing, which reads "none" and not "at most 0".
fn may_be_none(signal: &Signal) -> bool {
    signal.direction == Direction::Above && !signal.is_fact()
}

/// An alert whose templates are filled in.
pub(super) struct Filled<'a> {
    pub(super) area: &'a Area,
    pub(super) signal: &'a Signal,
    pub(super) severity: Severity,
    pub(super) label: &'a dyn Fn(&str) -> String,
    pub(super) value: f64,
    pub(super) threshold: f64,
    /// Minutes that its series have been there.
    pub(super) minutes: u64,
}

impl Filled<'_> {
    /// What the annotations say.
    pub(super) fn texts(&self, runbook_base: &str) -> Vec<(&'static str, String)> {
        let Self { area, signal, label, .. } = self;
        let links = Links::new(area, signal, runbook_base);
        let mut all = vec![
            ("summary", signal.title.fill(label)),
            ("description", self.description()),
            ("next", signal.next.fill_command(label)),
            ("all_clear", signal.clear.fill(label)),
            ("host", super::links::EXAMPLE_HOST.to_owned()),
        ];
        if says_changes(self.severity) {
            all.push(("changed", changed::FILLED.to_owned()));
        }
        all.extend(links.filled(label));
        all
    }

    fn description(&self) -> String {
        let Self { signal, value, threshold, .. } = self;
        let known = Known::of(self.area, signal).filter(|known| known.shown_after(self.minutes));
        let known: String = known.map(|known| known.filled).collect();
        let hint = capitalised(signal.hint);
        match (signal.is_up(), signal.is_fact()) {
            (true, _) => format!("Reason: refused. {known}{hint}."),
            _ if signal.is_probe() => {
                format!("Phase: connect, reason: refused. {known}{hint}.")
            }
            (_, true) => format!("{known}{hint}."),
            _ => {
                let bound = if may_be_none(signal) && *threshold == 0.0 {
                    "none".to_owned()
                } else {
                    format!("{} {}", signal.bound(), signal.unit.in_alert(*threshold))
                };
                let value = signal.unit.in_alert(*value);
                format!("{}: {value}, should be {bound}. {known}{hint}.", signal.what)
            }
        }
    }
}
