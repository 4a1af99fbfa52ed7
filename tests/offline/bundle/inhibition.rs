//! What mutes what. amtool cannot test it, so the rules are read and applied here as Alertmanager
//! does: a label that both sides lack counts as equal. A live test does it with the real one.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;
use stack_exporter::collectors::CATALOGUE;

use super::alertmanager::CONFIG;
use crate::support::{items, texts, yaml};

type Labels = BTreeMap<String, String>;

struct Matcher {
    label: String,
    value: Regex,
    not: bool,
}

impl Matcher {
    fn parse(text: &str) -> Self {
        let end = text.find(['=', '!']).expect("an operator");
        let (label, rest) = text.split_at(end);
        let (operator, value) = rest.split_once('"').expect("a value between quotes");
        let value = value.strip_suffix('"').expect("a value between quotes");
        let pattern = match operator {
            "=" | "!=" => regex::escape(value),
            "=~" | "!~" => value.to_owned(),
            _ => panic!("{text}: no such operator"),
        };
        let value = Regex::new(&format!("^(?:{pattern})$")).unwrap();
        Self { label: label.to_owned(), value, not: operator.starts_with('!') }
    }

    fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.label).map_or("", String::as_str);
        self.value.is_match(value) != self.not
    }
}

struct Inhibition {
    source: Vec<Matcher>,
    target: Vec<Matcher>,
    equal: Vec<String>,
}

impl Inhibition {
    fn all() -> Vec<Self> {
        let matchers = |list: &Value| texts(list).into_iter().map(Matcher::parse).collect();
        let config = yaml(CONFIG);
        let rules = items(&config["inhibit_rules"]).iter().map(|rule| Self {
            source: matchers(&rule["source_matchers"]),
            target: matchers(&rule["target_matchers"]),
            equal: texts(&rule["equal"]).into_iter().map(ToOwned::to_owned).collect(),
        });
        rules.collect()
    }

    fn mutes(&self, source: &Labels, target: &Labels) -> bool {
        let all = |matchers: &[Matcher], labels| matchers.iter().all(|m| m.holds(labels));
        let value = |labels: &Labels, name| labels.get(name).cloned().unwrap_or_default();
        all(&self.source, source)
            && all(&self.target, target)
            && self.equal.iter().all(|name| value(source, name) == value(target, name))
    }
}

