//! Ways into the parsers of bytes from outside, for the targets in `fuzz/`. Compiled only where
//! `cargo fuzz` builds; nothing of it is part of the program.

use serde::de::DeserializeOwned;

use crate::clients::http::Json;
use crate::clients::{json, postgres};
use crate::config::SafeUrl;

pub use crate::clients::kernel::fuzz as cgroup;
pub use crate::collectors::docker::fuzzing::{compose, engine};
pub use crate::collectors::host::fuzzing::proc;
pub use crate::collectors::logs::fuzzing::{envelopes, frames, journal, masks, scan, state};
pub use crate::collectors::nats::fuzzing::nats;
pub use crate::collectors::queue::fuzzing::queue;
pub use crate::http::fuzzing::host;

/// A configuration: the tree, the checks, units, secrets.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let loaded = crate::config::load::<crate::collectors::Config>("a.yml", &text, &|name| {
        (name.len() == 1).then(|| name.to_owned())
    });
    let _ = loaded.finish();
}

/// An address of a database, and a query in a configuration.
pub fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let url = SafeUrl::new(text.as_ref());
    let _ = (postgres::mistake(&url), url.origin(), url.to_string());
    let _ = postgres::not_one_statement(&text);
}

/// An answer as a client hands it on; the first byte chooses the status.
pub(crate) fn answer<T: DeserializeOwned>(data: &[u8]) -> Json<T> {
    let (first, body) = data.split_first().unwrap_or((&0, &[]));
    let status = if *first == b'5' { 503 } else { 200 };
    Json { status, value: json::from_slice(body), took: std::time::Duration::ZERO }
}
