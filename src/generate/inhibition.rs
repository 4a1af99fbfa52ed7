//! The labels by which a critical alert and the warning of the same trouble are compared, in
//! alerts/alertmanager.yml. The rest of that file is written by hand.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use crate::catalogue::Catalogue;

const FILE: &str = "alerts/alertmanager.yml";
const BEGIN: &str =
    "      # The labels of the signals, by area; written by `stack-exporter generate`.\n";
const END: &str = "      # The end of what is generated.\n";

/// The file, with its generated part as it should be.
pub(super) fn text(catalogue: &Catalogue, root: &Path) -> Result<(String, String), String> {
    let present = std::fs::read_to_string(root.join(FILE))
        .map_err(|error| format!("{FILE}: cannot read: {error}"))?;
    let parts = present.split_once(BEGIN).and_then(|(before, rest)| {
        let (generated, after) = rest.split_once(END)?;
        Some((before, generated, after))
    });
    let Some((before, _, after)) = parts else {
        return Err(format!("{FILE}: the lines around what is generated are missing"));
    };
    Ok((FILE.to_owned(), format!("{before}{BEGIN}{}{END}{after}", labels(catalogue, before))))
}

/// Every label of a metric that a signal judges, each once: also one that is summed away, for
/// labels that both alerts lack are equal.
fn labels(catalogue: &Catalogue, by_hand: &str) -> String {
    let line = |label: &str| format!("      - {label}\n");
    let mut seen = BTreeSet::new();
    let mut out = String::new();
    for area in catalogue.areas() {
        let mut new = Vec::new();
        for signal in area.signals {
            let metric = signal.measure.metric;
            let facts = catalogue.metrics().find(|(_, facts)| facts.name == metric);
            for label in facts.into_iter().flat_map(|(_, facts)| facts.labels) {
                if !by_hand.contains(&line(label)) && seen.insert(label) {
                    new.push(label);
                }
            }
        }
        if !new.is_empty() {
            let _ = writeln!(out, "      # {}", area.name);
            out.extend(new.into_iter().map(line));
        }
    }
    out
}
