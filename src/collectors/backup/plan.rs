//! From the configuration to targets.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::config::Backup;
use super::fetch::Places;
use super::judge::Terms;
use super::schedule::Schedule;
use super::seen::{Elsewhere, Look};
use super::slow::{Slow, Source};
use super::{AREA, Section, sample};
use crate::catalogue::Batch;
use crate::clients::access;
use crate::clients::folder::Pattern;
use crate::clients::http::HttpClient;
use crate::config::Dur;
use crate::engine::{Collector, Target};
use crate::failure::{Failure, Reason};
use crate::plan::{Common, Plan};

const WITHIN: Duration = Duration::from_hours(2);
const RESTORE: Duration = Duration::from_hours(90 * 24);
const DEADLINE: Duration = Duration::from_secs(5);
const DAY: Duration = Duration::from_hours(24);

/// Declared ones; there is nothing to find.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        return plan.missed(
            "no backup is named",
            "name its files in the section backups of the configuration",
        );
    };
    for (name, backup) in section {
        if let Some(target) = target(name, backup, plan) {
            let common =
                Common { timeout: backup.timeout, thresholds: &backup.thresholds, service: None };
            plan.declare(target, &common);
        }
    }
}

/// The target, if nothing is wrong with how it is described; else all that is.
fn target(name: &str, backup: &Backup, plan: &mut Plan) -> Option<Target> {
    let before = plan.mistakes.len();
    let schedule = schedule(name, backup, plan);
    let source = source(name, backup, plan);
    let files = patterns(name, "files", &backup.files, plan);
    let newer = backup.newer_than.as_ref().map_or(&[][..], |newer| &newer.files);
    let newer = patterns(name, "newer_than.files", newer, plan);
    for (at, folder) in backup.copies.iter().enumerate() {
        absolute(name, &format!("copies[{at}]"), folder, plan);
    }
    if let Some(test) = &backup.restore_test {
        absolute(name, "restore_test.stamp", &test.stamp, plan);
    }
    numbers(name, backup, plan);
    if plan.mistakes.len() > before {
        return None;
    }
    let period = schedule.as_ref().and_then(|schedule| {
        let next = schedule.next(SystemTime::now())?;
        schedule.next(next)?.duration_since(next).ok()
    });
    let within = backup.within.map_or(WITHIN, Dur::get);
    let terms = Terms {
        schedule,
        within,
        smallest: backup.smallest.map_or(1, crate::config::units::Size::get),
        keep: backup.keep,
        copies: backup.copies.len(),
        slack: backup.newer_than.as_ref().map(|newer| newer.slack.map_or(Duration::ZERO, Dur::get)),
        restore: backup.restore_test.as_ref().map(|test| test.every.map_or(RESTORE, Dur::get)),
        full: backup.verify.is_some(),
    };
    let places = Places {
        files,
        kind: backup.kind,
        newer_than: newer,
        stamp: backup.restore_test.as_ref().map(|test| test.stamp.clone()),
        copies: backup.copies.clone(),
        expires: backup.delete_after.map(|age| expires(age.get(), period, within)),
        smallest: terms.smallest,
        within,
    };
    let place = match &backup.qdrant {
        Some(qdrant) => format!("{} {}", qdrant.url.origin(), qdrant.collection),
        None => backup.files.join(" "),
    };
    let (slow, parts) = Slow::of(plan.memory, name, backup, (places, source));
    let deadline = backup.timeout.map_or(DEADLINE, Dur::get);
    let watch = Watch { slow, terms, deadline };
    let settings = Backup { thresholds: crate::plan::Thresholds::default(), ..backup.clone() };
    Some(Target::new(&AREA, name, place, settings, watch).with_parts(parts))
}

/// At which age one must have been deleted. `find -mtime +30` takes what is 31 days old, one that has
/// just missed that goes a run later, and the run takes its time.
pub fn expires(age: Duration, period: Option<Duration>, within: Duration) -> Duration {
    age.saturating_add(DAY).saturating_add(period.unwrap_or(DAY)).saturating_add(within)
}

fn schedule(name: &str, backup: &Backup, plan: &mut Plan) -> Option<Schedule> {
    let (cron, zone) = (backup.cron.as_deref(), backup.time_zone.as_deref());
    if backup.every.is_none() && cron.is_none() && zone.is_none() {
        return None;
    }
    match Schedule::new(backup.every.map(Dur::get), cron, zone) {
        Ok(schedule) => Some(schedule),
        Err((key, message)) => {
            plan.mistake(name, key, message);
            None
        }
    }
}

fn source(name: &str, backup: &Backup, plan: &mut Plan) -> Source {
    let Some(qdrant) = &backup.qdrant else {
        if backup.files.is_empty() {
            plan.mistake(name, "", "needs `files` or `qdrant`: where the backups are");
        }
        return Source::Files;
    };
    if !backup.files.is_empty() {
        plan.mistake(name, "files", "must not be set together with `qdrant`: name them apart");
    }
    if backup.verify.is_some() || backup.kind.is_some() {
        let key = if backup.kind.is_some() { "kind" } else { "verify" };
        plan.mistake(name, key, "goes with `files`: snapshots stay where Qdrant is");
    }
    if let Some(message) = qdrant.url.http_mistake() {
        plan.mistake(name, "qdrant.url", message);
    }
    if qdrant.collection.is_empty() {
        plan.mistake(name, "qdrant.collection", "must not be empty");
    }
    for (key, message) in access::mistakes(&qdrant.access, &qdrant.url, "url") {
        plan.mistake(name, &format!("qdrant.{key}"), message);
    }
    let timeout = backup.timeout.map(Dur::get);
    let http = Arc::new(HttpClient::new(&qdrant.url, &qdrant.access, timeout));
    Source::Qdrant { http, collection: qdrant.collection.clone() }
}

