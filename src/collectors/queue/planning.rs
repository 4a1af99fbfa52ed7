//! From the section to targets, with all mistakes.

use super::config::{JetStream, Limits, Queue, Sql, Sqlite};
use super::fetch::Source;
use super::rabbitmq;
use super::rabbitmq::config::RabbitMq;
use super::redis::Reader as RedisReader;
use super::redis::config::Redis;
use super::sample::Rules;
use super::sqlite::Reader;
use super::{AREA, Section, Watched};
use crate::clients::access;
use crate::clients::http::HttpClient;
use crate::clients::postgres::{self, PostgresClient, SearchPath};
use crate::clients::redis::{self, RedisClient};
use crate::config::secret::UNREADABLE;
use crate::config::{Access, Dur};
use crate::engine::Target;
use crate::plan::{Address, Common, Plan};

const ONE_SOURCE: &str =
    "needs exactly one of `http`, `jetstream`, `rabbitmq`, `redis`, `sql` and `sqlite`";

/// Declared queues. There is nothing to find them by.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        plan.missed("no queue is named", "name the queues under `queues:`");
        return;
    };
    for (name, queue) in section {
        let mut planning = Planning { name, queue, plan };
        planning.settings();
        let found = planning.source();
        let common = Common {
            timeout: queue.timeout,
            thresholds: &queue.thresholds,
            service: queue.service.as_deref(),
        };
        if let Some((place, source, address)) = found {
            let watched = Watched {
                source,
                rules: rules(name, queue),
                history: plan.memory.of(AREA.name, name),
                unknown: super::unknown::Unknown::default(),
            };
            let settings = (queue.identity(), address);
            // Behind a consumer, a key or a table is a target of its own, which says where it lives.
            let url = queue.http.as_ref().or(queue.rabbitmq.as_ref().map(|it| &it.url));
            let hosts = url.map(|url| url.hosts(80)).unwrap_or_default();
            let target = Target::new(&AREA, name, place, settings, watched).at(hosts);
            plan.declare(from_server(target, queue), &common);
        } else {
            for (key, message) in queue.thresholds.resolve(&AREA).1 {
                plan.mistake(name, &format!("thresholds.{key}"), message);
            }
        }
    }
}

/// Names the target of another section behind it: while that is down, it is told there.
fn from_server(target: Target, queue: &Queue) -> Target {
    let nats = queue.jetstream.as_ref().and_then(|it| it.nats.as_deref());
    let postgres = queue.sql.as_ref().and_then(|it| it.postgres.as_deref());
    let store = queue.redis.as_ref().and_then(|it| it.store.as_deref());
    match (nats, postgres, store) {
        (Some(name), ..) => target.read_from("nats", name),
        (_, Some(name), _) => target.read_from("postgres", name),
        (.., Some(name)) => target.read_from("store", name),
        _ => target,
    }
}

pub(super) fn rules(name: &str, queue: &Queue) -> Rules {
    Rules {
        target: name.to_owned(),
        states: queue.states.clone(),
        limits: queue.limits.clone(),
        preset: queue.preset,
        common: Limits {
            job_timeout: queue.job_timeout,
            worker_interval: queue.worker_interval,
            ..Limits::default()
        },
    }
}

struct Planning<'a, 'p> {
    name: &'a str,
    queue: &'a Queue,
    plan: &'a mut Plan<'p>,
}

/// Place for people, source, and the address of another section that it was made from.
type Found = (String, Source, Option<Address>);

impl Planning<'_, '_> {
    fn mistake(&mut self, key: &str, message: impl Into<String>) {
        self.plan.mistake(self.name, key, message);
    }

    /// Settings that do not depend on the kind of source.
    fn settings(&mut self) {
        let queue = self.queue;
        let is_zero = |limit: Option<Dur>| limit.is_some_and(|d| d.get().is_zero());
        if is_zero(queue.job_timeout) {
            self.mistake("job_timeout", "must be longer than `0s`");
        }
        for (name, limits) in &queue.limits {
            if is_zero(limits.job_timeout) {
                let key = format!("limits.{name}.job_timeout");
                self.mistake(&key, "must be longer than `0s`");
            }
            let counts = [
                ("max_concurrent", limits.max_concurrent),
                ("max_queue_size", limits.max_queue_size),
            ];
            for (key, _) in counts.into_iter().filter(|(_, count)| *count == Some(0)) {
                self.mistake(&format!("limits.{name}.{key}"), "must be at least 1");
            }
        }
        if queue.http.is_none() {
            for key in queue.access.keys() {
                self.mistake(key, "is for `http` only");
            }
            for (key, there) in
                [("preset", queue.preset.is_some()), ("paths", queue.paths.is_some())]
            {
                if there {
                    self.mistake(key, "is for `http` only");
                }
            }
        }
        if !queue.states.is_empty() && queue.sql.is_none() && queue.sqlite.is_none() {
            self.mistake("states", "is for `sql` and `sqlite` only");
        }
    }

