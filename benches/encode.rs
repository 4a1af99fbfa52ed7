//! How long it takes to write 10,000 series, and what 200,000 vanished containers leave behind:
//! `cargo bench --bench encode`.

#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    clippy::indexing_slicing,
    reason = "a benchmark tells its figures, and what is wrong by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use stack_exporter::catalogue::{
    Area, Batch, Catalogue, Kind, Label, Metric, Read, Row, Table, TableEntry,
};
use stack_exporter::engine::{Board, Clock, Collector, Target};
use stack_exporter::exposition::{Format, encode};
use stack_exporter::failure::Failure;

struct Container {
    id: String,
    name: String,
    value: f64,
}

/// Ten metrics of one row, with the labels of a container.
macro_rules! metric {
    ($name:literal) => {
        Metric {
            name: $name,
            help: "One of ten metrics of the benchmark.",
            kind: Kind::Gauge,
            extra: None,
            requirements: &[],
            read: Read::Values(|row: &Container, give| give("", row.value)),
        }
    };
}

impl Row for Container {
    const TABLE: &'static Table<Self> = &Table {
        labels: &[
            Label { name: "id", read: |row| &row.id },
            Label { name: "name", read: |row| &row.name },
            Label { name: "image", read: |_| "registry.example.org/team/service:1.2.3" },
        ],
        metrics: &[
            metric!("bench_a_bytes"),
            metric!("bench_b_bytes"),
            metric!("bench_c_bytes"),
            metric!("bench_d_bytes"),
            metric!("bench_e_bytes"),
            metric!("bench_f_bytes"),
            metric!("bench_g_bytes"),
            metric!("bench_h_bytes"),
            metric!("bench_i_bytes"),
            metric!("bench_j_bytes"),
        ],
    };
}

static AREA: Area = Area {
    name: "bench",
    title: "Bench",
    single: false,
    in_service: false,
    tables: &[TableEntry::of::<Container>()],
    signals: &[],
    glance: &[],
    reasons: &[],
    words: &[],
    runbook: "",
};
static CATALOGUE: Catalogue = Catalogue::new(&[&AREA]);

struct Containers;

impl Collector for Containers {
    type Raw = ();

    async fn fetch(&self) -> Result<(), Failure> {
        Ok(())
    }

    fn sample(&self, (): (), _: SystemTime) -> Result<Batch, Failure> {
        let rows = (0..1000).map(|n| Container {
            id: format!("/docker/{n:064x}"),
            name: format!("project-service-{n}"),
            value: f64::from(n) * 1000.5,
        });
        Ok(Batch::new().with(rows.collect()))
    }
}

/// A thousand other containers at each reading.
struct Vanishing(AtomicU64);

impl Collector for Vanishing {
    type Raw = u64;

    async fn fetch(&self) -> Result<u64, Failure> {
        Ok(self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn sample(&self, reading: u64, _: SystemTime) -> Result<Batch, Failure> {
        let rows = (0..1000).map(|n| Container {
            id: format!("/docker/{:064x}", reading * 1000 + n),
            name: format!("project-service-{reading}-{n}"),
            value: 1.0,
        });
        Ok(Batch::new().with(rows.collect()))
    }
}

fn resident_kilobytes() -> i64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the status");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("VmRSS");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Encodes every reading, as a scraper would, until 200,000 containers have come and gone.
async fn vanish() {
    let board = Board::default();
    let collector = Vanishing(AtomicU64::new(0));
    let mut target = Target::new(&AREA, "vanishing", String::new(), (), collector);
    target.clock = Clock::Every(Duration::from_millis(1));
    board.apply(vec![target]);
    let slot = board.slots().remove(0);
    let readings = || slot.state().reads.get("ok").copied().unwrap_or(0);
    let mut start = 0;
    let mut seen = 0;
    while seen < 220 {
        let now = readings();
        if now > seen {
            seen = now;
            encode(&CATALOGUE, Arc::new(board.snapshot()), Format::OpenMetrics);
            if start == 0 && seen >= 20 {
                start = resident_kilobytes();
            }
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    eprintln!("200,000 vanished containers: {:+} kB resident", resident_kilobytes() - start);
}

fn main() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(vanish());
    let board = Board::default();
    let snapshot = runtime.block_on(async {
        board.apply(vec![Target::new(&AREA, "bench", String::new(), (), Containers)]);
        Arc::new(board.scrape(&[], None).await)
    });
    for format in [Format::OpenMetrics, Format::Classic] {
        let mut times: Vec<Duration> = (0..200)
            .map(|_| {
                let started = Instant::now();
                let text = encode(&CATALOGUE, Arc::clone(&snapshot), format);
                assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 10_000);
                started.elapsed()
            })
            .collect();
        times.sort();
        let kilobytes = encode(&CATALOGUE, Arc::clone(&snapshot), format).len() / 1000;
        eprintln!(
            "{format:?}: 10,000 series, {kilobytes} kB: median {:?}, fastest {:?}, slowest {:?} of 200",
            times[100], times[0], times[199]
        );
    }
}
