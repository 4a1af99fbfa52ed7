//! The machine of an alert, and the places to read on: runbook, page of the exporter, board of Grafana.

use super::boards::Board;
use super::rule_tests::alert_labels;
use super::{RUNBOOK_BASE, boards};
use crate::catalogue::{Area, Signal};

/// What the exporter says of its machine, also up to a day after its last word. What holds now comes
/// first: an address that was changed today is in the range twice.
const INFO: &str = "printf `stack_exporter_info{instance=%[1]q} or last_over_time(stack_exporter_info{instance=%[1]q}[1d])` $labels.instance | query";

/// The machine in the generated cases, and where its exporter is reached.
pub(super) const EXAMPLE_HOST: &str = "db1";
pub(super) const EXAMPLE_URL: &str = "https://db1.example.org";

/// The machine's name; without it the instance.
pub(super) fn host() -> String {
    format!(
        "{{{{ with {INFO} }}}}{{{{ . | first | label \"hostname\" }}}}{{{{ else }}}}{{{{ $labels.instance }}}}{{{{ end }}}}"
    )
}

/// A part of a path whose text comes from outside.
fn part(value: &str) -> String {
    format!("{{{{ {value} | urlquery | reReplaceAll \"[+]\" \"%20\" }}}}")
}

/// The same, filled in.
fn filled_part(value: &str) -> String {
    let mut out = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            other => out += &format!("%{other:02X}"),
        }
    }
    out
}

/// The links of an alert.
pub(super) struct Links<'a> {
    area: &'a Area,
    alert: &'static str,
    runbook_base: Option<&'a str>,
    labels: Vec<&'static str>,
    board: Board,
}

impl<'a> Links<'a> {
    pub(super) fn new(area: &'a Area, signal: &Signal, runbook_base: &'a str) -> Self {
        Self {
            area,
            alert: signal.alert,
            runbook_base: Some(runbook_base).filter(|base| *base != RUNBOOK_BASE),
            labels: alert_labels(area, signal),
            board: boards::of(area, signal),
        }
    }

    pub(super) fn templates(&self) -> [(&'static str, String); 3] {
        let runbook = self.runbook_base.map_or_else(
            || {
                format!(
                    "{{{{ with {INFO} }}}}{{{{ . | first | label \"external_url\" }}}}{{{{ else }}}}http://{{{{ $labels.instance }}}}{{{{ end }}}}/runbooks"
                )
            },
            ToOwned::to_owned,
        );
        let page = format!(
            "{{{{ with {INFO} }}}}{{{{ . | first | label \"external_url\" }}}}{}{{{{ end }}}}",
            self.page(&|label| match label {
                "project" => part("or $labels.project \"-\""),
                label => part(&format!("$labels.{label}")),
            })
        );
        [
            ("runbook_url", format!("{runbook}/{}", self.alert)),
            ("page", page),
            ("dashboard", self.dashboard(&|label| part(&format!("$labels.{label}")))),
        ]
    }

    /// What they are in the generated cases.
    pub(super) fn filled(&self, label: &dyn Fn(&str) -> String) -> [(&'static str, String); 3] {
        let base = self.runbook_base.map_or_else(|| format!("{EXAMPLE_URL}/runbooks"), Into::into);
        let value = |name: &str| filled_part(&label(name));
        [
            ("runbook_url", format!("{base}/{}", self.alert)),
            ("page", format!("{EXAMPLE_URL}{}", self.page(&value))),
            ("dashboard", self.dashboard(&value)),
        ]
    }

    /// The page of the service that it is about, else of its target.
    fn page(&self, value: &dyn Fn(&str) -> String) -> String {
        if self.area.name == "docker" && self.labels.contains(&"service") {
            return format!("/service/{}/{}", value("project"), value("service"));
        }
        format!("/target/{}/{}", self.area.name, value("target"))
    }

    /// The board with its variables, as a path.
    fn dashboard(&self, value: &dyn Fn(&str) -> String) -> String {
        let mut out = format!("/d/{}?var-instance={}", self.board.uid, value("instance"));
        for variable in &self.board.variables {
            let label = match variable.as_str() {
                "container" if self.labels.contains(&"name") => "name",
                "project" if self.labels.contains(&"project") => "project",
                "target" => "target",
                _ => continue,
            };
            out += &format!("&var-{variable}={}", value(label));
        }
        out
    }
}
