//! MongoDB: `hello`, and `serverStatus` where it is told without a login.

pub(super) mod bson;
pub(super) mod message;
pub mod sample;

use std::time::SystemTime;

use super::{AREA, Kind, Store, access};
use crate::catalogue::Batch;
use crate::clients::way::{Stream, Way};
use crate::config::{SafeUrl, Url};
use crate::engine::{Collector, Target};
use crate::failure::Failure;
use crate::plan::Plan;
use bson::{Document, Value};

pub const PORT: u16 = 27017;

pub(super) const KIND: Kind = Kind {
    key: "mongo",
    port: PORT,
    example: "mongodb://127.0.0.1:27017",
    of: |store| store.mongo.as_ref(),
    is_address: |url| url.scheme == "mongodb" && super::has_host(url),
    mistakes,
    target,
};

fn mistakes(store: &Store, url: &SafeUrl) -> Vec<access::Wrong> {
    let parsed = url.parse().ok();
    let mut found = access::tls_mistakes(&store.access.tls);
    let mut wrong = |key: &str, message: &str| found.push((key.to_owned(), message.to_owned()));
    let tls: Vec<_> = store.access.tls_keys().collect();
    for key in store.access.keys().into_iter().filter(|key| !tls.contains(key)) {
        wrong(key, "MongoDB is asked without a login: leave it out");
    }
    if parsed.as_ref().is_some_and(|url| url.user.is_some() || url.password.is_some()) {
        wrong("mongo", "has a login, but MongoDB is asked without one: leave it out");
    }
    if let Some(key) = tls.first().filter(|_| !parsed.as_ref().is_some_and(wants_tls)) {
        wrong(key, "is for an address with `?tls=true` only");
    }
    if !store.collections.is_empty() {
        wrong("collections", "is for `qdrant` only");
    }
    found
}

/// As drivers have it, by its older name as well.
fn wants_tls(url: &Url) -> bool {
    let parameters = url.parameters().unwrap_or_default();
    parameters.iter().any(|(name, value)| matches!(name.as_str(), "tls" | "ssl") && value == "true")
}

fn target(name: &str, store: &Store, url: &SafeUrl, _: &mut Plan) -> Target {
    let parsed = url.parse().ok();
    let tls = parsed.as_ref().is_some_and(wants_tls).then(|| store.access.tls.clone());
    let server = Server { way: Way::new(parsed.as_ref(), PORT, tls, store.timeout) };
    let settings = (store.identity(), "mongo");
    let target = Target::new(&AREA, name, url.to_string(), settings, server);
    target.while_down(Batch::new().with(vec![sample::Up(false)]))
}

/// One server.
struct Server {
    way: Way,
}

/// The answers; the first is there or the reading has failed.
pub struct Raw {
    pub hello: Document,
    pub status: Result<Document, Failure>,
}

/// Large parts that nobody looks at are left out.
const STATUS: &[(&str, Value)] = &[
    ("serverStatus", Value::Number(1.0)),
    ("metrics", Value::Number(0.0)),
    ("locks", Value::Number(0.0)),
    ("wiredTiger", Value::Number(0.0)),
    ("tcmalloc", Value::Number(0.0)),
    ("repl", Value::Number(0.0)),
];

async fn ask(mut stream: Box<dyn Stream>) -> Result<Raw, Failure> {
    let mut hello = message::run(&mut stream, 1, &[("hello", Value::Number(1.0))]).await?;
    // Servers before 4.4.2 know it by its old name.
    if sample::is_unknown(&hello) {
        hello = message::run(&mut stream, 2, &[("isMaster", Value::Number(1.0))]).await?;
    }
    let status = message::run(&mut stream, 3, STATUS).await;
    Ok(Raw { hello, status })
}

impl Collector for Server {
    type Raw = Raw;

    async fn fetch(&self) -> Result<Raw, Failure> {
        self.way.within(ask).await
    }

    fn sample(&self, raw: Raw, _: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&raw)
    }
}
