//! What `INFO` says, as rows.

use std::time::SystemTime;

use super::super::sample::{Identity, Memory, Served, label, listed, share};
use super::info::Info;
use crate::catalogue::Batch;
use crate::clients::redis::loading;
use crate::failure::{Failure, Reason};

/// Databases beyond this are left out and counted.
const CAP: usize = 100;

pub const ROLES: &[&str] = &["master", "slave", "sentinel", "other"];
pub const MODES: &[&str] = &["standalone", "cluster", "sentinel", "other"];
pub const POLICIES: &[&str] = &[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-lrm",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-lrm",
    "volatile-random",
    "volatile-ttl",
    "other",
];
/// First words of errors that say something of the server; all others are one.
pub const ERRORS: &[&str] = &[
    "OOM",
    "MISCONF",
    "NOREPLICAS",
    "READONLY",
    "LOADING",
    "BUSY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "NOAUTH",
    "WRONGPASS",
    "NOPERM",
    "other",
];

/// Established, and there also while the server is not.
pub struct Up(pub bool);

/// The server, by the keys of its answer.
pub struct Server {
    pub info: Info,
    pub started: Option<f64>,
}

pub struct Instance {
    pub role: &'static str,
    pub mode: &'static str,
    pub policy: &'static str,
    pub version: String,
}

/// The link of a replica to its master.
pub struct Link {
    pub host: String,
    pub port: String,
    pub up: bool,
}

pub struct Database {
    pub db: String,
    pub keys: Option<f64>,
    pub expiring: Option<f64>,
}

impl Instance {
    #[allow(clippy::unused_self, reason = "each value of a row is asked of the row")]
    pub const fn always(&self) -> bool {
        true
    }
}

impl Server {
    pub fn number(&self, key: &str) -> Option<f64> {
        self.info.number(key)
    }

    /// Errors by their first word, those with 0 as well; others together. A script may make up any word.
    pub fn errors(&self) -> Vec<(&'static str, f64)> {
        if !self.info.counts_errors {
            return Vec::new();
        }
        let mut counts: Vec<_> = ERRORS.iter().map(|word| (*word, 0.0)).collect();
        for (word, values) in self.info.lists("errorstat_") {
            let word = listed(word, ERRORS);
            let count = values.get("count").copied().unwrap_or(0.0);
            if let Some((_, sum)) = counts.iter_mut().find(|(known, _)| *known == word) {
                *sum += count;
            }
        }
        counts
    }
}

pub fn sample(text: &str, now: SystemTime) -> Result<Batch, Failure> {
    let info = Info::parse(text);
    let Some(role) = info.word("role") else {
        let why = "INFO without a role, which every Redis has";
        return Err(Failure::new(Reason::PARSE, why).hint("try it by hand: redis-cli INFO"));
    };
    if info.number("loading").is_some_and(|loading| loading > 0.0) {
        return Err(loading(info.number("loading_eta_seconds")));
    }
    let word = |key: &str| info.word(key).unwrap_or_default();
    let version = label(info.word("valkey_version").unwrap_or_else(|| word("redis_version")));
    let instance = Instance {
        role: listed(role, ROLES),
        mode: listed(info.word("redis_mode").unwrap_or_else(|| word("server_mode")), MODES),
        policy: listed(word("maxmemory_policy"), POLICIES),
        version: label(word("redis_version")),
    };
    let link = info.word("master_link_status").map(|status| Link {
        host: label(word("master_host")),
        port: label(word("master_port")),
        up: status == "up",
    });
    let memory = share(info.number("used_memory"), info.number("maxmemory"))
        .map(|used| Memory { when_full: when_full(instance.policy), used });
    let connections = share(info.number("connected_clients"), info.number("maxclients"));
    let (databases, dropped) = databases(&info);
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let started = info.number("uptime_in_seconds").map(|uptime| (since - uptime).floor());
    Ok(Batch::new()
        .with(vec![Identity { kind: "redis", version }])
        .with(vec![Served { serves: None, connections }])
        .with(memory.into_iter().collect())
        .with(vec![Up(true)])
        .with(vec![instance])
        .with(link.into_iter().collect())
        .with(databases)
        .with(vec![Server { info, started }])
        .dropped("databases", dropped))
}

/// What a full Redis does, by its policy.
fn when_full(policy: &str) -> &'static str {
    match policy {
        "noeviction" => "refuses",
        // It refuses as well once no key is left that would expire.
        policy if policy.starts_with("volatile-") => "evicts_expiring",
        _ => "evicts",
    }
}

fn databases(info: &Info) -> (Vec<Database>, u64) {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut all: Vec<_> = info
        .lists("db")
        .filter(|(number, values)| is_number(number) && values.contains_key("keys"))
        .map(|(number, values)| Database {
            db: format!("db{number}"),
            keys: values.get("keys").copied(),
            expiring: values.get("expires").copied(),
        })
        .collect();
    let dropped = all.len().saturating_sub(CAP) as u64;
    all.truncate(CAP);
    (all, dropped)
}
