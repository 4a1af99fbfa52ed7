//! A question to a DNS server, as blackbox_exporter's module of that kind asks it: one name, one type,
//! by UDP or TCP.

use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UdpSocket;

use super::prober::Prober;
use super::reasons;
use super::trace::{Phase, Records, Trace};
use crate::failure::{Failure, Reason};

/// The types that can be asked for, with their numbers.
const TYPES: [(&str, u16); 11] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("CAA", 257),
    ("ANY", 255),
];
const SOA: u16 = 6;
/// What an answer may be.
const MOST: usize = 16 << 10;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    name: Vec<u8>,
    kind: u16,
    tcp: bool,
    /// Codes of the answer that are well.
    codes: Vec<u8>,
}

impl Question {
    /// Or what is wrong with it, with the key.
    pub fn new(
        name: &str,
        kind: &str,
        tcp: bool,
        codes: &[String],
    ) -> Result<Self, (&'static str, String)> {
        let encoded = encode(name).ok_or(("query_name", "is no name of DNS".to_owned()))?;
        let number = TYPES.iter().find(|(word, _)| word.eq_ignore_ascii_case(kind));
        let names: Vec<_> = TYPES.iter().map(|(word, _)| *word).collect();
        let unknown = || ("query_type", format!("must be one of `{}`", names.join("`, `")));
        let (_, number) = number.ok_or_else(unknown)?;
        let known = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
        let code = |word: &String| {
            let at = known.iter().position(|code| code.eq_ignore_ascii_case(word));
            let wrong = || ("valid_rcodes", format!("must be of `{}`", known.join("`, `")));
            at.and_then(|at| u8::try_from(at).ok()).ok_or_else(wrong)
        };
        let codes: Vec<u8> = codes.iter().map(code).collect::<Result<_, _>>()?;
        let codes = if codes.is_empty() { vec![0] } else { codes };
        Ok(Self { name: encoded, kind: *number, tcp, codes })
    }

    fn message(&self, id: u16) -> Vec<u8> {
        let mut message = id.to_be_bytes().to_vec();
        // A question that may be passed on; one of them and nothing else.
        message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        message.extend_from_slice(&self.name);
        message.extend_from_slice(&self.kind.to_be_bytes());
        message.extend_from_slice(&[0, 1]);
        message
    }
}

/// A name as it is sent.
fn encode(name: &str) -> Option<Vec<u8>> {
    let mut encoded = Vec::new();
    for label in name.trim_end_matches('.').split('.').filter(|label| !label.is_empty()) {
        let length = u8::try_from(label.len()).ok().filter(|length| *length < 64)?;
        encoded.push(length);
        encoded.extend_from_slice(label.as_bytes());
    }
    encoded.push(0);
    (encoded.len() <= 255 && name.is_ascii()).then_some(encoded)
}

pub async fn probe(prober: &Prober, trace: &mut Trace, until: Instant) -> Result<(), Failure> {
    let Some(question) = &prober.question else {
        return Err(Failure::new(Reason::OTHER, "there is no question"));
    };
    trace.records = Some(Records::default());
    let cut = |error: std::io::Error| super::connect::failure(&error);
    let seed =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let id = u16::try_from(seed.subsec_nanos() % 65_521).unwrap_or(1);
    let message = question.message(id);
    let place = (prober.place.host.as_str(), prober.place.port);
    let answer = if question.tcp {
        let mut stream = prober.dialer.tcp(place, trace, until).await?;
        trace.enter(Phase::Processing);
        let length = u16::try_from(message.len()).unwrap_or(0);
        stream.write_all(&[&length.to_be_bytes()[..], &message].concat()).await.map_err(cut)?;
        let length = stream.read_u16().await.map_err(cut)?;
        let mut answer = vec![0; usize::from(length).min(MOST)];
        stream.read_exact(&mut answer).await.map_err(cut)?;
        answer
    } else {
        let found = prober.dialer.resolve(place, trace).await?;
        let address = found
            .first()
            .ok_or_else(|| Failure::new(Reason::DNS, "the host name does not resolve"))?;
        trace.protocol = if address.is_ipv4() { 4 } else { 6 };
        trace.enter(Phase::Connect);
        let any: &str = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).await.map_err(cut)?;
        socket.connect(address).await.map_err(cut)?;
        trace.enter(Phase::Processing);
        socket.send(&message).await.map_err(cut)?;
        let mut answer = vec![0; MOST];
        loop {
            let length = socket.recv(&mut answer).await.map_err(cut)?;
            if answer.get(..2) == Some(&id.to_be_bytes()) {
                answer.truncate(length);
                break answer;
            }
        }
    };
    let (code, records) = read(&answer, id).ok_or_else(|| {
        Failure::new(Reason::PROTOCOL, "the answer is not one of DNS to this question")
    })?;
    trace.records = Some(records);
    if question.codes.contains(&code) {
        return Ok(());
    }
    Err(Failure::new(reasons::STATUS, format!("the server answers with code {code}")))
}