    fn source(&mut self) -> Option<Found> {
        let queue = self.queue;
        let servers = (&queue.jetstream, &queue.rabbitmq, &queue.redis);
        match (&queue.http, servers, &queue.sql, &queue.sqlite) {
            (Some(url), (None, None, None), None, None) => Some(self.http(url)),
            (None, (Some(wanted), None, None), None, None) => self.jetstream(wanted),
            (None, (None, Some(rabbit), None), None, None) => self.rabbitmq(rabbit),
            (None, (None, None, Some(redis)), None, None) => self.redis(redis),
            (None, (None, None, None), Some(sql), None) => self.sql(sql),
            (None, (None, None, None), None, Some(sqlite)) => Some(self.sqlite(sqlite)),
            _ => {
                self.mistake("", ONE_SOURCE);
                None
            }
        }
    }

    fn http(&mut self, url: &crate::config::SafeUrl) -> Found {
        if let Some(message) = url.http_mistake() {
            self.mistake("http", message);
        }
        for (key, message) in access::mistakes(&self.queue.access, url, "http") {
            self.mistake(&key, message);
        }
        let (preset, paths) = (self.queue.preset, self.queue.paths.clone());
        if preset.is_none() && paths.is_none() {
            self.mistake("http", "needs `preset` or `paths` beside it");
        }
        let paths = paths.unwrap_or_default();
        for key in paths.mistakes() {
            let message = "expected a JSON pointer such as `/queue_stats`";
            self.mistake(&format!("paths.{key}"), message);
        }
        let source = Source::Http {
            client: HttpClient::new(url, &self.queue.access, self.queue.timeout.map(Dur::get)),
            paths: paths.or(preset),
        };
        (url.origin(), source, None)
    }

    fn jetstream(&mut self, wanted: &JetStream) -> Option<Found> {
        let at = |key: &str| format!("jetstream.{key}");
        for (key, text) in [("stream", &wanted.stream), ("consumer", &wanted.consumer)] {
            if text.is_empty() {
                self.mistake(&at(key), "must not be empty");
            }
        }
        if let Some(message) = wanted.workers.as_deref().and_then(super::workers::mistake) {
            self.mistake(&at("workers"), message);
        }
        let address = match (&wanted.nats, &wanted.url) {
            (Some(nats), None) => {
                for key in wanted.access.keys() {
                    self.mistake(&at(key), "is for `url` only");
                }
                let address = self.plan.address("nats", nats);
                address.map_err(|message| self.mistake(&at("nats"), message)).ok()?
            }
            (None, Some(url)) => {
                if let Some(message) = url.http_mistake() {
                    self.mistake(&at("url"), message);
                }
                for (key, message) in access::mistakes(&wanted.access, url, "url") {
                    self.mistake(&at(&key), message);
                }
                Address { url: url.clone(), access: wanted.access.clone() }
            }
            _ => {
                self.mistake("jetstream", "needs exactly one of `nats` and `url`");
                return None;
            }
        };
        let place = format!("{} {}/{}", address.url.origin(), wanted.stream, wanted.consumer);
        let client =
            HttpClient::new(&address.url, &address.access, self.queue.timeout.map(Dur::get));
        Some((place, Source::JetStream { client, wanted: wanted.clone() }, Some(address)))
    }

    fn rabbitmq(&mut self, wanted: &RabbitMq) -> Option<Found> {
        let at = |key: &str| format!("rabbitmq.{key}");
        if let Some(message) = wanted.url.http_mistake() {
            self.mistake(&at("url"), message);
        }
        for (key, message) in access::mistakes(&wanted.access, &wanted.url, "url") {
            self.mistake(&at(&key), message);
        }
        let queues =
            wanted.wanted().map_err(|message| self.mistake(&at("queues"), message)).ok()?;
        let timeout = self.queue.timeout.map(Dur::get);
        let client = HttpClient::new(&wanted.url, &wanted.access, timeout);
        let reader = rabbitmq::Reader::new(client, wanted.vhost.clone(), queues);
        let place = format!("{} {}", wanted.url.origin(), wanted.vhost);
        Some((place, Source::RabbitMq(reader), None))
    }

