//! Troubles over time, with a clock that the tests move.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::alert::Alert;
use super::inhibit::{Inhibition, labels};
use super::saved::Saved;
use super::tracker::{Due, Now, Say, Tracker, Wanted};
use crate::catalogue::Severity::{self, Critical, Warning};
use crate::overview::{Gone, Key};

const MINUTE: Duration = Duration::from_mins(1);
const STEP: Duration = Duration::from_secs(5);

/// A stack whose troubles a test sets, and what is told of them.
struct Story {
    tracker: Tracker,
    rules: Inhibition,
    wanted: Wanted,
    clock: Duration,
    /// When the clock was at zero.
    begun: SystemTime,
    alerts: Vec<Alert>,
    /// What cannot be judged.
    unseen: BTreeSet<Key>,
    silenced: BTreeSet<Key>,
    /// Whether there is room for messages.
    room: bool,
    told: Vec<String>,
}

impl Story {
    fn new(least: Severity) -> Self {
        Self {
            tracker: Tracker::default(),
            rules: Inhibition::shipped().unwrap(),
            wanted: Wanted { least, repeat: Duration::ZERO },
            clock: Duration::ZERO,
            begun: UNIX_EPOCH + Duration::from_hours(400_000),
            alerts: Vec::new(),
            unseen: BTreeSet::new(),
            silenced: BTreeSet::new(),
            room: true,
            told: Vec::new(),
        }
    }

    fn now(&self) -> Now {
        Now { at: self.begun + self.clock, clock: self.clock }
    }

    /// Looks every five seconds for so long; what was told meanwhile.
    fn run(&mut self, time: Duration) -> Vec<String> {
        let end = self.clock + time;
        while self.clock < end {
            self.clock += STEP;
            let now = self.now();
            let gone = |key: &Key, cold: bool| {
                if self.silenced.contains(key) {
                    Gone::Silenced
                } else if cold || self.unseen.contains(key) {
                    Gone::Unseen
                } else {
                    Gone::Over
                }
            };
            self.tracker.look(now, &self.alerts, &gone);
            for due in self.tracker.due(now, self.wanted, &self.rules) {
                if self.room {
                    self.told.push(shown(&due));
                    self.tracker.tell(&due, now);
                }
            }
        }
        std::mem::take(&mut self.told)
    }

    /// The exporter starts again and knows what was saved.
    fn restart(&mut self) {
        let storage = crate::engine::Storage::memory();
        Saved::of(&self.tracker, std::collections::BTreeMap::new()).save(&storage).unwrap();
        self.begun += self.clock;
        (self.tracker, self.clock) = (Tracker::default(), Duration::ZERO);
        self.tracker.restore(Saved::load(&storage).unwrap().troubles());
    }
}

fn shown(due: &Due) -> String {
    let say = match due.say {
        Say::Began(severity) => severity.as_str(),
        Say::Lasts(_) => "lasts",
        Say::Better(_) => "better",
        Say::Over => "over",
    };
    let targets: Vec<&str> = due.keys.iter().map(|key| key.1.as_str()).collect();
    format!("{say} {} {}", due.alert, targets.join(","))
}

/// One whose critical threshold is breached and whose hold is two minutes.
fn alert(name: &str, target: &str, more: &str) -> Alert {
    let text = format!("alertname={name} area=docker target={target} instance=here {more}");
    Alert {
        key: ("docker".to_owned(), target.to_owned(), name.to_owned()),
        labels: labels(&text),
        breached: vec![(Warning, 2 * MINUTE), (Critical, 2 * MINUTE)],
        keep: 5 * MINUTE,
        title: format!("{target} is down"),
        clear: format!("{target} is up"),
        page: String::new(),
        since: None,
        seen: None,
    }
}

const NOTHING: [&str; 0] = [];

#[test]
fn one_that_lasts_is_told_once_and_its_end_once() {
    let mut story = Story::new(Critical);
    assert_eq!(story.run(10 * MINUTE), NOTHING);
    story.alerts = vec![alert("X", "db", "")];
    assert_eq!(story.run(2 * MINUTE), NOTHING, "its hold");
    assert_eq!(story.run(MINUTE), ["critical X db"]);
    assert_eq!(story.run(60 * MINUTE), NOTHING);
    // What comes back within five minutes was not over.
    for _ in 0..3 {
        let was = std::mem::take(&mut story.alerts);
        assert_eq!(story.run(4 * MINUTE), NOTHING);
        story.alerts = was;
        assert_eq!(story.run(MINUTE), NOTHING);
    }
    story.alerts.clear();
    assert_eq!(story.run(5 * MINUTE), NOTHING);
    assert_eq!(story.run(MINUTE), ["over X db"]);
    assert!(story.run(10 * MINUTE).is_empty() && story.tracker.is_empty());
    // Short of its hold it is none.
    story.alerts = vec![alert("X", "db", "")];
    assert_eq!(story.run(MINUTE), NOTHING);
    story.alerts.clear();
    assert_eq!(story.run(30 * MINUTE), NOTHING);
}

#[test]
fn what_lasts_is_told_again_once_a_day_if_it_is_critical() {
    let mut story = Story::new(Warning);
    story.wanted.repeat = 60 * MINUTE;
    let mut warning = alert("Y", "web", "");
    warning.breached.pop();
    story.alerts = vec![alert("X", "db", ""), warning];
    assert_eq!(story.run(3 * MINUTE), ["critical X db", "warning Y web"]);
    assert_eq!(story.run(59 * MINUTE), NOTHING);
    assert_eq!(story.run(2 * MINUTE), ["lasts X db"]);
    story.restart();
    assert_eq!(story.run(50 * MINUTE), NOTHING);
    assert_eq!(story.run(12 * MINUTE), ["lasts X db"], "by the clock of the wall");
}

