//! What has happened, found by comparing one look with the next.

use std::collections::{BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::container::Key;
use super::days::Thing;
use super::groups::DOCKER;
use super::look::{Look, ServiceLook};
use super::services::count;
use super::{Event, EventKind};
use crate::text::{printable, short};

/// Events that are kept.
pub(super) const MOST: usize = 500;
/// Longer sentences are cut.
const LONGEST: usize = 400;
/// Restarts of one service that follow within so many seconds are one event, and a trouble that comes
/// back as fast was not over: what comes and goes all the time would push all others out.
const TOGETHER: u64 = 600;

/// A new event.
pub(super) fn event(at: u64, thing: Thing, kind: EventKind, text: &str) -> Event {
    let Thing { area, target, project, service } = thing;
    let text = short(&printable(text), LONGEST).into_owned();
    Event { at, area, target, project, service, kind, text }
}

/// What has happened between two looks, with how often where that is told.
pub(super) fn compare(before: &Look, now: &Look, at: u64) -> Vec<(Event, u32)> {
    let mut found = Vec::new();
    if let (Some(before), Some(now)) = (&before.services, &now.services) {
        let keys: BTreeSet<&Key> = before.keys().chain(now.keys()).collect();
        for key in keys {
            let told = service(&called(key), before.get(key), now.get(key));
            found.extend(
                told.into_iter()
                    .map(|(kind, text, times)| (event(at, thing(key), kind, &text), times)),
            );
        }
    }
    for (key, target) in &now.targets {
        let (area, name) = key.clone();
        let thing = Thing { area, target: name, ..Thing::default() };
        match (before.targets.get(key).map(|before| before.up), target.up) {
            (None | Some(true), false) => {
                found.push((event(at, thing, EventKind::Trouble, &target.down_text), 1));
            }
            (Some(false), true) => {
                found.push((event(at, thing, EventKind::Clear, &target.up_text), 1));
            }
            _ => {}
        }
    }
    if let (Some(before), Some(now)) = (before.loaded, now.loaded)
        && now > before
    {
        let thing = Thing { area: crate::engine::OWN_AREA.name.to_owned(), ..Thing::default() };
        let text = "the configuration was loaded again";
        found.push((event(at, thing, EventKind::Reloaded, text), 1));
    }
    found
}

/// Docker has one target, of its own name.
fn thing((project, service): &Key) -> Thing {
    Thing {
        area: DOCKER.to_owned(),
        target: DOCKER.to_owned(),
        project: project.clone(),
        service: service.clone(),
    }
}

/// "worker (shop)".
fn called((project, service): &Key) -> String {
    if project.is_empty() { service.clone() } else { format!("{service} ({project})") }
}

type Told = (EventKind, String, u32);

fn service(name: &str, before: Option<&ServiceLook>, now: Option<&ServiceLook>) -> Vec<Told> {
    match (before, now) {
        (Some(_), None) => vec![(EventKind::Ended, format!("{name} was removed"), 1)],
        (None, Some(now)) if now.running > 0 => {
            vec![(EventKind::Deployed, format!("{name} was deployed"), 1)]
        }
        (None, Some(now)) if now.exit_code.is_some_and(|code| code != 0.0) => {
            vec![(EventKind::Ended, ended(name, now), 1)]
        }
        (Some(before), Some(now)) => changed(name, before, now),
        _ => Vec::new(),
    }
}

fn changed(name: &str, before: &ServiceLook, now: &ServiceLook) -> Vec<Told> {
    let mut found = Vec::new();
    let is_newer = |before: Option<f64>, now: Option<f64>| {
        before.zip(now).is_some_and(|(before, now)| now > before)
    };
    let deployed = is_newer(before.created, now.created);
    if deployed {
        let another = !before.image.is_empty() && before.image != now.image;
        let with = if another { " with another image" } else { "" };
        found.push((EventKind::Deployed, format!("{name} was deployed{with}"), 1));
    }
    let restarts = grown(before.restarts, now.restarts);
    if restarts > 0 {
        found.push((EventKind::Restarted, restarted(name, restarts), restarts));
    }
    let runs_anew = is_newer(before.started, now.started);
    match (before.running > 0, now.running > 0) {
        // Of its policy's doing, which is told once it is counted.
        (false, true) if deployed || restarts > 0 || before.state == "restarting" => {}
        (false, true) if before.state == "paused" && !runs_anew => {
            found.push((EventKind::Started, format!("{name} goes on"), 1));
        }
        (false, true) => found.push((EventKind::Started, format!("{name} was started"), 1)),
        (true, true) if runs_anew && !deployed && restarts == 0 => {
            found.push((EventKind::Started, format!("{name} was started again"), 1));
        }
        // Its next start is told, with the number.
        (true, false) if now.state == "restarting" => {}
        (true, false) => found.push((EventKind::Ended, ended(name, now), 1)),
        _ => {}
    }
    found
}

fn ended(name: &str, now: &ServiceLook) -> String {
    match (now.state.as_str(), now.exit_code) {
        ("stopped", _) => format!("{name} was stopped"),
        ("paused", _) => format!("{name} was paused"),
        ("missing", _) => format!("{name} has no container any more"),
        (_, Some(code)) => format!("{name} ended with exit code {code}"),
        _ => format!("{name} ended"),
    }
}

fn restarted(name: &str, times: u32) -> String {
    let often = if times > 1 { format!(" {times} times") } else { String::new() };
    format!("{name} was restarted by its policy{often}")
}

/// How far a counter has come; one that has fallen began anew.
pub(super) fn grown(before: Option<f64>, now: Option<f64>) -> u32 {
    let grown = before.zip(now).map(|(last, now)| if now >= last { now - last } else { now });
    u32::try_from(count(grown.unwrap_or_default())).unwrap_or(u32::MAX)
}

/// An event, how often where several are told as one, and of a trouble what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    #[serde(flatten)]
    event: Event,
    times: u32,
    #[serde(default)]
    subject: String,
}

