//! A second opinion. What the exporter shows of a container is what bollard reads of the same
//! Engine over a transport of its own: the list, the inspection and the statistics, field by field,
//! with the kernel's files and without them. [C01 C04 C05 C06 C08 C10 C11 C12 C14]

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bollard::models::{
    ContainerInspectResponse, ContainerStatsResponse, ContainerSummary, HostConfig,
};
use bollard::query_parameters::StatsOptionsBuilder;
use futures_util::TryStreamExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;
use serde_json::json;
use tokio::time::timeout;

use crate::scene::value;
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

/// What the Engine says of one series of a container: a value between two bounds, or none.
struct Claim {
    metric: &'static str,
    label: Option<(&'static str, String)>,
    bounds: Option<(f64, f64)>,
}

impl Claim {
    fn between(metric: &'static str, low: f64, high: f64) -> Self {
        Self { metric, label: None, bounds: Some((low, high)) }
    }

    fn is(metric: &'static str, wanted: f64) -> Self {
        Self::between(metric, wanted, wanted)
    }

    fn maybe(metric: &'static str, wanted: Option<f64>) -> Self {
        Self { metric, label: None, bounds: wanted.map(|wanted| (wanted, wanted)) }
    }

    /// Of the series with this label.
    fn of(self, name: &'static str, value: &str) -> Self {
        Self { label: Some((name, value.to_owned())), ..self }
    }

