use super::super::api::Summary;
use super::super::container::Naming;
use super::*;
use crate::catalogue::Severity;

fn container(name: &str, service: &str, labels: &[(&str, &str)]) -> Container {
    let (project, service) = service.split_once('/').unwrap_or_default();
    let compose =
        [("com.docker.compose.project", project), ("com.docker.compose.service", service)];
    let labels = labels.iter().chain(&compose);
    let labels = labels.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let summary = Summary {
        id: "ab".into(),
        names: vec![format!("/{name}")],
        labels: labels.collect(),
        ..Summary::default()
    };
    Container::of(summary, &Naming::default()).unwrap()
}

fn mistakes(labels: &[(&str, &str)]) -> Vec<String> {
    exceptions(&[container("web", "", labels)]).1
}

#[test]
fn a_threshold_is_of_the_container_or_of_its_service() {
    let labels = [
        ("stack-exporter.threshold.memory", "95%"),
        ("stack-exporter.threshold.oom_killed", "off"),
        ("stack-exporter.threshold.cpu", "warning:50%, critical:0.9"),
        ("stack-exporter.threshold.port_exposed", "on"),
        ("stack-exporter.threshold.starting", "5m"),
        ("stack-exporter.ignore", "false"),
        ("org.team/owner", "ann"),
    ];
    let (found, wrong) = exceptions(&[container("shop-db-1", "shop/db", &labels)]);
    assert_eq!(wrong, [""; 0]);
    let (warning, critical) = (Severity::Warning, Severity::Critical);
    let of = |signal: &str| {
        let one = found.iter().find(|one| one.signal == signal).unwrap();
        (one.key.as_str(), one.limits.clone())
    };
    assert_eq!(of("memory"), ("shop-db-1", vec![(warning, Some(0.95))]));
    let off = vec![(warning, None), (critical, None)];
    assert_eq!(of("oom_killed"), ("shop/db", off));
    assert_eq!(of("cpu"), ("shop-db-1", vec![(warning, Some(0.5)), (critical, Some(0.9))]));
    assert_eq!(of("port_exposed"), ("shop-db-1", vec![(warning, Some(0.0))]));
    assert_eq!(of("starting"), ("shop-db-1", vec![(warning, Some(300.0))]));
    let (found, _) =
        exceptions(&[container("x", "", &[("stack-exporter.threshold.restarts", "5")])]);
    assert_eq!(
        found[0].key,
        Key::exact("x"),
        "a container without Compose is a service of its own"
    );
}

#[test]
fn what_is_wrong_is_told_with_what_is_right() {
    for (label, value, want) in [
        ("threshold.memry", "95%", "unknown signal (did you mean `memory`?)"),
        ("threshold.", "95%", "unknown signal"),
        ("threshold.list_duration", "5s", "judges the Engine as a whole"),
        ("threshold.memory", "95", "a ratio lies between 0 and 1, or is written as `90%`"),
        ("threshold.memory", "nan", "a ratio lies between 0 and 1"),
        ("threshold.memory", "", "expected a ratio: `0.9`, `90%` or `off`"),
        ("threshold.memory", "info:5%", "`memory` is no advice"),
        ("threshold.memory", "worst:5%", "expected `95%`, or `warning:90%,critical:95%`"),
        ("threshold.memory", "warning:5%,warning:6%", "names a severity twice"),
        ("threshold.memory", "warning:99%,critical:90%", "lies behind critical `90%`"),
        ("threshold.starting", "5", "needs a unit"),
        ("threshold.port_exposed", "1", "write `on` or `off`"),
        ("ignore", "yes", "write `true` or `false`"),
        ("ingore", "true", "did you mean `stack-exporter.ignore`?"),
        ("treshold.memory", "95%", "did you mean `stack-exporter.threshold`?"),
    ] {
        let label = format!("stack-exporter.{label}");
        let told = mistakes(&[(&label, value)]);
        assert_eq!(told.len(), 1, "{label}={value}: {told:?}");
        assert!(
            told[0].starts_with(&format!("web: {label}: ")) && told[0].contains(want),
            "{told:?}"
        );
    }
    // Somebody else's.
    assert_eq!(mistakes(&[("stack-exporter.owner", "ann"), ("stack-exporterx", "")]), [""; 0]);
}

#[test]
fn labels_of_a_liar_are_few_and_short() {
    let long = "n".repeat(100_000);
    let many: Vec<String> = (0..5000).map(|n| format!("stack-exporter.threshold.s{n}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|key| (key.as_str(), "95%")).collect();
    let told = mistakes(&many);
    assert_eq!(told.len(), MOST + 1);
    assert!(told.iter().any(|one| one.ends_with("4984 thresholds more than the 16 that are read")));
    let key = format!("stack-exporter.threshold.{long}");
    for labels in [[(key.as_str(), "95%")], [("stack-exporter.threshold.memory", long.as_str())]] {
        let told = mistakes(&labels);
        assert!(told[0].contains("is too long") && told[0].len() < 300, "{}", told[0].len());
    }
    let all: Vec<Container> = (0..MOST_IN_ALL + 5)
        .map(|n| container(&format!("c{n}"), "", &[("stack-exporter.threshold.memory", "95%")]))
        .collect();
    let (found, told) = exceptions(&all);
    assert_eq!((found.len(), told.len()), (MOST_IN_ALL, 1), "{told:?}");
    let batch = note(&[container("web", "", &many)], Batch::new());
    let gap = batch.gaps().first().unwrap();
    assert_eq!(gap.failure.reason, Reason::PARSE);
    assert!(gap.failure.detail.ends_with("; and 14 more"), "{}", gap.failure.detail);
    assert!(note(&[], Batch::new()).gaps().is_empty());
}

#[test]
fn replicas_that_disagree_do_not_flap() {
    let with = |value| {
        container("shop-api-1", "shop/api", &[("stack-exporter.threshold.restarts", value)])
    };
    let (found, wrong) = exceptions(&[with("7"), with("9")]);
    assert_eq!((found.len(), wrong.len()), (1, 0));
    assert_eq!(found[0].limits[0].1, Some(7.0), "of the newest one that is alive");
}