/// From `name=value` pairs with spaces between.
fn labels(text: &str) -> Labels {
    let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn muted(source: &str, target: &str) -> bool {
    Inhibition::all().iter().any(|rule| rule.mutes(&labels(source), &labels(target)))
}

const NATS_DOWN: &str =
    "alertname=NatsDown severity=critical signal=up area=nats target=main instance=a";
const EXPORTER_DOWN: &str = "alertname=ExporterDown severity=critical area=exporter instance=a";

#[test]
fn critical_mutes_the_warning_of_the_same_trouble_only() {
    let full = |severity: &str, more: &str| {
        format!(
            "alertname=HostDiskFull severity={severity} signal=disk area=host target=host instance=a{more}"
        )
    };
    let critical = full("critical", " mountpoint=/data device=sdb");
    assert!(muted(&critical, &full("warning", " mountpoint=/data device=sdb")));
    assert!(!muted(&critical, &full("warning", " mountpoint=/home device=sda")));
    assert!(!muted(&critical, &full("warning", " mountpoint=/home device=sdb")));
    assert!(!muted(&critical, &full("warning", "")));
    assert!(!muted(&full("warning", ""), &full("critical", "")), "never the other way round");
    for higher in ["critical", "warning"] {
        assert!(muted(&full(higher, " mountpoint=/"), &full("info", " mountpoint=/")), "{higher}");
        assert!(!muted(&full("info", ""), &full(higher, "")), "{higher}");
    }
    let other = critical.replace("HostDiskFull", "HostInodesFull").replace("critical", "warning");
    assert!(!muted(&critical, &other));
    assert!(!muted(&critical, &full("warning", "").replace("instance=a", "instance=b")));
}

#[test]
fn a_target_that_is_down_mutes_its_other_alerts_only() {
    let backlog = "alertname=NatsConsumerBacklog severity=warning signal=consumer_pending area=nats \
                   target=main instance=a stream_name=s consumer_name=c";
    assert!(muted(NATS_DOWN, backlog));
    assert!(muted(&NATS_DOWN.replace("critical", "warning"), backlog));
    assert!(muted(NATS_DOWN, &NATS_DOWN.replace("critical", "warning")));
    assert!(!muted(NATS_DOWN, NATS_DOWN), "nothing mutes itself");
    assert!(!muted(NATS_DOWN, &backlog.replace("target=main", "target=edge")));
    assert!(!muted(NATS_DOWN, &backlog.replace("instance=a", "instance=b")));
    // Two areas may have a target of the same name.
    assert!(!muted(NATS_DOWN, &backlog.replace("area=nats", "area=postgres")));
    assert!(!muted(backlog, NATS_DOWN));
}

/// The service tells of itself; the database in it need not. What else lives elsewhere is told.
#[test]
fn a_service_that_is_down_mutes_what_lives_in_it() {
    let docker = |alert: &str| {
        format!(
            "alertname={alert} severity=critical area=docker instance=a target=docker project=shop service=db"
        )
    };
    let postgres = "alertname=PostgresDown severity=critical signal=up area=postgres target=main \
                    instance=a project=shop service=db";
    for source in ["DockerServiceDown", "DockerRestartLoop", "DockerOomKilled", "DockerFailedStart"]
    {
        assert!(muted(&docker(source), postgres), "{source}");
        for (here, elsewhere) in
            [("service=db", "service=pg"), ("project=shop", "project=blog"), ("=a", "=b")]
        {
            assert!(!muted(&docker(source), &postgres.replace(here, elsewhere)), "{elsewhere}");
        }
        let homeless = postgres.replace(" project=shop service=db", "");
        assert!(!muted(&docker(source), &homeless), "{source}");
        assert!(!muted(postgres, &docker(source)), "{source}");
    }
    assert!(!muted(&docker("DockerServiceStopped"), postgres));
    // A database that is muted mutes its own alerts all the same.
    let deadlock =
        "alertname=PostgresDeadlock severity=warning area=postgres target=main instance=a";
    assert!(muted(postgres, deadlock));
}

#[test]
fn an_exporter_that_is_down_mutes_its_instance_only() {
    for target in
        [NATS_DOWN, "alertname=ConfigReloadFailed severity=warning area=exporter instance=a"]
    {
        assert!(muted(EXPORTER_DOWN, target), "{target}");
        assert!(!muted(EXPORTER_DOWN, &target.replace("instance=a", "instance=b")), "{target}");
        assert!(!muted(target, EXPORTER_DOWN), "{target}");
    }
    assert!(!muted(EXPORTER_DOWN, EXPORTER_DOWN));
    assert!(!muted(EXPORTER_DOWN, "alertname=Watchdog severity=none area=exporter"));
    assert!(!muted(EXPORTER_DOWN, "alertname=Watchdog severity=none area=exporter instance=a"));
}

/// One trouble of a service gives one message: what says most mutes its other sides, and nothing
/// of another service, container or machine.
#[test]
fn one_side_of_a_containers_trouble_speaks() {
    const SERVICE: &str = "instance=a project=p service=worker";
    const CONTAINER: &str = "instance=a project=p service=worker name=p-worker-1";
    let sides = [
        ("OomKilled", SERVICE, "ServiceDown ExitedWithError RestartLoop Restarts MemoryNearLimit"),
        ("OomKilled", SERVICE, "ReplicasMissing OomKilledChild MemoryGrows"),
        ("OomKilledChild", SERVICE, "MemoryNearLimit MemoryGrows"),
        ("FailedStart", CONTAINER, "ServiceDown ReplicasMissing Unhealthy ProcessMissing"),
        ("RestartLoop", SERVICE, "ReplicasMissing Unhealthy Restarts ProcessMissing"),
        ("ServiceDown", SERVICE, "ReplicasMissing ProcessMissing ExitedWithError Unhealthy"),
        ("Unhealthy", CONTAINER, "HealthCheckSlow StartingTooLong"),
        ("StartingTooLong", CONTAINER, "SlowStart"),
        ("MemoryNearLimit", CONTAINER, "MemoryGrows"),
        ("CpuNearLimit", CONTAINER, "Throttled"),
        ("LogLarge", CONTAINER, "LogUnbounded"),
        ("ImageOutdated", CONTAINER, "ImageOld"),
    ];
    for (source, of, targets) in sides {
        let source = format!("alertname=Docker{source} severity=warning area=docker {of}");
        for target in targets.split(' ') {
            let name = format!("alertname=Docker{target} severity=warning area=docker");
            let target = format!("{name} {CONTAINER} pattern=x");
            assert!(muted(&source, &target), "{source} does not mute {target}");
            assert!(!muted(&target, &source), "{target} mutes {source}");
            for (here, elsewhere) in [("instance=a", "instance=b"), ("worker", "api")] {
                let other = target.replace(here, elsewhere);
                assert!(!muted(&source, &other), "{source} mutes {other}");
            }
            // Without its identity an alert mutes nothing.
            assert!(!muted(&source.replace(of, ""), &name), "{source} mutes {name}");
        }
    }
    // Containers without Compose have no project.
    let bare = |alert: &str| format!("alertname={alert} severity=critical instance=a service=x");
    assert!(muted(&bare("DockerOomKilled"), &bare("DockerExitedWithError")));
    assert!(!muted(&bare("DockerOomKilled"), &format!("{} project=p", bare("DockerServiceDown"))));
    // What wakes somebody is not muted by what waits for the morning.
    for target in ["DockerServiceDown", "DockerProcessMissing", "DockerOomKilled"] {
        for source in ["DockerOomKilledChild", "DockerServiceStopped", "DockerUnhealthy"] {
            assert!(!muted(&bare(source), &bare(target)), "{source} mutes {target}");
        }
    }
    let engine = |alert: &str| format!("alertname={alert} area=docker instance=a target=docker");
    assert!(muted(&engine("DockerSlow"), &engine("DockerStatsStale")));
}

/// A group that is gone says it once, and a service that is down says it for its groups.
#[test]
fn a_group_that_is_missing_speaks_alone_unless_its_service_does() {
    let of = |alert: &str, of: &str| {
        format!("alertname={alert} severity=critical area=process instance=a target=process {of}")
    };
    let missing = of("ProcessMissing", "groupname=bot");
    for target in ["ProcessNotListening", "ProcessTooFew", "ProcessRestartLoop"] {
        assert!(muted(&missing, &of(target, "groupname=bot port=8443")), "{target}");
        assert!(!muted(&missing, &of(target, "groupname=api port=8443")), "{target} of another");
        assert!(!muted(&of(target, "groupname=bot"), &missing), "{target}");
    }
    let down = "alertname=DockerServiceDown severity=critical area=docker instance=a project=p service=bot";
    for target in ["ProcessMissing", "ProcessNotListening"] {
        let lives =
            |service: &str| of(target, &format!("groupname=bot project=p service={service}"));
        assert!(muted(down, &lives("bot")) && !muted(down, &lives("api")), "{target}");
        assert!(!muted(down, &of(target, "groupname=bot")), "{target} that names no service");
    }
}

/// Two sides of a store's trouble are told once.
#[test]
fn a_store_tells_each_trouble_by_one_of_its_sides() {
    let of = |alert: &str, more: &str| {
        format!("alertname={alert} severity=critical area=store instance=a target=cache {more}")
    };
    let missing = of("QdrantCollectionMissing", "collection=faq");
    assert!(muted(&missing, &of("QdrantPointsLost", "collection=faq")));
    assert!(!muted(&missing, &of("QdrantPointsLost", "collection=places")));
    let full = of("RedisMemoryFull", "when_full=refuses");
    assert!(muted(&of("RedisRefusesWrites", "err=OOM"), &full));
    assert!(!muted(&of("RedisRefusesWrites", "err=MISCONF"), &full));
    let unsaved = of("RedisSnapshotFails", "");
    assert!(muted(&unsaved, &of("RedisRefusesWrites", "err=MISCONF")));
    assert!(!muted(&unsaved, &of("RedisRefusesWrites", "err=OOM")));
    assert!(!muted(&unsaved, &of("RedisRefusesWrites", "err=MISCONF").replace("cache", "other")));
}

/// A GPU that is lost says what follows from it; another one is heard.
#[test]
fn a_gpu_that_is_lost_speaks_for_what_was_on_it() {
    let of = |alert: &str, more: &str| {
        format!("alertname={alert} severity=warning area=gpu instance=a target=gpu {more}")
    };
    let lost = of("GpuLost", "uuid=GPU-1");
    assert!(muted(&lost, &of("GpuHardwareError", "uuid=GPU-1")));
    assert!(!muted(&lost, &of("GpuHardwareError", "uuid=GPU-2")));
    assert!(muted(&lost, &of("GpuProcessMissing", "process=bot")));
    assert!(!muted(
        &lost.replace("instance=a", "instance=b"),
        &of("GpuProcessMissing", "process=bot")
    ));
    let slow = of("GpuSlowedByHeat", "uuid=GPU-1");
    assert!(muted(&slow, &of("GpuHot", "uuid=GPU-1")));
    assert!(!muted(&slow, &of("GpuHot", "uuid=GPU-2")));
}

/// A database at two revisions is told once, and another one beside it too.
#[test]
fn two_heads_mute_that_they_are_not_the_expected_one() {
    let of = |alert: &str, datname: &str| {
        format!(
            "alertname={alert} severity=warning area=postgres instance=a target=main datname={datname} schemaname=public relname=alembic_version"
        )
    };
    for source in ["PostgresMigrationHeads", "PostgresMigrationNone"] {
        let heads = of(source, "app");
        assert!(muted(&heads, &of("PostgresMigrationUnexpected", "app")), "{source}");
        assert!(!muted(&heads, &of("PostgresMigrationUnexpected", "other")), "{source}");
        assert!(!muted(&heads, &of("PostgresMigrationFailed", "app")), "{source}");
    }
}

/// What waits for the morning never mutes what wakes somebody.
#[test]
fn what_is_off_or_fails_mutes_what_follows_from_it() {
    let of = |alert: &str, more: &str| {
        format!("alertname={alert} severity=warning instance=a area=postgres target=app {more}")
    };
    let fails = of("PostgresArchiveFails", "");
    assert!(muted(&fails, &of("PostgresArchiveBehind", "")));
    let elsewhere = of("PostgresArchiveBehind", "").replace("target=app", "target=b");
    assert!(!muted(&fails, &elsewhere));
    let off = of("PostgresAutovacuumOff", "datname=app");
    assert!(muted(&off, &of("PostgresVacuumBehind", "datname=app schemaname=public relname=t")));
    assert!(!muted(&off, &of("PostgresVacuumBehind", "datname=b schemaname=public relname=t")));
    assert!(!muted(&of("PostgresVacuumBehind", "datname=app"), &off));
}

#[test]
fn a_loop_mutes_a_unit_that_is_stuck_only_when_it_is_critical_itself() {
    let of = |alert: &str, severity: &str| {
        format!(
            "alertname={alert} severity={severity} area=systemd instance=a target=systemd name=a.service"
        )
    };
    let stuck = of("UnitStuck", "critical");
    assert!(muted(&of("UnitLooping", "critical"), &stuck));
    assert!(!muted(&of("UnitLooping", "warning"), &stuck));
}

/// The trap: what both alerts lack counts as equal.
#[test]
fn alerts_without_identity_mute_nothing() {
    let missing_job = "alertname=ExporterDown severity=critical area=exporter job=stack-exporter";
    for target in
        ["alertname=Foreign severity=warning", "alertname=Foreign severity=critical", "x=y"]
    {
        for source in [missing_job, NATS_DOWN, EXPORTER_DOWN] {
            assert!(!muted(source, target), "{source} mutes {target}");
        }
        assert!(!muted("alertname=Foreign severity=critical", target), "{target}");
        assert!(!muted("alertname=Foreign severity=critical signal=up", target), "{target}");
    }
    // Half an identity is none.
    for half in ["instance=a", "area=x"] {
        let alert = |severity: &str| format!("alertname=Foreign severity={severity} {half}");
        assert!(!muted(&alert("critical"), &alert("warning")), "{half}");
    }
}

/// Else a critical alert on one thing would mute the warning on another.
#[test]
fn critical_and_warning_are_compared_by_every_label() {
    let rules = Inhibition::all();
    let equal: BTreeSet<&str> = rules[0].equal.iter().map(String::as_str).collect();
    for (_, signal) in CATALOGUE.signals() {
        let metric = CATALOGUE.metrics().find(|(_, facts)| facts.name == signal.measure.metric);
        let (_, facts) = metric.unwrap_or_else(|| panic!("{}: no such metric", signal.name));
        for label in facts.labels {
            let kept = signal.measure.sum_by.is_none_or(|kept| kept.contains(&label));
            assert!(
                !kept || equal.contains(label),
                "{}: `{label}` is missing in `equal` of the first inhibition in {CONFIG}",
                signal.alert
            );
        }
    }
}

/// Of a host's trouble the side that says most speaks, and never a lower one of what wakes somebody.
#[test]
fn one_side_of_a_hosts_trouble_speaks() {
    let of = |alert: &str, severity: &str, more: &str| {
        format!("alertname={alert} severity={severity} area=host target=host instance=a{more}")
    };
    for (source, targets) in [
        ("HostIoPressure", "HostCpuWaitsForDisks HostDiskSaturated"),
        ("HostMemoryPressure", "HostSwapping"),
        ("DockerOomKilled", "HostOomKills"),
        ("DockerOomKilledChild", "HostOomKills"),
    ] {
        for target in targets.split(' ') {
            let (loud, quiet) = (of(source, "warning", ""), of(target, "warning", ""));
            assert!(muted(&loud, &quiet) && !muted(&quiet, &loud), "{source} {target}");
            assert!(!muted(&loud, &quiet.replace("instance=a", "instance=b")), "{source} {target}");
        }
    }
    let (full, soon) = ("HostDiskFull", "HostDiskFillsUp");
    let at = |alert, severity| of(alert, severity, " mountpoint=/data");
    assert!(muted(&at(full, "critical"), &at(soon, "critical")));
    assert!(muted(&at(full, "warning"), &at(soon, "warning")));
    assert!(!muted(&at(full, "warning"), &at(soon, "critical")), "what wakes somebody is heard");
    assert!(!muted(&at(full, "critical"), &of(soon, "critical", " mountpoint=/srv")));
}