    /// What is shown instead of it.
    fn against(&self, scrape: &Scrape, container: &str) -> Option<String> {
        let mut labels = vec![("name", container)];
        labels.extend(self.label.as_ref().map(|(name, value)| (*name, value.as_str())));
        let shown = value(scrape, self.metric, &labels);
        let agrees = match (shown, self.bounds) {
            (Some(shown), Some((low, high))) => (low..=high).contains(&shown),
            (None, None) => true,
            _ => false,
        };
        let Self { metric, label, bounds } = self;
        let label = label.iter().map(|(name, value)| format!(" {name}={value}"));
        let series: String = std::iter::once((*metric).to_owned()).chain(label).collect();
        (!agrees).then(|| format!("{series}: {shown:?} is shown, between {bounds:?} is said"))
    }
}

/// A few containers that differ in what there is to be said of them.
fn containers(docker: &Docker) -> Vec<Container> {
    let calm = |service: &str| ContainerSpec::calm("opinion", service);
    // Of fields of `HostConfig` that few of the others have.
    let rare = json!({
        "CpuShares": 512, "CpuPeriod": 50_000, "CpuQuota": 5_000, "PidsLimit": 77,
        "MemoryReservation": 16 << 20, "MemorySwap": 64 << 20,
    });
    let web = calm("web").shell("while :; do :; done").memory(48 << 20);
    let web = web.publish(8080, "0.0.0.0", 18_180).merge("HostConfig", rare);
    // Seldom enough that most readings are not of a check at work.
    let second = 1_000_000_000_u64;
    let checked = |with: &str| {
        json!({ "Healthcheck": {
            "Test": ["CMD", with], "Interval": 3 * second, "Timeout": 2 * second, "Retries": 1,
        } })
    };
    let web = web.merge("", checked("true"));
    let sick = calm("sick").merge("", checked("false")).publish(5433, "127.0.0.1", 18_181);
    let tail = calm("oom").memory(16 << 20).shell("tail /dev/zero");
    let nano = json!({ "NanoCpus": 250_000_000, "Memory": 0, "MemorySwap": 0 });
    let paused = docker.run(calm("paused"));
    paused.pause().unwrap();
    let mut made =
        vec![docker.create(calm("made").merge("HostConfig", json!({"Privileged": true})))];
    let running = [
        web,
        sick,
        calm("nano")
            .merge("HostConfig", nano)
            .merge("HostConfig", json!({ "LogConfig": { "Type": "local" } })),
        calm("failed").shell("exit 3"),
        calm("tried").shell("exit 4").restart("on-failure", 2),
        tail,
    ];
    made.extend(running.into_iter().map(|spec| docker.run(spec)));
    made.push(paused);
    made
}

const STATES: [&str; 7] =
    ["created", "running", "paused", "restarting", "removing", "exited", "dead"];

fn of_the_list(one: &ContainerSummary) -> Vec<Claim> {
    let state = one.state.unwrap().to_string();
    let metric = "stack_container_state";
    let states = STATES.map(|name| Claim::is(metric, f64::from(name == state)).of("state", name));
    let mut claims = Vec::from(states);
    let created = one.created.unwrap() as f64;
    claims.push(Claim::is("stack_container_created_timestamp_seconds", created));
    let alive = ["running", "paused", "restarting"].contains(&state.as_str());
    let start = |label, value: &str| {
        // Of containers that have ended there is nothing under cAdvisor's names.
        let metric = "container_spec_cpu_period";
        let bounds = alive.then_some((0.0, f64::MAX));
        Claim { metric, label: None, bounds }.of(label, value)
    };
    claims.push(start("image", one.image.as_deref().unwrap()));
    claims.push(start("id", &format!("/docker/{}", one.id.as_deref().unwrap())));
    let labels = one.labels.as_ref().unwrap();
    for (name, label) in
        [("project", "com.docker.compose.project"), ("service", "com.docker.compose.service")]
    {
        claims.push(Claim::is(metric, 1.0).of("state", &state));
        claims.push(Claim::between(metric, 0.0, 1.0).of(name, &labels[label]));
    }
    claims
}

fn of_the_inspection(info: &ContainerInspectResponse) -> Vec<Claim> {
    let state = info.state.as_ref().unwrap();
    let name = state.status.unwrap().to_string();
    let (ended, is_made) = (name == "exited", name == "created");
    let time = |text: &Option<String>| {
        let time: Timestamp = text.as_deref().unwrap().parse().unwrap();
        time.as_nanosecond() as f64 / 1e9
    };
    let at = |metric, time: Option<f64>| {
        // Nanoseconds since 1970 are more than a float holds.
        Claim { metric, label: None, bounds: time.map(|time| (time - 1e-3, time + 1e-3)) }
    };
    let alive = !ended && !is_made;
    let code = state.exit_code.filter(|_| ended).map(|code| code as f64);
    let image = info.image.as_deref().unwrap().strip_prefix("sha256:").unwrap();
    let host = info.host_config.as_ref().unwrap();
    let driver = host.log_config.as_ref().unwrap().typ.as_deref().unwrap();
    let mut claims = vec![
        Claim::maybe("stack_container_exit_code", code),
        at("stack_container_finished_timestamp_seconds", ended.then(|| time(&state.finished_at))),
        at("container_start_time_seconds", alive.then(|| time(&state.started_at))),
        Claim::is("stack_container_restarts_total", info.restart_count.unwrap() as f64),
        Claim::is("stack_container_oom_killed", f64::from(state.oom_killed.unwrap())),
        Claim::is("stack_container_image_info", 1.0).of("image_id", &image[..12]),
        Claim::is("stack_container_log_driver_info", 1.0).of("driver", driver),
        Claim::is("stack_container_privileged", f64::from(host.privileged.unwrap()))
            .of("way", "privileged"),
    ];
    let check = info.config.as_ref().unwrap().healthcheck.as_ref();
    let timeout = check.filter(|_| alive).map(|check| check.timeout.unwrap() as f64 / 1e9);
    claims.push(Claim::maybe("stack_container_health_check_timeout_seconds", timeout));
    let health = state
        .health
        .as_ref()
        .map_or("none".to_owned(), |health| health.status.unwrap().to_string());
    for status in ["none", "starting", "healthy", "unhealthy"] {
        let shown = alive.then(|| f64::from(status == health));
        claims.push(Claim::maybe("stack_container_health", shown).of("status", status));
    }
    claims.extend(of_the_limits(host, alive));
    claims
}

fn of_the_limits(host: &HostConfig, alive: bool) -> Vec<Claim> {
    // The Engine says 0 for what is not set.
    let set = |value: Option<i64>| value.filter(|value| *value > 0).map(|value| value as f64);
    let period = set(host.cpu_period).unwrap_or(100_000.0);
    let cores = set(host.nano_cpus).map(|nano| nano / 1e9);
    let cores = cores.or(set(host.cpu_quota).map(|quota| quota / period));
    let fields = [
        ("stack_container_memory_limit_set", Some(f64::from(set(host.memory).is_some()))),
        ("container_spec_memory_limit_bytes", set(host.memory).or(Some(0.0))),
        ("container_spec_memory_swap_limit_bytes", set(host.memory_swap).or(Some(0.0))),
        (
            "container_spec_memory_reservation_limit_bytes",
            set(host.memory_reservation).or(Some(0.0)),
        ),
        ("container_spec_cpu_shares", set(host.cpu_shares).or(Some(1024.0))),
        ("container_spec_cpu_period", Some(period)),
        ("container_spec_cpu_quota", cores.map(|cores| cores * period)),
        ("stack_container_cpu_limit_cores", cores),
        ("container_threads_max", set(host.pids_limit)),
    ];
    fields.map(|(metric, wanted)| Claim::maybe(metric, wanted.filter(|_| alive))).into()
}

/// Statistics from before the scrape and from after it: what counts lies between them.
fn of_the_statistics(old: &ContainerStatsResponse, new: &ContainerStatsResponse) -> Vec<Claim> {
    let cpu = |stats: &ContainerStatsResponse| {
        let usage = stats.cpu_stats.as_ref().unwrap().cpu_usage.as_ref().unwrap();
        usage.total_usage.unwrap() as f64 / 1e9
    };
    let memory = new.memory_stats.as_ref().unwrap();
    let used = memory.usage.unwrap() as f64;
    // The name of cgroup v1, and that of v2.
    let parts = memory.stats.as_ref().unwrap();
    let idle = ["total_inactive_file", "inactive_file"].iter().find_map(|name| parts.get(*name));
    let working = used - *idle.unwrap() as f64;
    // The kernel hands out memory to a group in batches of 32 pages a core.
    let slack = |bytes: f64| (bytes * 0.02).max(300_000.0);
    let near =
        |metric, bytes: f64| Claim::between(metric, bytes - slack(bytes), bytes + slack(bytes));
    let threads = new.pids_stats.as_ref().unwrap().current.unwrap() as f64;
    let mut claims = vec![
        Claim::between("container_cpu_usage_seconds_total", cpu(old) - 1e-6, cpu(new) + 1e-6),
        near("container_memory_usage_bytes", used),
        near("container_memory_working_set_bytes", working),
        Claim::is("container_threads", threads),
    ];
    for (interface, after) in new.networks.iter().flatten() {
        let before = &old.networks.as_ref().unwrap()[interface];
        let counts = [
            ("container_network_receive_bytes_total", before.rx_bytes, after.rx_bytes),
            ("container_network_receive_packets_total", before.rx_packets, after.rx_packets),
            ("container_network_transmit_bytes_total", before.tx_bytes, after.tx_bytes),
            ("container_network_transmit_packets_total", before.tx_packets, after.tx_packets),
        ];
        claims.extend(counts.map(|(metric, before, after)| {
            let (low, high) = (before.unwrap() as f64, after.unwrap() as f64);
            Claim::between(metric, low, high).of("interface", interface)
        }));
    }
    claims
}

/// Published ports, with the class of the address that each is bound to.
fn ports(one: &ContainerSummary) -> BTreeSet<(String, String)> {
    let published = one.ports.iter().flatten().filter(|port| port.public_port.is_some());
    let class = |address: &str| match address.parse().unwrap() {
        IpAddr::V4(v4) if v4.is_loopback() => "loopback",
        IpAddr::V4(v4) if v4.is_unspecified() => "any",
        other => panic!("no test publishes a port on {other}"),
    };
    let port = |port: &bollard::models::PortSummary| {
        let name = format!("{}/{}", port.private_port, port.typ.unwrap());
        (name, class(port.ip.as_deref().unwrap()).to_owned())
    };
    published.map(port).collect()
}

/// What the Engine says of a container at one time.
struct View {
    listed: ContainerSummary,
    inspected: ContainerInspectResponse,
    /// Of a container that is alive.
    stats: Option<ContainerStatsResponse>,
}

/// Of a container that ends while they are asked for, statistics come when it starts again, or never.
const OF_ONE: Duration = Duration::from_secs(5);

/// All of them side by side: before Engine 25 statistics take a second.
async fn look(docker: &Docker, made: &[Container]) -> Vec<View> {
    let client = docker.engine.client().unwrap().with_timeout(PATIENT);
    let view = async |container: &Container| {
        let inspected = client.inspect_container(&container.id, None).await.unwrap();
        let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
        let alive = inspected.state.as_ref().unwrap().running == Some(true);
        let stats = if alive {
            let mut answer = client.stats(&container.id, Some(options));
            timeout(OF_ONE, answer.try_next()).await.ok().and_then(Result::unwrap)
        } else {
            None
        };
        View { listed: container.listed(), inspected, stats }
    };
    join_all(made.iter().map(view)).await
}

/// All that differs between a page and what the Engine said earlier and says now.
fn differences(scrape: &Scrape, name: &str, before: &View, now: &View) -> Vec<String> {
    let mut claims = of_the_list(&now.listed);
    claims.extend(of_the_inspection(&now.inspected));
    let alive = now.inspected.state.as_ref().unwrap().running == Some(true);
    let statistics = before.stats.as_ref().zip(now.stats.as_ref());
    claims.extend(statistics.iter().flat_map(|(before, now)| of_the_statistics(before, now)));
    let differ = claims.iter().filter_map(|claim| claim.against(scrape, name));
    let mut differ: Vec<_> = differ.collect();
    if alive && statistics.is_none() {
        differ.push("its statistics have not come".to_owned());
    }
    let label = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!(",{name}=\""))?;
        Some(rest.split_once('"')?.0.to_owned())
    };
    let own = format!("name=\"{name}\"");
    let lines =
        scrape.body.lines().filter(|line| line.starts_with("stack_container_port_exposed{"));
    let shown: BTreeSet<_> = lines
        .filter(|line| line.contains(&own))
        .map(|line| (label(line, "port").unwrap(), label(line, "address").unwrap()))
        .collect();
    let wanted = ports(&now.listed);
    if shown != wanted {
        differ.push(format!("ports {shown:?} are shown where the Engine says {wanted:?}"));
    }
    differ
}

