//! The file of `--web.config.file`: TLS, headers and users of our own server, in the format of the
//! Prometheus exporter toolkit, whose docs/web-configuration.md is its source.
//!
//! Here is what the types and the text alone can tell; what needs files is in `http::lock`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bcrypt::HashParts;
use schemars::JsonSchema;
use serde::Deserialize;

use super::problem::{nearest, quote_list};
use super::{Loaded, Problem, Secret};

/// A check takes about a second at this cost, and twice as long with each step more.
pub const MOST_COST: u32 = 14;
/// Longer names stand in no file.
const LONGEST_USER: usize = 255;

/// Who may talk to the exporter, and how.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WebFile {
    /// HTTPS, and the certificates of clients.
    pub tls_server_config: Option<TlsServer>,
    pub http_server_config: Option<HttpServer>,
    /// Names with bcrypt hashes of their passwords; whoever has one of them may see everything.
    pub basic_auth_users: BTreeMap<String, Secret>,
    /// Known to the toolkit only.
    rate_limit: Option<serde_json::Value>,
}

/// HTTPS. Certificates stand in files, or in the text itself (`cert`, `key`, `client_ca`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TlsServer {
    pub cert: Option<Secret>,
    pub key: Option<Secret>,
    pub client_ca: Option<Secret>,
    pub cert_file: Option<PathBuf>,
    pub key_file: Option<PathBuf>,
    pub client_ca_file: Option<PathBuf>,
    /// Whether clients are asked for a certificate, and what it must be. Default: they are not.
    pub client_auth_type: ClientAuth,
    /// Names, addresses or URIs of which a client's certificate must have one.
    pub client_allowed_sans: Option<Vec<String>>,
    pub min_version: Option<Version>,
    pub max_version: Option<Version>,
    /// Names as Go has them, for TLS 1.2; those of TLS 1.3 are always in use, as with Go.
    pub cipher_suites: Vec<String>,
    /// Names as Go has them, in order of preference.
    pub curve_preferences: Vec<String>,
    /// Whether our order of the suites decides, or the client's. Default: ours.
    pub prefer_server_cipher_suites: Option<bool>,
}

/// What is asked of a client's certificate; the names are those of Go's crypto/tls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum ClientAuth {
    #[default]
    NoClientCert,
    /// Asked for, and nothing follows from it.
    RequestClientCert,
    /// One must be there; nobody looks at who signed it.
    RequireAnyClientCert,
    /// An older name of the same.
    RequireClientCert,
    /// One that is there must be signed by `client_ca_file`.
    VerifyClientCertIfGiven,
    /// One must be there, signed by `client_ca_file`.
    RequireAndVerifyClientCert,
}

impl ClientAuth {
    pub fn is_required(self) -> bool {
        matches!(
            self,
            Self::RequireAnyClientCert | Self::RequireClientCert | Self::RequireAndVerifyClientCert
        )
    }

    pub fn is_verified(self) -> bool {
        matches!(self, Self::VerifyClientCertIfGiven | Self::RequireAndVerifyClientCert)
    }
}

/// A version of TLS that can be spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
pub enum Version {
    #[serde(rename = "TLS12")]
    Tls12,
    #[serde(rename = "TLS13")]
    Tls13,
}

/// What is said by HTTP.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HttpServer {
    /// Taken, and without effect: HTTP/1.1 is spoken, which every client of the toolkit speaks.
    pub http2: Option<bool>,
    headers: Option<Headers>,
}

/// Headers of all answers, in place of ours of that name; an empty text is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct Headers {
    #[serde(rename = "Content-Security-Policy")]
    content_security_policy: String,
    #[serde(rename = "X-Frame-Options")]
    x_frame_options: String,
    #[serde(rename = "X-Content-Type-Options")]
    x_content_type_options: String,
    #[serde(rename = "X-XSS-Protection")]
    x_xss_protection: String,
    #[serde(rename = "Strict-Transport-Security")]
    strict_transport_security: String,
}

/// Path, message, and what to write instead.
type Mistake = (String, String, Option<String>);