#[test]
fn worse_is_told_and_better_is_and_a_warning_only_to_who_wants_it() {
    for (least, first, end) in
        [(Warning, vec!["warning X db"], vec!["over X db"]), (Critical, vec![], vec!["over X db"])]
    {
        let mut story = Story::new(least);
        let critical = alert("X", "db", "");
        let mut warning = critical.clone();
        warning.breached.pop();
        story.alerts = vec![warning.clone()];
        assert_eq!(story.run(5 * MINUTE), first);
        story.alerts = vec![critical];
        assert_eq!(story.run(5 * MINUTE), ["critical X db"]);
        story.alerts = vec![warning];
        assert_eq!(story.run(5 * MINUTE), NOTHING);
        assert_eq!(story.run(2 * MINUTE), ["better X db"]);
        story.alerts.clear();
        assert_eq!(story.run(7 * MINUTE), end);
    }
    let mut story = Story::new(Critical);
    let mut warning = alert("X", "db", "");
    warning.breached.pop();
    story.alerts = vec![warning];
    assert_eq!(story.run(20 * MINUTE), NOTHING);
    story.alerts.clear();
    assert_eq!(story.run(20 * MINUTE), NOTHING, "who was not told of it hears of no end");
}

/// What was told is not told again; what ended meanwhile is over; what cannot be seen is neither.
#[test]
fn a_restart_in_the_middle_is_quiet() {
    let mut story = Story::new(Critical);
    story.alerts = vec![alert("X", "db", ""), alert("X", "web", ""), alert("Y", "far", "")];
    assert_eq!(story.run(3 * MINUTE), ["critical X db,web", "critical Y far"]);
    story.restart();
    story.alerts.retain(|alert| alert.key.1 == "db");
    story.unseen = BTreeSet::from([alert("Y", "far", "").key]);
    assert_eq!(story.run(6 * MINUTE), NOTHING);
    assert_eq!(story.run(3 * MINUTE), ["over X web"]);
    assert_eq!(story.run(60 * MINUTE), NOTHING);
    // One that has not been told before the restart begins its hold anew.
    story.alerts.push(alert("Z", "new", ""));
    assert_eq!(story.run(MINUTE), NOTHING);
    story.restart();
    story.unseen.clear();
    assert_eq!(story.run(2 * MINUTE), NOTHING);
    assert_eq!(story.run(MINUTE), ["critical Z new"]);
    assert_eq!(story.run(6 * MINUTE), ["over Y far"]);
}

#[test]
fn the_first_readings_are_no_news() {
    let mut story = Story::new(Critical);
    let mut at_once = alert("X", "db", "");
    at_once.breached = vec![(Critical, Duration::ZERO)];
    story.alerts = vec![at_once];
    assert_eq!(story.run(MINUTE.saturating_sub(STEP)), NOTHING);
    assert_eq!(story.run(STEP), ["critical X db"]);
}

#[test]
fn what_another_trouble_says_is_not_told_and_its_end_waits_for_that() {
    let mut story = Story::new(Critical);
    let service = alert("DockerServiceDown", "docker", "project=shop service=db");
    let mut database = alert("PostgresDown", "main", "project=shop service=db signal=up");
    database.labels.insert("area".into(), "postgres".into());
    database.keep = Duration::ZERO;
    // The database is found first; the service comes in time.
    story.alerts = vec![database.clone()];
    assert_eq!(story.run(2 * MINUTE), NOTHING);
    let mut at_once = service.clone();
    at_once.breached = vec![(Critical, Duration::ZERO)];
    story.alerts.push(at_once);
    assert_eq!(story.run(60 * MINUTE), ["critical DockerServiceDown docker"]);
    story.alerts.clear();
    assert_eq!(story.run(7 * MINUTE), ["over DockerServiceDown docker"]);
    // Told before: then its end is told too, but not while the service is down.
    story.alerts = vec![database];
    assert_eq!(story.run(3 * MINUTE), ["critical PostgresDown main"]);
    story.alerts.push(service);
    assert_eq!(story.run(3 * MINUTE), ["critical DockerServiceDown docker"]);
    story.alerts.remove(0);
    assert_eq!(story.run(30 * MINUTE), NOTHING);
    story.alerts.clear();
    assert_eq!(story.run(7 * MINUTE), ["over DockerServiceDown docker", "over PostgresDown main"]);
}

#[test]
fn what_is_silenced_is_over_only_once_it_is_well() {
    let mut story = Story::new(Critical);
    story.alerts = vec![alert("X", "db", "")];
    assert_eq!(story.run(3 * MINUTE), ["critical X db"]);
    story.silenced.insert(story.alerts[0].key.clone());
    story.alerts.clear();
    assert_eq!(story.run(60 * MINUTE), NOTHING);
    story.silenced.clear();
    assert_eq!(story.run(2 * MINUTE), ["over X db"]);
}

/// Of what came and went while messages were held back nothing is told; of the rest everything.
#[test]
fn what_is_held_back_is_told_as_it_is_then() {
    let mut story = Story::new(Critical);
    story.alerts = vec![alert("X", "db", "")];
    assert_eq!(story.run(3 * MINUTE), ["critical X db"]);
    story.room = false;
    story.alerts = vec![alert("Y", "short", ""), alert("Z", "long", "")];
    assert_eq!(story.run(10 * MINUTE), NOTHING);
    story.alerts.remove(0);
    assert_eq!(story.run(10 * MINUTE), NOTHING);
    story.room = true;
    assert_eq!(story.run(STEP), ["critical Z long", "over X db"]);
    assert_eq!(story.run(60 * MINUTE), NOTHING);
}
