//! Redis, Valkey and KeyDB: a new connection for each reading, so that it is seen whether one gets in.

pub mod reasons;
pub mod resp;

use std::path::PathBuf;

use tokio::io::{AsyncWriteExt as _, BufReader};

use super::access;
use super::fresh::Fresh;
use super::way::{Stream, Way, cut};
use crate::config::{Access, Dur, SafeUrl, Secret, Url};
use crate::failure::{Failure, Reason};
pub use resp::Reply;

pub const PORT: u16 = 6379;

/// Whether an address is one of Redis.
pub fn is_address(url: &Url) -> bool {
    match url.scheme.as_str() {
        "unix" => url.path.len() > 1,
        scheme => {
            let one = matches!(url.hosts.as_slice(), [host] if !host.name.is_empty());
            matches!(scheme, "redis" | "rediss") && one
        }
    }
}

/// What of a login and of TLS cannot be meant; `key` is that of the address.
pub fn mistakes(access: &Access, url: &SafeUrl, key: &str) -> Vec<access::Wrong> {
    let parsed = url.parse().ok();
    let tls = parsed.as_ref().is_some_and(|url| url.scheme == "rediss");
    let base = SafeUrl::new(if tls { "https://host" } else { "http://host" });
    let mut found = access::mistakes(access, &base, key);
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
        wrong(key, "has a login although another one is set, keep one of them");
    }
    found
}

fn is_of_http(key: &str) -> bool {
    matches!(key, "bearer_token_file" | "header_files")
}

/// One server, and how to log in there.
pub struct RedisClient {
    way: Way,
    user: Option<String>,
    password: Option<Secret>,
    file: Option<PathBuf>,
    /// The password by the file as it is now.
    secret: Fresh<Option<Secret>>,
    /// What a user of an access list has to be allowed, as Redis writes it: `+info`.
    rights: &'static str,
}

impl RedisClient {
    pub fn new(
        url: &SafeUrl,
        access: &Access,
        deadline: Option<Dur>,
        rights: &'static str,
    ) -> Self {
        let parsed = url.parse().ok();
        let tls = parsed.as_ref().is_some_and(|url| url.scheme == "rediss");
        let tls = tls.then(|| access.tls.clone());
        let in_url = parsed.as_ref().map(|url| (url.user.clone(), url.password.clone()));
        let (user, password) = in_url.unwrap_or_default();
        let file = access.password_file.clone();
        Self {
            way: Way::new(parsed.as_ref(), PORT, tls, deadline),
            user: user.or_else(|| access.username.clone()),
            password: password.or_else(|| access.password.clone()),
            secret: Fresh::new(file.iter().cloned().collect()),
            file,
            rights,
        }
    }

    /// A conversation on a new connection, logged in.
    pub async fn within<T>(
        &self,
        talk: impl AsyncFnOnce(&mut Session) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let login = self.login().await?;
        let talked = self.way.within(|stream| async move {
            let mut session = Session { stream: BufReader::new(stream) };
            if let Some(password) = login {
                let user = self.user.as_deref();
                let words: Vec<&str> = ["AUTH"].into_iter().chain(user).collect();
                let reply = session.command(&words, Some(&password)).await?;
                if let Reply::Error(text) = reply {
                    return Err(self.refusal(&text));
                }
            }
            talk(&mut session).await
        });
        talked.await
    }

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

    /// An error of the server, sorted by its first word. Its text is not repeated.
    pub fn refusal(&self, text: &str) -> Failure {
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
            "NOPERM" => failure(Reason::RIGHTS, "the user may not ask for it")
                .hint(format!("redis-cli ACL SETUSER NAME {}, and +auth", self.rights)),
            "DENIED" => {
                failure(Reason::RIGHTS, "it is in protected mode and takes only its own machine")
                    .hint("set a password in Redis, or `protected-mode no` behind a firewall")
            }
            "LOADING" => loading(None),
            "BUSY" => failure(reasons::SCRIPT, "a script holds it up, nothing else is answered")
                .hint("redis-cli SCRIPT KILL"),
            _ => failure(Reason::PROTOCOL, "it answers with an error")
                .hint("try it by hand: redis-cli INFO"),
        }
    }
}

/// It answers INFO alone until all is in memory.
pub fn loading(left: Option<f64>) -> Failure {
    let left = left.map_or_else(String::new, |left| format!(", {left:.0} s are left"));
    Failure::new(reasons::LOADING, format!("it still loads its data{left}"))
        .hint("wait: the larger the file, the longer; redis-cli INFO persistence")
}

/// A connection to a server that let us in.
pub struct Session {
    stream: BufReader<Box<dyn Stream>>,
}

impl Session {
    /// The answer to one command.
    pub async fn ask(&mut self, words: &[&str]) -> Result<Reply, Failure> {
        self.command(words, None).await
    }

    /// The answers to several commands, in their order, sent at once.
    pub async fn ask_all(&mut self, commands: &[Vec<&str>]) -> Result<Vec<Reply>, Failure> {
        let bytes: Vec<u8> = commands.iter().flat_map(|words| resp::command(words)).collect();
        let sent = self.send(&bytes).await;
        let mut replies = Vec::with_capacity(commands.len());
        for _ in commands {
            match (resp::reply(&mut self.stream).await, &sent) {
                (Err(_), Err(error)) => return Err(cut(error)),
                (reply, _) => replies.push(reply?),
            }
        }
        Ok(replies)
    }

    /// Sends one command, a secret as its last word, and reads the answer.
    async fn command(&mut self, words: &[&str], last: Option<&Secret>) -> Result<Reply, Failure> {
        let words: Vec<&str> = words.iter().copied().chain(last.map(Secret::expose)).collect();
        let sent = self.send(&resp::command(&words)).await;
        // Who is turned away is told so before a word was said, and then nothing can be sent any more.
        match (resp::reply(&mut self.stream).await, sent) {
            (Err(_), Err(error)) => Err(cut(&error)),
            (reply, _) => reply,
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }
}
