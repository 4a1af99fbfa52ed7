//! Where a database is and how it is reached, from an address such as applications use it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure::Open;
use super::{APPLICATION, CONNECT, Cancel, Session};
use crate::clients::tls;
use crate::config::{SafeUrl, Secret};
use crate::engine::{Failure, Reason};

/// A database: `postgresql[+driver]://user[:password]@host[:port]/database[?sslmode=...]`.
pub struct Address {
    pub host: String,
    pub port: u16,
    pub database: String,
    pub user: String,
    password: Secret,
    config: Config,
    tls: bool,
    root_certificate: Option<PathBuf>,
}

/// What is wrong with the text of an address, if anything.
pub fn mistake(url: &SafeUrl) -> Option<String> {
    Address::parse(url).err().map(|failure| failure.detail)
}

/// Settings that have no meaning here or that are ours to choose are left out, as are those of
/// other drivers: an application's address must work as it is.
const PASSED_ON: [&str; 11] = [
    "user",
    "password",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "options",
    "target_session_attrs",
    "channel_binding",
    "sslnegotiation",
    "tcp_user_timeout",
];

impl Address {
    pub(super) fn parse(url: &SafeUrl) -> Result<Self, Failure> {
        let wrong = |text: &str| Failure::new(Reason::Protocol, text);
        let example = "expected an address such as `postgresql://monitor@127.0.0.1:5432/app`";
        let (scheme, rest) = url.expose().split_once("://").ok_or_else(|| wrong(example))?;
        if !matches!(scheme.split('+').next(), Some("postgres" | "postgresql")) {
            return Err(wrong(example));
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut passed, mut mode, mut root_certificate) = (Vec::new(), "prefer", None);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "sslmode" | "ssl" => mode = value,
                "sslrootcert" if value != "system" => root_certificate = Some(value.into()),
                name if PASSED_ON.contains(&name) => passed.push(format!("{name}={value}")),
                _ => {}
            }
        }
        let tls = match mode {
            // Servers of Debian have a certificate that nobody signed: without being asked to,
            // nothing is encrypted rather than everything refused.
            "disable" | "allow" | "prefer" | "false" => false,
            "require" | "verify-ca" | "verify-full" | "true" => true,
            _ => return Err(wrong("`sslmode` must be `disable`, `require` or `verify-full`")),
        };
        let text = format!("postgresql://{place}?{}", passed.join("&"));
        // Its error may repeat parts of the text.
        let mut config: Config = text.parse().map_err(|_| wrong(example))?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("127.0.0.1");
        }
        let password = config.get_password().map(String::from_utf8_lossy).unwrap_or_default();
        let password = Secret::new(password);
        let host = match (config.get_hosts().first(), config.get_hostaddrs().first()) {
            (Some(Host::Tcp(host)), _) => host.clone(),
            (Some(Host::Unix(path)), _) => path.display().to_string(),
            (None, address) => address.map(ToString::to_string).unwrap_or_default(),
        };
        let user = config.get_user().unwrap_or("postgres").to_owned();
        let database = config.get_dbname().unwrap_or(&user).to_owned();
        let port = config.get_ports().first().copied().unwrap_or(5432);
        config
            .user(&user)
            .dbname(&database)
            .application_name(APPLICATION)
            .connect_timeout(CONNECT)
            .keepalives_idle(Duration::from_mins(1))
            .ssl_mode(if tls { SslMode::Require } else { SslMode::Disable });
        Ok(Self { host, port, database, user, password, config, tls, root_certificate })
    }

    /// Host and port, as `postgres_exporter` has it in its label `server`.
    pub fn server(&self) -> String {
        if self.host.contains(':') {
            return format!("[{}]:{}", self.host, self.port);
        }
        format!("{}:{}", self.host, self.port)
    }

    /// An address from its parts, as the environment of `libpq` gives them.
    pub fn url(host: &str, port: &str, user: &str, database: &str, mode: &str) -> String {
        let (user, database, mode) = (encode(user), encode(database), encode(mode));
        // A folder of a socket cannot stand before the slash.
        let (at, query) = if host.starts_with('/') {
            (String::new(), format!("&host={}&port={}", encode(host), encode(port)))
        } else if host.contains(':') {
            (format!("[{host}]:{port}"), String::new())
        } else {
            (format!("{}:{}", encode(host), encode(port)), String::new())
        };
        format!("postgresql://{user}@{at}/{database}?sslmode={mode}{query}")
    }

    pub fn has_password(url: &SafeUrl) -> bool {
        Self::parse(url).is_ok_and(|address| !address.password.expose().is_empty())
    }

    pub fn database_of(url: &SafeUrl) -> String {
        Self::parse(url).map(|address| address.database).unwrap_or_default()
    }

    pub(super) fn password(&self) -> &Secret {
        &self.password
    }

    /// Logs in. `options`: with limits from the first packet on, so that a log-in that waits
    /// behind a lock on the catalogue ends by itself; poolers refuse them.
    pub(super) async fn open(&self, password: &Secret, options: bool) -> Result<Session, Open> {
        let mut config = self.config.clone();
        if !password.expose().is_empty() {
            config.password(password.expose());
        }
        if options {
            let own = config.get_options().map(|own| format!("{own} ")).unwrap_or_default();
            let limits = "-c lock_timeout=1000 -c statement_timeout=10000";
            config.options(format!("{own}{limits} -c default_transaction_read_only=on"));
        }
        let work = async {
            if self.tls {
                let tls = self.tls()?;
                let (client, connection) = config.connect(tls.clone()).await.map_err(Open::of)?;
                Ok(session(client, connection, Some(tls)))
            } else {
                let (client, connection) = config.connect(NoTls).await.map_err(Open::of)?;
                Ok(session(client, connection, None))
            }
        };
        tokio::time::timeout(CONNECT, work).await.unwrap_or(Err(Open::Late))
    }

    fn tls(&self) -> Result<MakeRustlsConnect, Open> {
        let Some(file) = &self.root_certificate else {
            return Ok(MakeRustlsConnect::new(tls::usual()));
        };
        let config = tls::trusting(file, None).map_err(|why| {
            Open::Failed(Failure::new(Reason::Tls, format!("the file of `sslrootcert`: {why}")))
        })?;
        Ok(MakeRustlsConnect::new(config))
    }
}

fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.server(), self.database)
    }
}

fn session<S>(
    client: tokio_postgres::Client,
    connection: tokio_postgres::Connection<Socket, S>,
    tls: Option<MakeRustlsConnect>,
) -> Session
where
    S: tokio_postgres::tls::TlsStream + Unpin + Send + 'static,
{
    let version = connection.parameter("server_version").unwrap_or_default();
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    let cancel = Cancel { token: client.cancel_token(), tls };
    let major = digits.parse().unwrap_or(0);
    // Its error reaches the query that waits, too.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Session { client, driver, cancel, since: Instant::now(), major }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_from_parts() {
        for (parts, want) in [
            (["db", "5432", "u", "app"], "u db:5432/app"),
            (["/run/pg", "5433", "u@x", "a/b"], "u@x /run/pg:5433/a/b"),
            (["::1", "5432", "u", "база"], "u [::1]:5432/база"),
        ] {
            let [host, port, user, database] = parts;
            let url = SafeUrl::new(Address::url(host, port, user, database, "prefer"));
            let address = Address::parse(&url).unwrap();
            assert_eq!(format!("{} {address}", address.user), want);
        }
    }

    #[test]
    fn addresses_of_applications() {
        for (url, want) in [
            ("postgresql+asyncpg://u:p@db:5555/app", "u db:5555/app false"),
            ("postgres://u@db/app?sslmode=verify-full&pool_size=5", "u db:5432/app true"),
            ("postgresql+asyncpg://u@db/app?ssl=require", "u db:5432/app true"),
            ("postgresql://u@[::1]:5433/app", "u [::1]:5433/app false"),
            ("postgresql://app", "postgres app:5432/postgres false"),
            ("postgresql:///app?host=/run/postgresql&user=u", "u /run/postgresql:5432/app false"),
            ("postgresql:///app", "postgres 127.0.0.1:5432/app false"),
            ("postgresql://u%40x:p%2Fw@db/a%20b", "u@x db:5432/a b false"),
        ] {
            let address = Address::parse(&SafeUrl::new(url)).unwrap();
            assert_eq!(format!("{} {address} {}", address.user, address.tls), want, "{url}");
        }
        for url in ["mysql://u@db/app", "host=db password=hunter2", "postgres://u@db:hunter2/a", ""]
        {
            let message = mistake(&SafeUrl::new(url)).unwrap();
            assert!(!message.contains("hunter2"), "{message}");
        }
        assert!(mistake(&SafeUrl::new("postgres://db/app?sslmode=maybe")).is_some());
    }
}
