//! Redis' protocol (RESP), as far as one command and its answer go.

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _};

use super::cut;
use crate::failure::{Failure, Reason};

/// A line of an answer: an error, or a length.
const LINE: u64 = 4 << 10;
/// INFO is 5 kB; a server with all its modules and databases stays far below.
const BODY: usize = 1 << 20;

#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    Text(String),
    Error(String),
}

/// A command as an array of words.
pub fn command(words: &[&str]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
    out
}

/// One answer. Nothing is made room for by its own word alone.
pub async fn reply(from: &mut (impl AsyncBufRead + Unpin)) -> Result<Reply, Failure> {
    let line = line(from).await?;
    let (mark, rest) = line.split_at_checked(1).ok_or_else(not_redis)?;
    match mark {
        "+" => Ok(Reply::Text(rest.to_owned())),
        "-" => Ok(Reply::Error(rest.to_owned())),
        // A text of this length.
        "$" => {
            let length = rest.parse::<usize>().map_err(|_| not_redis())?;
            if length > BODY {
                return Err(Failure::new(Reason::PROTOCOL, "the answer is longer than 1 MiB"));
            }
            let mut text = Vec::new();
            let all = length as u64 + 2;
            let read = from.take(all).read_to_end(&mut text).await;
            if read.map_err(|error| cut(&error))? as u64 != all {
                return Err(cut(&std::io::ErrorKind::UnexpectedEof.into()));
            }
            text.truncate(length);
            Ok(Reply::Text(String::from_utf8_lossy(&text).into_owned()))
        }
        _ => Err(not_redis()),
    }
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

fn not_redis() -> Failure {
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
        ] {
            assert_eq!(read(bytes.as_bytes()).await.unwrap(), reply, "{bytes}");
        }
    }

    #[tokio::test]
    async fn whatever_comes_is_bounded_and_told() {
        let endless = "x".repeat(100_000);
        let endless_error = format!("-{endless}");
        for (bytes, detail) in [
            ("", "cut"),
            ("+OK", "cut"),
            ("$5\r\nab", "cut"),
            ("\r\n", "not Redis'"),
            ("HTTP/1.1 400 Bad Request\r\n\r\n", "not Redis'"),
            ("*1000000000\r\n", "not Redis'"),
            ("$-1\r\n", "not Redis'"),
            ("$99999999999999999999\r\n", "not Redis'"),
            ("$1048577\r\n", "longer than 1 MiB"),
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
}
