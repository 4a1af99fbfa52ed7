//! Rules and dashboards against a real run: what they ask for exists, and what exists is asked for.

use std::collections::{BTreeMap, BTreeSet};

use stack_exporter::catalogue::Kind;
use stack_exporter::collectors::CATALOGUE;

use crate::queries::{self, Selector};
use crate::servers::alertmanager::{Alertmanager, Sink, simple_config};
use crate::servers::prometheus::{Prometheus, Setup};
use crate::servers::rules::Pace;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{http_client, run};
use crate::stage::rules;
use crate::world::{World, world};

/// Metrics that Prometheus makes itself.
const OF_PROMETHEUS: [&str; 5] =
    ["up", "ALERTS", "ALERTS_FOR_STATE", "vector", "scrape_duration_seconds"];

/// Of whom the rules on the watchers speak; `what_the_watchers_are_asked_for_exists` has them.
const WATCHERS: [&str; 2] = ["prometheus_", "alertmanager_"];

/// Metrics, and queries by a word of their place, that select nothing in this run, with the reason.
const ABSENT: &str = include_str!("../absent-in-this-run.txt");

type Series = BTreeMap<String, String>;

/// Families of a scrape: name to the label sets of its series.
fn families(body: &str) -> BTreeMap<String, Vec<Series>> {
    let mut families: BTreeMap<String, Vec<Series>> = BTreeMap::new();
    for line in body.lines().filter(|line| !line.starts_with('#')) {
        let (series, _) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        let mut set = Series::new();
        let mut rest = labels.trim_end_matches('}');
        while let Some((label, after)) = rest.split_once("=\"") {
            let mut end = 0;
            let bytes = after.as_bytes();
            while bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            set.insert(label.trim_start_matches(',').to_owned(), after[..end].to_owned());
            rest = &after[end + 1..];
        }
        families.entry(name.to_owned()).or_default().push(set);
    }
    families
}

fn is_listed(list: &str, key: &str) -> bool {
    list.lines().filter_map(|line| line.split_whitespace().next()).any(|listed| {
        listed.strip_suffix('*').map_or(listed == key, |start| key.starts_with(start))
    })
}

/// Whether a word of the place, such as the alert's name, is listed.
fn place_is_listed(place: &str) -> bool {
    place.split(|c: char| !c.is_alphanumeric()).any(|word| is_listed(ABSENT, word))
}

/// Whether a metric cannot be there: not in this run, or not on this machine.
fn is_absent(world: &World, metric: &str) -> bool {
    is_listed(ABSENT, metric) || world.cannot_say(metric)
}

/// The same of a query's part, which may ask for some series of a metric only.
fn is_unseen(world: &World, selector: &Selector) -> bool {
    is_absent(world, &selector.metric) || selector.words().any(|word| is_listed(ABSENT, &word))
}

/// Whether a thing that has a threshold of its own may have this label there, or a target that lives
/// in a service.
fn is_item(label: &str) -> bool {
    let mut items = CATALOGUE.signals().flat_map(|(_, signal)| signal.item);
    items.any(|item| *item == label) || ["project", "service", "source"].contains(&label)
}

fn missing(families: &BTreeMap<String, Vec<Series>>, selector: &Selector) -> Option<String> {
    let name = selector.metric.as_str();
    let of_watcher = WATCHERS.iter().any(|start| name.starts_with(start));
    if OF_PROMETHEUS.contains(&name) || of_watcher {
        return None;
    }
    let Some(series) = families.get(name) else { return Some(format!("no metric {name}")) };
    // Which things have one of their own depends on what is there just now.
    let of_thing = |label: &str| name == "stack_threshold" && is_item(label);
    let known = |label: &str| {
        matches!(label, "instance" | "job")
            || of_thing(label)
            || series.iter().any(|set| set.contains_key(label))
    };
    if let Some(label) = selector.labels().find(|label| !known(label)) {
        return Some(format!("{name} has no label {label}"));
    }
    let found = selector.labels().any(of_thing) || series.iter().any(|set| selector.selects(set));
    (!found).then(|| format!("no series of {name} is selected"))
}

