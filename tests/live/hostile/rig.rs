//! One exporter in 256 MB with three well sources (host, NATS, a log) and one that a case makes
//! ill; and what must hold while it is ill and after its cure.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::binary;
use super::expect::{Expect, Seen};
use super::group::Group;
use super::report::{Outcome, megabytes};
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::httpd::{Httpd, Reply};
use crate::servers::wait::{PATIENT, pause, until};
use crate::servers::{text, watchdog};

/// The grace of a scrape, 1 s, and some for a busy machine that runs tests side by side. Once in a
/// case it may be as slow again: then the machine was elsewhere.
const FAST: Duration = Duration::from_millis(1500);
/// How old the reading of a well source may be: it is taken anew by each scrape that comes more
/// than a second after it.
const OLD: f64 = 3.5;
/// How long a case may take to be seen: deadlines of readings are 2 s.
const SEEN: Duration = Duration::from_secs(8);
/// How long until nothing is left of it. The target is up with the first reading, but a container
/// whose inspection or log has failed is asked again after 30 s or 15 s, so that it does not cost
/// every reading its time.
const CURED: Duration = Duration::from_secs(36);
/// All caps reached at once: 2,000 streams and as many consumers, or 500 containers.
const LARGEST: usize = 8 << 20;
/// What usually may stay of it: the allocator keeps what its threads have freed, in an arena for
/// each of them, and takes it again for the next case. That it does not grow is shown by the soak.
pub const KEPT: u64 = 80 << 20;
const BETWEEN: Duration = Duration::from_millis(200);

/// The source that is made ill.
#[derive(Clone, Debug)]
pub struct Patient {
    pub area: &'static str,
    pub target: &'static str,
    /// Lines that are there while it is well.
    pub well: &'static [&'static str],
}

pub struct Rig {
    kind: &'static str,
    config: String,
    patient: Patient,
    pub exporter: Exporter,
    group: Group,
    log: PathBuf,
    /// Resident memory with all sources well.
    baseline: u64,
    outcomes: Vec<Outcome>,
    /// The source refuses to be asked again at once: one reading after the cure is too soon.
    pub waits: bool,
    /// What may stay of the memory that a case has cost.
    pub kept: u64,
    _nats: Httpd,
}

/// What the scrapes of a case have shown.
#[derive(Default)]
struct Watch {
    slowest: Duration,
    /// Scrapes that took too long.
    slow: u32,
    /// Readings of the patient that the last scrape knew of, with one that was still under way.
    reads: f64,
    failures: Vec<String>,
}

impl Watch {
    fn fails(&mut self, what: String) {
        // One line for what each scrape finds again.
        if self.failures.len() < 6 && !self.failures.contains(&what) {
            self.failures.push(what);
        }
    }
}

impl Rig {
    /// `config` has the section of the patient.
    pub async fn start(kind: &'static str, config: &str, patient: Patient) -> Self {
        let nats = Httpd::start(well_nats).await;
        let log = watchdog::dir("well-log").join("well.log");
        fs::write(&log, "2024-01-01 12:00:00,000 [INFO] a: b\n").unwrap();
        let own = |section: &str| config.lines().any(|line| line.starts_with(section));
        let mut all = config.to_owned();
        let add = |all: &mut String, section: &str, entry: &str| {
            if own(section) {
                *all = all.replace(&format!("{section}\n"), &format!("{section}\n  {entry}\n"));
            } else {
                all.push_str(&format!("{section}\n  {entry}\n"));
            }
        };
        add(&mut all, "nats:", &format!("well: {{ url: \"{}\" }}", nats.url()));
        add(&mut all, "logs:", &format!("well: {{ files: [\"{}\"] }}", text(&log)));
        for (section, off) in [("docker:", "enabled: false"), ("host:", "enabled: true")] {
            if !own(section) {
                add(&mut all, section, off);
            }
        }
        for section in ["postgres:", "queues:"] {
            if !own(section) {
                all.push_str(&format!("{section} {{}}\n"));
            }
        }
        let (exporter, group) = launch(&all);
        let mut rig = Self {
            kind,
            config: all,
            patient,
            exporter,
            group,
            log,
            baseline: 0,
            outcomes: Vec::new(),
            waits: false,
            kept: KEPT,
            _nats: nats,
        };
        rig.warm().await;
        rig
    }

    /// All well, and the memory that it takes.
    async fn warm(&mut self) {
        let mut ready = 0;
        until("all sources well", PATIENT, async || {
            self.exporter.server.assert_alive();
            let (scrape, _) = self.exporter.try_scrape().await?;
            let sick = self.sick_neighbours(&scrape);
            let well = self.is_well(&scrape) && sick.is_empty();
            ready += i32::from(well);
            // Pools and caches are filled by then.
            if ready > 3 { Ok(()) } else { Err(format!("{sick:?}\n{}", self.about(&scrape))) }
        })
        .await;
        self.baseline = self.exporter.resident_bytes().unwrap_or_default();
    }

