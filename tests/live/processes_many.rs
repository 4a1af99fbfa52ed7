//! Many processes, and process-exporter beside us on the same ones. [H02 H03]

use crate::processes::{NUMBER, Own, of, wait};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::run;
use crate::servers::wait::{PATIENT, until};
use crate::stage::binary;

/// As many as were measured of peers.
const MANY: u32 = 1177;

#[test]
fn a_thousand_processes() {
    run(async {
        let own = Own::new("many");
        let mut groups = "    many: { cmdline: '^{mark}' }\n".to_owned();
        for n in 0..9 {
            groups +=
                &format!("    other{n}: {{ cmdline: '^other-{n}-of-{{mark}}', name: sleep }}\n");
        }
        let exporter = Exporter::start(binary(), &own.section(&groups)).await;
        let server = own.start(&format!(
            "for i in $(seq {MANY}); do (exec -a {{mark}} sleep 600) & done; wait"
        ));
        let scrape = wait(&exporter, NUMBER, "many", f64::from(MANY)).await;
        assert_eq!(scrape.value(&of("stack_process_starts_total", "many")), Some(f64::from(MANY)));
        assert!(scrape.elapsed.as_millis() < 1500, "{:?}", scrape.elapsed);
        server.kill();
        let scrape = wait(&exporter, NUMBER, "many", 0.0).await;
        assert_eq!(scrape.value(&of("stack_process_ends_total", "many")), Some(f64::from(MANY)));
    });
}

/// Family by family, on the same processes.
#[test]
fn process_exporter_says_the_same() {
    run(async {
        let own = Own::new("peer");
        let _processes: Vec<_> = (0..3).map(|_| own.idle()).collect();
        let port = free_port();
        let peer = format!("process_names:\n  - name: bot\n    cmdline: ['^{}']\n", own.mark);
        std::fs::write(own.dir.join("peer.yml"), peer).unwrap();
        let _peer = own.start(&format!(
            "exec prometheus-process-exporter -config.path {{dir}}/peer.yml -children=false -threads=false \
             -web.listen-address 127.0.0.1:{port}"
        ));
        let exporter =
            Exporter::start(binary(), &own.section("    bot: { cmdline: '^{mark}' }\n")).await;
        let url = format!("http://127.0.0.1:{port}/metrics");
        let theirs = until("process-exporter sees three", PATIENT, async || {
            let answer = crate::servers::http_client().get(&url).send().await;
            let body = answer.map_err(|error| error.to_string())?.text().await.unwrap_or_default();
            let seen = body.contains("namedprocess_namegroup_num_procs{groupname=\"bot\"} 3");
            if seen { Ok(body) } else { Err(body) }
        })
        .await;
        let ours = wait(&exporter, NUMBER, "bot", 3.0).await;
        let mut compared = Vec::new();
        for line in theirs.lines().filter(|line| line.starts_with("namedprocess_namegroup_")) {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (family, labels) = series.split_once('{').unwrap();
            // What it reads from smaps, which stops a process, and where threads wait.
            if series.contains("proportional") || family.ends_with("_wchan") {
                continue;
            }
            let wanted: f64 = value.parse().unwrap();
            let labels: Vec<_> = labels.trim_end_matches('}').split(',').collect();
            let line = ours.body.lines().find(|line| {
                line.starts_with(&format!("{family}{{"))
                    && labels.iter().all(|label| line.contains(label))
            });
            let line = line.unwrap_or_else(|| panic!("no {series}: {}", ours.body));
            let value: f64 = line.rsplit(' ').next().unwrap().parse().unwrap();
            // It cuts off fractions of the start.
            let slack = if family.ends_with("start_time_seconds") { 1.01 } else { 1e-9 };
            let stable = !family.ends_with("_total");
            assert!(
                !stable || (value - wanted).abs() <= slack,
                "{series}: {wanted} there, {value} here"
            );
            compared.push(family.to_owned());
        }
        compared.sort();
        compared.dedup();
        // All that compat tables name.
        assert_eq!(compared.len(), 13, "{compared:?}");
    });
}
