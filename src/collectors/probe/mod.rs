//! Probes: does it answer, how fast, and is its certificate the right one.
//!
//! | read | from | rights |
//! |---|---|---|
//! | names | the system's resolver, in its order | none |
//! | HTTP, TCP, TLS, WebSocket | a connection of its own for each probe | none |
//! | pings | a ping socket, else a raw one | `net.ipv4.ping_group_range`, or `NET_RAW` |
//! | the certificate on disk | `certificate_file` | to read that file |
//!
//! Cost: one connection a reading, HTTP 1.1, nothing kept; one attempt, for a second one that is made
//! in silence would hide the first. A WebSocket is held open beside the readings, every 15 minutes.
//!
//! A probe that fails is a reading that is well: the target is up, `probe_success` is 0, and
//! `stack_probe_failure` says in which phase and why. The time of the phase that hung is told as the
//! others' is. Certificates are told also when they are not trusted.
//!
//! Absent: families of other kinds of probes; certificates where the handshake did not come that far;
//! the shares of slow and failed ones below ten in fifteen minutes; how long a WebSocket was held before
//! the first is over; the comparison with a `certificate_file` that cannot be read.

mod certificate;
mod config;
mod connect;
mod dns;
mod expect;
mod fetch;
mod http;
mod icmp;
mod metrics;
mod on_demand;
mod place;
mod prober;
mod proxy;
mod reasons;
mod sample;
mod signals;
mod tcp;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_tls;
mod times;
mod trace;
mod websocket;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

pub use config::Probe;
pub use on_demand::{Module, offer};

use crate::catalogue::{Area, Batch, Glance, TableEntry, Unit};
use crate::clients::access;
use crate::config::{Access, Dur, SafeUrl};
use crate::engine::{Collector, Parts, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan};
use config::Proxy;
use expect::Expect;
use fetch::{Holding, Raw};
use place::{Kind, Place};
use prober::{Prober, TIMEOUT};
use times::Times;

pub type Section = BTreeMap<String, Probe>;

pub static AREA: Area = Area {
    name: "probe",
    title: "Probes",
    single: false,
    in_service: true,
    tables: &[
        TableEntry::of::<sample::Probed>(),
        TableEntry::of::<sample::Failed>(),
        TableEntry::of::<sample::Http>(),
        TableEntry::of::<sample::Presented>(),
        TableEntry::of::<sample::Own>(),
        TableEntry::of::<sample::Version>(),
        TableEntry::of::<sample::Cipher>(),
        TableEntry::of::<sample::WebSocket>(),
        TableEntry::of::<sample::Hold>(),
        TableEntry::of::<sample::Ping>(),
        TableEntry::of::<sample::Dns>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Fact {
            metric: "probe_duration_seconds",
            unit: Unit::Seconds,
            what: "Time that the last probe took",
        },
        Glance::Signal("failing"),
        Glance::Signal("certificate"),
    ],
    reasons: &[reasons::REASONS],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/probe.md"),
};

/// Cuts by proxies come after 60 s.
const HOLD: Duration = Duration::from_secs(65);
const HOLD_EVERY: Duration = Duration::from_mins(15);
const SLOW: Duration = Duration::from_secs(1);

/// Declared probes: nothing is probed that nobody asked for.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    for (name, probe) in section.into_iter().flatten() {
        let place = match probe.url.parse().map_err(|fault| fault.to_string()) {
            Ok(url) => Place::of(&url).map_err(ToOwned::to_owned),
            Err(message) => Err(message.replace(", or use password_file", "")),
        };
        let place = match place {
            Ok(place) => place,
            Err(message) => {
                plan.mistake(name, "url", message);
                continue;
            }
        };
        mistakes(name, probe, &place, plan);
        let common = Common {
            timeout: probe.timeout,
            thresholds: &probe.thresholds,
            service: probe.service.as_deref(),
        };
        let declared = declared(name, probe, place, plan);
        plan.declare(declared, &common);
    }
}

fn mistakes(name: &str, probe: &Probe, place: &Place, plan: &mut Plan) {
    let (_, mut wrong) = Expect::of(&probe.ask, Some(place));
    let mut note = |key: &str, message: &str| wrong.push((key.to_owned(), message.to_owned()));
    let websocket = place.kind == Kind::WebSocket;
    for (key, set) in [("hold", probe.hold.is_some()), ("hold_every", probe.hold_every.is_some())] {
        if set && !websocket {
            note(key, "is for `ws://` and `wss://` only");
        }
    }
    if probe.hold.is_some_and(|hold| hold.get() > Duration::from_hours(1)) {
        note("hold", "must be at most `1h`");
    }
    if probe.hold_every.is_some_and(|every| every.get() < Duration::from_secs(1)) {
        note("hold_every", "must be at least `1s`");
    }
    if probe.slow.is_some_and(|slow| slow.get().is_zero()) {
        note("slow", "must be longer than `0s`");
    }
    let limit = prober::limit(probe.timeout.map(Dur::get));
    if probe.slow.is_some_and(|slow| slow.get() >= limit) {
        note(
            "slow",
            "must be shorter than nine tenths of `timeout` (default `5s`), when the probe gives up",
        );
    }
    if let Some(file) = &probe.ask.certificate_file
        && let Err(why) = crate::clients::tls::first_certificate("certificate_file", file)
    {
        note("certificate_file", why.split_once("): ").map_or(&why, |(_, why)| why));
    }
    wrong.extend(access_mistakes(&probe.ask.access, place));
    for (key, message) in wrong {
        plan.mistake(name, &key, message);
    }
}

