//! Dashboards: their form. That every query has data is shown against a real run, in tests/live.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{files, read};

fn all() -> Vec<(String, Value)> {
    let parsed = files("dashboards", ".json").into_iter().map(|file| {
        let json = serde_json::from_str(&read(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        (file, json)
    });
    parsed.collect()
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    let panels = dashboard["panels"].as_array().into_iter().flatten();
    panels.filter(|panel| panel["type"] != "row")
}

#[test]
fn each_is_classic_and_fixed() {
    let mut uids = BTreeSet::new();
    for (file, dashboard) in all() {
        let version = dashboard["schemaVersion"].as_i64().unwrap();
        assert!((39..=42).contains(&version), "{file}: schemaVersion {version}");
        let uid = dashboard["uid"].as_str().unwrap().to_owned();
        assert!(uid.starts_with("stack-") && uid.len() <= 40, "{file}: {uid}");
        assert!(uids.insert(uid), "{file}: the uid is taken");
        assert_eq!(dashboard["editable"], false, "{file}");
        let variables = dashboard["templating"]["list"].as_array().unwrap();
        let source = variables.iter().find(|variable| variable["type"] == "datasource");
        assert!(source.is_some_and(|source| source["query"] == "prometheus"), "{file}");
        let alerts = dashboard["annotations"].to_string().contains("ALERTS");
        assert!(alerts, "{file}: alerts are no annotation");
    }
}

#[test]
fn every_panel_explains_itself() {
    for (file, dashboard) in all() {
        let mut ids = BTreeSet::new();
        let mut count = 0;
        for panel in panels(&dashboard) {
            count += 1;
            let place = format!("{file}: {}", panel["title"]);
            assert!(ids.insert(panel["id"].as_i64().unwrap()), "{place}: the id is taken");
            let text = panel["description"].as_str().unwrap_or_default();
            assert!(text.len() > 40, "{place}: no description");
            let defaults = &panel["fieldConfig"]["defaults"];
            let told = defaults["unit"].is_string() || defaults["mappings"].is_array();
            assert!(told, "{place}: neither unit nor value mappings");
            assert!(
                panel["datasource"].to_string().contains("$datasource")
                    || panel["datasource"].to_string().contains("${datasource}"),
                "{place}: data source"
            );
            for target in panel["targets"].as_array().into_iter().flatten() {
                let expr = target["expr"].as_str().unwrap();
                for window in ["rate(", "irate("] {
                    let fixed = expr.contains(window) && !expr.contains("$__rate_interval");
                    assert!(!fixed, "{place}: a rate over a fixed range: {expr}");
                }
            }
        }
        assert!((6..=18).contains(&count), "{file}: {count} panels");
    }
}

/// Lines come from the threshold series: a typed number would be a second truth.
#[test]
fn thresholds_are_drawn_from_the_series() {
    let mut drawn = 0;
    for (file, dashboard) in all() {
        for panel in panels(&dashboard) {
            let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array();
            let line =
                panel["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"].as_str();
            let typed =
                line.is_some_and(|mode| mode != "off") && steps.is_some_and(|s| s.len() > 1);
            assert!(!typed, "{file}: {}: a typed threshold is drawn", panel["title"]);
            drawn += usize::from(panel["targets"].to_string().contains("stack_threshold{"));
        }
    }
    assert!(drawn >= 15, "thresholds are drawn in {drawn} panels only");
}

#[test]
fn nothing_overlaps() {
    for (file, dashboard) in all() {
        let mut taken = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(at("x") + at("w") <= 24, "{file}: {}", panel["title"]);
            for x in at("x")..at("x") + at("w") {
                for y in at("y")..at("y") + at("h") {
                    assert!(taken.insert((x, y)), "{file}: {} overlaps", panel["title"]);
                }
            }
        }
    }
}
