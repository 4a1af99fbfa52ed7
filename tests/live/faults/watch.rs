//! Prometheus and Alertmanager as shipped, on a clock that goes faster, and the account of what was to be told
//! and what was.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use super::post::{Alert, Message, Post};
use crate::servers::alertmanager::Alertmanager;
use crate::servers::http_client;
use crate::servers::prometheus::{Prometheus, Setup, Target};
use crate::servers::rules::Pace;
use crate::servers::wait::{PATIENT, until};
use crate::stage::rules;

/// So many times as fast as in earnest go all times of the rules, of Alertmanager and of Prometheus, but for
/// its scrapes: one in two seconds is one in 30 s, half as often as shipped. So what comes before what is as
/// in earnest, what mutes others has less of the 30 s of `group_wait` to arrive in than there, and what
/// arrives in time here does so there. A divisor of 60; the higher, the less late may a busy machine be.
pub const FASTER: u32 = 15;
/// A minute of the rules.
pub const MINUTE: Duration = Duration::from_secs(60 / FASTER as u64);

const TEMPLATE: (&str, &str) =
    ("templates/stack.tmpl", include_str!("../../../alerts/templates/stack.tmpl"));

/// What is made for real, and what is to be told of it: nothing else, once, and once that it is over.
#[derive(Clone, Debug)]
pub struct Fault {
    pub name: &'static str,
    pub alert: &'static str,
    /// What tells the thing.
    pub labels: Vec<(&'static str, String)>,
    /// Advice is never told as over.
    pub advice: bool,
}

impl Fault {
    pub fn new(name: &'static str, alert: &'static str, labels: &[(&'static str, &str)]) -> Self {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { name, alert, labels, advice: false }
    }

    fn is(&self, alert: &Alert) -> bool {
        let has = |name: &str, value: &str| alert.labels.get(name).is_some_and(|is| is == value);
        has("alertname", self.alert) && self.labels.iter().all(|(name, value)| has(name, value))
    }

    fn is_in(&self, message: &Message, fires: bool) -> bool {
        message.alerts.iter().any(|alert| alert.fires == fires && self.is(alert))
    }
}

#[derive(Debug)]
struct Course {
    fault: Fault,
    begun: Instant,
    cured: Option<Instant>,
}

pub struct Watch {
    pub prometheus: Prometheus,
    pub alertmanager: Alertmanager,
    post: Post,
    /// When the first fault may begin: what was told before is of starting.
    begin: Mutex<Instant>,
    courses: Mutex<Vec<Course>>,
}

impl Watch {
    pub async fn start(targets: Vec<Target>) -> Self {
        let (post, pace) = (Post::open().await, Pace::Divided(FASTER));
        let alertmanager = Alertmanager::start(&post.config(pace), &[TEMPLATE]).await;
        let setup = Setup {
            targets,
            rules: Some(rules()),
            pace,
            alertmanager_port: Some(alertmanager.port),
            program: None,
        };
        let prometheus = Prometheus::start(&setup).await;
        prometheus.targets_up(PATIENT).await;
        silence_the_kernel(&alertmanager).await;
        let begin = Mutex::new(Instant::now());
        Self { prometheus, alertmanager, post, begin, courses: Mutex::default() }
    }

    /// Until nothing is told and no rule is broken; on a machine that is busy with starting something may be.
    pub async fn all_is_well(&self) {
        until("nothing to tell", PATIENT * 3, async || {
            let mut alerts = self.prometheus.alerts().await;
            let advice = ["info", "none"];
            alerts.retain(|(labels, state)| {
                state == "firing" && !advice.contains(&labels["severity"].as_str())
            });
            if alerts.is_empty() { Ok(()) } else { Err(alerts) }
        })
        .await;
        assert_eq!(self.prometheus.broken_rules().await, []);
        *self.begin.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn courses(&self) -> MutexGuard<'_, Vec<Course>> {
        self.courses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on this fault is there.
    pub fn begins(&self, fault: Fault) {
        self.courses().push(Course { fault, begun: Instant::now(), cured: None });
    }

    /// And from now on no longer.
    pub fn ends(&self, name: &str) {
        let mut courses = self.courses();
        let course = courses.iter_mut().find(|course| course.fault.name == name);
        course.expect("a fault").cured = Some(Instant::now());
    }

    /// So many minutes of the rules after it began: time for whatever else might be told of it.
    pub async fn lasts(&self, name: &str, minutes: u32) {
        let begun = self.courses().iter().find(|course| course.fault.name == name).unwrap().begun;
        let (wanted, what) = (MINUTE * minutes, format!("{name} lasts {minutes} m"));
        until(&what, wanted + PATIENT, async || begun.elapsed() >= wanted).await;
    }

    /// Until it is told, or with `false` told as over. What is not within twenty minutes is missing in
    /// the account, and the others go on.
    pub async fn told(&self, name: &str, fires: bool) {
        let course = |it: &Course| it.fault.name == name;
        let fault = self.courses().iter().find(|it| course(it)).unwrap().fault.clone();
        let (begun, patience) = (Instant::now(), MINUTE * 20);
        let what = format!("{name} to be told{}", if fires { "" } else { " as over" });
        until(&what, patience + PATIENT, async || {
            let messages = self.post.messages();
            let found = messages.iter().any(|message| fault.is_in(message, fires));
            found || begun.elapsed() > patience
        })
        .await;
    }

    /// What came, against what was to come; a line for each fault, and what is wrong.
    pub fn account(&self) -> (String, Vec<String>) {
        let (courses, messages) = (self.courses(), self.post.messages());
        let (mut table, mut wrong) = (String::new(), Vec::new());
        let first = courses.iter().map(|course| course.begun).min().unwrap();
        for course in courses.iter() {
            let Course { fault, begun, cured } = course;
            let of = |fires| messages.iter().filter(move |one| fault.is_in(one, fires));
            let after = |since: Instant, fires| {
                let first = of(fires).next().map(|one| one.at.saturating_duration_since(since));
                first.map_or("-".to_owned(), in_minutes)
            };
            let over = cured.map_or("-".to_owned(), |cured| after(cured, false));
            let _ = writeln!(
                table,
                "{:<34} {:<22} {:>9} {:>9}",
                fault.name,
                fault.alert,
                after(*begun, true),
                over
            );
            for (fires, wanted) in [(true, 1), (false, usize::from(!fault.advice))] {
                let count = of(fires).count();
                if count != wanted {
                    let what = if fires { "told" } else { "told as over" };
                    wrong.push(format!("{}: {what} {count} times instead of {wanted}", fault.name));
                }
            }
        }
        let begin = *self.begin.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, after): (Vec<_>, Vec<_>) = messages.iter().partition(|one| one.at < begin);
        let of_start = |alert: &Alert| {
            let mut told = before.iter().flat_map(|one| &one.alerts);
            told.any(|one| one.labels == alert.labels)
        };
        for message in after {
            for alert in message.alerts.iter().filter(|alert| !of_start(alert)) {
                if !courses.iter().any(|course| course.fault.is(alert)) {
                    let at = in_minutes(message.at.saturating_duration_since(first));
                    wrong.push(format!("at {at} to {}: {alert:?}", message.receiver));
                }
            }
        }
        let (texts, mails) = self.post.texts();
        let critical = messages.iter().filter(|one| one.receiver == "chat-and-mail").count();
        if (texts, mails) != (messages.len(), critical) {
            wrong.push(format!(
                "{texts} in the chat of {}, {mails} mails of {critical}",
                messages.len()
            ));
        }
        (table, wrong)
    }
}

/// Some kernels do not count block I/O, which is told of each Docker on them, and is none of our faults.
async fn silence_the_kernel(alertmanager: &Alertmanager) {
    let matchers =
        [("alertname", "TargetPartlyBlind"), ("watched", "docker"), ("reason", "not_found")];
    let matchers = matchers.map(
        |(name, value)| json!({ "name": name, "value": value, "isRegex": false, "isEqual": true }),
    );
    let now = jiff::Timestamp::now();
    let until = now + jiff::SignedDuration::from_hours(1);
    let body = json!({
        "matchers": matchers, "startsAt": now.to_string(), "endsAt": until.to_string(),
        "createdBy": "test", "comment": "the kernel does not count block I/O",
    });
    let url = format!("{}/api/v2/silences", alertmanager.url());
    let answer = http_client().post(&url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}

/// As long as it would have been in earnest.
fn in_minutes(time: Duration) -> String {
    let seconds = (time * FASTER).as_secs();
    format!("{}m {:02}s", seconds / 60, seconds % 60)
}
