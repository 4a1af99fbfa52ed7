//! Snapshots of a collection of Qdrant, as `GET /collections/{name}/snapshots` lists them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::gather::Gather;
use super::seen::{Id, Look, Seen};
use crate::clients::http::HttpClient;
use crate::failure::{Failure, Reason};
use crate::text::printable;

const HINT: &str = "is this Qdrant's HTTP port (usually 6333)?";

#[derive(Deserialize)]
pub struct Answer {
    result: Vec<Snapshot>,
}

#[derive(Deserialize)]
struct Snapshot {
    name: String,
    size: u64,
    #[serde(default)]
    creation_time: Option<String>,
}

pub async fn fetch(http: &HttpClient, collection: &str) -> Result<Answer, Failure> {
    let name =
        percent_encoding::utf8_percent_encode(collection, percent_encoding::NON_ALPHANUMERIC);
    let answer =
        http.json::<Answer>("snapshots", &format!("/collections/{name}/snapshots")).await?;
    if answer.status == 404 {
        let text = "snapshots: Qdrant has no collection of this name";
        return Err(Failure::new(Reason::NOT_FOUND, text)
            .hint("curl -s http://127.0.0.1:6333/collections lists the names"));
    }
    Ok(answer.good("snapshots", HINT)?.value)
}

/// As generations. One without a time that can be understood is counted, and dated to the beginning
/// of all times.
pub fn look(answer: Answer, expires: Option<SystemTime>) -> Look {
    let mut gather = Gather::new(expires);
    for snapshot in answer.result {
        let modified = snapshot.creation_time.as_deref().and_then(time);
        let modified = modified.unwrap_or(SystemTime::UNIX_EPOCH);
        gather.take(modified, || Seen {
            id: Id { inode: 0, size: snapshot.size, modified },
            at: modified,
            name: crate::text::short(&printable(&snapshot.name), 255).into_owned(),
            path: None,
            // Whatever the server calls it, it is looked for in the folders of copies alone.
            below: Path::new(&snapshot.name).file_name().map(PathBuf::from).unwrap_or_default(),
        });
    }
    gather.end()
}

/// `2024-05-06T07:08:09`, which is UTC, with or without an end that says so.
fn time(text: &str) -> Option<SystemTime> {
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at.into());
    }
    let at: DateTime = text.parse().ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    // [F02]
    #[test]
    fn snapshots_as_the_api_documents_them() {
        let text = r#"{"result":[
            {"name":"travel_locations-1-2026-03-01-02-00-00.snapshot","creation_time":"2026-03-01T02:00:03","size":4096,"checksum":"ab"},
            {"name":"travel_locations-1-2026-03-08-02-00-00.snapshot","creation_time":"2026-03-08T02:00:03Z","size":5000},
            {"name":"old","creation_time":null,"size":1}],"status":"ok","time":0.0001,"usage":null}"#;
        let answer: Answer = serde_json::from_str(text).unwrap();
        let at = |text: &str| SystemTime::from(text.parse::<jiff::Timestamp>().unwrap());
        let look = look(answer, Some(at("2026-03-02T00:00:00Z")));
        assert_eq!((look.all, look.expired, look.complete), (3, 2, true));
        let newest: Vec<_> =
            look.newest.iter().map(|seen| (seen.id.modified, seen.id.size)).collect();
        let want = [
            (at("2026-03-08T02:00:03Z"), 5000),
            (at("2026-03-01T02:00:03Z"), 4096),
            (SystemTime::UNIX_EPOCH, 1),
        ];
        assert_eq!(newest, want);
        for text in ["{}", "[]", "{\"result\":{}}", "{\"result\":[{\"name\":\"a\",\"size\":-1}]}"] {
            assert!(serde_json::from_str::<Answer>(text).is_err(), "{text}");
        }
    }
}
