//! A command and its answer on MongoDB's wire: one message of the kind `OP_MSG` each.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::bson::{self, Document, Value};
use crate::clients::way::cut;
use crate::failure::{Failure, Reason};

const OP_MSG: i32 = 2013;
const HEAD: usize = 16;
/// A status is 60 kB; a server's own limit is 48 MB.
const MOST: usize = 1 << 20;

/// Runs a command on the database `admin`.
pub async fn run(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    number: i32,
    command: &[(&str, Value)],
) -> Result<Document, Failure> {
    stream.write_all(&written(number, command)).await.map_err(|error| cut(&error))?;
    stream.flush().await.map_err(|error| cut(&error))?;
    let mut head = [0; HEAD];
    stream.read_exact(&mut head).await.map_err(|error| cut(&error))?;
    let length = length(&head, number)?;
    let mut body = Vec::new();
    let read = stream.take(length as u64).read_to_end(&mut body).await;
    if read.map_err(|error| cut(&error))? != length {
        return Err(cut(&std::io::ErrorKind::UnexpectedEof.into()));
    }
    document(&body)
}

fn written(number: i32, command: &[(&str, Value)]) -> Vec<u8> {
    let database = ("$db", Value::Text("admin".to_owned()));
    let body = bson::written(command.iter().chain([&database]));
    let length = i32::try_from(HEAD + 5 + body.len()).unwrap_or(i32::MAX);
    let mut out = Vec::new();
    for word in [length, number, 0, OP_MSG, 0] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    // One section of the kind "body".
    out.push(0);
    out.extend_from_slice(&body);
    out
}

/// How much follows the head of the answer to this request.
fn length(head: &[u8; HEAD], number: i32) -> Result<usize, Failure> {
    let word = |at: usize| {
        let bytes = head.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        i32::from_le_bytes(bytes.unwrap_or_default())
    };
    if word(8) != number || word(12) != OP_MSG {
        return Err(not_mongo());
    }
    let length = usize::try_from(word(0)).ok().and_then(|all| all.checked_sub(HEAD));
    let length = length.ok_or_else(not_mongo)?;
    if length > MOST {
        return Err(Failure::new(Reason::PROTOCOL, "the answer is longer than 1 MiB"));
    }
    Ok(length)
}

/// The document behind the flags; what may follow is a checksum.
fn document(body: &[u8]) -> Result<Document, Failure> {
    let section = body.get(4..).and_then(|rest| rest.split_first());
    let Some((0, document)) = section else { return Err(not_mongo()) };
    bson::read(document).ok_or_else(|| {
        Failure::new(Reason::PARSE, "the answer holds no document that could be understood")
    })
}

fn not_mongo() -> Failure {
    Failure::new(Reason::PROTOCOL, "the answer is not MongoDB's (from version 3.6 on)")
        .hint("is this the port of MongoDB, and one without TLS? With TLS write `?tls=true`")
}

#[cfg(test)]
pub(in super::super) mod tests {
    use super::*;

    /// An answer to this request as a server writes it.
    pub fn answer(number: i32, document: &[(&str, Value)]) -> Vec<u8> {
        let mut out = written(number, document);
        out[4..8].copy_from_slice(&900_i32.to_le_bytes());
        out[8..12].copy_from_slice(&number.to_le_bytes());
        out
    }

    async fn read(bytes: &[u8]) -> Result<Document, Failure> {
        let (mut ours, mut theirs) = tokio::io::duplex(1 << 20);
        theirs.write_all(bytes).await.unwrap();
        let mut asked = vec![0; written(7, &[("hello", Value::Number(1.0))]).len()];
        let server = async move {
            theirs.read_exact(&mut asked).await.unwrap();
            drop(theirs);
        };
        let command = [("hello", Value::Number(1.0))];
        let (answer, ()) = tokio::join!(run(&mut ours, 7, &command), server);
        answer
    }

    #[tokio::test]
    async fn an_answer_is_one_document() {
        let good = answer(7, &[("ok", Value::Number(1.0))]);
        let document = read(&good).await.unwrap();
        assert_eq!(document.number("ok"), Some(1.0));
        let mut with_checksum = good.clone();
        with_checksum.extend_from_slice(&[1, 2, 3, 4]);
        with_checksum[0] += 4;
        assert_eq!(read(&with_checksum).await.unwrap().number("ok"), Some(1.0));
    }

    #[tokio::test]
    async fn whatever_comes_is_bounded_and_told() {
        let good = answer(7, &[("ok", Value::Number(1.0))]);
        let with = |at: usize, bytes: &[u8]| {
            let mut changed = good.clone();
            changed[at..at + bytes.len()].copy_from_slice(bytes);
            changed
        };
        for (bytes, reason, detail) in [
            (vec![], Reason::PROTOCOL, "cut"),
            (good[..20].to_vec(), Reason::PROTOCOL, "cut"),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Reason::PROTOCOL, "not MongoDB's"),
            (with(0, &i32::MAX.to_le_bytes()), Reason::PROTOCOL, "longer than 1 MiB"),
            (with(0, &(-1_i32).to_le_bytes()), Reason::PROTOCOL, "not MongoDB's"),
            (with(0, &3_i32.to_le_bytes()), Reason::PROTOCOL, "not MongoDB's"),
            (with(8, &8_i32.to_le_bytes()), Reason::PROTOCOL, "not MongoDB's"),
            (with(12, &1_i32.to_le_bytes()), Reason::PROTOCOL, "not MongoDB's"),
            (with(20, &[1]), Reason::PROTOCOL, "not MongoDB's"),
            (with(21, &i32::MAX.to_le_bytes()), Reason::PARSE, "no document"),
        ] {
            let failure = read(&bytes).await.err().unwrap_or_else(|| panic!("{bytes:?}"));
            assert_eq!(failure.reason, reason, "{failure}");
            assert!(failure.detail.contains(detail), "{detail}: {failure}");
        }
    }
}
