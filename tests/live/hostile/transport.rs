//! What may come where an answer of HTTP is expected, whatever it should say.

use std::io::Write as _;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::liar::Say;

/// Cases by name; each makes the reading fail for some reason.
pub fn lies() -> Vec<(&'static str, Say)> {
    let ok = "HTTP/1.1 200 OK\r\n";
    let second = Duration::from_secs(1);
    vec![
        ("http: nothing, and the end", Say::bytes("")),
        ("http: nothing, and no end", Say::bytes("").stays()),
        ("http: a head a byte a second", Say::bytes(ok).drip(second)),
        ("http: a body a byte a second", Say::open("").paced(second).forever(" ")),
        (
            "http: 100 Continue without an end",
            Say::bytes("").forever("HTTP/1.1 100 Continue\r\n\r\n"),
        ),
        ("http: headers without an end", Say::bytes(ok).forever("x: aaaaaaaaaaaaaaaaaaaaaaaa\r\n")),
        ("http: one header without an end", Say::bytes(format!("{ok}x: ")).forever("a")),
        ("http: a status line without an end", Say::bytes("HTTP/1.1 200 ").forever("a")),
        ("http: a body of spaces without an end", Say::open("").forever(" ")),
        (
            "http: pieces of a byte without an end",
            Say::headed("transfer-encoding: chunked\r\n", "").forever("1\r\n \r\n"),
        ),
        (
            "http: a piece of 2^64 bytes",
            Say::headed("transfer-encoding: chunked\r\n", "FFFFFFFFFFFFFFFF\r\n").forever(" "),
        ),
        (
            "http: trailers without an end",
            Say::headed("transfer-encoding: chunked\r\n", "1\r\n \r\n0\r\n")
                .forever("x: aaaaaaaa\r\n"),
        ),
        ("http: a length of 2^64", Say::headed("content-length: 18446744073709551615\r\n", "[")),
        (
            "http: a length of 2^63 and bytes",
            Say::headed("content-length: 9223372036854775807\r\n", "").forever(" "),
        ),
        ("http: a length that is not reached", Say::headed("content-length: 100\r\n", "[")),
        ("http: two lengths", Say::headed("content-length: 2\r\ncontent-length: 4\r\n", "[]  ")),
        (
            "http: redirects to itself",
            Say::bytes(
                "HTTP/1.1 302 F\r\nlocation: /\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            ),
        ),
        ("http: gzip of 100 MB", Say::headed("content-encoding: gzip\r\n", bomb())),
        ("http: the preface of HTTP/2", Say::bytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        ("http: bytes without any form, and no end", Say::bytes("").forever("\0\x01\x02\u{ff}")),
        ("http: an answer of TLS", Say::bytes(vec![0x15, 3, 1, 0, 2, 2, 70])),
        ("http: status 999", Say::http(999, "[]")),
        (
            "http: status 500 with a body without an end",
            Say::bytes("HTTP/1.1 500 X\r\n\r\n").forever("a"),
        ),
    ]
}

/// 100 MB of blanks in 100 kB.
fn bomb() -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let block = vec![b' '; 1 << 20];
    for _ in 0..100 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}