impl Noted {
    fn is_near(&self, other: &Self) -> bool {
        let (a, b) = (&self.event, &other.event);
        (&a.area, &a.target, &a.project, &a.service) == (&b.area, &b.target, &b.project, &b.service)
            && b.at.saturating_sub(a.at) <= TOGETHER
    }
}

/// The last events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Events(VecDeque<Noted>);

impl Events {
    /// What has happened so many times.
    pub fn note(&mut self, event: Event, times: u32) {
        self.add(Noted { event, times, subject: String::new() });
    }

    /// A trouble, or its end.
    pub fn note_trouble(&mut self, event: Event, subject: &str) {
        let noted = Noted { event, times: 1, subject: subject.to_owned() };
        if noted.event.kind == EventKind::Trouble {
            let is_same = |one: &Noted| one.subject == noted.subject && one.is_near(&noted);
            let last = self.0.iter().rposition(is_same);
            let over =
                |at: &usize| self.0.get(*at).is_some_and(|one| one.event.kind == EventKind::Clear);
            if let Some(last) = last.filter(over) {
                self.0.remove(last);
                return;
            }
        }
        self.add(noted);
    }

    fn add(&mut self, noted: Noted) {
        // The troubles that it makes come between.
        let is_told = |one: &Noted| matches!(one.event.kind, EventKind::Trouble | EventKind::Clear);
        let ours = |one: &&mut Noted| one.is_near(&noted) && !is_told(one);
        let last = self.0.iter_mut().rev().find(ours);
        let both = [EventKind::Restarted; 2];
        if let Some(last) = last.filter(|last| [last.event.kind, noted.event.kind] == both) {
            last.times = last.times.saturating_add(noted.times);
            let key = (noted.event.project.clone(), noted.event.service.clone());
            let text = restarted(&called(&key), last.times);
            last.event.text = short(&printable(&text), LONGEST).into_owned();
            last.event.at = noted.event.at;
            return;
        }
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(noted);
    }

