//! Lines of access logs, as servers write them.

use super::*;

fn brief(found: Option<Request>) -> String {
    found.map_or_else(
        || "none".to_owned(),
        |found| {
            let client = String::from_utf8_lossy(found.client);
            let time = found.micros.map_or("-".to_owned(), |micros| micros.to_string());
            let method = found.method.as_str();
            format!("{client} {method} {} {} {time}", found.status, found.bytes)
        },
    )
}

#[test]
fn lines_of_nginx() {
    let line = |client: &str, rest: &str| format!("{client} [01/Jan/2024:12:00:00 +0000] {rest}");
    for (client, rest, wanted) in [
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 200 612 "-" "curl/8""#, "1.2.3.4 GET 200 612 -"),
        ("::1 - me", r#""POST /a HTTP/2.0" 201 0 "-" "x" 0.123"#, "::1 POST 201 0 123000"),
        (
            "1.2.3.4 - a b",
            r#""GET / HTTP/1.1" 304 - "-" "x" rt=1.5 uct=0.1"#,
            "1.2.3.4 GET 304 0 1500000",
        ),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 200 1 "-" "x" 12 0.120 ."#, "1.2.3.4 GET 200 1 120000"),
        (
            "1.2.3.4 - -",
            r#""GET / HTTP/1.1" 200 1 "-" "x" "9.9.9.9" 0.001"#,
            "1.2.3.4 GET 200 1 1000",
        ),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 200 1 "-" "x" "0.250""#, "1.2.3.4 GET 200 1 250000"),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 200 1 "-" "x" -"#, "1.2.3.4 GET 200 1 -"),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 200 1 "-" "x" 0.1x"#, "1.2.3.4 GET 200 1 -"),
        ("1.2.3.4 - -", r#""GET / HTTP/1.0" 404 9"#, "1.2.3.4 GET 404 9 -"),
        ("1.2.3.4 - -", r#""GET /?q=" 500 1 " HTTP/1.1" 200 12 "-" "-""#, "1.2.3.4 GET 200 12 -"),
        ("1.2.3.4 - -", r#""GET /?q=\x22 500 HTTP/1.1" 200 12 "-" "-""#, "1.2.3.4 GET 200 12 -"),
        ("1.2.3.4 - -", r#""\x16\x03\x01" 400 157 "-" "-""#, "1.2.3.4 other 400 157 -"),
        ("1.2.3.4 - -", r#""" 400 0 "-" "-""#, "1.2.3.4 other 400 0 -"),
        ("1.2.3.4 - -", r#""-" 408 0 "-" "-""#, "1.2.3.4 other 408 0 -"),
        ("1.2.3.4 - -", r#""PROPFIND / HTTP/1.1" 405 0 "-" "-""#, "1.2.3.4 other 405 0 -"),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" ERR"#, "none"),
        ("1.2.3.4 - -", r#""GET / HTTP/1.1" 2000 1"#, "none"),
        ("host - -", r#""GET / HTTP/1.1" 200 1"#, "none"),
        ("1.2.3.4", r#""GET / HTTP/1.1" 200 1"#, "none"),
    ] {
        assert_eq!(brief(nginx(line(client, rest).as_bytes())), wanted, "{rest}");
    }
    for line in
        ["", "1", "2024-01-01 12:00:00,123 [ERROR] x - [", "1.2.3.4 - - [\"", "1.2.3.4 - - ["]
    {
        assert_eq!(nginx(line.as_bytes()), None, "{line}");
    }
}

/// Orders and prefixes of public reports.
#[test]
fn lines_with_a_request_in_quotes() {
    for (line, wanted) in [
        (
            r#"1.2.3.4 - - [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" 0.250 200 612 "-" "x""#,
            "1.2.3.4 GET 200 612 250000",
        ),
        (
            r#"1.2.3.4 - - [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" "0.250" 200 612"#,
            "1.2.3.4 GET 200 612 250000",
        ),
        (
            r#"shop.example.com:443 1.2.3.4 - me [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 612"#,
            "1.2.3.4 GET 200 612 -",
        ),
        (
            r#"1.2.3.4, 10.0.0.1 - - [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 612"#,
            "1.2.3.4 GET 200 612 -",
        ),
        (
            r#"ns.example.com - - [01/Jan/2024:12:00:00 +0000] "GET / HTTP/1.1" 200 612 "-" "x""#,
            "ns.example.com GET 200 612 -",
        ),
        (r#"[25/Apr/2024 05:33:00] "GET /a HTTP/1.1" 404 12"#, " GET 404 12 -"),
        (
            r#"127.0.0.1 - - [25/Apr/2024 05:33:00] "POST / HTTP/1.1" 200 -"#,
            "127.0.0.1 POST 200 0 -",
        ),
        (
            r#"127.0.0.1 [25/Apr/2024:05:33:00 +0000] "GET / HTTP/1.1" 200 168 "-" "x""#,
            "127.0.0.1 GET 200 168 -",
        ),
        (r#": 127.0.0.1 "GET / HTTP/1.1" 200 12 "-" "x" 0.001234"#, "127.0.0.1 GET 200 12 1234"),
        (r#" - [::1]:5 - "GET / HTTP/1.1" 200 OK"#, "::1 GET 200 0 -"),
        (r#"::1:5000 - "GET / HTTP/1.1" 200 OK"#, "::1 GET 200 0 -"),
        // What a program asks of another.
        (r#"https://api.example.com:443 "GET /x HTTP/1.1" 200 None"#, "none"),
        (r#"HTTP Request: POST https://api.example.com "HTTP/1.1 200 OK""#, "none"),
        (r#"*1 open() failed, client: 1.2.3.4, request: "GET / HTTP/1.1", host: "x""#, "none"),
    ] {
        assert_eq!(brief(quoted(line.as_bytes())), wanted, "{line}");
    }
}

#[test]
fn lines_of_uvicorn() {
    for (text, wanted) in [
        (r#"127.0.0.1:5000 - "GET /?x=1 HTTP/1.1" 200 OK"#, "127.0.0.1 GET 200 0 -"),
        (r#"127.0.0.1:5000 - "GET / HTTP/1.1" 500 Internal Server Error"#, "127.0.0.1 GET 500 0 -"),
        (r#"::1:5000 - "PUT / HTTP/1.1" 200"#, "::1 PUT 200 0 -"),
        (r#"127.0.0.1:5000 - "WebSocket /ws" [accepted]"#, "none"),
        ("Started server process [1]", "none"),
        ("", "none"),
    ] {
        assert_eq!(brief(uvicorn(text.as_bytes())), wanted, "{text}");
    }
}