    async fn anew(&mut self) {
        self.exporter.server.kill();
        (self.exporter, self.group) = launch(&self.config);
        self.warm().await;
    }

    /// Plays a case: `sick` makes the source ill, `cure` well again.
    pub async fn case(
        &mut self,
        name: &str,
        expect: Expect,
        sick: impl AsyncFnOnce(),
        cure: impl AsyncFnOnce(),
    ) {
        self.lasting(name, Duration::ZERO, expect, sick, cure).await;
    }

    /// The same; it stays ill for at least that long, with scrapes all the while.
    pub async fn lasting(
        &mut self,
        name: &str,
        least: Duration,
        expect: Expect,
        sick: impl AsyncFnOnce(),
        cure: impl AsyncFnOnce(),
    ) {
        if !super::wanted(name) {
            return;
        }
        let mut watch = Watch::default();
        // What the next line of a neighbour's log costs is part of the picture.
        let more = "2024-01-01 12:00:01,000 [ERROR] a: b\n";
        fs::write(&self.log, [fs::read(&self.log).unwrap(), more.into()].concat()).unwrap();
        let before = self.exporter.try_scrape().await.map(|(scrape, _)| self.seen(&scrape));
        let before = before.unwrap_or_default();
        self.reset_peak();
        sick().await;
        let said = self.while_sick(least, expect, &before, &mut watch).await;
        let peak = self.peak();
        let alive = self.exporter.server.is_running();
        if !alive {
            watch.failures.insert(0, self.cause_of_death());
        }
        cure().await;
        let unanswered = watch.failures.iter().any(|one| one.starts_with("no answer"));
        if !alive || unanswered {
            self.anew().await;
        } else {
            self.after_cure(&mut watch).await;
        }
        let Watch { slowest, failures, .. } = watch;
        let (kind, name) = (self.kind, name.to_owned());
        let outcome = Outcome { kind, name, said, peak, slowest, failures };
        eprintln!("{outcome}");
        self.outcomes.push(outcome);
    }

    async fn while_sick(
        &mut self,
        least: Duration,
        expect: Expect,
        before: &Seen,
        watch: &mut Watch,
    ) -> String {
        let begun = Instant::now();
        loop {
            let Some(scrape) = self.look(watch).await else { return "-".to_owned() };
            let seen = self.seen(&scrape);
            let met = expect.is_met(&seen, before, &scrape);
            if met && begun.elapsed() >= least {
                return seen.says(before);
            }
            if begun.elapsed() > SEEN.max(least) {
                let missing = expect.missing(&scrape);
                let said = seen.says(before);
                watch.fails(format!("expected {expect:?}, but it is {said}; missing {missing:?}"));
                return said;
            }
            pause(BETWEEN).await;
        }
    }

    /// One scrape with all that must hold of any; `None` when there was none.
    async fn look(&self, watch: &mut Watch) -> Option<Scrape> {
        let (scrape, wrong) = match self.exporter.try_scrape().await {
            Ok(found) => found,
            Err(error) => {
                // A process that is being killed needs a moment until it is gone.
                pause(Duration::from_millis(500)).await;
                if self.exporter.server.is_running() {
                    watch.fails(format!("no answer to a scrape: {}", last_words(&error)));
                }
                return None;
            }
        };
        for one in wrong.iter().take(2) {
            watch.fails(one.chars().take(160).collect());
        }
        if scrape.status != 200 {
            watch.fails(format!("a scrape is answered with {}", scrape.status));
            return None;
        }
        watch.slowest = watch.slowest.max(scrape.elapsed);
        if scrape.body.len() > LARGEST {
            watch.fails(format!("a scrape is over {} MB", LARGEST >> 20));
        }
        watch.slow += u32::from(scrape.elapsed > FAST);
        if watch.slow > 1 || scrape.elapsed > 2 * FAST {
            watch.fails(format!("scrapes took over {FAST:?}"));
        }
        // A scrape that waited for its whole grace has left a reading under way.
        let under_way = f64::from(u8::from(scrape.elapsed > Duration::from_millis(900)));
        watch.reads = self.seen(&scrape).reads + under_way;
        if let Some(sick) = self.sick_neighbours(&scrape).first() {
            watch.fails(format!("another target is not well: {sick}"));
        }
        Some(scrape)
    }

