//! What a probe has seen becomes rows. A probe that fails is a reading that is well: it says so.

use std::time::{Duration, SystemTime};

use super::certificate::{Certificate, Chain};
use super::trace::{Answer, Phase, Records, Trace};
use super::websocket::Held;
use crate::catalogue::{Batch, Cell, Column, Detail, Histogram};
use crate::failure::Failure;

/// All probes.
#[derive(Default)]
pub struct Probed {
    pub success: bool,
    pub took: Option<Duration>,
    pub limit: Option<Duration>,
    pub dns: Option<Duration>,
    pub protocol: Option<u8>,
    pub durations: Option<Histogram>,
    pub slow: Option<f64>,
    pub failing: Option<f64>,
    pub regex_failed: Option<bool>,
}

/// Why one fails.
pub struct Failed {
    pub phase: &'static str,
    pub reason: &'static str,
}

pub struct Http {
    pub answer: Answer,
    pub phases: Vec<(&'static str, Duration)>,
    pub failed: bool,
}

/// The certificates that were presented. Of a server that presents none what is known is told on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Presented {
    pub earliest: Option<i64>,
    /// Only of a chain that is trusted.
    pub trusted_until: Option<i64>,
    pub left: Option<f64>,
    pub on_disk: Option<bool>,
}

pub struct Own {
    pub certificate: Certificate,
    pub names: String,
}