/// The code of an answer, and what is in it.
fn read(answer: &[u8], id: u16) -> Option<(u8, Records)> {
    let number = |at: usize| Some(u16::from_be_bytes([*answer.get(at)?, *answer.get(at + 1)?]));
    let flags = number(2)?;
    if number(0)? != id || flags & 0x8000 == 0 {
        return None;
    }
    let (questions, answers, authorities, additional) =
        (number(4)?, number(6)?, number(8)?, number(10)?);
    let mut at = 12;
    for _ in 0..questions.min(4) {
        at = passed(answer, at)? + 4;
    }
    let mut serial = None;
    for _ in 0..answers.saturating_add(authorities).min(64) {
        let Some(head) = passed(answer, at) else { break };
        let (Some(kind), Some(length)) = (number(head), number(head + 8)) else { break };
        let data = head + 10;
        if kind == SOA && serial.is_none() {
            let end = passed(answer, data).and_then(|name| passed(answer, name));
            let bytes = end.and_then(|end| answer.get(end..end + 4));
            serial = bytes.and_then(|bytes| Some(u32::from_be_bytes(bytes.try_into().ok()?)));
        }
        at = data + usize::from(length);
    }
    let code = u8::try_from(flags & 0xf).unwrap_or(0xf);
    let succeeded = true;
    Some((code, Records { answers, authorities, additional, succeeded, serial }))
}

/// The place after a name.
fn passed(answer: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *answer.get(at)? {
            0 => return Some(at + 1),
            length if length & 0xc0 == 0xc0 => return Some(at + 2),
            length => at += usize::from(length) + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_whatever_it_is() {
        let question = Question::new("a.example", "soa", false, &[]).unwrap();
        let message = question.message(7);
        assert_eq!(message.len(), 12 + 11 + 4);
        let mut answer = message.clone();
        answer[2..4].copy_from_slice(&[0x81, 0x83]);
        answer[7] = 1;
        answer.extend_from_slice(&[0xc0, 12, 0, 6, 0, 1, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 1, 2]);
        answer.extend_from_slice(&[0; 16]);
        let (code, records) = read(&answer, 7).unwrap();
        assert_eq!((code, records.answers, records.serial), (3, 1, Some(0x102)));
        assert_eq!(read(&answer, 8), None);
        for length in 0..answer.len() {
            let _ = read(&answer[..length], 7);
        }
        let loops: Vec<u8> = [&answer[..12], &[0xff; 400]].concat();
        let _ = read(&loops, 7);
    }

    #[test]
    fn a_question_is_checked() {
        let wrong = |name: &str, kind: &str, codes: &[&str]| {
            let codes: Vec<_> = codes.iter().map(|code| (*code).to_owned()).collect();
            Question::new(name, kind, false, &codes).err().map(|(key, _)| key)
        };
        assert_eq!(wrong("a", "A", &["NOERROR", "nxdomain"]), None);
        assert_eq!(wrong(&"a".repeat(64), "A", &[]), Some("query_name"));
        assert_eq!(wrong("a", "B", &[]), Some("query_type"));
        assert_eq!(wrong("a", "A", &["FINE"]), Some("valid_rcodes"));
    }
}
