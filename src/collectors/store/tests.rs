//! Stores by their answers, and by servers that speak the wire and lie.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value as Any;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::collections::Peaks;
use super::mongo::bson::{self, Document, Value};
use super::mongo::message::tests::answer as message;
use super::*;
use crate::catalogue::Batch;
use crate::clients::http::Json;
use crate::clients::json;
use crate::collectors::CATALOGUE;
use crate::engine::{Board, Memory};
use crate::exposition::{Format, encode};
use crate::failure::{Failure, Reason};
use crate::golden;

/// The clock of the cases.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(500_000)
}

fn answer<T: serde::de::DeserializeOwned>(case: &Path, name: &str) -> Result<Json<T>, Failure> {
    let status = golden::file(case, &format!("{name}.status"))
        .map_or(200, |text| String::from_utf8_lossy(&text).trim().parse().expect("a status"));
    let body = golden::file(case, &format!("{name}.json"))
        .ok_or_else(|| Failure::new(Reason::TIMEOUT, format!("{name}: no answer in time")))?;
    Ok(Json { status, value: json::from_slice(&body), took: Duration::ZERO })
}

fn value(json: &Any) -> Value {
    match json {
        Any::Bool(yes) => Value::Bool(*yes),
        Any::Number(number) => Value::Number(number.as_f64().unwrap()),
        Any::String(text) => Value::Text(text.clone()),
        Any::Object(_) => Value::Document(document(json)),
        _ => Value::Other,
    }
}

fn fields(json: &Any) -> Vec<(&str, Value)> {
    json.as_object().unwrap().iter().map(|(key, inner)| (key.as_str(), value(inner))).collect()
}

fn document(json: &Any) -> Document {
    bson::read(&bson::written(fields(json).iter())).unwrap()
}

fn qdrant(case: &Path, peaks: &mut Peaks) -> Result<Batch, Failure> {
    let collections = answer(case, "collections")?;
    let names = qdrant::sample::names(&collections);
    let one = |name: String| {
        let answer = answer(case, &format!("collection-{name}"));
        (name, answer)
    };
    let raw = qdrant::Raw {
        ready: answer(case, "readyz"),
        root: answer(case, "root"),
        described: names.into_iter().map(one).collect(),
        collections,
    };
    let declared = ["travel_locations".to_owned(), "never_made".to_owned()];
    qdrant::sample::sample(raw, &declared, peaks, now())
}

#[test]
fn golden_cases() {
    golden::run("store", |case| {
        let text = |name: &str| golden::file(case, name);
        if let Some(info) = text("info.txt") {
            return redis::sample::sample(&String::from_utf8_lossy(&info), now());
        }
        let Some(hello) = text("hello.json") else {
            return qdrant(case, &mut Peaks::default());
        };
        let parsed = |text: Vec<u8>| document(&serde_json::from_slice(&text).unwrap());
        let none = || Failure::new(Reason::TIMEOUT, "no answer in time");
        let status = text("status.json").map(parsed).ok_or_else(none);
        mongo::sample::sample(&mongo::Raw { hello: parsed(hello), status })
    });
}

