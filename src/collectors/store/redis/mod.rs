//! Redis, Valkey and KeyDB: `INFO`, after `AUTH` where there is a login.

mod info;
pub mod sample;

use std::time::SystemTime;

use super::{AREA, Kind, Store, access};
use crate::catalogue::Batch;
use crate::clients::redis::{self, PORT, RedisClient, Reply};
use crate::config::SafeUrl;
use crate::engine::{Collector, Target};
use crate::failure::Failure;
use crate::plan::{Address, Plan};

pub(super) const KIND: Kind = Kind {
    key: "redis",
    port: PORT,
    example: "redis://127.0.0.1:6379",
    of: |store| store.redis.as_ref(),
    is_address: redis::is_address,
    mistakes,
    target,
};

fn mistakes(store: &Store, url: &SafeUrl) -> Vec<access::Wrong> {
    let mut found = redis::mistakes(&store.access, url, "redis");
    if !store.collections.is_empty() {
        found.push(("collections".to_owned(), "is for `qdrant` only".to_owned()));
    }
    found
}

fn target(name: &str, store: &Store, url: &SafeUrl, plan: &mut Plan) -> Target {
    // Queues may lie in it.
    plan.publish(name, Address { url: url.clone(), access: store.access.clone() });
    let server = Server(RedisClient::new(url, &store.access, store.timeout, "+info"));
    let settings = (store.identity(), "redis");
    let target = Target::new(&AREA, name, url.to_string(), settings, server);
    target.while_down(Batch::new().with(vec![sample::Up(false)]))
}

/// One server.
struct Server(RedisClient);

impl Collector for Server {
    type Raw = String;

    async fn fetch(&self) -> Result<String, Failure> {
        let asked = self.0.within(async |session| session.ask(&["INFO"]).await);
        match asked.await? {
            Reply::Text(text) => Ok(text),
            Reply::Error(text) => Err(self.0.refusal(&text)),
            Reply::Long => Err(redis::resp::too_long()),
            _ => Err(redis::resp::not_redis()),
        }
    }

    fn sample(&self, raw: String, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&raw, now)
    }
}