fn patterns(name: &str, key: &str, texts: &[String], plan: &mut Plan) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        match Pattern::new(text) {
            Ok(pattern) => patterns.push(pattern),
            Err(message) => plan.mistake(name, &format!("{key}[{at}]"), message),
        }
    }
    patterns
}

fn absolute(name: &str, key: &str, path: &Path, plan: &mut Plan) {
    if !path.is_absolute() {
        plan.mistake(name, key, "must be an absolute path, such as `/mnt/nas/backups`");
    }
}

fn numbers(name: &str, backup: &Backup, plan: &mut Plan) {
    if backup.keep == Some(0) {
        plan.mistake(name, "keep", "must be 1 or more");
    }
    if backup.newer_than.as_ref().is_some_and(|newer| newer.files.is_empty()) {
        plan.mistake(name, "newer_than.files", "must name a file");
    }
    let speed = backup.verify.as_ref().and_then(|verify| verify.speed);
    if speed.is_some_and(|speed| speed.get() < 100_000) {
        plan.mistake(name, "verify.speed", "must be `100kB` a second or more");
    }
    if backup.refresh.is_some_and(|every| every.get() < Duration::from_secs(1)) {
        plan.mistake(name, "refresh", "must be `1s` or more");
    }
}

/// One backup.
struct Watch {
    slow: Slow,
    terms: Terms,
    deadline: Duration,
}

impl Collector for Watch {
    type Raw = (Arc<Look>, Option<Arc<Elsewhere>>);

    async fn fetch(&self) -> Result<Self::Raw, Failure> {
        let until = Instant::now() + self.deadline.mul_f64(0.8);
        let latest = self.slow.latest(until).await;
        let look = latest.value.ok_or_else(|| {
            latest.failure.unwrap_or_else(|| {
                Failure::new(Reason::TIMEOUT, "the listing of backups: no answer in time")
                    .hint("the disk or share that they lie on is slow, or hangs")
            })
        })?;
        Ok((look, self.slow.elsewhere(until).await))
    }

    fn sample(&self, (look, elsewhere): Self::Raw, now: SystemTime) -> Result<Batch, Failure> {
        let state = super::lock(&self.slow.state);
        Ok(sample::sample(&self.terms, (&look, elsewhere.as_deref()), &state.past, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Memory;

    fn mistakes(backup: &str) -> Vec<String> {
        let text = format!("one: {backup}\n");
        let section = crate::config::load::<Section>("c.yaml", &text, &|_| None).finish();
        let section = section.unwrap_or_else(|wrong| panic!("{wrong:?}"));
        let memory = Memory::default();
        let nothing = |_: &str| None;
        let mut planned = Plan::new(&nothing, &memory);
        planned.section("backups", &AREA);
        super::plan(Some(&section), &mut planned);
        let found: Vec<_> =
            planned.mistakes.iter().map(|it| format!("{}: {}", it.path, it.message)).collect();
        assert_eq!(found.is_empty(), planned.targets.len() == 1, "{found:?}");
        found
    }

    #[test]
    fn what_is_wrong_is_told_at_its_key() {
        for fine in [
            "{ files: [/b/*.gz] }",
            "{ files: [/b/*.gz, /c/%Y%m%d.gz], cron: '0 2 * * *', time_zone: Europe/Kyiv, kind: pg_dump }",
            "{ qdrant: { url: 'http://q:6333', collection: c }, every: 7d, copies: [/mnt] }",
        ] {
            assert_eq!(mistakes(fine), [] as [&str; 0], "{fine}");
        }
        for (wrong, at) in [
            ("{}", "backups.one: needs `files` or `qdrant`"),
            ("{ files: [b.gz] }", "backups.one.files[0]: must be an absolute path"),
            ("{ files: [/b/*], every: 1s }", "backups.one.every: must be a minute"),
            ("{ files: [/b/*], every: 1d, cron: '0 2 * * *' }", "backups.one.every: say either"),
            ("{ files: [/b/*], cron: '0 25 * * *' }", "backups.one.cron: is not understood"),
            (
                "{ files: [/b/*], cron: '0 2 * * *', time_zone: Kiev }",
                "backups.one.time_zone: is no",
            ),
            ("{ files: [/b/*], keep: 0 }", "backups.one.keep: must be 1"),
            ("{ files: [/b/*], copies: [mnt] }", "backups.one.copies[0]: must be an absolute"),
            ("{ files: [/b/*], refresh: 10ms }", "backups.one.refresh: must be `1s`"),
            ("{ files: [/b/*], verify: { speed: 1kB } }", "backups.one.verify.speed: must be"),
            ("{ files: [/b/*], newer_than: { files: [] } }", "backups.one.newer_than.files: must"),
            (
                "{ files: [/b/*], newer_than: { files: ['/a['] } }",
                "backups.one.newer_than.files[0]: is",
            ),
            (
                "{ files: [/b/*], restore_test: { stamp: x } }",
                "backups.one.restore_test.stamp: must",
            ),
            ("{ qdrant: { url: 'ftp://q', collection: c } }", "backups.one.qdrant.url: "),
            (
                "{ qdrant: { url: 'http://q', collection: '' } }",
                "backups.one.qdrant.collection: must",
            ),
            (
                "{ qdrant: { url: 'http://q', collection: c }, verify: {} }",
                "backups.one.verify: goes",
            ),
            (
                "{ qdrant: { url: 'http://q', collection: c }, files: [/b] }",
                "backups.one.files: must not",
            ),
        ] {
            let found = mistakes(wrong);
            assert!(found.iter().any(|line| line.starts_with(at)), "{wrong}: {found:?}");
        }
    }
}
