//! The stack as JSON: services, everything else, what has happened, and the status. Documented in
//! docs/status-api.md; the page shows the same.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use serde_json::{Value, json as object};

use super::Server;
use crate::check::{Off, Trouble, epoch, judge, switched_off, troubles};
use crate::engine::Entry;
use crate::overview::{Event, Overview, Service, Stack};

/// `/api/v1/stack`: all of it.
pub(super) async fn stack(State(server): State<Server>) -> Json<Stack> {
    let snapshot = server.board.snapshot();
    Json(server.overview.stack(&snapshot, &judge(&snapshot)))
}

/// `/api/v1/services`: the services alone.
pub(super) async fn services(State(server): State<Server>) -> Json<Vec<Service>> {
    Json(server.overview.services(&server.board.snapshot()))
}

/// What somebody wants to know of; what is left out may be anything.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    area: Option<String>,
    target: Option<String>,
    project: Option<String>,
    service: Option<String>,
}

impl Wanted {
    fn takes(&self, event: &Event) -> bool {
        let is = |wanted: &Option<String>, have: &str| {
            wanted.as_ref().is_none_or(|wanted| wanted == have)
        };
        is(&self.area, &event.area)
            && is(&self.target, &event.target)
            && is(&self.project, &event.project)
            && is(&self.service, &event.service)
    }
}

/// `/api/v1/events`: what has happened, the newest first.
pub(super) async fn events(
    State(server): State<Server>,
    Query(wanted): Query<Wanted>,
) -> Json<Vec<Event>> {
    Json(server.overview.events(&|event| wanted.takes(event)))
}

/// `/api/v1/status`: the report of `check`, the targets, and the troubles as a person is told them.
pub(super) async fn status(State(server): State<Server>) -> Json<Value> {
    let snapshot = server.board.snapshot();
    let report = judge(&snapshot);
    let told = troubles(&report);
    let mut status = crate::check::json(&report, &told);
    let targets: Vec<Value> = snapshot.entries.iter().filter_map(target).collect();
    let Some(map) = status.as_object_mut() else { return Json(status) };
    if let Some(findings) = map.get_mut("findings").and_then(Value::as_array_mut) {
        for (json, finding) in findings.iter_mut().zip(&report.findings) {
            let since = server.overview.since(finding).map(epoch);
            if let Some(json) = json.as_object_mut() {
                json.insert("since".into(), since.into());
            }
        }
    }
    if let Some(all) = map.get_mut("troubles").and_then(Value::as_array_mut) {
        for (json, trouble) in all.iter_mut().zip(&told) {
            timed(json, trouble, &server.overview);
        }
    }
    let off: Vec<Value> = switched_off(&snapshot).iter().map(off).collect();
    map.insert("switched_off".into(), off.into());
    let missed = server.board.missed();
    let missed =
        missed.iter().map(|one| object!({ "area": one.area, "why": one.why, "remedy": one.hint }));
    map.insert("not_watched".into(), missed.collect::<Vec<_>>().into());
    map.insert("targets".into(), targets.into());
    map.insert("machine".into(), server.board.info().hostname.into());
    let scraped = server.board.last_scrape().map(|(at, _)| epoch(at));
    map.insert("last_scrape".into(), scraped.into());
    let silent = server.overview.silent_since().map(epoch);
    map.insert("not_scraped_since".into(), silent.into());
    Json(status)
}

fn off(off: &Off) -> Value {
    object!({ "area": off.area, "target": off.target, "signal": off.signal, "key": off.key })
}

fn target(entry: &Entry) -> Option<Value> {
    let (target, state) = (entry.target.as_ref()?, entry.state.as_ref()?);
    Some(object!({
        "area": target.id.area,
        "target": target.id.name,
        "place": target.place,
        "origin": target.origin,
        "up": state.up(),
        "since": epoch(state.since),
        "read_duration_seconds": state.took.map(|took| took.as_secs_f64()),
        "series": state.reading.as_ref().map(|reading| reading.series),
    }))
}

/// Since when each member of a trouble lasts, and since when the first of them does.
fn timed(json: &mut Value, trouble: &Trouble, overview: &Overview) {
    let findings = trouble.findings.iter().map(|finding| overview.since(finding));
    let blind = trouble.blind.iter().map(|blind| Some(blind.since));
    let all: Vec<Option<SystemTime>> = findings.chain(blind).collect();
    let put = |json: &mut Value, since: Option<SystemTime>| {
        if let Some(json) = json.as_object_mut() {
            json.insert("since".into(), since.map(epoch).into());
        }
    };
    if let Some(members) = json.get_mut("members").and_then(Value::as_array_mut) {
        for (member, since) in members.iter_mut().zip(&all) {
            put(member, *since);
        }
    }
    put(json, all.into_iter().flatten().min());
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::check::{Blind, Finding, Report, Verdict};
    use crate::collectors::nats;
    use crate::engine::Board;
    use crate::failure::{Failure, Reason};
    use crate::overview::EventKind;

    #[test]
    fn what_is_left_out_may_be_anything() {
        let event = Event {
            at: 1,
            area: "docker".into(),
            target: "docker".into(),
            project: "shop".into(),
            service: "web".into(),
            kind: EventKind::Started,
            verdict: String::new(),
            since: 1,
            times: 1,
            text: "web (shop) was started".into(),
        };
        let some = |text: &str| Some(text.to_owned());
        assert!(Wanted::default().takes(&event));
        assert!(
            Wanted { project: some("shop"), service: some("web"), ..Wanted::default() }
                .takes(&event)
        );
        assert!(!Wanted { service: some("db"), ..Wanted::default() }.takes(&event));
        assert!(!Wanted { area: some("nats"), ..Wanted::default() }.takes(&event));
    }

    #[test]
    fn a_trouble_has_its_members_and_lasts_as_long_as_the_first_of_them() {
        let at = |seconds| UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        let blind = Blind {
            area: "nats",
            target: "main".into(),
            place: String::new(),
            what: Some("JetStream (/jsz)".into()),
            failure: Failure::new(Reason::REFUSED, "refused"),
            since: at(7),
            verdict: Verdict::Ok,
            up: None,
            told: false,
        };
        let finding = Finding {
            area: "nats",
            target: "main".into(),
            signal: nats::AREA.signal("consumer_pending").unwrap(),
            labels: vec![("consumer_name", "worker".into())],
            value: Some(5000.0),
            threshold: Some(1000.0),
            verdict: Verdict::Warning,
        };
        let overview = Overview::new(Arc::new(Board::default()));
        let report =
            Report { at: at(9), findings: vec![finding], blind: Vec::new(), idle: Vec::new() };
        overview.note(&Board::default().snapshot(), &report);
        let both = Trouble {
            verdict: Verdict::Ok,
            alert: "X",
            sentence: "sentence".into(),
            findings: report.findings.iter().collect(),
            blind: vec![&blind],
            next: vec!["command".into()],
        };
        let mut json = object!({ "members": [{ "what": null }, { "what": "JetStream (/jsz)" }] });
        timed(&mut json, &both, &overview);
        assert_eq!(json["since"], object!(7.0));
        assert_eq!(json["members"][0]["since"], object!(9.0));
        assert_eq!(json["members"][1]["since"], object!(7.0));
        assert_eq!(json["members"][1]["what"], "JetStream (/jsz)");
    }
}
