//! Proving oneself by HTTP: what is wrong with a description of it, and the headers that follow
//! from it and from its files, which are read again when they change.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::fresh::Fresh;
use super::tls;
use crate::config::{Access, SafeUrl, Secret, Tls};
use crate::failure::{Failure, Reason};

/// Bounds of what is sent with each request.
const MOST_HEADERS: usize = 16;
const LONGEST: usize = 16 << 10;
/// What the request itself is made of.
const OURS: [&str; 7] =
    ["authorization", "connection", "content-length", "host", "te", "transfer-encoding", "upgrade"];
const AGAIN: &str = "it is read again by itself";

/// A mistake at a key.
pub type Wrong = (String, String);

/// All that is wrong with this as the way to the HTTP address at a key, files included.
pub fn mistakes(access: &Access, url: &SafeUrl, url_key: &str) -> Vec<Wrong> {
    let mut found = Vec::new();
    let mut wrong = |key: &str, message: &str| found.push((key.to_owned(), message.to_owned()));
    let password = access.password.is_some() || access.password_file.is_some();
    let url = url.http().ok();
    match (&access.username, password) {
        (Some(_), false) => wrong("username", "needs `password_file` or `password`"),
        (None, true) if access.password.is_some() => wrong("password", "needs `username`"),
        (None, true) => wrong("password_file", "needs `username`"),
        (Some(name), true) if name.contains(':') || name.chars().any(char::is_control) => {
            wrong("username", "must have no `:` and no control characters");
        }
        _ => {}
    }
    if access.password.is_some() && access.password_file.is_some() {
        wrong("password", "must not be set together with `password_file`");
    }
    if access.username.is_some() && access.bearer_token_file.is_some() {
        wrong("bearer_token_file", "must not be set together with `username`");
    }
    let in_url = url.as_ref().is_some_and(|url| url.user.is_some() || url.password.is_some());
    if in_url && (access.username.is_some() || access.bearer_token_file.is_some()) {
        wrong(url_key, "has a login although another one is set, keep one of them");
    }
    if access.header_files.len() > MOST_HEADERS {
        wrong("header_files", "has more than 16 headers");
    }
    for name in access.header_files.keys() {
        if let Some(message) = header_mistake(name) {
            wrong(&format!("header_files.{name}"), message);
        }
    }
    for (key, file) in access.secret_files() {
        if let Some(message) = secret_mistake(file) {
            wrong(&key, &message);
        }
    }
    let plain = url.is_some_and(|url| url.scheme == "http");
    if let Some(key) = access.tls_keys().next().filter(|_| plain) {
        wrong(key, "is for an address with `https://` only");
    }
    found.extend(tls_mistakes(&access.tls));
    found
}

fn header_mistake(name: &str) -> Option<&'static str> {
    match HeaderName::try_from(name) {
        Err(_) => Some("is no name of a header"),
        Ok(name) if name == AUTHORIZATION => Some("use `bearer_token_file` or `username`"),
        Ok(name) if OURS.contains(&name.as_str()) => Some("is a header of the request itself"),
        Ok(_) => None,
    }
}

/// The same of the TLS part alone.
pub fn tls_mistakes(tls: &Tls) -> Vec<Wrong> {
    let mut found: Vec<Wrong> = Vec::new();
    let mut wrong = |key: &str, message: String| found.push((key.to_owned(), message));
    match (&tls.cert_file, &tls.key_file) {
        (Some(_), None) => wrong("cert_file", "needs `key_file`".to_owned()),
        (None, Some(_)) => wrong("key_file", "needs `cert_file`".to_owned()),
        _ => {}
    }
    // An address in numbers is connected to, never asked for by name.
    let is_number = |name: &str| name.parse::<std::net::IpAddr>().is_ok();
    if tls
        .server_name
        .as_deref()
        .is_some_and(|name| is_number(name) || rustls::pki_types::DnsName::try_from(name).is_err())
    {
        wrong("server_name", "expected a name such as `db.example.com`".to_owned());
    }
    let mut unreadable = false;
    for (key, file) in tls.files() {
        if let Err(error) = crate::files::read_small(file) {
            unreadable = true;
            wrong(key, unreadable_file(&error).to_owned());
        }
    }
    if !unreadable && let Err(why) = tls::config(tls) {
        let key = tls.files().map(|(key, _)| key).find(|key| why.starts_with(&format!("`{key}`")));
        let short = why.split_once("): ").map_or(why.as_str(), |(_, short)| short);
        wrong(key.unwrap_or("cert_file"), short.to_owned());
    }
    found
}

/// What is wrong with a file as a secret of one line. Its text is not repeated.
pub fn secret_mistake(file: &Path) -> Option<String> {
    match crate::files::read_small(file) {
        Ok(text) => one_line(&text).err().map(ToOwned::to_owned),
        Err(error) => Some(unreadable_file(&error).to_owned()),
    }
}