    fn redis(&mut self, wanted: &Redis) -> Option<Found> {
        let at = |key: &str| match key {
            "" => "redis".to_owned(),
            key => format!("redis.{key}"),
        };
        let read = wanted.wanted().map_err(|(key, message)| self.mistake(&at(key), message));
        let address = match (&wanted.store, &wanted.url) {
            (Some(name), None) => {
                for key in wanted.access.keys() {
                    self.mistake(&at(key), "is for `url` only");
                }
                let address = self.plan.address("stores", name);
                address.map_err(|message| self.mistake(&at("store"), message)).ok()?
            }
            (None, Some(url)) => {
                if !url.parse().is_ok_and(|url| redis::is_address(&url)) {
                    let message = "expected an address such as `redis://127.0.0.1:6379`";
                    self.mistake(&at("url"), message);
                }
                for (key, message) in redis::mistakes(&wanted.access, url, "url") {
                    self.mistake(&at(&key), message);
                }
                Address { url: url.clone(), access: wanted.access.clone() }
            }
            _ => {
                self.mistake("redis", "needs exactly one of `store` and `url`");
                return None;
            }
        };
        let timeout = self.queue.timeout;
        let client = |rights| RedisClient::new(&address.url, &address.access, timeout, rights);
        let reader = RedisReader::new(client, wanted.database.unwrap_or_default(), read.ok()?);
        let place = format!("{} {}", address.url, reader.wanted);
        Some((place, Source::Redis(Box::new(reader)), Some(address)))
    }

    fn sql(&mut self, sql: &Sql) -> Option<Found> {
        let at = |key: &str| format!("sql.{key}");
        if let Some(message) = postgres::not_a_query(&sql.query) {
            self.mistake(&at("query"), message);
        }
        let address = match (&sql.postgres, &sql.url) {
            (Some(name), None) => {
                if sql.password_file.is_some() {
                    self.mistake(&at("password_file"), "is for `url` only");
                }
                let address = self.plan.address("postgres", name);
                address.map_err(|message| self.mistake(&at("postgres"), message)).ok()?
            }
            (None, Some(url)) => {
                if let Some(message) = postgres::mistake(url) {
                    self.mistake(&at("url"), message);
                }
                let file = sql.password_file.as_deref();
                if let Some(message) = file.and_then(access::secret_mistake) {
                    self.mistake(&at("password_file"), message);
                }
                let password_file = sql.password_file.clone();
                Address { url: url.clone(), access: Access { password_file, ..Access::default() } }
            }
            _ => {
                self.mistake("sql", "needs exactly one of `postgres` and `url`");
                return None;
            }
        };
        let path = sql.search_path.clone().unwrap_or_else(|| vec!["public".to_owned()]);
        // As the server has it: longer names are cut off there, and then are others.
        if path.iter().any(|schema| schema.is_empty() || schema.len() > 63) {
            self.mistake(&at("search_path"), "a schema's name has 1 to 63 bytes");
        }
        let client = sql_client(&address, self.queue.timeout).search_path(SearchPath::of(path));
        let place = client.address().map_or_else(|| UNREADABLE.to_owned(), ToString::to_string);
        let source = Source::Sql { client: Box::new(client), query: sql.query.clone() };
        Some((place, source, Some(address)))
    }

    fn sqlite(&mut self, sqlite: &Sqlite) -> Found {
        if sqlite.file.as_os_str().is_empty() {
            self.mistake("sqlite.file", "must not be empty");
        }
        if let Some(query) = &sqlite.query {
            if sqlite.table.is_some() {
                self.mistake("sqlite", "needs `table` or `query`, not both");
            }
            if let Some(message) = postgres::not_a_query(query) {
                self.mistake("sqlite.query", message);
            }
        }
        let reader = Reader::new(sqlite.clone(), self.queue.states.clone());
        (sqlite.file.display().to_string(), Source::Sqlite(reader), None)
    }
}

/// The statement ends on the server before the reading does here, also with a short deadline.
pub(super) fn sql_client(address: &Address, timeout: Option<Dur>) -> PostgresClient {
    let client = PostgresClient::new(&address.url, address.access.password_file.clone())
        .password(address.access.password.clone());
    match timeout {
        Some(timeout) => client.deadline(timeout.get()),
        None => client,
    }
}