/// How old figures can be that are shown: before Engine 25 its statistics are read beside the
/// scrapes, every ten seconds; the kernel's files are read for a scrape, or were for the last one.
const OF_THE_ENGINE: Duration = Duration::from_secs(15);
const OF_FILES: Duration = Duration::from_secs(3);

/// Until the page and the Engine have agreed on each container once. No counter falls on the way.
async fn agree(docker: &Docker, made: &[Container], config: &str, source: &str) {
    let mut views = vec![(Instant::now(), look(docker, made).await)];
    let exporter = Exporter::start(binary(), config).await;
    let start = format!("stack_docker_source_info{{target=\"docker\",source=\"{source}");
    exporter.wait_line(&start, PATIENT).await;
    let old = if source == "api" { OF_THE_ENGINE } else { OF_FILES };
    let mut agreed = BTreeSet::new();
    let mut cpu = vec![0.0; made.len()];
    until(&format!("one opinion by {source}"), 3 * PATIENT, async || {
        let reach = views.iter().rposition(|(at, _)| at.elapsed() > old).unwrap_or(0);
        let scrape = exporter.scrape().await;
        let (asked, now) = (Instant::now(), look(docker, made).await);
        let before = &views[reach].1;
        let mut open = Vec::new();
        for (at, container) in made.iter().enumerate() {
            let name = container.name.as_str();
            let differ = differences(&scrape, name, &before[at], &now[at]);
            let seconds = "container_cpu_usage_seconds_total";
            if let Some(shown) = value(&scrape, seconds, &[("name", name)]) {
                assert!(shown >= cpu[at], "{name}: {shown} s after {} s", cpu[at]);
                cpu[at] = shown;
            }
            if differ.is_empty() {
                agreed.insert(at);
            } else if !agreed.contains(&at) {
                open.push((name, differ));
            }
        }
        views.push((asked, now));
        if open.is_empty() { Ok(()) } else { Err(open) }
    })
    .await;
}