    /// Newest first.
    pub fn all(&self) -> Vec<&Event> {
        let mut all: Vec<&Event> = self.0.iter().rev().map(|noted| &noted.event).collect();
        // Of several that are told as one the last counts.
        all.sort_by_key(|event| std::cmp::Reverse(event.at));
        all
    }

    /// No more than there is room for.
    pub fn bounded(mut self) -> Self {
        self.0.truncate(MOST);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::look::TargetLook;
    use super::*;

    fn running() -> ServiceLook {
        ServiceLook {
            state: "running".into(),
            running: 1,
            started: Some(100.0),
            created: Some(90.0),
            image: "aaa".into(),
            exit_code: None,
            restarts: Some(3.0),
        }
    }

    fn ended(state: &str, code: Option<f64>) -> ServiceLook {
        ServiceLook { state: state.into(), running: 0, exit_code: code, ..running() }
    }

    fn look(service: Option<ServiceLook>) -> Look {
        let key = ("shop".to_owned(), "web".to_owned());
        let services = service.map(|one| (key, one)).into_iter().collect();
        Look { services: Some(services), ..Look::default() }
    }

    fn told(before: Option<ServiceLook>, now: Option<ServiceLook>) -> Vec<String> {
        let events = compare(&look(before), &look(now), 7);
        let all = events.into_iter().map(|(event, _)| (event.kind, event.text));
        all.map(|(kind, text)| format!("{kind:?}: {text}")).collect()
    }

    #[test]
    fn what_becomes_of_a_service() {
        let again = ServiceLook { started: Some(200.0), ..running() };
        let policy = ServiceLook { restarts: Some(5.0), ..again.clone() };
        let deployed = ServiceLook { created: Some(199.0), ..again.clone() };
        let other = ServiceLook { image: "bbb".into(), ..deployed.clone() };
        for (before, now, expected) in [
            (Some(running()), Some(running()), ""),
            (Some(running()), Some(again.clone()), "Started: web (shop) was started again"),
            (
                Some(running()),
                Some(policy.clone()),
                "Restarted: web (shop) was restarted by its policy 2 times",
            ),
            (Some(running()), Some(deployed.clone()), "Deployed: web (shop) was deployed"),
            (Some(running()), Some(other), "Deployed: web (shop) was deployed with another image"),
            (Some(running()), Some(ended("stopped", Some(137.0))), "Ended: web (shop) was stopped"),
            (Some(running()), Some(ended("paused", None)), "Ended: web (shop) was paused"),
            (
                Some(running()),
                Some(ended("crashed", Some(3.0))),
                "Ended: web (shop) ended with exit code 3",
            ),
            (Some(running()), Some(ended("down", None)), "Ended: web (shop) ended"),
            (
                Some(running()),
                Some(ended("missing", None)),
                "Ended: web (shop) has no container any more",
            ),
            (Some(running()), Some(ended("restarting", Some(1.0))), ""),
            (
                Some(ended("restarting", Some(1.0))),
                Some(policy),
                "Restarted: web (shop) was restarted by its policy 2 times",
            ),
            (Some(ended("restarting", Some(1.0))), Some(again.clone()), ""),
            (Some(ended("stopped", None)), Some(again), "Started: web (shop) was started"),
            (Some(ended("paused", None)), Some(running()), "Started: web (shop) goes on"),
            (Some(ended("missing", None)), Some(deployed), "Deployed: web (shop) was deployed"),
            (Some(running()), None, "Ended: web (shop) was removed"),
            (None, Some(running()), "Deployed: web (shop) was deployed"),
            (
                None,
                Some(ended("job_failed", Some(4.0))),
                "Ended: web (shop) ended with exit code 4",
            ),
            (None, Some(ended("done", Some(0.0))), ""),
        ] {
            assert_eq!(
                told(before.clone(), now.clone()).join("; "),
                expected,
                "{before:?} {now:?}"
            );
        }
        let first = compare(&Look::default(), &look(Some(running())), 7);
        assert_eq!(first, [], "what was there at the first look is no news");
    }

    #[test]
    fn targets_go_and_come_and_the_configuration_is_loaded() {
        let target = |up| TargetLook {
            up,
            down_text: "NATS main is down: refused".into(),
            up_text: "NATS main is up again".into(),
        };
        let look = |up: Option<bool>, loaded| Look {
            targets: up
                .map(|up| (("nats".to_owned(), "main".to_owned()), target(up)))
                .into_iter()
                .collect::<BTreeMap<_, _>>(),
            loaded,
            ..Look::default()
        };
        let told = |before: Look, now: Look| {
            let events = compare(&before, &now, 7).into_iter();
            events.map(|(event, _)| (event.kind, event.target, event.text)).collect::<Vec<_>>()
        };
        let down = (EventKind::Trouble, "main".to_owned(), "NATS main is down: refused".to_owned());
        let up = (EventKind::Clear, "main".to_owned(), "NATS main is up again".to_owned());
        assert_eq!(
            told(look(Some(true), None), look(Some(false), None)),
            std::slice::from_ref(&down)
        );
        assert_eq!(told(look(None, None), look(Some(false), None)), [down]);
        assert_eq!(told(look(Some(false), None), look(Some(true), None)), [up]);
        assert_eq!(told(look(None, None), look(Some(true), None)), []);
        assert_eq!(told(look(None, None), look(None, Some(5.0))), [], "the process has started");
        let loaded = told(look(None, Some(5.0)), look(None, Some(6.0)));
        assert_eq!(loaded[0].0, EventKind::Reloaded);
    }

    fn at(at: u64, kind: EventKind, service: &str) -> Event {
        let thing = Thing { service: service.into(), ..Thing::default() };
        event(at, thing, kind, &restarted(service, 1))
    }

    #[test]
    fn a_restart_loop_is_one_event_and_the_oldest_make_room() {
        let mut events = Events::default();
        for second in 0..100 {
            events.note(at(second * 5, EventKind::Restarted, "web"), 1);
            events.note(at(second * 5, EventKind::Restarted, "db"), 2);
        }
        let all = events.all();
        assert_eq!(all.len(), 2);
        assert_eq!(
            (all[1].at, all[1].text.as_str()),
            (495, "web was restarted by its policy 100 times")
        );
        events.note(at(496, EventKind::Started, "web"), 1);
        events.note(at(497, EventKind::Restarted, "web"), 1);
        events.note(at(497 + TOGETHER + 1, EventKind::Restarted, "web"), 1);
        assert_eq!(events.all().len(), 5, "something else came between, or a long time");
        for second in 0..50 {
            let kind = if second % 2 == 0 { EventKind::Trouble } else { EventKind::Clear };
            events.note_trouble(at(2000 + second, kind, "loop"), "restart_loop");
        }
        let kinds: Vec<EventKind> = events.all()[..2].iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [EventKind::Clear, EventKind::Trouble], "it came back, and was not over");
        assert_eq!(events.all().len(), 7);
        for second in 0..2000 {
            events.note(at(10_000 + second, EventKind::Started, "web"), 1);
        }
        assert_eq!(events.all().len(), MOST);
        assert_eq!(events.all()[0].at, 11_999, "the newest first");
    }

    #[test]
    fn nothing_from_outside_breaks_out_or_grows() {
        let odd = event(1, Thing::default(), EventKind::Ended, &"\u{1b}[31m".repeat(1000));
        assert!(odd.text.len() <= LONGEST && !odd.text.contains('\u{1b}'), "{}", odd.text);
    }
}
