//! What one probe has seen so far, and where its time has gone. It is written while the probe goes on,
//! so that it is there as well when the probe is given up: the phase that hung has its time.

use std::net::SocketAddr;
use std::time::{Duration, Instant, SystemTime};

use super::certificate::Chain;
use super::words::PHASES;
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Files of the login and the certificates are read.
    Prepare,
    Resolve,
    Connect,
    Tls,
    /// From the request to the first of the answer.
    Processing,
    /// From there to its end.
    Transfer,
}

/// One attempt to connect.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    pub address: SocketAddr,
    pub took: Duration,
    pub failure: Option<Failure>,
}

/// What HTTP has said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub version: f64,
    pub redirects: u32,
    pub tls: bool,
    /// As the header says.
    pub content_length: Option<u64>,
    pub body_length: u64,
    pub modified: Option<i64>,
    /// Required headers that are not there or have another value; none where none is required.
    pub missing: Option<Vec<String>>,
    /// It was led to another host than it asked, or elsewhere than it should.
    pub elsewhere: bool,
    /// Scheme, host and port of where it ended.
    pub led_to: Option<String>,
}

/// What a handshake has agreed on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Session {
    pub version: &'static str,
    pub cipher: String,
}

/// What a DNS server has said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Records {
    pub answers: u16,
    pub authorities: u16,
    pub additional: u16,
    pub succeeded: bool,
    pub serial: Option<u32>,
}

#[derive(Default)]
pub struct Trace {
    spent: [Duration; PHASES.len()],
    at: Option<(usize, Instant)>,
    begun: Option<Instant>,
    took: Option<Duration>,
    pub tries: Vec<Try>,
    /// 4 or 6, of the address that was used; 0 where there is none.
    pub protocol: u8,
    pub answer: Option<Answer>,
    /// What was presented last.
    pub chain: Option<Chain>,
    /// What those presented that led here.
    pub before: Vec<Chain>,
    pub session: Option<Session>,
    /// Whether the connection became a WebSocket.
    pub upgraded: Option<bool>,
    pub records: Option<Records>,
    /// Whether what came did not match; of kinds that can be asked so.
    pub regex_failed: Option<bool>,
    /// Round trip of a ping.
    pub round_trip: Option<Duration>,
}

impl Trace {
    pub fn new() -> Self {
        Self { begun: Some(Instant::now()), ..Self::default() }
    }

    /// What follows is of this phase.
    pub fn enter(&mut self, phase: Phase) {
        self.charge();
        self.at = Some((phase as usize, Instant::now()));
    }

    /// A chain was presented, or none in a handshake that did not come that far.
    pub fn shown(&mut self, chain: Option<Chain>) {
        self.session = None;
        self.before.extend(std::mem::replace(&mut self.chain, chain));
    }

    /// When the first of all that was presented runs out, as far as anybody needs it.
    pub fn fails_at(&self, now: SystemTime) -> Option<i64> {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let now = i64::try_from(now).unwrap_or(i64::MAX);
        let all = self.before.iter().chain(&self.chain);
        all.filter_map(|chain| chain.fails_at(now)).min()
    }

    pub fn disk_fingerprint(&self) -> Option<&str> {
        let mut all = self.before.iter().chain(&self.chain);
        all.find_map(|chain| chain.on_disk.as_deref())
    }

    /// Whether the host that was declared presents the certificate that lies on disk.
    pub fn on_disk(&self) -> Option<bool> {
        // Led back to the first host, its chain is told twice.
        let all = self.before.iter().chain(&self.chain);
        let mut same = all.filter_map(|chain| {
            let own = chain.certificates.first()?;
            Some(own.fingerprint == *chain.on_disk.as_ref()?)
        });
        let first = same.next()?;
        Some(first && same.all(|same| same))
    }

    /// Nothing follows. The phase that was last stays the one that is told.
    pub fn end(&mut self) {
        self.charge();
        self.took = self.begun.map(|begun| begun.elapsed());
    }

    fn charge(&mut self) {
        if let Some((phase, since)) = self.at
            && self.took.is_none()
            && let Some(spent) = self.spent.get_mut(phase)
        {
            *spent += since.elapsed();
        }
    }

    pub fn phase(&self) -> &'static str {
        self.at.and_then(|(phase, _)| PHASES.get(phase).copied()).unwrap_or("prepare")
    }

    pub fn spent(&self, phase: Phase) -> Duration {
        self.spent.get(phase as usize).copied().unwrap_or_default()
    }

    pub fn took(&self) -> Duration {
        self.took.unwrap_or_default()
    }

    #[cfg(test)]
    pub fn after(spent: [u64; PHASES.len()], phase: Phase) -> Self {
        let spent = spent.map(Duration::from_millis);
        let took = Some(spent.iter().sum());
        Self { spent, took, at: Some((phase as usize, Instant::now())), ..Self::default() }
    }
}