/// What rustls has of Go's suites up to TLS 1.2, with its number at IANA.
pub const SUITES: [(&str, u16); 6] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", 0xc02b),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", 0xc02c),
    ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca9),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 0xc02f),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 0xc030),
    ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", 0xcca8),
];
/// Go takes these names, and uses the suites whether they are named or not.
const SUITES_OF_13: [&str; 3] =
    ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];
/// What rustls has of Go's curves, with its number at IANA.
pub const CURVES: [(&str, u16); 3] = [("X25519", 29), ("CurveP256", 23), ("CurveP384", 24)];

impl WebFile {
    /// The section with TLS, if it says anything.
    pub fn tls(&self) -> Option<&TlsServer> {
        self.tls_server_config.as_ref().filter(|tls| **tls != TlsServer::default())
    }

    /// The headers that are set, by name.
    pub fn headers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let headers = self.http_server_config.as_ref().and_then(|http| http.headers.as_ref());
        headers.into_iter().flat_map(Headers::all).filter(|(_, value)| !value.is_empty())
    }

    /// What is wrong, as far as the text alone can tell.
    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = self.tls().map_or_else(Vec::new, TlsServer::mistakes);
        for (name, value) in self.headers() {
            if let Some(message) = header_mistake(name, value) {
                found.push((format!("http_server_config.headers.{name}"), message, None));
            }
        }
        for (name, hash) in &self.basic_auth_users {
            if let Some(message) = user_mistake(name).or_else(|| hash_mistake(hash.expose())) {
                let hint =
                    "make one with `stack-exporter password-hash` or `htpasswd -nBC 10 \"\"`";
                found.push((format!("basic_auth_users.{name}"), message, Some(hint.to_owned())));
            }
        }
        if self.rate_limit.is_some() {
            let message =
                "is not supported: connections, requests and log-ins have bounds of their own";
            found.push(("rate_limit".to_owned(), message.to_owned(), Some("remove it".to_owned())));
        }
        found
    }
}

impl Headers {
    fn all(&self) -> [(&'static str, &str); 5] {
        [
            ("Content-Security-Policy", &self.content_security_policy),
            ("X-Frame-Options", &self.x_frame_options),
            ("X-Content-Type-Options", &self.x_content_type_options),
            ("X-XSS-Protection", &self.x_xss_protection),
            ("Strict-Transport-Security", &self.strict_transport_security),
        ]
    }
}

impl TlsServer {
    /// The files that are named, by their keys.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        [
            ("cert_file", &self.cert_file),
            ("key_file", &self.key_file),
            ("client_ca_file", &self.client_ca_file),
        ]
        .into_iter()
        .filter_map(|(key, file)| Some((key, file.as_ref()?)))
    }

    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Vec::new();
        let mut wrong = |key: &str, message: String, hint: Option<String>| {
            found.push((format!("tls_server_config.{key}"), message, hint));
        };
        for (file_key, file, key, text) in [
            ("cert_file", &self.cert_file, "cert", &self.cert),
            ("key_file", &self.key_file, "key", &self.key),
            ("client_ca_file", &self.client_ca_file, "client_ca", &self.client_ca),
        ] {
            match (file, text) {
                (Some(_), Some(_)) => {
                    wrong(key, format!("must not be set together with `{file_key}`"), None);
                }
                (None, None) if file_key != "client_ca_file" => {
                    wrong(file_key, "required key is missing".to_owned(), None);
                }
                _ => {}
            }
        }
        self.client_mistakes(&mut wrong);
        let (least, most) = (self.min_version, self.max_version);
        if let (Some(least), Some(most)) = (least, most)
            && least > most
        {
            wrong("max_version", "is below `min_version`".to_owned(), None);
        }
        let suites: Vec<&str> = SUITES.iter().map(|(name, _)| *name).collect();
        for (index, name) in self.cipher_suites.iter().enumerate() {
            if !suites.contains(&name.as_str()) && !SUITES_OF_13.contains(&name.as_str()) {
                let message = "this suite is not spoken: only those with forward secrecy and authenticated encryption are";
                let known = suites.iter().chain(&SUITES_OF_13).copied();
                wrong(
                    &format!("cipher_suites[{index}]"),
                    message.to_owned(),
                    Some(near(name, known)),
                );
            }
        }
        let curves = || CURVES.iter().map(|(name, _)| *name);
        for (index, name) in self.curve_preferences.iter().enumerate() {
            if !curves().any(|known| known == name) {
                let message = "this curve is not spoken";
                wrong(
                    &format!("curve_preferences[{index}]"),
                    message.to_owned(),
                    Some(near(name, curves())),
                );
            }
        }
        found
    }

    fn client_mistakes(&self, wrong: &mut impl FnMut(&str, String, Option<String>)) {
        let has_ca = self.client_ca_file.is_some() || self.client_ca.is_some();
        let key = if self.client_ca.is_some() { "client_ca" } else { "client_ca_file" };
        if self.client_auth_type.is_verified() && !has_ca {
            let message =
                "needs `client_ca_file`: without it nobody's certificate could be verified";
            wrong("client_auth_type", message.to_owned(), None);
        }
        if self.client_auth_type == ClientAuth::NoClientCert && has_ca {
            let hint = "add `client_auth_type: RequireAndVerifyClientCert`";
            wrong(
                key,
                "has no effect without `client_auth_type`".to_owned(),
                Some(hint.to_owned()),
            );
        }
        if self.client_allowed_sans.is_some() && !self.client_auth_type.is_required() {
            let hint = "set `client_auth_type: RequireAndVerifyClientCert`";
            let message = "has no effect on clients that show no certificate";
            wrong("client_allowed_sans", message.to_owned(), Some(hint.to_owned()));
        }
    }
}