fn unreadable_file(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file",
        std::io::ErrorKind::PermissionDenied => "the file may not be read",
        std::io::ErrorKind::InvalidData => "the file is not text",
        _ => "the file cannot be read",
    }
}

/// The one line of a secret, without its end.
fn one_line(text: &str) -> Result<&str, &'static str> {
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("the file is empty"),
        line if line.contains(['\r', '\n', '\0']) => Err("the file has more than one line"),
        line if line.len() > LONGEST => Err("the file is longer than a secret (16 kB)"),
        line => Ok(line),
    }
}

/// The secret of a file that a key names, read now; this blocks.
pub fn read_secret(key: &str, file: &Path) -> Result<Secret, Failure> {
    const FORM: &str = "write the secret there as one line";
    let text = read_secrets(key, file, FORM)?;
    one_line(text.expose()).map(Secret::new).map_err(|why| unusable(key, file, why, FORM))
}

/// The same of a file that has more in it than one; `form` says what is to be written there.
pub fn read_secrets(key: &str, file: &Path, form: &str) -> Result<Secret, Failure> {
    let text = crate::files::read_small(file).map_err(|error| {
        if crate::failure::lacks_files(&error) {
            return Failure::no_files(key);
        }
        unusable(key, file, unreadable_file(&error), form)
    })?;
    Ok(Secret::new(text))
}

fn unusable(key: &str, file: &Path, why: &str, form: &str) -> Failure {
    Failure::new(Reason::AUTH, format!("{}: {why}", named(key, file)))
        .hint(format!("{form} that the exporter's user may read: {AGAIN}"))
}

/// What proves who we are, to be sent with each request.
pub struct Proof {
    access: Access,
    login: Option<(String, Option<Secret>)>,
    headers: Fresh<HeaderMap>,
}

impl Proof {
    /// The login of the address holds where no other is described.
    pub fn new(access: Access, login: Option<(String, Option<Secret>)>) -> Self {
        let headers = Fresh::new(access.secret_files().map(|(_, file)| file.clone()).collect());
        Self { access, login, headers }
    }

    /// The headers, by what the files say now.
    pub async fn headers(&self) -> Result<HeaderMap, Failure> {
        let (access, login) = (self.access.clone(), self.login.clone());
        self.headers.get(move || headers(&access, login)).await
    }

    /// What to do where the server has not accepted it, by the keys and files that are in force.
    pub fn advice(&self) -> String {
        let anew = format!("write a valid one there, {AGAIN}");
        match &self.access {
            Access { bearer_token_file: Some(file), .. } => {
                format!(
                    "the token of `bearer_token_file` ({}) is not accepted: {anew}",
                    file.display()
                )
            }
            Access { password_file: Some(file), .. } => format!(
                "`username` with the password of `password_file` ({}) is not accepted: {anew}",
                file.display()
            ),
            Access { username: Some(_), .. } => {
                "`username` with `password` is not accepted: correct them and reload".to_owned()
            }
            Access { header_files, .. } if !header_files.is_empty() => {
                let files: Vec<_> = header_files
                    .iter()
                    .map(|(name, file)| format!("{name} ({})", file.display()))
                    .collect();
                format!(
                    "the headers of `header_files` are not accepted: {}; {anew}",
                    files.join(", ")
                )
            }
            _ if self.login.is_some() => {
                "the login in the address is not accepted: correct it and reload".to_owned()
            }
            _ => "it wants a login: set `username` and `password_file`, or `bearer_token_file`"
                .to_owned(),
        }
    }
}

fn headers(access: &Access, login: Option<(String, Option<Secret>)>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let basic = match &access.username {
        Some(user) => {
            let file = access.password_file.as_deref();
            let read = file.map(|file| read_secret("password_file", file)).transpose()?;
            Some((user.clone(), read.or_else(|| access.password.clone())))
        }
        None => login,
    };
    if let Some((user, password)) = basic {
        let password = password.as_ref().map_or("", Secret::expose);
        let text = STANDARD.encode(format!("{user}:{password}"));
        headers.insert(AUTHORIZATION, value("`username`", &format!("Basic {text}"))?);
    }
    if let Some(file) = &access.bearer_token_file {
        let token = read_secret("bearer_token_file", file)?;
        let text = format!("Bearer {}", token.expose().trim());
        headers.insert(AUTHORIZATION, value(&named("bearer_token_file", file), &text)?);
    }
    for (name, file) in &access.header_files {
        let key = format!("header_files.{name}");
        let text = read_secret(&key, file)?;
        let known = HeaderName::try_from(name.as_str());
        let unknown = |_| Failure::new(Reason::AUTH, format!("`{key}`: is no name of a header"));
        headers.insert(known.map_err(unknown)?, value(&named(&key, file), text.expose())?);
    }
    Ok(headers)
}

/// A key with its file, for people.
fn named(key: &str, file: &Path) -> String {
    format!("`{key}` ({})", file.display())
}

fn value(whose: &str, text: &str) -> Result<HeaderValue, Failure> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        Failure::new(Reason::AUTH, format!("{whose}: has characters that no header may have"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