/// What is wrong with a login; which keys have no place here `expect` says.
fn access_mistakes(access: &Access, place: &Place) -> Vec<access::Wrong> {
    let scheme = if place.tls { "https" } else { "http" };
    let url = SafeUrl::new(format!("{scheme}://host"));
    let web = matches!(place.kind, Kind::Http);
    let found = access::mistakes(access, &url, "url").into_iter();
    // Told once.
    found.filter(|(_, message)| web || !message.starts_with("is for an address with")).collect()
}

fn declared(name: &str, probe: &Probe, place: Place, plan: &Plan) -> Target {
    let url = probe.url.parse().ok();
    let (host, port, websocket) = (place.host.clone(), place.port, place.kind == Kind::WebSocket);
    let timeout = probe.timeout.map(Dur::get);
    let mut prober = Prober::new(place, url.as_ref(), &probe.ask, timeout);
    if probe.ask.proxy == Some(Proxy::Environment) {
        prober.proxies = proxy::Proxies::of_environment(|name| plan.env(name));
    }
    let identity = probe.identity();
    let time = probe.hold.map_or(HOLD, Dur::get);
    let every = probe.hold_every.map_or(HOLD_EVERY, Dur::get);
    let holds = websocket && !time.is_zero();
    let mut parts = Parts::new(plan.memory, AREA.name, name, identity.clone());
    let holding = holds.then(|| {
        let clock = fetch::pace(every, time, prober.limit);
        let last = plan.memory.kept(AREA.name, name, "held", identity.clone());
        Holding::new(parts.add("hold", "whether WebSockets stay open", clock), time, last)
    });
    let limit = prober.limit;
    let lasting = Lasting {
        times: plan.memory.kept(AREA.name, name, "times", probe.url.clone()),
        slow: probe.slow.map_or_else(|| SLOW.min(limit / 2), Dur::get),
        holding,
        name: name.to_owned(),
    };
    let settings = Settings::Declared(Box::new(identity));
    target(name, probe.url.to_string(), settings, Arc::new(prober), Some(lasting))
        .at(vec![(host, port)])
        .with_parts(parts)
}

/// What tells one target from another.
#[derive(PartialEq)]
enum Settings {
    Declared(Box<Probe>),
    /// With what is asked, and for how long.
    Module(Box<Module>, String, Duration),
}

fn target(
    name: &str,
    place: String,
    settings: Settings,
    prober: Arc<Prober>,
    lasting: Option<Lasting>,
) -> Target {
    let down = Batch::new().with(vec![sample::Probed::default()]);
    let mut target =
        Target::new(&AREA, name, place, settings, Made { prober, lasting }).while_down(down);
    target.deadline = TIMEOUT;
    target
}

/// What a declared probe has from one reading to the next.
struct Lasting {
    times: Arc<Mutex<Times>>,
    slow: Duration,
    holding: Option<Holding>,
    name: String,
}

/// A probe that is made at each reading.
struct Made {
    prober: Arc<Prober>,
    lasting: Option<Lasting>,
}

impl Collector for Made {
    type Raw = Raw;

    async fn fetch(&self) -> Result<Raw, Failure> {
        let holding = self.lasting.as_ref().and_then(|lasting| lasting.holding.as_ref());
        let raw = fetch::fetch(&self.prober, holding).await;
        if let Some(lasting) = &self.lasting {
            lasting.log(&raw);
        }
        Ok(raw)
    }

    fn sample(&self, raw: Raw, now: SystemTime) -> Result<Batch, Failure> {
        let mut known = sample::Known { limit: self.prober.limit, ..sample::Known::default() };
        if let Some(lasting) = &self.lasting {
            let mut times = lasting.times();
            let took = raw.failure.is_none().then(|| raw.trace.took());
            times.note(took, lasting.slow, now);
            known.durations = Some(times.durations().clone());
            (known.slow, known.failing) = (times.slow_ratio(now), times.failed_ratio(now));
            known.fails_at = times.fails_at(raw.trace.fails_at(now));
        }
        let Raw { trace, failure, held } = raw;
        Ok(sample::sample(trace, failure.as_ref(), held.as_ref(), known, now))
    }
}

impl Lasting {
    fn times(&self) -> std::sync::MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line per change of state, once the lock is let go.
    fn log(&self, raw: &Raw) {
        let failed = raw.failure.as_ref().map(|failure| (raw.trace.phase(), failure.reason));
        if !self.times().is_news(failed) {
            return;
        }
        let target = self.name.as_str();
        if let (Some(failure), Some((phase, reason))) = (&raw.failure, failed) {
            let reason = reason.as_str();
            tracing::warn!(area = AREA.name, target, phase, reason, "the probe fails: {failure}");
        } else {
            tracing::info!(area = AREA.name, target, "the probe succeeds");
        }
    }
}