    async fn after_cure(&mut self, watch: &mut Watch) {
        let begun = Instant::now();
        // Logs have a clock of their own: they were read also while the cure went on.
        if self.patient.area == "logs" && self.look(watch).await.is_some() {
            watch.reads += 1.0;
        }
        let last = watch.reads;
        loop {
            let Some(scrape) = self.look(watch).await else {
                if !self.exporter.server.is_running() {
                    watch.fails(format!("after the cure: {}", self.cause_of_death()));
                }
                return self.anew().await;
            };
            let seen = self.seen(&scrape);
            // What was read before the cure does not show it.
            let well = self.is_well(&scrape) && seen.reads > last;
            // A part of it may have been put off for half a minute: see `CURED`.
            let up = seen.up == Some(true);
            if !up && !self.waits && seen.reads >= last + 2.0 {
                watch.fails("after the cure it is not up one reading later".to_owned());
            }
            let resident = self.exporter.resident_bytes().unwrap_or_default();
            let back = resident <= self.baseline + self.kept;
            if well && back {
                return;
            }
            if begun.elapsed() > CURED {
                if well {
                    let (now, then) = (megabytes(resident), megabytes(self.baseline));
                    watch.fails(format!("memory is not back: {now} MB, before it {then} MB"));
                } else {
                    let about = self.about(&scrape);
                    watch.fails(format!("still not well {CURED:?} after the cure: {about}"));
                }
                return self.anew().await;
            }
            pause(BETWEEN).await;
        }
    }

    fn seen(&self, scrape: &Scrape) -> Seen {
        Seen::of(scrape, self.patient.area, self.patient.target)
    }

    fn is_well(&self, scrape: &Scrape) -> bool {
        let seen = self.seen(scrape);
        let shown = self.patient.well.iter().all(|start| scrape.line(start).is_some());
        seen.up == Some(true) && seen.reasons.is_empty() && shown
    }

    /// What the scrape says of the patient.
    fn about(&self, scrape: &Scrape) -> String {
        let label = format!("target=\"{}\",area=\"{}\"", self.patient.target, self.patient.area);
        let lines = scrape.body.lines().filter(|line| {
            line.contains(&label)
                && (line.starts_with("stack_target_up")
                    || line.starts_with("stack_target_failure")
                    || line.starts_with("stack_target_reads"))
        });
        let missing = self.patient.well.iter().filter(|start| scrape.line(start).is_none());
        format!(
            "{}; missing {:?}",
            lines.collect::<Vec<_>>().join(", "),
            missing.collect::<Vec<_>>()
        )
    }

    fn sick_neighbours(&self, scrape: &Scrape) -> Vec<String> {
        let all = [("host", "host"), ("nats", "well"), ("logs", "well")];
        let others = all
            .into_iter()
            .filter(|(area, target)| (*area, *target) != (self.patient.area, self.patient.target));
        let sick = others.filter_map(|(area, target)| {
            let labels = format!("{{target=\"{target}\",area=\"{area}\"}}");
            if scrape.value(&format!("stack_target_up{labels}")) != Some(1.0) {
                return Some(format!("{area}/{target} is not up"));
            }
            let age = scrape.value(&format!("stack_target_data_age_seconds{labels}"));
            age.filter(|age| *age > OLD).map(|_| format!("{area}/{target} is over {OLD} s old"))
        });
        sick.collect()
    }

    fn cause_of_death(&self) -> String {
        if self.group.kills() > 0 {
            return "the process is killed: over 256 MB".to_owned();
        }
        let log = self.exporter.log();
        let last: String = last_words(&log).chars().take(160).collect();
        format!("the process has ended; last words: {last}")
    }

    fn proc(&self, file: &str) -> Option<PathBuf> {
        let pid = self.exporter.server.pid()?.as_raw_nonzero();
        Some(PathBuf::from(format!("/proc/{pid}/{file}")))
    }

    fn reset_peak(&self) {
        if let Some(file) = self.proc("clear_refs") {
            let _ = fs::write(file, "5");
        }
    }

    /// The most that was resident since.
    fn peak(&self) -> Option<u64> {
        let status = fs::read_to_string(self.proc("status")?).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    }

    /// One more thing that must hold of the last case.
    pub fn also(&mut self, holds: bool, what: &str) {
        if let Some(last) = self.outcomes.last_mut().filter(|_| !holds) {
            last.failures.push(what.to_owned());
            eprintln!("{last}");
        }
    }

    /// Ends it; what all its cases have led to.
    pub async fn finish(self) -> Vec<Outcome> {
        self.exporter.stop().await;
        self.outcomes
    }
}

fn last_words(text: &str) -> &str {
    text.trim_end().lines().next_back().unwrap_or("none")
}

/// The exporter in a group of its own.
pub fn launch(config: &str) -> (Exporter, Group) {
    let group = Group::new();
    let script = group.script();
    let exporter = Exporter::scripted(binary(), config, &script, &[]);
    (exporter, group)
}

fn well_nats(request: &crate::servers::httpd::Request) -> Reply {
    let path = request.path.split('?').next().unwrap_or_default();
    Reply::new(200, "application/json", super::nats::well(path))
}
