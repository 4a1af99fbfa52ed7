//! Settings of a database as `libpq` takes them: `host=db user=monitor password='a b'`.

use percent_encoding::utf8_percent_encode;

use super::show::UNRESERVED;
use super::{Fault, Url};

/// Names of settings. A text with another one is no such text, but anything.
const KEYWORDS: &[&str] = &[
    "application_name",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "dbname",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "host",
    "hostaddr",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "port",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "service",
    "servicefile",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "user",
];

/// What a text without `://` says, as an address with nothing but a query.
pub(super) fn parse(text: &str) -> Result<Url, Fault> {
    let mut query = Vec::new();
    let mut rest = text.trim_ascii_start();
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=').ok_or(Fault::Shape)?;
        let name = name.trim_ascii_end();
        if !KEYWORDS.contains(&name) {
            return Err(if query.is_empty() { Fault::Shape } else { Fault::Ambiguous });
        }
        let (value, next) = value(after.trim_ascii_start())?;
        if value.contains('\0') {
            return Err(Fault::Encoding);
        }
        let value = utf8_percent_encode(&value, UNRESERVED).to_string();
        query.push((name.to_owned(), Some(value)));
        rest = next.trim_ascii_start();
    }
    if query.is_empty() {
        return Err(Fault::Shape);
    }
    Ok(Url {
        scheme: "postgresql".to_owned(),
        user: None,
        password: None,
        hosts: Vec::new(),
        path: String::new(),
        query,
        fragment: None,
    })
}

/// The value at the start of a text, and what comes after it. A backslash takes the next character
/// as it is.
fn value(text: &str) -> Result<(String, &str), Fault> {
    let quoted = text.strip_prefix('\'');
    let mut chars = quoted.unwrap_or(text).chars();
    let mut value = String::new();
    loop {
        match (chars.next(), quoted) {
            (Some('\''), Some(_)) => {
                let rest = chars.as_str();
                let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_whitespace());
                // `'a'b` is one value for one reader and two for the next.
                return if ends { Ok((value, rest)) } else { Err(Fault::Ambiguous) };
            }
            (Some('\\'), _) => value.push(chars.next().ok_or(Fault::Ambiguous)?),
            (Some(c), None) if c.is_ascii_whitespace() => return Ok((value, chars.as_str())),
            (Some(c), _) => value.push(c),
            (None, Some(_)) => return Err(Fault::Ambiguous),
            (None, None) => return Ok((value, "")),
        }
    }
}
