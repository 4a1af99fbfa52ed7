use super::*;
use crate::catalogue::examples::{plain, single};
use crate::catalogue::{Default, Unit};

fn resolve(signal: Signal, yaml: &str) -> (engine::Thresholds, Vec<String>) {
    let thresholds: Thresholds = serde_json::from_str(yaml).unwrap();
    let (resolved, mistakes) = thresholds.resolve(single(signal));
    (resolved, mistakes.into_iter().map(|(key, why)| format!("{key}: {why}")).collect())
}

fn disk() -> Signal {
    Signal {
        name: "disk",
        unit: Unit::Ratio,
        item: &["mountpoint"],
        warning: Default::ours(0.8, "a number"),
        critical: Default::ours(0.9, "a larger one"),
        ..plain()
    }
}

fn general(resolved: &engine::Thresholds) -> Vec<(&'static str, f64)> {
    resolved.general.iter().map(|one| (one.severity.as_str(), one.value)).collect()
}

#[test]
fn one_value_is_for_the_lowest_severity_by_default() {
    let advice = || Signal {
        advice: Some(Default::ours(0.5, "a number")),
        warning: Default::off("advice"),
        critical: Default::off("advice"),
        ..disk()
    };
    let critical = || Signal { warning: Default::off("see critical"), ..disk() };
    for (signal, json, expected) in [
        (disk(), r#"{"disk": "85%"}"#, vec![("warning", 0.85), ("critical", 0.9)]),
        (disk(), r#"{"disk": "off"}"#, vec![]),
        (critical(), r#"{"disk": "95%"}"#, vec![("critical", 0.95)]),
        (advice(), r#"{"disk": "60%"}"#, vec![("info", 0.6)]),
        (advice(), r#"{"disk": {"warning": "70%"}}"#, vec![("info", 0.5), ("warning", 0.7)]),
        (advice(), r#"{"disk": {"warning": "30%"}}"#, vec![("warning", 0.3)]),
        (advice(), r#"{"disk": {"info": "off", "critical": 0.7}}"#, vec![("critical", 0.7)]),
    ] {
        let (resolved, mistakes) = resolve(signal, json);
        assert_eq!(mistakes, [""; 0], "{json}");
        assert_eq!(general(&resolved), expected, "{json}");
    }
}

#[test]
fn a_yes_or_no_is_on_or_off() {
    let fact = |direction| Signal { unit: Unit::Bool, direction, ..disk() };
    for (direction, value) in [(Direction::Above, 0.0), (Direction::Below, 1.0)] {
        let fact = Signal {
            warning: Default::off("set it"),
            critical: Default::off("set it"),
            ..fact(direction)
        };
        assert_eq!(general(&resolve(fact, r#"{"disk": "on"}"#).0), [("warning", value)]);
    }
    let (_, mistakes) = resolve(fact(Direction::Above), r#"{"disk": 1}"#);
    assert_eq!(mistakes, ["disk: is a yes or no: write `on` or `off`"]);
}

#[test]
fn one_thing_has_its_own() {
    let (resolved, mistakes) = resolve(
        disk(),
        r#"{"disk": {"warning": "85%", "except": {"/data": {"critical": "98%"}, "/mnt/*": "off", "a": "70%"}}}"#,
    );
    assert_eq!(mistakes, [""; 0]);
    let own: Vec<_> =
        resolved.exceptions.iter().map(|one| (one.key.as_str(), one.limits.clone())).collect();
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    assert_eq!(
        own,
        [
            ("/data", vec![(critical, Some(0.98))]),
            ("/mnt/*", vec![(warning, None), (critical, None)]),
            ("a", vec![(warning, Some(0.7))]),
        ]
    );
}

#[test]
fn mistakes_say_where_and_what() {
    for (signal, json, expected) in [
        (disk(), r#"{"disc": 1}"#, "disc: unknown signal (did you mean `disk`?)"),
        (
            disk(),
            r#"{"disk": {"warning": "95%"}}"#,
            "disk: warning `95%` lies behind critical `90%`",
        ),
        (
            disk(),
            r#"{"disk": {"info": "5%"}}"#,
            "disk.info: `disk` is no advice: it has `warning` and `critical`",
        ),
        (
            disk(),
            r#"{"disk": {"except": {"/data": {"warning": "91%"}}}}"#,
            "disk.except./data: warning `91%` lies behind critical `90%`",
        ),
        (
            disk(),
            r#"{"disk": {"except": {"a*": "off", "b*": "off"}}}"#,
            "disk.except.b*: as long as `a*`: which of the two patterns goes first is not clear",
        ),
        (
            disk(),
            r#"{"disk": {"except": {"/data": 90}}}"#,
            "disk.except./data: a ratio lies between 0 and 1, or is written as `90%`",
        ),
        (
            Signal { item: &[], ..disk() },
            r#"{"disk": {"except": {"/data": "90%"}}}"#,
            "disk.except./data: this signal judges the target as a whole: there is one threshold for it",
        ),
    ] {
        assert_eq!(resolve(signal, json).1, [expected], "{json}");
    }
}
