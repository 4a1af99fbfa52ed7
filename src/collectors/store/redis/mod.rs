//! Redis, Valkey and KeyDB: `INFO`, after `AUTH` where there is a login.

mod info;
mod resp;
pub mod sample;

use std::path::PathBuf;
use std::time::SystemTime;

use tokio::io::{AsyncWriteExt as _, BufReader};

use super::way::{Stream, Way, cut};
use super::{AREA, Kind, Store, access, reasons};
use crate::catalogue::Batch;
use crate::clients::fresh::Fresh;
use crate::config::{SafeUrl, Secret};
use crate::engine::{Collector, Target};
use crate::failure::{Failure, Reason};
use crate::plan::Plan;
use resp::Reply;

pub const PORT: u16 = 6379;

pub(super) const KIND: Kind = Kind {
    key: "redis",
    port: PORT,
    example: "redis://127.0.0.1:6379",
    of: |store| store.redis.as_ref(),
    is_address: |url| match url.scheme.as_str() {
        "unix" => url.path.len() > 1,
        scheme => matches!(scheme, "redis" | "rediss") && super::has_host(url),
    },
    mistakes,
    target,
};

fn mistakes(store: &Store, url: &SafeUrl) -> Vec<access::Wrong> {
    let access = &store.access;
    let parsed = url.parse().ok();
    let tls = parsed.as_ref().is_some_and(|url| url.scheme == "rediss");
    let base = SafeUrl::new(if tls { "https://host" } else { "http://host" });
    let mut found = access::mistakes(access, &base, "redis");
    // Without a name it is the password of the user `default`.
    found.retain(|(_, message)| message != "needs `username`");
    for (_, message) in &mut found {
        *message = message.replace("`https://`", "`rediss://`");
    }
    let mut wrong = |key: &str, message: &str| found.push((key.to_owned(), message.to_owned()));
    for key in access.keys().into_iter().filter(|key| is_of_http(key)) {
        wrong(key, "is for HTTP: the password goes into `password_file`");
    }
    let in_url = parsed.is_some_and(|url| url.user.is_some() || url.password.is_some());
    let beside = access.keys().iter().any(|key| key.contains("password") || *key == "username");
    if in_url && beside {
        wrong("redis", "has a login although another one is set, keep one of them");
    }
    if !store.collections.is_empty() {
        wrong("collections", "is for `qdrant` only");
    }
    found
}

pub fn is_of_http(key: &str) -> bool {
    matches!(key, "bearer_token_file" | "header_files")
}

fn target(name: &str, store: &Store, url: &SafeUrl, _: &Plan) -> Target {
    let parsed = url.parse().ok();
    let tls = parsed.as_ref().is_some_and(|url| url.scheme == "rediss");
    let tls = tls.then(|| store.access.tls.clone());
    let in_url = parsed.as_ref().map(|url| (url.user.clone(), url.password.clone()));
    let (user, password) = in_url.unwrap_or_default();
    let file = store.access.password_file.clone();
    let server = Server {
        way: Way::new(parsed.as_ref(), PORT, tls, store.timeout),
        user: user.or_else(|| store.access.username.clone()),
        password: password.or_else(|| store.access.password.clone()),
        secret: Fresh::new(file.iter().cloned().collect()),
        file,
    };
    let settings = (store.identity(), "redis");
    let target = Target::new(&AREA, name, url.to_string(), settings, server);
    target.while_down(Batch::new().with(vec![sample::Up(false)]))
}

/// One server.
struct Server {
    way: Way,
    user: Option<String>,
    password: Option<Secret>,
    file: Option<PathBuf>,
    /// The password by the file as it is now.
    secret: Fresh<Option<Secret>>,
}

impl Server {
    async fn login(&self) -> Result<Option<Secret>, Failure> {
        let Some(file) = self.file.clone() else { return Ok(self.password.clone()) };
        self.secret.get(move || access::read_secret("password_file", &file).map(Some)).await
    }

