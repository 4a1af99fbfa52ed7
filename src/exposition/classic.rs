//! OpenMetrics text into the classic text format 0.0.4, line by line.

use std::collections::HashMap;

use crate::catalogue::{Catalogue, Kind};

/// The differences: a counter's family is named with `_total`, an established counter is typed
/// `counter`, and there is neither UNIT nor EOF. Sample lines are the same.
pub(super) fn rewrite(catalogue: &Catalogue, text: &str) -> String {
    let kinds: HashMap<&str, Kind> = catalogue
        .metrics()
        .map(|(_, facts)| (facts.name.trim_end_matches("_total"), facts.kind))
        .collect();
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            out.push_str(line);
            out.push('\n');
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(keyword @ ("HELP" | "TYPE")), Some(name), rest) =
            (words.next(), words.next(), words.next().unwrap_or_default())
        else {
            continue;
        };
        let kind = kinds.get(name.trim_end_matches("_total"));
        let suffix = if kind == Some(&Kind::Counter) { "_total" } else { "" };
        let rest = match (keyword, kind) {
            ("TYPE", Some(Kind::EstablishedCounter)) => "counter",
            _ => rest,
        };
        out.extend(["# ", keyword, " ", name, suffix, " ", rest, "\n"]);
    }
    out
}
