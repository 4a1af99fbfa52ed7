//! A queue in Redis: the keys of its jobs by state, or a stream with the group of its workers.
//!
//! Two or three round trips on a new connection, of which each command costs the server 10 to 50 µs. Nothing is
//! taken, and a blocked worker is not woken. Of a list the next job is read, and of a stream the next entry, to
//! see whether it is another one; neither is kept.

pub mod config;
pub mod sample;

use super::model::State;
use crate::clients::redis::{RedisClient, Reply};
use crate::failure::Failure;
use config::{End, Keys, Wanted};

/// Entries that are worked on whose ages are read one by one.
const AGES: usize = 100;
/// What a user of an access list needs for all of it.
const RIGHTS: &str = "+select +time +type +llen +scard +zcard +hlen +xlen +get +lindex +zrange +xinfo +xrange +xpending +client|list ~*";

/// One queue on a server.
pub struct Reader {
    pub client: RedisClient,
    pub database: u32,
    pub wanted: Wanted,
}

/// The answers of one reading.
pub enum Raw {
    Keys(Sizes),
    Stream(Box<Stream>),
}

pub struct Sizes {
    pub time: Reply,
    /// By state, in the order of the configuration: the type of the key and its size.
    pub of: Vec<(State, Reply, Reply)>,
    /// The next job of the first list.
    pub next: Reply,
    /// The one on which work began first, with when.
    pub begun: Reply,
    pub clients: Reply,
}

pub struct Stream {
    pub time: Reply,
    pub groups: Reply,
    pub consumers: Reply,
    /// Those that are worked on, the oldest first.
    pub pending: Reply,
    /// The first entry that nobody was given yet.
    pub next: Reply,
}

impl Reader {
    pub fn new(
        client: impl FnOnce(&'static str) -> RedisClient,
        database: u32,
        wanted: Wanted,
    ) -> Self {
        Self { client: client(RIGHTS), database, wanted }
    }

    pub async fn read(&self) -> Result<Raw, Failure> {
        let number = self.database.to_string();
        let read = self.client.within(async |session| {
            if self.database > 0
                && let Reply::Error(text) = session.ask(&["SELECT", &number]).await?
            {
                return Err(self.client.refusal(&text));
            }
            match &self.wanted {
                Wanted::Keys(keys) => keys_of(session, keys).await.map(Raw::Keys),
                Wanted::Stream { key, group } => {
                    stream_of(session, key, group).await.map(|it| Raw::Stream(Box::new(it)))
                }
            }
        });
        let raw = read.await?;
        // Who may not log in is told so at the first command.
        let first = match &raw {
            Raw::Keys(sizes) => &sizes.time,
            Raw::Stream(stream) => &stream.time,
        };
        match first {
            Reply::Error(text) => Err(self.client.refusal(text)),
            _ => Ok(raw),
        }
    }
}

type Session = crate::clients::redis::Session;

async fn keys_of(session: &mut Session, keys: &Keys) -> Result<Sizes, Failure> {
    let mut commands = vec![vec!["TIME"], vec!["CLIENT", "LIST"]];
    commands.extend(keys.of.iter().map(|(_, key)| vec!["TYPE", key]));
    let mut first = session.ask_all(&commands).await?.into_iter();
    let mut reply = || first.next().unwrap_or(Reply::Nil);
    let (time, clients) = (reply(), reply());
    let types: Vec<Reply> = keys.of.iter().map(|_| reply()).collect();

    let pairs = keys.of.iter().zip(&types);
    let mut commands: Vec<_> = pairs.map(|((_, key), kind)| vec![size(kind), key]).collect();
    let end = if keys.take_from == End::Right { "-1" } else { "0" };
    // The first that is a list and has any: the one of the highest priority, as workers look at them.
    let waiting = keys
        .of
        .iter()
        .zip(&types)
        .find(|((state, _), kind)| *state == State::Pending && kind.text() == Some("list"));
    let next = waiting.map(|((_, key), _)| vec!["LINDEX", key, end]);
    commands.extend(next.clone());
    let begun = keys.begun.as_deref().map(|key| vec!["ZRANGE", key, "0", "0", "WITHSCORES"]);
    commands.extend(begun.clone());
    let mut second = session.ask_all(&commands).await?.into_iter();
    let mut reply = || second.next().unwrap_or(Reply::Nil);
    let sizes: Vec<Reply> = types.iter().map(|_| reply()).collect();
    let of = keys.of.iter().map(|(state, _)| *state).zip(types).zip(sizes);
    Ok(Sizes {
        of: of.map(|((state, kind), size)| (state, kind, size)).collect(),
        next: next.map_or(Reply::Nil, |_| reply()),
        begun: begun.map_or(Reply::Nil, |_| reply()),
        time,
        clients,
    })
}

/// What counts the entries of a key of this type; of none it is `TYPE` once more.
fn size(kind: &Reply) -> &'static str {
    match kind.text() {
        Some("list") => "LLEN",
        Some("set") => "SCARD",
        Some("zset") => "ZCARD",
        Some("hash") => "HLEN",
        Some("stream") => "XLEN",
        Some("string") => "GET",
        _ => "TYPE",
    }
}

async fn stream_of(session: &mut Session, key: &str, group: &str) -> Result<Stream, Failure> {
    let ages = AGES.to_string();
    let commands = [
        vec!["TIME"],
        vec!["XINFO", "GROUPS", key],
        vec!["XINFO", "CONSUMERS", key, group],
        vec!["XPENDING", key, group, "-", "+", &ages],
    ];
    let mut first = session.ask_all(&commands).await?.into_iter();
    let mut reply = || first.next().unwrap_or(Reply::Nil);
    let (time, groups, consumers, pending) = (reply(), reply(), reply(), reply());
    let last = sample::group(&groups, group).and_then(|it| it.field("last-delivered-id"));
    let next = match last.and_then(Reply::text) {
        Some(last) => {
            let after = format!("({last}");
            session.ask(&["XRANGE", key, &after, "+", "COUNT", "1"]).await?
        }
        None => Reply::Nil,
    };
    Ok(Stream { time, groups, consumers, pending, next })
}
