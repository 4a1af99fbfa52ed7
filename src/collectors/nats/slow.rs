//! Who was cut off for being slow: the list of closed connections is the only place that has a name. It is read
//! only when the server has counted one more.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use crate::catalogue::metrics;
use crate::clients::http::HttpClient;
use crate::text::{printable, short};

/// The newest closed connections; the server keeps 10,000.
const PATH: &str = "/connz?state=closed&sort=stop&limit=256";
/// Clients that are named, and so many signs of a name.
const CLIENTS: usize = 5;
const NAME: usize = 64;

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Closed {
    connections: Option<Vec<Connection>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Connection {
    cid: u64,
    name: String,
    ip: String,
    lang: String,
    reason: String,
    stop: String,
}

/// A client that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowClient {
    pub client: String,
    pub cuts: u64,
}

/// What was found when the server had counted so many.
#[derive(Default)]
pub struct Slow(Mutex<(u64, Vec<SlowClient>)>);

impl Slow {
    /// Those that were cut off last, if the server has counted any.
    pub async fn clients(
        &self,
        http: &HttpClient,
        counted: u64,
        limit: Duration,
    ) -> Vec<SlowClient> {
        let before = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if counted == 0 || counted == before.0 {
            return if counted == 0 { Vec::new() } else { before.1 };
        }
        // Without an answer it is asked for again with the next reading.
        let answer = timeout(limit, http.json::<Closed>("/connz", PATH)).await;
        let Ok(Ok(answer)) = answer else { return Vec::new() };
        let Ok(answer) = answer.good("/connz", "") else { return Vec::new() };
        let found = named(answer.value);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (counted, found.clone());
        found
    }
}

/// Those that were cut off last, by name; whoever gave none, by library and address.
fn named(closed: Closed) -> Vec<SlowClient> {
    let mut slow: Vec<_> = closed.connections.unwrap_or_default();
    slow.retain(|one| one.reason.starts_with("Slow Consumer"));
    // Times are of one form, so their texts are in their order but for ends of zeros.
    slow.sort_by(|a, b| (&b.stop, b.cid).cmp(&(&a.stop, a.cid)));
    let mut found: Vec<SlowClient> = Vec::new();
    for one in slow {
        let text = match one.name.as_str() {
            "" => format!("{} {}", if one.lang.is_empty() { "client" } else { &one.lang }, one.ip),
            name => name.to_owned(),
        };
        let client = printable(&short(&text, NAME)).into_owned();
        if let Some(known) = found.iter_mut().find(|known| known.client == client) {
            known.cuts += 1;
        } else if found.len() < CLIENTS {
            found.push(SlowClient { client, cuts: 1 });
        }
    }
    found
}

metrics! { SlowClient {
    labels { client = |s| &s.client }
    /// Times that this client was cut off for being slow, among the newest 256 closed connections; the five clients that were cut off last. Source: /connz?state=closed.
    gauge stack_nats_slow_client_cuts [N01] = |s| s.cuts;
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_five_by_name() {
        let one = |cid: u64, name: &str, reason: &str, second: u64| {
            format!(
                "{{\"cid\": {cid}, \"name\": \"{name}\", \"ip\": \"10.0.0.7\", \"lang\": \"go\", \"reason\": \"{reason}\", \
                  \"stop\": \"2026-12-01T10:00:{second:02}.5Z\"}}"
            )
        };
        let cut = "Slow Consumer (Write Deadline)";
        let mut all = vec![
            one(1, "late", cut, 59),
            one(2, "gone", "Client Closed", 58),
            one(3, "", "Slow Consumer (Pending Bytes)", 57),
            one(4, "late", cut, 1),
        ];
        all.extend((0..9).map(|n| one(10 + n, &format!("c{n}"), cut, 10 + n)));
        let text = format!("{{\"connections\": [{}]}}", all.join(","));
        let found = named(serde_json::from_str(&text).unwrap());
        let found: Vec<_> = found.iter().map(|one| (one.client.as_str(), one.cuts)).collect();
        assert_eq!(found, [("late", 2), ("go 10.0.0.7", 1), ("c8", 1), ("c7", 1), ("c6", 1)]);
        assert_eq!(named(serde_json::from_str("{\"connections\": null}").unwrap()), []);
    }
}
