//! The catalogue is well formed: names, help, units, signals.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stack_exporter::catalogue::{And, Direction, Fold, Kind, MetricFacts, Sentence};
use stack_exporter::collectors::CATALOGUE;

fn metrics() -> BTreeMap<&'static str, MetricFacts> {
    CATALOGUE.metrics().map(|(_, facts)| (facts.name, facts)).collect()
}

fn requirements() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/project/requirements.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter_map(|line| Some(line.split_once('\t')?.0.to_owned())).collect()
}

#[test]
fn names_are_unique_and_say_what_they_are() {
    let mut seen = BTreeSet::new();
    for (_, facts) in CATALOGUE.metrics() {
        assert!(seen.insert(facts.name), "{} stands in two tables", facts.name);
        let legal = facts.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        assert!(legal, "{}", facts.name);
        assert_eq!(
            facts.kind == Kind::Counter,
            facts.name.ends_with("_total"),
            "{}: a counter ends in _total, and nothing else does",
            facts.name
        );
    }
}

#[test]
fn help_is_a_sentence() {
    for (name, facts) in metrics() {
        assert!(facts.help.ends_with('.'), "{name}: {}", facts.help);
        assert!(
            facts.help.starts_with(char::is_uppercase) || facts.help.starts_with(char::is_numeric),
            "{name}: {}",
            facts.help
        );
        assert!(!facts.help.contains(['\n', '\\', '"']), "{name}: {}", facts.help);
        assert!(!facts.help.contains("  "), "{name}: {}", facts.help);
    }
}

#[test]
fn labels_are_unique_and_leave_target_to_the_engine() {
    for (name, facts) in metrics() {
        let unique: BTreeSet<_> = facts.labels.iter().collect();
        assert_eq!(unique.len(), facts.labels.len(), "{name}: {:?}", facts.labels);
        for label in &facts.labels {
            assert!(
                !matches!(*label, "target" | "instance" | "job" | "le" | "__name__"),
                "{name}: {label}"
            );
        }
    }
}

#[test]
fn own_names_have_base_units() {
    for (name, _) in metrics().iter().filter(|(name, _)| name.starts_with("stack_")) {
        for wrong in ["_ms", "_milliseconds", "_minutes", "_hours", "_kb", "_mb", "_percent"] {
            assert!(!name.trim_end_matches("_total").ends_with(wrong), "{name}");
        }
    }
}

/// A condition is on a level, or on the change of a counter in parts of a level.
fn condition(name: &str, and: &And, metrics: &BTreeMap<&str, MetricFacts>, kept: &[&str]) {
    let other = metrics.get(and.metric).unwrap_or_else(|| panic!("{name}: {}", and.metric));
    let changes = and.rate_per.is_some();
    assert_eq!(other.kind == Kind::Gauge, !changes, "{name}: {} is judged", and.metric);
    if let Some(per) = and.rate_per {
        assert_eq!(metrics[per].kind, Kind::Gauge, "{name}: {per} divides as it is");
    }
    for label in and.on {
        assert!(other.labels.contains(label) && kept.contains(label), "{name}: on {label}");
    }
}

#[test]
fn signals_judge_what_is_there() {
    let metrics = metrics();
    for (area, signal) in CATALOGUE.signals() {
        let name = format!("{} {}", area.name, signal.name);
        let measure = &signal.measure;
        let facts =
            metrics.get(measure.metric).unwrap_or_else(|| panic!("{name}: {}", measure.metric));
        for matcher in measure.select {
            assert!(facts.labels.contains(&matcher.label), "{name}: no label {}", matcher.label);
        }
        let kept: Vec<&str> = match measure.sum_by {
            Some(labels) => labels.to_vec(),
            None => facts.labels.clone(),
        };
        for label in &kept {
            assert!(facts.labels.contains(label), "{name}: no label {label}");
        }
        if let Some((divisor, on)) = measure.per {
            let other = metrics.get(divisor).unwrap_or_else(|| panic!("{name}: {divisor}"));
            for label in on {
                assert!(other.labels.contains(label) && kept.contains(label), "{name}: on {label}");
            }
            // Whether a counter's change is meant is looked up in the area.
            assert!(area.facts(divisor).is_some(), "{name}: {divisor} is of another area");
        }
        if let Some(unless) = measure.unless {
            let other =
                metrics.get(unless.metric).unwrap_or_else(|| panic!("{name}: {}", unless.metric));
            for matcher in unless.select {
                assert!(other.labels.contains(&matcher.label), "{name}: no {}", matcher.label);
            }
            for label in unless.on {
                assert!(other.labels.contains(label) && kept.contains(label), "{name}: on {label}");
            }
        }
        measure.and.iter().flatten().for_each(|and| condition(&name, and, &metrics, &kept));
        let texts = [signal.title, signal.clear, signal.next];
        for label in texts.iter().flat_map(|text| text.labels()) {
            assert!(label == "target" || kept.contains(&label), "{name}: a text names {label}");
        }
        for label in signal.item {
            assert!(kept.contains(label), "{name}: a thing is told by {label}");
        }
        // What only grows is above its threshold for ever: nobody could end the alert.
        assert!(measure.fold.is_change() || facts.kind != Kind::Counter, "{name}: never ends");
        // A change of a gauge is judged only where the established name of a counter is a gauge.
        if measure.fold.is_change() && facts.kind == Kind::Gauge {
            assert!(!facts.name.starts_with("stack_"), "{name}: a rate of a gauge");
        }
        let predicts = measure.fold == Fold::Predict;
        assert!(!predicts || facts.kind == Kind::Gauge, "{name}: the trend of a counter");
        for hold in [signal.hold.warning, signal.hold.critical] {
            assert_eq!(hold.as_secs() % 60, 0, "{name}: held in whole minutes");
        }
    }
}

