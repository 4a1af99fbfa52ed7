//! Redis' protocol (RESP 2), as far as commands and their answers go.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use crate::clients::way::cut;
use crate::failure::{Failure, Reason};

/// A line of an answer: an error, or a length.
const LINE: u64 = 4 << 10;
/// INFO is 5 kB; a server with all its modules and databases stays far below.
const BODY: usize = 1 << 20;
/// What of long texts is read over, beyond what is kept.
const SKIPPED: usize = 4 << 20;
/// Entries of lists within lists, all together.
const ENTRIES: usize = 20_000;
const DEPTH: usize = 8;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Text(String),
    Error(String),
    Number(i64),
    List(Vec<Self>),
    /// There is nothing of this name, or it is not known.
    Nil,
    /// A text that is too long to be kept.
    Long,
}

impl Reply {
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A number, also where it is written as a text.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number as f64),
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    /// A number of things.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Number(number) => u64::try_from(*number).ok(),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    pub fn list(&self) -> &[Self] {
        match self {
            Self::List(list) => list,
            _ => &[],
        }
    }

    /// The value behind a name in a list of names and values, as `XINFO` answers.
    pub fn field(&self, name: &str) -> Option<&Self> {
        let mut pairs = self.list().chunks_exact(2);
        pairs.find_map(|pair| match pair {
            [key, value] if key.text() == Some(name) => Some(value),
            _ => None,
        })
    }
}

/// A command as an array of words.
pub fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    out
}

/// What is left of the room for one answer.
struct Room {
    kept: usize,
    skipped: usize,
    entries: usize,
}

