//! What people who run a stack need of the repository, out of the binary: rules with their tests,
//! dashboards, the files of Prometheus and Alertmanager, and the Compose stack of all of them.
//!
//! What follows from the catalogue is generated, the rest is a part of the binary.

use std::path::Path;

use super::{RUNBOOK_BASE, threshold_rules};
use crate::catalogue::Catalogue;

macro_rules! by_hand {
    ($($path:literal)*) => { &[$(($path, include_str!(concat!("../../", $path)))),*] };
}

/// Every file of alerts/ and dashboards/ that is written by hand, and what the Compose stack takes
/// beside them; a test holds the list against the folders.
const BY_HAND: &[(&str, &str)] = by_hand! {
    ".env.example"
    "alerts/alertmanager.yml"
    "alerts/exporter.rules.yml"
    "alerts/prometheus.yml"
    "alerts/templates/stack.tmpl"
    "alerts/tests/exporter.test.yml"
    "alerts/tests/quiet.test.yml"
    "alerts/tests/watchers.test.yml"
    "alerts/watchers.rules.yml"
    "dashboards/availability.json"
    "dashboards/backups.json"
    "dashboards/containers.json"
    "dashboards/docker.json"
    "dashboards/gpu.json"
    "dashboards/host.json"
    "dashboards/log-rules.json"
    "dashboards/logs.json"
    "dashboards/machine.json"
    "dashboards/nats-queues.json"
    "dashboards/overview.json"
    "dashboards/postgres.json"
    "dashboards/postgres_inside.json"
    "dashboards/processes.json"
    "dashboards/provisioning/dashboards/stack.yml"
    "dashboards/provisioning/datasources/stack.yml"
    "dashboards/stores.json"
    "dashboards/units.json"
    "docker-compose.monitoring.yml"
    "examples/compose.networks.yml"
    "examples/monitoring.yml"
};

/// Paths and texts of the dashboards.
pub(super) fn boards() -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_board = |path: &Path| path.extension().is_some_and(|ending| ending == "json");
    BY_HAND.iter().copied().filter(move |(path, _)| is_board(Path::new(path)))
}

/// Every file with its text, in order. `external_url` is where people reach the exporter, and so its
/// runbooks; without it that is the instance that an alert came from.
pub fn shipped(catalogue: &Catalogue, external_url: Option<&str>) -> Vec<(String, String)> {
    let base = external_url.map(|url| format!("{}/runbooks", url.trim_end_matches('/')));
    let mut files = threshold_rules(catalogue, base.as_deref().unwrap_or(RUNBOOK_BASE));
    for (name, text) in BY_HAND {
        let text = match &base {
            Some(base) => text.lines().map(|line| with_base(line, base) + "\n").collect(),
            None => (*text).to_owned(),
        };
        files.push(((*name).to_owned(), text));
    }
    files.sort_unstable();
    files
}

/// A line with another address of the runbooks: of an annotation, or of a link in a dashboard.
fn with_base(line: &str, base: &str) -> String {
    // Of an annotation all that stands before the path, which may be a template that asks for the address.
    let from = if line.contains("runbook_url: \"") { line.find('"') } else { line.find("\"http") };
    let is_link = ["runbook_url: \"", "\"url\": \""].iter().any(|key| line.contains(key));
    let place = from.zip(line.rfind("/runbooks/"));
    match place.filter(|(from, to)| is_link && from < to) {
        Some((from, to)) => {
            let (before, after) = (line.get(..=from), line.get(to + "/runbooks".len()..));
            format!("{}{base}{}", before.unwrap_or_default(), after.unwrap_or_default())
        }
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::CATALOGUE;

    #[test]
    fn every_link_to_a_runbook_gets_the_address_and_nothing_else() {
        let files = shipped(&CATALOGUE, Some("https://stack.example.org/monitor/"));
        let mut links = 0;
        for ((name, text), (same, before)) in files.iter().zip(shipped(&CATALOGUE, None)) {
            assert_eq!(*name, same);
            assert_eq!(text.lines().count(), before.lines().count(), "{name}");
            for (line, old) in text.lines().zip(before.lines()) {
                if line == old {
                    assert!(!old.contains("runbook_url:"), "{name}: {old}");
                    continue;
                }
                links += 1;
                assert!(line.contains("\"https://stack.example.org/monitor/runbooks/"), "{line}");
                assert!(old.contains("/runbooks/"), "{name}: {old}");
            }
        }
        assert!(links > 400, "{links}");
        let board = files.iter().find(|(name, _)| name == "dashboards/overview.json").unwrap();
        assert!(board.1.contains("https://stack.example.org/monitor/runbooks/${__value.raw}"));
    }
}