// [B07]
#[test]
fn what_a_collection_had_is_told_when_it_is_gone() {
    let case =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/store/qdrant_documented_1.17");
    let mut peaks = Peaks::default();
    let points = [("travel_locations", 49_000), ("gone", 500)];
    peaks.take(now() - Duration::from_hours(2), points.into_iter());
    let batch = qdrant(&case, &mut peaks).unwrap();
    let snapshot = crate::engine::Snapshot::of("places", batch);
    let text = encode(&CATALOGUE, Arc::new(snapshot), Format::Classic);
    for line in [
        "stack_store_collection_points_ratio{target=\"places\",collection=\"gone\"} 0\n",
        "stack_store_collection_points_ratio{target=\"places\",collection=\"travel_locations\"} 0.5\n",
        "stack_store_collection_up{target=\"places\",collection=\"never_made\"} 0\n",
        "stack_store_collection_up{target=\"places\",collection=\"faq\"} 1\n",
        "stack_store_collection_status{target=\"places\",collection=\"faq\",status=\"red\"} 1\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
    assert!(!text.contains("collection_up{target=\"places\",collection=\"gone\"}"), "{text}");
}

fn planned(section: &str) -> (Vec<String>, Vec<Target>) {
    let config = format!("{{\"stores\": {section}}}");
    let loaded = crate::config::load::<crate::collectors::Config>("a.yml", &config, &|_| None);
    let config = loaded.finish().unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let memory = Memory::default();
    let mut plan = Plan::new(&|_| None, &memory);
    crate::collectors::plan(&config, &mut plan);
    let mistakes = plan.mistakes.iter().map(|one| format!("{}: {}", one.path, one.message));
    let targets = plan.targets.into_iter().filter(|target| target.id.area == "store");
    (mistakes.collect(), targets.collect())
}

/// Settings of a store, and what is wrong with them.
const MISTAKES: &[(&str, &[&str])] = &[
    (r#""redis": "redis://127.0.0.1""#, &[]),
    (
        r#""redis": "rediss://u:hunter2@h:1", "ca_file": "/dev/null""#,
        &["a.ca_file: no certificate in it, or a broken one"],
    ),
    (r#""redis": "unix:///run/redis.sock", "password": "x""#, &[]),
    (r#""mongo": "mongodb://h/?tls=true", "server_name": "db.example.com""#, &[]),
    (r#""qdrant": "http://h", "collections": ["places"]"#, &[]),
    ("", &["a: needs one of `redis`, `qdrant`, `mongo`"]),
    (
        r#""redis": "redis://h", "mongo": "mongodb://h""#,
        &["a: needs one of `redis`, `qdrant`, `mongo`"],
    ),
    (r#""redis": "http://h""#, &["a.redis: expected an address such as `redis://127.0.0.1:6379`"]),
    (
        r#""redis": "127.0.0.1:6379""#,
        &["a.redis: expected an address such as `redis://127.0.0.1:6379`"],
    ),
    (
        r#""redis": "redis://:hunter2@h", "password_file": "/dev/null""#,
        &[
            "a.password_file: the file is empty",
            "a.redis: has a login although another one is set, keep one of them",
        ],
    ),
    (
        r#""redis": "redis://h", "bearer_token_file": "/dev/null", "server_name": "n.example", "collections": ["x"]"#,
        &[
            "a.bearer_token_file: the file is empty",
            "a.server_name: is for an address with `rediss://` only",
            "a.bearer_token_file: is for HTTP: the password goes into `password_file`",
            "a.collections: is for `qdrant` only",
        ],
    ),
    (
        r#""redis": "redis://h", "username": "u""#,
        &["a.username: needs `password_file` or `password`"],
    ),
    (
        r#""mongo": "mongodb://u:hunter2@h", "server_name": "n.example", "password": "x""#,
        &[
            "a.password: MongoDB is asked without a login: leave it out",
            "a.mongo: has a login, but MongoDB is asked without one: leave it out",
            "a.server_name: is for an address with `?tls=true` only",
        ],
    ),
    (
        r#""mongo": "mongodb+srv://h""#,
        &["a.mongo: expected an address such as `mongodb://127.0.0.1:27017`"],
    ),
    (
        r#""qdrant": "http://h", "collections": [""]"#,
        &["a.collections: a collection's name has 1 to 255 bytes"],
    ),
];

#[test]
fn mistakes_are_told_by_their_keys() {
    for (settings, want) in MISTAKES {
        let (mistakes, _) = planned(&format!("{{\"a\": {{{settings}}}}}"));
        let want: Vec<_> = want.iter().map(|text| format!("stores.{text}")).collect();
        assert_eq!(mistakes, want, "{settings}");
        assert!(!mistakes.join("").contains("hunter2"));
    }
}

async fn scraped(section: &str) -> String {
    let (mistakes, targets) = planned(section);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let board = Board::default();
    board.apply(targets);
    encode(&CATALOGUE, Arc::new(board.scrape(&[], None).await), Format::Classic)
}

/// A server that answers each piece that comes as this says; `None` hangs up.
async fn fake(
    answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    let talk = async |mut peer: TcpStream,
                      answer: &(dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync)| {
        let mut asked = vec![0; 64 << 10];
        while let Ok(length @ 1..) = peer.read(&mut asked).await {
            let Some(bytes) = answer(&asked[..length]) else { return };
            if peer.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::spawn(async move {
        loop {
            let (peer, _) = listener.accept().await.unwrap();
            talk(peer, answer.as_ref()).await;
        }
    });
    address
}

// [B07 C01]
#[tokio::test]
async fn redis_says_in_many_ways_that_it_does_not_answer() {
    let info = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let loading = info("role:master\r\nloading:1\r\nloading_eta_seconds:5\r\n");
    for (auth, said, reason) in [
        ("-WRONGPASS invalid username-password pair or user is disabled.\r\n", "", "auth"),
        (
            "-ERR AUTH <password> called without any password configured for the default user.\r\n",
            "",
            "auth",
        ),
        ("-ERR invalid password\r\n", "", "auth"),
        ("+OK\r\n", "-NOAUTH Authentication required.\r\n", "auth"),
        ("+OK\r\n", "-NOPERM this user has no permissions to run the 'info' command\r\n", "rights"),
        ("-DENIED Redis is running in protected mode\r\n", "", "rights"),
        ("-ERR max number of clients reached\r\n", "", "too_many_clients"),
        ("+OK\r\n", "-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        ("+OK\r\n", loading.as_str(), "loading"),
        ("+OK\r\n", "-BUSY Redis is busy running a script.\r\n", "script"),
        ("+OK\r\n", "-ERR unknown command 'INFO'\r\n", "protocol"),
        ("+OK\r\n", "$1000000000\r\n", "protocol"),
        ("HTTP/1.1 400 Bad Request\r\n", "", "protocol"),
        ("+OK\r\n", "$2\r\nhi\r\n", "parse"),
    ] {
        let (auth, said) = (auth.to_owned(), said.to_owned());
        let address = fake(move |asked| {
            let text = if asked.starts_with(b"*1\r\n$4\r\nINFO") { &said } else { &auth };
            Some(text.clone().into_bytes())
        });
        let address = address.await;
        let section = format!(r#"{{"a": {{"redis": "redis://:hunter2@{address}"}}}}"#);
        let text = scraped(&section).await;
        let failure =
            format!("stack_target_failure{{target=\"a\",area=\"store\",reason=\"{reason}\"}} 1\n");
        assert!(text.contains(&failure), "{reason}: {text}");
        assert!(text.contains("redis_up{target=\"a\"} 0\n"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
    let nobody = scraped(r#"{"a": {"redis": "redis://127.0.0.1:1"}}"#).await;
    assert!(nobody.contains("reason=\"refused\"} 1\n"), "{nobody}");
    let no_socket = scraped(r#"{"a": {"redis": "unix:///nonexistent/redis.sock"}}"#).await;
    assert!(no_socket.contains("reason=\"not_found\"} 1\n"), "{no_socket}");
}

/// Which request it is, and which command.
fn command(asked: &[u8]) -> (i32, &'static str) {
    let number = i32::from_le_bytes(asked[4..8].try_into().unwrap());
    let names = ["serverStatus", "isMaster", "hello"];
    let has = |name: &str| asked.windows(name.len()).any(|part| part == name.as_bytes());
    (number, names.into_iter().find(|name| has(name)).unwrap())
}

// [B07 C01]
#[tokio::test]
async fn mongo_is_asked_on_the_wire_also_by_its_old_name() {
    let ok = ("ok", Value::Number(1.0));
    let unknown = [("ok", Value::Number(0.0)), ("code", Value::Number(59.0))];
    let refused = [("ok", Value::Number(0.0)), ("code", Value::Number(13.0))];
    for (old, role) in [(false, "standalone"), (true, "standalone")] {
        let (ok, unknown, refused) = (ok.clone(), unknown.clone(), refused.clone());
        let address = fake(move |asked| {
            let (number, name) = command(asked);
            let hello = [ok.clone(), ("ismaster", Value::Bool(true))];
            Some(match name {
                "serverStatus" => message(number, &refused),
                "hello" if old => message(number, &unknown),
                _ => message(number, &hello),
            })
        });
        let address = address.await;
        let section = format!(r#"{{"docs": {{"mongo": "mongodb://{address}"}}}}"#);
        let text = scraped(&section).await;
        let is = format!("stack_store_mongo_role{{target=\"docs\",role=\"{role}\"}} 1\n");
        assert!(text.contains(&is) && text.contains("mongodb_up{target=\"docs\"} 1\n"), "{text}");
        // That it wants a login for the rest is no failure.
        assert!(!text.contains("mongodb_ss_") && !text.contains("part_failure"), "{text}");
    }
    let web = fake(|_| Some(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())).await;
    let text = scraped(&format!(r#"{{"docs": {{"mongo": "mongodb://{web}"}}}}"#)).await;
    assert!(text.contains("reason=\"protocol\"} 1\n"), "{text}");
    assert!(text.contains("mongodb_up{target=\"docs\"} 0\n"), "{text}");
}

/// With a key, a collection each, and one that is not there.
#[tokio::test]
async fn qdrant_is_asked_for_each_collection_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "hunter2\n").unwrap();
    let address = fake(|asked| {
        let text = String::from_utf8_lossy(asked).to_lowercase();
        let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
        let (status, body) = match path.as_str() {
            "/readyz" => (200, "all shards are ready"),
            "/" => (200, "{\"title\":\"qdrant\",\"version\":\"1.17.0\"}"),
            _ if !text.contains("api-key: hunter2") => (401, "{}"),
            "/collections" => (200, "{\"result\":{\"collections\":[{\"name\":\"a b\"}]}}"),
            "/collections/a%20b" => (
                200,
                "{\"result\":{\"status\":\"yellow\",\"points_count\":30,\"segments_count\":1}}",
            ),
            _ => (404, "{}"),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        Some(format!("{head}{body}").into_bytes())
    });
    let address = address.await;
    let section = |more: &str| format!(r#"{{"v": {{"qdrant": "http://{address}"{more}}}}}"#);
    let with = format!(r#", "header_files": {{"api-key": "{}"}}"#, key.display());
    let text = scraped(&section(&with)).await;
    let status =
        "stack_store_collection_status{target=\"v\",collection=\"a b\",status=\"yellow\"} 1\n";
    assert!(text.contains(status), "{text}");
    assert!(text.contains("stack_store_serves{target=\"v\"} 1\n"), "{text}");
    assert!(text.contains("stack_store_info{target=\"v\",kind=\"qdrant\",version=\"1.17.0\"} 1\n"));
    let text = scraped(&section("")).await;
    assert!(
        text.contains("reason=\"auth\"} 1\n") && !text.contains("collection_status{"),
        "{text}"
    );
}
