//! Sources that speak over TCP: their cases, played in lanes side by side.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::expect::Expect;
use super::liar::{Liar, Manner, Say};
use super::report::Outcome;
use super::rig::{Patient, Rig};
use crate::servers::wait::pause;

/// A case of a source that speaks over TCP.
pub struct Lie {
    pub name: String,
    pub manner: Manner,
    pub expect: Expect,
    /// For how long at least.
    pub least: Duration,
    /// Before the first scrape looks.
    pub unseen: Duration,
}

impl Lie {
    pub fn new(name: impl Into<String>, manner: Manner, expect: Expect) -> Self {
        let (least, unseen) = (Duration::ZERO, Duration::ZERO);
        Self { name: name.into(), manner, expect, least, unseen }
    }

    #[must_use]
    pub fn least(mut self, least: Duration) -> Self {
        self.least = least;
        self
    }
}

/// A source over TCP: how it is well, and what is written in the configuration for its port.
pub struct Source {
    pub kind: &'static str,
    pub honest: fn(u16) -> Manner,
    pub behind: u16,
    pub config: fn(u16) -> String,
    pub patient: Patient,
}

impl Source {
    /// Plays all of them, in so many lanes side by side: a case is mostly waiting. Each lane has
    /// a source and an exporter of its own.
    pub async fn play(&self, lanes: usize, lies: Vec<Lie>) -> Vec<Outcome> {
        let mut shares: Vec<Vec<Lie>> = (0..lanes).map(|_| Vec::new()).collect();
        for (place, lie) in lies.into_iter().filter(|lie| super::wanted(&lie.name)).enumerate() {
            shares[place % lanes].push(lie);
        }
        let lanes = shares.into_iter().map(|share| self.lane(share));
        let lanes: Vec<Vec<Outcome>> = futures_util::future::join_all(lanes).await;
        lanes.into_iter().flatten().collect()
    }

    async fn lane(&self, lies: Vec<Lie>) -> Vec<Outcome> {
        if lies.is_empty() {
            return Vec::new();
        }
        let honest = || (self.honest)(self.behind);
        let liar = Liar::start(honest()).await;
        let config = (self.config)(liar.port);
        let mut rig = Rig::start(self.kind, &config, self.patient.clone()).await;
        for Lie { name, manner, expect, least, unseen } in lies {
            let sick = async || {
                liar.set(manner);
                pause(unseen).await;
            };
            rig.lasting(&name, least, expect, sick, async || liar.set(honest())).await;
        }
        rig.finish().await
    }
}

/// Asks with this in their path are lied to. The version of an Engine is asked for only after a
/// list that has failed: the first one does.
pub fn lies_about(part: &'static str, say: Say, honest: fn(&str) -> Say) -> Manner {
    let failed = AtomicBool::new(part != "/version");
    Manner::Http(Arc::new(move |path| {
        if path.contains(part) {
            say.clone()
        } else if path.contains("/containers/json") && !failed.swap(true, Ordering::Relaxed) {
            Say::http(500, "{}")
        } else {
            honest(path)
        }
    }))
}
