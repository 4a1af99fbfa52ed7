//! Somebody who sits where a Postgres was.

use std::time::Duration;

use super::expect::Expect;
use super::liar::{Liar, Manner, Say};
use super::rig::{Patient, Rig};
use super::source::{Lie, Source};
use super::{report, wanted};
use crate::servers::Stack;
use crate::servers::postgres::DATABASE;

const PASSWORD: &str = "correct-horse-battery";

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], &length[..], body].concat()
}

/// The head of a message that claims to be so long.
fn claims(tag: u8, length: u32) -> Vec<u8> {
    [&[tag], &length.to_be_bytes()[..]].concat()
}

fn auth(kind: u32, more: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes()[..], more].concat())
}

fn logged_in() -> Vec<u8> {
    let version = message(b'S', b"server_version\x0015.3\0");
    let key = message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]);
    [auth(0, &[]), version, key, message(b'Z', b"I")].concat()
}

fn notice(text: &str) -> Vec<u8> {
    message(b'N', format!("SNOTICE\0C00000\0M{text}\0\0").as_bytes())
}

fn error(text: &str) -> Vec<u8> {
    message(b'E', format!("SERROR\0C42501\0M{text}\0\0").as_bytes())
}

/// A description of rows with so many columns of text.
fn columns(count: u16) -> Vec<u8> {
    let one =
        [b"a\0".as_slice(), &[0; 6], &25_u32.to_be_bytes(), &[255, 255, 255, 255, 255, 255, 0, 0]]
            .concat();
    message(b'T', &[&count.to_be_bytes()[..], &one.repeat(count.into())].concat())
}

fn row(word: &[u8]) -> Vec<u8> {
    let length = u32::try_from(word.len()).unwrap().to_be_bytes();
    message(b'D', &[&1_u16.to_be_bytes()[..], &length, word].concat())
}

/// At the log-in.
fn doors() -> Vec<(&'static str, Say)> {
    let say = |bytes: Vec<u8>| Say::bytes(bytes);
    let empty = || Say::bytes("");
    let long = "n".repeat(100_000);
    vec![
        ("log-in: an error without an end", say(claims(b'E', 0x7fff_ffff)).forever("a")),
        ("log-in: an error of 100 MB", say(claims(b'E', 100_000_004)).again("a", 100_000_000)),
        ("log-in: an error text of 100 kB", say(error(&long))),
        ("log-in: notices without an end", say(auth(0, &[])).forever(notice("hello"))),
        ("log-in: notices of 100 kB without an end", say(auth(0, &[])).forever(notice(&long))),
        ("log-in: one notice without an end", say(auth(0, &[])).forever(claims(b'N', 0x7fff_ffff))),
        (
            "log-in: parameters without an end",
            say(auth(0, &[])).forever(message(b'S', b"p@@@@@@@@@@@@@@@@\0v\0")).counted(),
        ),
        (
            "log-in: one parameter without an end",
            say([auth(0, &[]), claims(b'S', 0x7fff_ffff)].concat()).forever("a"),
        ),
        (
            "log-in: mechanisms without an end",
            say([claims(b'R', 0x7fff_ffff), 10_u32.to_be_bytes().to_vec()].concat())
                .forever("SCRAM-SHA-1\0"),
        ),
        (
            "log-in: 10,000,000 rounds of SCRAM",
            say(auth(11, b"r=aaaaaaaa,s=QSXCR+Q6sek8bf92,i=10000000")),
        ),
        ("log-in: an unknown way", say(auth(99, &[]))),
        (
            "log-in: the answer to a password twice",
            say([auth(0, &[]), auth(0, &[])].concat()).stays(),
        ),
        ("log-in: a message of length 0", say(claims(b'R', 0)).forever("\0")),
        ("log-in: a message of length 3", say(claims(b'R', 3)).forever("\0")),
        ("log-in: a message of negative length", say(claims(b'R', 0xffff_ffff)).forever("\0")),
        ("log-in: an unknown message", say(claims(b'?', 8)).forever("\0")),
        ("log-in: never ready", say(auth(0, &[])).stays()),
        ("log-in: a byte a second", say(logged_in()).drip(Duration::from_secs(1))),
        ("log-in: HTTP", Say::http(400, "bad request")),
        ("log-in: a greeting of SSH without an end", empty().forever("SSH-2.0-OpenSSH_9.2\r\n")),
        ("log-in: nothing, and the end", empty()),
        ("log-in: nothing, and no end", empty().stays()),
    ]
}

