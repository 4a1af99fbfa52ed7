//! Where the figures come from: the kernel's files and the Engine agree, and what is not a
//! container's own is not shown as its own. [C04 C08 C17]

use std::collections::BTreeMap;

use crate::scene::Scene;
use crate::servers::block_io;
use crate::servers::docker::ContainerSpec;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run};
use crate::stage::binary;

/// What cannot be given back: worked out by us, from either source.
const UNRECLAIMABLE: &str = "stack_container_memory_unreclaimable_bytes";

/// Series of cAdvisor's names about a container, and what is worked out from them.
fn figures(scrape: &Scrape, name: &str) -> BTreeMap<String, f64> {
    let label = format!("name=\"{name}\"");
    let kind = |line: &str| line.starts_with("container_") || line.starts_with(UNRECLAIMABLE);
    let mine = |line: &&str| kind(line) && line.contains(&label);
    let parse = |line: &str| {
        let (series, value) = line.rsplit_once(' ')?;
        Some((series.to_owned(), value.parse().ok()?))
    };
    let lines = scrape.body.lines().filter(mine);
    lines.filter(|line| !line.starts_with("container_last_seen")).filter_map(parse).collect()
}

#[test]
fn files_and_engine_agree() {
    run(async {
        let docker = Stack::docker().await;
        let io_counted = block_io::counted(&docker).await.is_ok();
        let by_files = Exporter::start(binary(), &docker.section("")).await;
        let by_engine = Exporter::start(binary(), &docker.section("cgroup_path: /nowhere")).await;
        // Work for the CPU, the disk, the network and the memory, and then a standstill.
        let work = "ping -q -c 20 -i 0.02 $(ip route | awk '/default/ { print $3 }')
            dd if=/dev/zero of=/dev/shm/f bs=1M count=16
            for i in 1 2 3; do dd if=/dev/zero of=/f bs=64k count=32 conv=fsync; done
            i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; touch /tmp/done; exec sleep 600";
        let busy = ContainerSpec::calm("agree", "app").shell(work).network("bridge").cpus(1.0);
        let busy = docker.run(busy.memory(64 << 20).health("test -f /tmp/done"));
        busy.wait_health("healthy", PATIENT).await;
        busy.pause().unwrap();
        let differ = |files: &BTreeMap<String, f64>, engine: &BTreeMap<String, f64>| {
            let engine = engine.iter();
            engine
                .filter(|(series, value)| {
                    // The kernel hands out memory to a group in batches of 32 pages a core.
                    let of_memory = series.contains("container_memory_");
                    let slack = if of_memory { 300_000.0 } else { 1e-6 };
                    let bound = (value.abs() * 0.01).max(slack);
                    files.get(*series).is_none_or(|other| (other - **value).abs() > bound)
                })
                .map(|(series, value)| (series.clone(), *value, files.get(series).copied()))
                .collect::<Vec<_>>()
        };
        let both = until("the same figures from both", PATIENT, async || {
            let (one, two) = (by_files.scrape().await, by_engine.scrape().await);
            let (one, two) = (figures(&one, &busy.name), figures(&two, &busy.name));
            let has = |start: &str| two.keys().any(|series| series.starts_with(start));
            let always =
                ["container_cpu_u", "container_memory_u", "container_network_t", UNRECLAIMABLE];
            let parts = always.into_iter().chain(io_counted.then_some("container_fs_w"));
            let missing: Vec<_> = parts.filter(|part| !has(part)).collect();
            let differences = differ(&one, &two);
            if missing.is_empty() && differences.is_empty() {
                Ok((one, two))
            } else {
                Err((missing, differences))
            }
        })
        .await;
        let (files, engine) = both;
        assert!(engine.len() > 25 && files.len() > engine.len(), "{engine:?}");
        let total = |start: &str| {
            let of = engine.iter().filter(|(series, _)| series.starts_with(start));
            of.map(|(_, value)| value).sum::<f64>()
        };
        assert!(total("container_cpu_usage_seconds_total") > 0.01);
        assert!(total("container_network_transmit_packets_total") >= 20.0);
        // What lies in /dev/shm, and none of the page cache that came with /f.
        let (held, usage) = (total(UNRECLAIMABLE), total("container_memory_usage_bytes"));
        assert!(held > f64::from(16 << 20) && held < usage - f64::from(1 << 20), "{held} {usage}");
        if io_counted {
            assert!(total("container_fs_writes_bytes_total") >= 3.0 * 2_097_152.0);
        }
        busy.unpause().unwrap();
    });
}

#[test]
fn a_network_that_is_not_its_own() {
    run(async {
        let docker = Stack::docker().await;
        let scene = Scene::start(&docker, "").await;
        let own = docker.run(ContainerSpec::calm("net-own", "app").network("bridge"));
        let _host = docker.run(ContainerSpec::calm("net-host", "app").network("host"));
        let with = format!("container:{}", own.id);
        let _joined = docker.run(ContainerSpec::calm("net-joined", "app").network(&with));
        let received = "container_network_receive_bytes_total";
        let of = |project| [("container_label_com_docker_compose_project", project)];
        for project in ["net-own", "net-host", "net-joined"] {
            let cpu = "container_cpu_usage_seconds_total";
            scene.sees_that(cpu, &of(project), |value| value.is_some()).await;
        }
        scene.sees_that(received, &of("net-own"), |value| value.is_some()).await;
        assert_eq!(scene.value(received, &of("net-host")).await, None);
        assert_eq!(scene.value(received, &of("net-joined")).await, None);
        scene.only(&[("net-own", &[]), ("net-host", &[]), ("net-joined", &[])]).await;
    });
}