#[test]
fn of_each_field() {
    run(async {
        let docker = Stack::docker().await;
        let made = containers(&docker);
        agree(&docker, &made, &docker.section(""), "cgroup").await;
        agree(&docker, &made, &docker.section("cgroup_path: /nowhere"), "api").await;
        // What was to be said of them was said by the Engine.
        let state = |at: usize| made[at].state();
        let health = |at: usize| state(at).health.unwrap().status.unwrap().to_string();
        assert_eq!(state(0).status.unwrap().to_string(), "created");
        assert_eq!((health(1), health(2)), ("healthy".to_owned(), "unhealthy".to_owned()));
        assert_eq!(state(4).exit_code, Some(3));
        assert_eq!((state(5).exit_code, made[5].inspect().restart_count), (Some(4), Some(2)));
        assert_eq!((state(6).exit_code, state(6).oom_killed), (Some(137), Some(true)));
        assert_eq!(state(7).paused, Some(true));
        let published = ports(&made[1].listed());
        assert_eq!(published, [("8080/tcp".to_owned(), "any".to_owned())].into());
    });
}

#[test]
fn of_what_there_is() {
    run(async {
        let docker = Stack::docker().await;
        let _made =
            [docker.create(ContainerSpec::lone("there")), docker.run(ContainerSpec::lone("here"))];
        let exporter = Exporter::start(binary(), &docker.section("")).await;
        // Others come and go beside.
        let there = until("the same containers from both", PATIENT, async || {
            let names = docker.engine.list().into_iter().filter_map(|one| one.names);
            let listed: BTreeSet<_> =
                names.map(|names| names[0].trim_start_matches('/').to_owned()).collect();
            let scrape = exporter.scrape().await;
            let lines =
                scrape.body.lines().filter(|line| line.starts_with("stack_container_state{"));
            let name =
                |line: &str| Some(line.split_once("name=\"")?.1.split_once('"')?.0.to_owned());
            let shown: BTreeSet<_> = lines.filter_map(name).collect();
            if shown == listed { Ok(shown) } else { Err((shown, listed)) }
        })
        .await;
        assert!(there.len() >= 2, "{there:?}");
    });
}
