//! Levels, fields and requests of objects.

use super::*;

#[test]
fn levels_of_json() {
    for (line, wanted) in [
        (r#"{"timestamp": "x", "level": "ERROR", "message": "m"}"#, "error"),
        (r#"{"message": "\"level\": \"ERROR\" ERROR", "level":"info"}"#, "info"),
        (r#"{"level":30,"msg":"x"}"#, "info"),
        (r#"{"level":50}"#, "error"),
        (r#"{"severity":"CRITICAL"}"#, "critical"),
        (r#"{"levelname":"WARNING"}"#, "warning"),
        (r#"{"lvl" : "dbg"}"#, "debug"),
        (r#"{"ctx":{"level":"error"},"level":"info"}"#, "info"),
        (r#"{"ctx":[{"level":"error"}]}"#, "none"),
        (
            r#"{"text":"ERROR","record":{"x":{},"level":{"icon":"x","name":"WARNING","no":30}}}"#,
            "warning",
        ),
        (r#"{"log":{"level":"error"}}"#, "error"),
        (r#"{"log":{"x":1},"level":"error"}"#, "error"),
        (r#"{"level":"loud"}"#, "none"),
        (r#"{"level":"#, "none"),
        (r#"{"a":"unfinished"#, "none"),
        ("{ERROR", "none"),
        ("}", "none"),
        ("{}}}", "none"),
    ] {
        let found =
            level(line.as_bytes(), &Forms::default()).map_or("none", |spot| spot.level.as_str());
        assert_eq!(found, wanted, "{line}");
    }
}

#[test]
fn fields_of_json() {
    let texts = |line: &str| {
        let found = fields(line.as_bytes());
        [found.logger, found.message, found.exception.unwrap_or(b"-")]
            .map(|text| String::from_utf8_lossy(text).into_owned())
    };
    for (line, wanted) in [
        (r#"{"logger":"a.b","message":"m","level":"ERROR"}"#, ["a.b", "m", "-"]),
        (
            r#"{"name":"svc","msg":"m","err":{"type":"TypeError","stack":"s\n at x"}}"#,
            ["svc", "m", "s\\n at x"],
        ),
        (r#"{"message":"m","error":"refused"}"#, ["", "m", "-"]),
        (r#"{"event":"e","exc_info":true,"exception":"Traceback"}"#, ["", "e", "Traceback"]),
        (
            r#"{"text":"t","record":{"exception":{"type":"KeyError","value":"x"},"message":"m","name":"mod"}}"#,
            ["mod", "m", "KeyError"],
        ),
        (r#"{"ctx":{"message":"no"},"message":"yes"}"#, ["", "yes", "-"]),
        (r#"{"message":"unfinished"#, ["", "", "-"]),
    ] {
        assert_eq!(texts(line), wanted, "{line}");
    }
}

/// Client, method, status, bytes and microseconds.
#[test]
fn requests_of_json() {
    for (line, wanted) in [
        (
            r#"{"remote_addr":"10.0.0.1","request":"GET /?a=\"b\" HTTP/1.1","status":"500","body_bytes_sent":"612","request_time":"0.250"}"#,
            "10.0.0.1 GET 500 612 250000",
        ),
        (
            r#"{"level":"info","msg":"handled request","request":{"remote_ip":"10.0.0.1","method":"GET","headers":{"status":"1"}},"duration":0.012,"size":612,"status":200}"#,
            "10.0.0.1 GET 200 612 12000",
        ),
        (
            r#"{"ClientHost":"10.0.0.1","DownstreamContentSize":612,"DownstreamStatus":404,"Duration":1200000,"RequestMethod":"PUT"}"#,
            "10.0.0.1 PUT 404 612 1200",
        ),
        (
            r#"{"method":"GET","response_code":503,"bytes_sent":91,"duration":5,"downstream_remote_address":"10.0.0.1:5"}"#,
            "10.0.0.1 GET 503 91 5000",
        ),
        (
            r#"{"req":{"method":"GET","remoteAddress":"::1"},"res":{"statusCode":200},"responseTime":3}"#,
            "::1 GET 200 0 3000",
        ),
        (r#"{"res":{"statusCode":200},"responseTime":"3.5ms"}"#, " other 200 0 3500"),
        // A state of something else.
        (r#"{"status":200,"msg":"x"}"#, "none"),
        (r#"{"status":"ok","method":"GET"}"#, "none"),
        (r#"{"method":"GET","a":{"status":200}}"#, "none"),
    ] {
        let found =
            request(line.as_bytes(), &Forms::default()).map_or("none".to_owned(), |found| {
                let client = String::from_utf8_lossy(found.client);
                let time = found.micros.map_or("-".to_owned(), |micros| micros.to_string());
                format!(
                    "{client} {} {} {} {time}",
                    found.method.as_str(),
                    found.status,
                    found.bytes
                )
            });
        assert_eq!(found, wanted, "{line}");
    }
}