/// After it, in answer to the first query.
fn answers() -> Vec<(&'static str, Say)> {
    let say = |bytes: Vec<u8>| Say::bytes(bytes);
    let rows = || say(columns(1));
    let long = vec![b'w'; 1_000_000];
    vec![
        ("query: 65,535 columns", say(columns(65_535)).stays()),
        ("query: 65,535 columns that are not there", say(message(b'T', &[255, 255]))),
        ("query: descriptions without an end", say(Vec::new()).forever(columns(1000))),
        ("query: rows without an end", rows().forever(row(b"a"))),
        ("query: empty rows without an end", rows().forever(message(b'D', &[0, 0]))),
        ("query: rows of 1 MB without an end", rows().forever(row(&long))),
        (
            "query: a word without an end",
            say([columns(1), claims(b'D', 0x7fff_ffff), vec![0, 1, 0x7f, 0xff, 0xff, 0xf0]]
                .concat())
            .forever("w"),
        ),
        (
            "query: a word of 200 MB",
            say([
                columns(1),
                claims(b'D', 200_000_010),
                vec![0, 1],
                200_000_000_u32.to_be_bytes().to_vec(),
            ]
            .concat())
            .again("w", 200_000_000),
        ),
        (
            "query: a word longer than its row",
            say([columns(1), message(b'D', &[0, 1, 0, 0, 0, 99, 1])].concat()).stays(),
        ),
        (
            "query: a row of 65,535 words",
            rows().forever(message(b'D', &[&[255, 255][..], &vec![255; 4 * 65_535]].concat())),
        ),
        ("query: rows without a description", say(Vec::new()).forever(row(b"a"))),
        ("query: an error without an end", say(claims(b'E', 0x7fff_ffff)).forever("a")),
        ("query: errors without an end", say(Vec::new()).forever(error("no"))),
        ("query: notices without an end", say(Vec::new()).forever(notice("hello"))),
        (
            "query: parameters without an end",
            say(Vec::new()).forever(message(b'S', b"p@@@@@@@@@@@@@@@@\0v\0")).counted(),
        ),
        (
            "query: notifications without an end",
            say(Vec::new())
                .forever(message(b'A', b"\0\0\0\x01channel\0@@@@@@@@@@@@@@@@\0"))
                .counted(),
        ),
        ("query: ends without an end", say(Vec::new()).forever(message(b'C', b"SELECT 1\0"))),
        ("query: ready without an end", say(Vec::new()).forever(message(b'Z', b"I"))),
        ("query: the wish for a copy", say(message(b'G', &[0, 0, 0])).stays()),
        (
            "query: a copy without an end",
            say(message(b'H', &[0, 0, 0])).forever(message(b'd', b"a\n")),
        ),
        ("query: a byte a second", say(columns(1)).drip(Duration::from_secs(1))),
        ("query: never answered", say(Vec::new()).stays()),
    ]
}

fn config(port: u16) -> String {
    format!(
        "postgres:\n  sick: {{ url: \"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/{DATABASE}\", timeout: 3s }}\n"
    )
}

pub async fn play() {
    let real = Stack::postgres().await;
    let well = &["pg_up{target=\"sick\"", "pg_database_size_bytes{target=\"sick\""];
    let patient = Patient { area: "postgres", target: "sick", well };
    let source = Source {
        kind: "postgres",
        honest: Manner::Forward,
        behind: real.port,
        config,
        patient: patient.clone(),
    };
    let queries = answers().into_iter();
    let queries = queries.map(|(name, say)| (name, Manner::Turns(Say::bytes(logged_in()), say)));
    let doors = doors().into_iter().map(|(name, say)| (name, Manner::Raw(say)));
    let lies = doors.chain(queries).map(|(name, lie)| Lie::new(name, lie, Expect::Down(&[])));
    let mut outcomes = source.play(3, lies.collect()).await;
    let name = "log-in: asks for the password as it is";
    if wanted(name) {
        let liar = Liar::start(Manner::Forward(real.port)).await;
        let mut rig = Rig::start("postgres", &config(liar.port), patient).await;
        // What was refused is not sent again at once.
        rig.waits = true;
        let asks = Manner::Turns(Say::bytes(auth(3, &[])), Say::bytes(logged_in()).stays());
        let cure = async || liar.set(Manner::Forward(real.port));
        rig.case(name, Expect::Down(&[]), async || liar.set(asks), cure).await;
        rig.also(!liar.has_heard(PASSWORD), "it has the password now");
        outcomes.extend(rig.finish().await);
    }
    report::finish("postgres", &outcomes);
}
