//! Archives made for tests.

use std::io::Write as _;

use super::mongo;

/// One of mongodump, as its specification has it: two collections, whose segments alternate.
pub fn mongodump() -> Vec<u8> {
    let mut archive = mongo::MAGIC.to_vec();
    archive.extend(document(&[
        ("concurrent_collections", Value::Int(4)),
        ("version", Value::Text("0.1")),
    ]));
    for name in ["places", "users"] {
        archive.extend(document(&[
            ("db", Value::Text("travel")),
            ("collection", Value::Text(name)),
            ("metadata", Value::Text("{\"indexes\":[]}")),
            ("size", Value::Int(3)),
            ("type", Value::Text("collection")),
        ]));
    }
    archive.extend(document(&[
        ("db", Value::Text("travel")),
        ("collection", Value::Text("open")),
        ("metadata", Value::Text("{\"viewOn\":\"places\"}")),
        ("type", Value::Text("view")),
    ]));
    archive.extend([0xff; 4]);
    let one = |text| document(&[("_id", Value::Int(7)), ("name", Value::Text(text))]);
    let (a, b, c) = (one("Chiang Mai"), one("วัดพระธาตุดอยสุเทพ"), one("somebody"));
    for (name, documents) in [("places", &a), ("users", &c), ("places", &b)] {
        archive.extend(segment(name, None, documents));
    }
    archive.extend(segment("users", Some(mongo::crc(&c)), &[]));
    archive.extend(segment("places", Some(mongo::crc(&[a, b].concat())), &[]));
    archive
}

fn segment(collection: &str, ends: Option<u64>, documents: &[u8]) -> Vec<u8> {
    let header = document(&[
        ("db", Value::Text("travel")),
        ("collection", Value::Text(collection)),
        ("EOF", Value::Bool(ends.is_some())),
        ("CRC", Value::Long(ends.unwrap_or(0))),
    ]);
    [&header, documents, &[0xff; 4]].concat()
}

enum Value<'a> {
    Text(&'a str),
    Int(i32),
    Long(u64),
    Bool(bool),
}

fn document(fields: &[(&str, Value)]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let (kind, bytes) = match value {
            Value::Text(text) => {
                let length = i32::try_from(text.len() + 1).unwrap().to_le_bytes();
                (2, [&length, text.as_bytes(), &[0]].concat())
            }
            Value::Int(number) => (16, number.to_le_bytes().to_vec()),
            Value::Long(number) => (18, number.to_le_bytes().to_vec()),
            Value::Bool(yes) => (8, vec![u8::from(*yes)]),
        };
        body.push(kind);
        body.extend(name.as_bytes());
        body.push(0);
        body.extend(bytes);
    }
    body.push(0);
    let length = i32::try_from(body.len() + 4).unwrap().to_le_bytes();
    [&length[..], &body].concat()
}

/// What a program makes of this.
pub fn piped(program: &str, args: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = std::process::Command::new(program)
        .args(args)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{program}");
    output.stdout
}

/// The script of pg_dump, of this many rows.
pub fn script(rows: usize) -> Vec<u8> {
    let mut text = String::from(
        "--\n-- PostgreSQL database dump\n--\n\n-- Dumped from database version 15.14\n\n",
    );
    text += "COPY public.t (id, name) FROM stdin;\n";
    for row in 0..rows {
        text += &format!("{row}\tname of {}\n", row.wrapping_mul(2_654_435_761) % 1_000_003);
    }
    text += "\\.\n\n\n--\n-- PostgreSQL database dump complete\n--\n\n";
    text.into_bytes()
}