    /// What to do where it does not let us in.
    fn advice(&self) -> String {
        match (&self.file, &self.password) {
            (Some(file), _) => format!(
                "write the valid password into `password_file` ({}), it is read again by itself",
                file.display()
            ),
            (None, Some(_)) => "correct the password and reload".to_owned(),
            (None, None) => "set `password_file`, with `username` if it has users".to_owned(),
        }
    }

    async fn ask(&self, stream: Box<dyn Stream>, login: Option<Secret>) -> Result<String, Failure> {
        let mut stream = BufReader::new(stream);
        if let Some(password) = login {
            let user = self.user.as_deref();
            let words: Vec<&str> = ["AUTH"].into_iter().chain(user).collect();
            let reply = command(&mut stream, &words, Some(&password)).await?;
            if let Reply::Error(text) = reply {
                return Err(self.refusal(&text));
            }
        }
        match command(&mut stream, &["INFO"], None).await? {
            Reply::Text(text) => Ok(text),
            Reply::Error(text) => Err(self.refusal(&text)),
        }
    }

    /// An error of the server, sorted by its first word. Its text is not repeated.
    fn refusal(&self, text: &str) -> Failure {
        let lower = text.to_lowercase();
        let failure = Failure::new;
        match text.split_whitespace().next().unwrap_or_default() {
            "NOAUTH" => failure(Reason::AUTH, "it wants a password").hint(self.advice()),
            "WRONGPASS" => {
                failure(Reason::AUTH, "the password is not accepted").hint(self.advice())
            }
            "ERR" if lower.contains("auth") || lower.contains("invalid password") => {
                let why = "the login is not accepted: it has no password, or another one";
                failure(Reason::AUTH, why).hint(self.advice())
            }
            "ERR" if lower.contains("max number of clients") => failure(
                reasons::CLIENTS,
                "it takes no more clients (maxclients)",
            )
            .hint(
                "end clients that nobody needs, or raise it: redis-cli CONFIG SET maxclients 20000",
            ),
            "NOPERM" => failure(Reason::RIGHTS, "the user may not ask for INFO")
                .hint("redis-cli ACL SETUSER NAME +info, and +auth"),
            "DENIED" => {
                failure(Reason::RIGHTS, "it is in protected mode and takes only its own machine")
                    .hint("set a password in Redis, or `protected-mode no` behind a firewall")
            }
            "LOADING" => loading(None),
            "BUSY" => failure(reasons::SCRIPT, "a script holds it up, nothing else is answered")
                .hint("redis-cli SCRIPT KILL"),
            _ => failure(Reason::PROTOCOL, "it answers INFO with an error")
                .hint("try it by hand: redis-cli INFO"),
        }
    }
}

/// It answers INFO alone until all is in memory.
fn loading(left: Option<f64>) -> Failure {
    let left = left.map_or_else(String::new, |left| format!(", {left:.0} s are left"));
    Failure::new(reasons::LOADING, format!("it still loads its data{left}"))
        .hint("wait: the larger the file, the longer; redis-cli INFO persistence")
}

/// Sends one command, a secret as its last word, and reads the answer.
async fn command(
    stream: &mut BufReader<Box<dyn Stream>>,
    words: &[&str],
    last: Option<&Secret>,
) -> Result<Reply, Failure> {
    let words: Vec<&str> = words.iter().copied().chain(last.map(Secret::expose)).collect();
    let sent = async {
        stream.write_all(&resp::command(&words)).await?;
        stream.flush().await
    };
    let sent = sent.await;
    // Who is turned away is told so before a word was said, and then nothing can be sent any more.
    match (resp::reply(stream).await, sent) {
        (Err(_), Err(error)) => Err(cut(&error)),
        (reply, _) => reply,
    }
}

impl Collector for Server {
    type Raw = String;

    async fn fetch(&self) -> Result<String, Failure> {
        let login = self.login().await?;
        self.way.within(|stream| self.ask(stream, login)).await
    }

    fn sample(&self, raw: String, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&raw, now)
    }
}