#[test]
fn what_rules_and_dashboards_ask_for_exists() {
    run(async {
        let world = world().await;
        let families = families(&world.exporter().scrape().await.body);
        let mut wrong = Vec::new();
        for query in queries::all().into_iter().filter(|query| !place_is_listed(&query.place)) {
            match queries::take_apart(&query.expr) {
                Err(error) => wrong.push(format!("{}: {error}", query.place)),
                Ok((selectors, grouped)) => {
                    let there = selectors.iter().filter(|s| !is_unseen(world, s));
                    let found = there.filter_map(|selector| missing(&families, selector));
                    wrong.extend(found.map(|what| format!("{}: {what}", query.place)));
                    let known: BTreeSet<&str> = selectors
                        .iter()
                        .flat_map(|selector| families.get(&selector.metric).into_iter().flatten())
                        .flat_map(|set| set.keys().map(String::as_str))
                        .chain([
                            "instance",
                            "job",
                            "alertname",
                            "severity",
                            "area",
                            "target",
                            "signal",
                            // Of a target that lives in a service.
                            "project",
                            "service",
                            // And of one that another one reads.
                            "source",
                        ])
                        .collect();
                    let listed = selectors.iter().any(|s| is_unseen(world, s));
                    let thresholds = selectors.iter().any(|s| s.metric == "stack_threshold");
                    for label in grouped.iter().chain(&query.shown).filter(|_| !listed) {
                        let of_thing = thresholds && is_item(label);
                        if !of_thing && !known.contains(label.as_str()) {
                            wrong.push(format!("{}: no label {label}", query.place));
                        }
                    }
                }
            }
        }
        for (place, metric, label) in queries::variables() {
            let there =
                families.get(&metric).into_iter().flatten().any(|set| set.contains_key(&label));
            if !there && label != "instance" && !is_absent(world, &metric) {
                wrong.push(format!("{place}: {metric} has no label {label}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// Prometheus and Alertmanager have the series that the rules on them ask for.
#[test]
fn what_the_watchers_are_asked_for_exists() {
    run(async {
        let sink = Sink::start().await;
        let alertmanager = Alertmanager::start(&simple_config(&sink.url()), &[]).await;
        let rules = Some(rules());
        let setup = Setup { rules, pace: Pace::Fast, ..Setup::default() };
        let prometheus = Prometheus::start(&setup).await;
        let asked: BTreeSet<String> = queries::all()
            .iter()
            .flat_map(|query| queries::take_apart(&query.expr).unwrap().0)
            .map(|selector| selector.metric)
            .filter(|name| WATCHERS.iter().any(|start| name.starts_with(start)))
            .collect();
        assert!(asked.len() > 15, "{asked:?}");
        until("their series", PATIENT, async || {
            let mut there = families(&text_of(&prometheus.url()).await);
            there.extend(families(&text_of(&alertmanager.url()).await));
            let missing: Vec<_> = asked.iter().filter(|name| !there.contains_key(*name)).collect();
            if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?}")) }
        })
        .await;
    });
}

async fn text_of(server: &str) -> String {
    let answer = http_client().get(format!("{server}/metrics")).send().await.unwrap();
    answer.text().await.unwrap()
}

#[test]
fn every_exported_family_is_used_or_listed_as_unused() {
    run(async {
        let world = world().await;
        let families = families(&world.exporter().scrape().await.body);
        let used: BTreeSet<String> = queries::all()
            .iter()
            .filter_map(|query| queries::take_apart(&query.expr).ok())
            .flat_map(|(selectors, _)| selectors.into_iter().map(|selector| selector.metric))
            .collect();
        let unused = include_str!("../unused-metrics.txt");
        let idle: Vec<_> = families
            .keys()
            .filter(|name| !used.contains(*name) && !is_listed(unused, name))
            .collect();
        assert!(idle.is_empty(), "neither used nor listed: {idle:#?}");
        for line in unused.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            let name = line.split_whitespace().next().unwrap();
            assert!(!used.contains(name), "{name} is listed as unused and used");
        }
    });
}

#[test]
fn every_exported_series_is_in_the_catalogue() {
    run(async {
        let world = world().await;
        let known: BTreeMap<&str, _> =
            CATALOGUE.metrics().map(|(_, facts)| (facts.name, facts)).collect();
        for (name, series) in families(&world.exporter().scrape().await.body) {
            // A histogram has three names, and its buckets a label of their own.
            let parts = ["_bucket", "_sum", "_count"];
            let part_of = || parts.iter().find_map(|part| known.get(name.strip_suffix(part)?));
            let facts = known.get(name.as_str());
            let facts = facts.or_else(|| part_of().filter(|facts| facts.kind == Kind::Histogram));
            let facts = facts.unwrap_or_else(|| panic!("{name}"));
            let is_bucket = facts.kind == Kind::Histogram;
            for label in series.iter().flat_map(|set| set.keys()) {
                assert!(
                    label == "target"
                        || (is_bucket && label == "le")
                        || facts.labels.contains(&label.as_str())
                        || (name == "stack_threshold" && is_item(label)),
                    "{name}: {label}"
                );
            }
        }
    });
}

#[test]
fn every_panel_shows_data_from_a_real_prometheus() {
    run(async {
        let world = world().await;
        let prometheus = world.prometheus().await;
        for query in queries::all().into_iter().filter(|query| query.is_panel) {
            let selectors = queries::take_apart(&query.expr).unwrap().0;
            if selectors.iter().any(|selector| is_unseen(world, selector)) {
                continue;
            }
            until(&format!("data for {}: {}", query.place, query.expr), PATIENT, async || {
                let data = prometheus.query(&query.expr).await;
                if data.is_empty() { Err("no data") } else { Ok(()) }
            })
            .await;
        }
        assert_eq!(prometheus.broken_rules().await, Vec::new());
    });
}