#[test]
fn signals_read_well() {
    let ids = requirements();
    let mut alerts = BTreeSet::new();
    for (area, signal) in CATALOGUE.signals() {
        let name = format!("{} {}", area.name, signal.name);
        assert!(alerts.insert(signal.alert), "{name}: two signals alert as {}", signal.alert);
        let camel = signal.alert.starts_with(char::is_uppercase)
            && signal.alert.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(camel && signal.alert.len() <= 40, "{name}: {}", signal.alert);
        for text in [signal.title.as_str(), signal.clear.as_str()] {
            let begins = text.starts_with(char::is_uppercase) || text.starts_with('{');
            assert!(begins && !text.ends_with('.') && !text.contains("{{"), "{name}: {text}");
        }
        for text in [signal.hint, signal.next.as_str()] {
            assert!(!text.is_empty() && !text.contains(['\\', '\n']), "{name}: {text}");
        }
        // A yes or no is said by the title alone; a number has a name.
        assert_eq!(signal.is_fact(), signal.what.is_empty(), "{name}: {}", signal.what);
        assert!(!signal.hint.ends_with('.'), "{name}: the hint's full stop is added");
        for id in signal.requirements {
            assert!(ids.contains(*id), "{name}: {id} is no requirement");
        }
        let defaults = signal
            .severities()
            .filter_map(|of| Some((signal.default_of(of)?.value?, signal.hold_of(of))));
        let defaults: Vec<(f64, Duration)> = defaults.collect();
        for pair in defaults.windows(2) {
            let [(lower, soon), (higher, late)] = pair else { continue };
            let worse = match signal.direction {
                Direction::Above => higher > lower,
                Direction::Below => higher < lower,
            };
            // The same for longer is worse as well.
            let lasts = higher.total_cmp(lower).is_eq() && late > soon;
            assert!(worse || lasts, "{name}: {higher} is no worse than {lower}");
        }
    }
}

#[test]
fn metrics_name_real_requirements_and_every_area_has_an_up() {
    let ids = requirements();
    for (name, facts) in metrics() {
        for id in facts.requirements {
            assert!(ids.contains(*id), "{name}: {id} is no requirement");
        }
    }
    for area in CATALOGUE.areas().filter(|area| area.name != "exporter") {
        let up = area.signal("up").unwrap_or_else(|| panic!("{} has no signal up", area.name));
        let mut defaults = up.severities().filter_map(|severity| up.default_of(severity)?.value);
        assert!(defaults.any(|default| default > 0.5), "{}", area.name);
        assert!(up.is_up(), "{}", area.name);
    }
}

/// A trouble of several things is told as one, in a plural of its own.
#[test]
fn what_can_be_wrong_with_several_things_has_a_sentence_for_all() {
    let singular = ["is", "has", "does", "was", "its", "goes", "fails", "takes"];
    for (area, signal) in CATALOGUE.signals() {
        let name = format!("{} {}", area.name, signal.name);
        let labels = signal.title.labels();
        let several = !signal.item.is_empty() || !labels.is_empty() || !area.single;
        let Some(many) = signal.many else {
            assert!(!several, "{name} has no sentence for several things");
            continue;
        };
        assert!(several, "{name} can be of one thing only");
        let rest = many.title.strip_prefix("{count} ").unwrap_or_else(|| panic!("{name}"));
        assert!(!rest.ends_with('.') && !rest.contains(['{', ':']) || rest.contains("minutes: "));
        let words: Vec<&str> = rest.split(' ').collect();
        for word in &words {
            assert!(!singular.contains(word), "{name}: `{word}` in {rest}");
        }
        let plural = words.iter().take(3).any(|word| word.ends_with('s'));
        assert!(plural && rest.starts_with(char::is_alphabetic), "{name}: {rest}");
        assert!(many.told(6).starts_with("6 "), "{name}");
        // The name of a thing and the command have labels that there are.
        let facts = CATALOGUE.metrics().find(|(_, facts)| facts.name == signal.measure.metric);
        let known = facts.map(|(_, facts)| facts.labels).unwrap_or_default();
        let next = many.next.map(Sentence::labels).unwrap_or_default();
        assert!(!many.thing.labels().is_empty(), "{name}");
        for label in many.thing.labels().into_iter().chain(next) {
            assert!(label == "target" || known.contains(&label), "{name}: no label {label}");
        }
        // It may be the same command, with all names in it.
        let own = signal.next.labels().into_iter().any(|label| label != "target");
        assert!(own || many.next.is_none(), "{name}: nothing is gained");
    }
}