pub struct Version(pub &'static str);

pub struct Cipher(pub String);

pub struct WebSocket {
    pub status: u16,
    pub upgraded: bool,
    pub phases: Vec<(&'static str, Duration)>,
}

pub struct Hold {
    pub lasted: Duration,
    pub cuts: u32,
}

pub struct Ping {
    pub phases: Vec<(&'static str, Duration)>,
}

pub struct Dns {
    pub records: Records,
    pub phases: Vec<(&'static str, Duration)>,
}

/// What is known besides: the limit, the times so far.
#[derive(Default)]
pub struct Known {
    pub limit: Duration,
    pub durations: Option<Histogram>,
    pub slow: Option<f64>,
    pub failing: Option<f64>,
    /// When what was presented last begins to fail, in seconds since 1970.
    pub fails_at: Option<i64>,
}

fn phases(trace: &Trace, of: &[(&'static str, Phase)]) -> Vec<(&'static str, Duration)> {
    of.iter().map(|(name, phase)| (*name, trace.spent(*phase))).collect()
}

const OF_HTTP: [(&str, Phase); 5] = [
    ("resolve", Phase::Resolve),
    ("connect", Phase::Connect),
    ("tls", Phase::Tls),
    ("processing", Phase::Processing),
    ("transfer", Phase::Transfer),
];

pub fn sample(
    trace: Trace,
    failure: Option<&Failure>,
    held: Option<&Held>,
    known: Known,
    now: SystemTime,
) -> Batch {
    let detail = detail(&trace, failure, held);
    let probed = Probed {
        success: failure.is_none(),
        took: Some(trace.took()),
        limit: Some(known.limit),
        dns: Some(trace.spent(Phase::Resolve)),
        protocol: Some(trace.protocol),
        durations: known.durations,
        slow: known.slow,
        failing: known.failing,
        regex_failed: trace.regex_failed,
    };
    let failed =
        failure.map(|failure| Failed { phase: trace.phase(), reason: failure.reason.as_str() });
    let mut batch = Batch::new().with(vec![probed]).with(Vec::from_iter(failed)).detail(detail);
    let presented = presented(&trace, known.fails_at, now);
    let all = phases(&trace, &OF_HTTP);
    if let Some(round_trip) = trace.round_trip {
        let setup = trace.spent(Phase::Connect);
        let resolve = trace.spent(Phase::Resolve);
        let phases = vec![("resolve", resolve), ("setup", setup), ("rtt", round_trip)];
        batch = batch.with(vec![Ping { phases }]);
    }
    if let Some(records) = trace.records {
        let names = [
            ("resolve", Phase::Resolve),
            ("connect", Phase::Connect),
            ("request", Phase::Processing),
        ];
        batch = batch.with(vec![Dns { records, phases: phases(&trace, &names) }]);
    }
    batch = match (trace.answer, trace.upgraded) {
        (Some(answer), Some(upgraded)) => {
            let phases = all.into_iter().take(4).collect();
            batch.with(vec![WebSocket { status: answer.status, upgraded, phases }])
        }
        (Some(answer), None) => {
            batch.with(vec![Http { answer, phases: all, failed: failure.is_some() }])
        }
        (None, _) => batch,
    };
    let row = held.map(|held| Hold { lasted: held.lasted, cuts: held.cuts });
    batch = batch.with(Vec::from_iter(row));
    batch = batch.with(Vec::from_iter(presented));
    let own = trace.chain.and_then(|chain| chain.certificates.into_iter().next());
    let own = own.map(|certificate| Own { names: certificate.names.join(","), certificate });
    batch = batch.with(Vec::from_iter(own));
    if let Some(session) = trace.session {
        batch = batch.with(vec![Version(session.version)]).with(vec![Cipher(session.cipher)]);
    }
    batch
}

fn presented(trace: &Trace, known: Option<i64>, now: SystemTime) -> Option<Presented> {
    let seconds = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let fails_at = trace.fails_at(now).or(known);
    let chain = trace.chain.as_ref();
    if chain.is_none() && fails_at.is_none() {
        return None;
    }
    let earliest = chain.and_then(Chain::earliest);
    Some(Presented {
        earliest,
        trusted_until: earliest.filter(|_| chain.is_some_and(|chain| chain.refused.is_none())),
        left: fails_at.map(|at| at as f64 - seconds),
        on_disk: trace.on_disk(),
    })
}

/// What a person asks next, of the last probe.
fn detail(trace: &Trace, failure: Option<&Failure>, held: Option<&Held>) -> Detail {
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    let mut say =
        |what: &str, text: String| rows.push(vec![Cell::Text(what.into()), Cell::Text(text)]);
    match failure {
        None => say("outcome", "it answers as it should".into()),
        Some(failure) => {
            let hint = failure.hint.as_deref().map_or(String::new(), |hint| format!("; {hint}"));
            say(
                "outcome",
                format!("{} ({}): {failure}{hint}", trace.phase(), failure.reason.as_str()),
            );
        }
    }
    let spent = OF_HTTP
        .iter()
        .map(|(name, phase)| format!("{name} {:.1}", trace.spent(*phase).as_secs_f64() * 1e3));
    say("milliseconds", spent.collect::<Vec<_>>().join(", "));
    for one in &trace.tries {
        let outcome = one.failure.as_ref().map_or("connected".into(), ToString::to_string);
        say(
            "address",
            format!("{}: {outcome} after {:.1} ms", one.address, one.took.as_secs_f64() * 1e3),
        );
    }
    if let Some(answer) = &trace.answer {
        say("status", answer.status.to_string());
        if let Some(led_to) = &answer.led_to {
            say("redirected to", format!("{led_to} ({} redirects)", answer.redirects));
        }
        if let Some(missing) = answer.missing.as_ref().filter(|missing| !missing.is_empty()) {
            say("headers that are missing, or have another value", missing.join(", "));
        }
    }
    if let Some(own) = trace.chain.as_ref().and_then(|chain| chain.certificates.first()) {
        let short = |text: &str| crate::text::short(text, 200).into_owned();
        say("certificate of", short(&own.subject));
        say("signed by", short(&own.issuer));
        say("names", short(&own.names.join(", ")));
        say("its SHA-256 fingerprint", own.fingerprint.clone());
    }
    if let Some(on_disk) = trace.disk_fingerprint() {
        say("SHA-256 fingerprint on disk", on_disk.to_owned());
    }
    if let Some(held) = held {
        let end = held.cut.as_ref().map_or("as long as it was to be".into(), ToString::to_string);
        say("WebSocket held", format!("{:.1} s: {end}", held.lasted.as_secs_f64()));
    }
    let columns =
        vec![Column { name: "what", title: "What" }, Column { name: "seen", title: "Seen" }];
    Detail { title: "Last probe", name: "last_probe", columns, rows }
}