fn near<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("valid values: {}", quote_list(known)),
    }
}

fn header_mistake(name: &str, value: &str) -> Option<String> {
    let known: &[&str] = match name {
        "X-Frame-Options" => &["deny", "sameorigin"],
        "X-Content-Type-Options" => &["nosniff"],
        _ => &[],
    };
    if !known.is_empty() && !known.contains(&value) {
        return Some(format!("must be one of {}", quote_list(known.iter().copied())));
    }
    let bad = http::HeaderValue::try_from(value).is_err();
    bad.then(|| "has characters that no header may have".to_owned())
}

fn user_mistake(name: &str) -> Option<String> {
    let message = match name {
        "" => "a user must have a name",
        _ if name.contains(':') => "a user's name must have no `:`, which ends it in a request",
        _ if name.chars().any(char::is_control) => "a user's name must have no control characters",
        _ if name.len() > LONGEST_USER => "a user's name must have at most 255 bytes",
        _ => return None,
    };
    Some(message.to_owned())
}

fn hash_mistake(hash: &str) -> Option<String> {
    let Ok(parts) = hash.parse::<HashParts>() else {
        let message = "expected the bcrypt hash of a password (60 characters that begin with `$2y$`), \
                       found something else";
        return Some(message.to_owned());
    };
    match parts.get_cost() {
        4..=MOST_COST => None,
        cost => Some(format!(
            "the hash has the cost {cost}, and 4 to {MOST_COST} are taken: at {MOST_COST} each check \
             takes about a second, and twice as long with each step more"
        )),
    }
}

/// Reads the text of the file. `file` is only a name for messages. There is no `${NAME}` in it, as
/// the toolkit has none.
pub fn load(file: &str, text: &str) -> Loaded<WebFile> {
    let mut loaded = super::load_as_is::<WebFile>(file, text);
    let mistakes = loaded.config.as_ref().map(WebFile::mistakes).unwrap_or_default();
    for (path, message, hint) in mistakes {
        // What a mistake already told took out is not missed a second time.
        if !loaded.was_dropped(&path) {
            let problem = Problem::at(&loaded.located, &path, message);
            loaded.problems.push(Problem { hint, ..problem });
        }
    }
    loaded
}

#[cfg(test)]
mod tests;