/// One answer. Nothing is made room for by its own word alone.
pub async fn reply(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Reply, Failure> {
    let mut room = Room { kept: BODY, skipped: SKIPPED, entries: ENTRIES };
    // Lists that are not at their end yet, with what is still to come of each.
    let mut open: Vec<(usize, Vec<Reply>)> = Vec::new();
    loop {
        let mut value = match head(from).await? {
            Head::Value(value) => value,
            Head::Text(length) => text(from, length, &mut room).await?,
            Head::List(length) => {
                room.entries = room.entries.checked_sub(length).ok_or_else(too_long)?;
                if open.len() == DEPTH {
                    return Err(not_redis());
                }
                open.push((length, Vec::new()));
                if length > 0 {
                    continue;
                }
                Reply::List(open.pop().unwrap_or_default().1)
            }
        };
        // It may be the last of its list, and that of another.
        loop {
            let Some((left, list)) = open.last_mut() else { return Ok(value) };
            list.push(value);
            *left -= 1;
            if *left > 0 {
                break;
            }
            value = Reply::List(open.pop().unwrap_or_default().1);
        }
    }
}

/// What the first line of a value says.
enum Head {
    Value(Reply),
    Text(usize),
    List(usize),
}

async fn head(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Head, Failure> {
    let line = line(from).await?;
    let (mark, rest) = line.split_at_checked(1).ok_or_else(not_redis)?;
    Ok(match (mark, rest) {
        ("+", rest) => Head::Value(Reply::Text(rest.to_owned())),
        ("-", rest) => Head::Value(Reply::Error(rest.to_owned())),
        (":", rest) => Head::Value(Reply::Number(rest.parse().map_err(|_| not_redis())?)),
        ("$" | "*", "-1") => Head::Value(Reply::Nil),
        ("$", rest) => Head::Text(rest.parse().map_err(|_| not_redis())?),
        ("*", rest) => Head::List(rest.parse().map_err(|_| not_redis())?),
        _ => return Err(not_redis()),
    })
}

/// A text of this length. A long one is read over.
async fn text(
    from: &mut (impl AsyncBufRead + Unpin),
    length: usize,
    room: &mut Room,
) -> Result<Reply, Failure> {
    let torn = || cut(&std::io::ErrorKind::UnexpectedEof.into());
    let kept = room.kept.checked_sub(length);
    let skipped = room.skipped.checked_sub(length);
    if let Some(left) = kept {
        room.kept = left;
    } else {
        room.skipped = skipped.ok_or_else(too_long)?;
    }
    let mut text = Vec::new();
    let all = length as u64 + 2;
    let mut part = from.take(all);
    let read = if kept.is_some() {
        part.read_to_end(&mut text).await.map(|read| read as u64)
    } else {
        tokio::io::copy_buf(&mut part, &mut tokio::io::sink()).await
    };
    if read.map_err(|error| cut(&error))? != all {
        return Err(torn());
    }
    if kept.is_none() {
        return Ok(Reply::Long);
    }
    text.truncate(length);
    Ok(Reply::Text(String::from_utf8_lossy(&text).into_owned()))
}

async fn line(from: &mut (impl AsyncBufRead + Unpin)) -> Result<String, Failure> {
    let mut line = Vec::new();
    let read = from.take(LINE).read_until(b'\n', &mut line).await;
    let length = read.map_err(|error| cut(&error))?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if length as u64 == LINE || line.ends_with(b"\n") => Err(not_redis()),
        None => Err(cut(&std::io::ErrorKind::UnexpectedEof.into())),
    }
}

pub fn too_long() -> Failure {
    Failure::new(Reason::PROTOCOL, "the answer is longer than 1 MiB")
}

pub fn not_redis() -> Failure {
    Failure::new(Reason::PROTOCOL, "the answer is not Redis'")
        .hint("is this the port of Redis, and one without TLS? With TLS write `rediss://`")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(bytes: &[u8]) -> Result<Reply, Failure> {
        reply(&mut &bytes[..]).await
    }

    #[test]
    fn a_command_is_an_array_of_words() {
        assert_eq!(command(&["AUTH", "ö"]), "*2\r\n$4\r\nAUTH\r\n$2\r\nö\r\n".as_bytes());
    }

    #[tokio::test]
    async fn answers_are_texts_or_errors() {
        for (bytes, reply) in [
            ("+OK\r\n", Reply::Text("OK".into())),
            (
                "-NOAUTH Authentication required.\r\n",
                Reply::Error("NOAUTH Authentication required.".into()),
            ),
            ("$5\r\na\r\nb:\r\n", Reply::Text("a\r\nb:".into())),
            ("$0\r\n\r\n", Reply::Text(String::new())),
            (":-7\r\n", Reply::Number(-7)),
            ("$-1\r\n", Reply::Nil),
            ("*-1\r\n", Reply::Nil),
            ("*0\r\n", Reply::List(vec![])),
            (
                "*2\r\n*2\r\n$1\r\na\r\n:1\r\n*1\r\n*0\r\n",
                Reply::List(vec![
                    Reply::List(vec![Reply::Text("a".into()), Reply::Number(1)]),
                    Reply::List(vec![Reply::List(vec![])]),
                ]),
            ),
        ] {
            assert_eq!(read(bytes.as_bytes()).await.unwrap(), reply, "{bytes}");
        }
    }

    #[tokio::test]
    async fn whatever_comes_is_bounded_and_told() {
        let endless = "x".repeat(100_000);
        let nested = "*1\r\n".repeat(100_000);
        let endless_error = format!("-{endless}");
        for (bytes, detail) in [
            ("", "cut"),
            ("+OK", "cut"),
            ("$5\r\nab", "cut"),
            ("\r\n", "not Redis'"),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "not Redis'"),
            ("*1000000000\r\n", "longer than 1 MiB"),
            ("*2\r\n:1\r\n", "cut"),
            (nested.as_str(), "not Redis'"),
            ("*-2\r\n", "not Redis'"),
            ("$-2\r\n", "not Redis'"),
            (":one\r\n", "not Redis'"),
            ("$99999999999999999999\r\n", "not Redis'"),
            ("$1048577\r\n", "cut"),
            ("$18446744073709551615\r\n", "longer than 1 MiB"),
            ("+OK\n", "not Redis'"),
            (endless.as_str(), "not Redis'"),
            (endless_error.as_str(), "not Redis'"),
        ] {
            let failure = read(bytes.as_bytes()).await.unwrap_err();
            assert_eq!(failure.reason, Reason::PROTOCOL, "{failure}");
            assert!(failure.detail.contains(detail), "{detail}: {failure}");
        }
    }

    #[tokio::test]
    async fn a_long_text_in_a_list_is_read_over() {
        let long = "x".repeat(BODY + 1);
        let bytes = format!("*3\r\n$3\r\n1-0\r\n${}\r\n{long}\r\n:7\r\n", long.len());
        let kept = vec![Reply::Text("1-0".into()), Reply::Long, Reply::Number(7)];
        assert_eq!(read(bytes.as_bytes()).await.unwrap(), Reply::List(kept));
        let many = format!("*9\r\n{}", format!("${}\r\n{long}\r\n", long.len()).repeat(9));
        let failure = read(many.as_bytes()).await.unwrap_err();
        assert!(failure.detail.contains("longer than 1 MiB"), "{failure}");
    }

    #[test]
    fn values_stand_behind_their_names() {
        let pair = |name: &str, value| [Reply::Text(name.into()), value];
        let list = [pair("name", Reply::Text("g".into())), pair("lag", Reply::Nil)];
        let group = Reply::List(list.into_iter().flatten().collect());
        assert_eq!(group.field("lag"), Some(&Reply::Nil));
        assert_eq!(group.field("name").and_then(Reply::text), Some("g"));
        assert_eq!(group.field("g"), None);
    }
}
