//! docs/dashboards.md: what each dashboard shows, in its own words.

use std::fmt::Write as _;

use serde_json::Value;

use super::NOTICE;

/// `boards` are the dashboards' paths with their JSON.
pub(super) fn text<'a>(boards: impl Iterator<Item = (&'a str, &'a str)>) -> Result<String, String> {
    let mut out = format!(
        "# Dashboards\n\n<!-- {NOTICE} -->\n\n\
         For Grafana, each a page of its own, with a menu that leads from one to the other and keeps time and choices. Each panel says \
         in its description (the i at its title) what it shows, from which series, and what is normal; thresholds in force are drawn as \
         lines. `stack-exporter bundle --into DIR` writes them: import `dashboards/*.json`, or mount the folder with \
         `dashboards/provisioning`.\n"
    );
    for (path, text) in boards {
        let board: Value =
            serde_json::from_str(text).map_err(|error| format!("{path}: {error}"))?;
        let _ = write!(
            out,
            "\n## {}\n\n{} `{path}`\n\n",
            word(&board, "title"),
            word(&board, "description")
        );
        for panel in board.get("panels").and_then(Value::as_array).into_iter().flatten() {
            let title = word(panel, "title");
            if word(panel, "type") == "row" {
                let _ = writeln!(out, "- **{title}**");
                continue;
            }
            let description = word(panel, "description");
            let first = description.split_once(". ").map_or(description, |(first, _)| first);
            let _ = writeln!(out, "- {title}: {}.", first.trim_end_matches('.'));
        }
    }
    Ok(out)
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}
