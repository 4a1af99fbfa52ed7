//! Where a database is and how it is reached, from an address such as applications use it.

use std::path::PathBuf;

use percent_encoding::utf8_percent_encode;
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, SslNegotiation};

use super::APPLICATION;
use super::encryption::{Encryption, Mode};
use super::methods::Methods;
use super::server::{Place, Wanted};
use crate::config::url::{Fault, UNRESERVED, may_be_address};
use crate::config::{SafeUrl, Secret, Url};
use crate::failure::{Failure, Reason};

/// A database: `postgresql[+driver]://user[:password]@host[:port]/database[?sslmode=...]`.
#[derive(Clone, PartialEq)]
pub struct Address {
    /// One or several servers, tried in this order.
    pub places: Vec<Place>,
    pub database: String,
    pub user: String,
    pub(super) wanted: Wanted,
    /// Which ways to prove who we are may be asked of us.
    pub(super) methods: Methods,
    pub(super) encryption: Encryption,
    password: Secret,
    /// A file with passwords, as `libpq` has it.
    pub(super) passfile: Option<PathBuf>,
    options: String,
    binding: Option<ChannelBinding>,
    negotiation: Option<SslNegotiation>,
}

/// What is wrong with the text of an address, if anything.
pub fn mistake(url: &SafeUrl) -> Option<String> {
    Address::parse(url).err().map(|failure| failure.detail)
}

const EXAMPLE: &str = "expected an address such as `postgresql://monitor@127.0.0.1:5432/app`";

fn wrong(text: impl Into<String>) -> Failure {
    Failure::new(Reason::PROTOCOL, text)
}

/// What the parameters of an address say. Those that have no meaning here or that are ours to
/// choose are left out, as are those of other drivers: an application's address must work as it is.
#[derive(Default)]
struct Settings {
    user: Option<String>,
    password: Option<String>,
    database: Option<String>,
    hosts: Vec<String>,
    addresses: Vec<String>,
    ports: Vec<u16>,
    encryption: Encryption,
    passfile: Option<PathBuf>,
    options: String,
    wanted: Wanted,
    methods: Methods,
    binding: Option<ChannelBinding>,
    negotiation: Option<SslNegotiation>,
}

impl Settings {
    fn of(url: &Url) -> Result<Self, Failure> {
        let mut settings = Self::default();
        for (name, value) in url.parameters().map_err(|fault| wrong(fault.to_string()))? {
            settings.set(&name, value)?;
        }
        let Encryption { certificate, key, .. } = &settings.encryption;
        if certificate.is_some() != key.is_some() {
            return Err(wrong("`sslcert` and `sslkey` must be set together"));
        }
        Ok(settings)
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), Failure> {
        let list = |text: &str| text.split(',').map(str::to_owned).collect();
        let filled = Some(&value).filter(|value| !value.is_empty()).cloned();
        match name {
            "user" => self.user = filled,
            "password" => self.password = filled,
            "dbname" => self.database = filled,
            "host" => self.hosts = list(&value),
            "hostaddr" => self.addresses = list(&value),
            "port" => {
                let ports = value.split(',').map(|port| port.parse().ok().filter(|port| *port > 0));
                let ports: Option<_> = ports.collect();
                self.ports = ports.ok_or_else(|| wrong("`port` must be a number"))?;
            }
            "sslmode" | "ssl" => {
                let mode = filled.map_or(Some(Mode::default()), |name| Mode::of(&name));
                let unknown = || wrong(format!("`sslmode` must be {}", Mode::NAMES));
                self.encryption.mode = mode.ok_or_else(unknown)?;
            }
            "sslrootcert" if value != "system" => {
                self.encryption.authority = filled.map(Into::into);
            }
            "sslcert" => self.encryption.certificate = filled.map(Into::into),
            "sslkey" => self.encryption.key = filled.map(Into::into),
            "passfile" => self.passfile = filled.map(Into::into),
            "options" => self.options = value,
            "target_session_attrs" => {
                self.wanted = Wanted::of(&value).ok_or_else(|| {
                    wrong(format!("`target_session_attrs` must be one of {}", Wanted::NAMES))
                })?;
            }
            "require_auth" => {
                self.methods = Methods::of(&value).ok_or_else(|| {
                    wrong(format!("`require_auth` must be a list of {}", Methods::NAMES))
                })?;
            }
            "channel_binding" => {
                self.binding = Some(match value.as_str() {
                    "disable" => ChannelBinding::Disable,
                    "prefer" => ChannelBinding::Prefer,
                    "require" => ChannelBinding::Require,
                    _ => {
                        let text = "`channel_binding` must be `disable`, `prefer` or `require`";
                        return Err(wrong(text));
                    }
                });
            }
            "sslnegotiation" => {
                self.negotiation = Some(match value.as_str() {
                    "postgres" => SslNegotiation::Postgres,
                    "direct" => SslNegotiation::Direct,
                    _ => return Err(wrong("`sslnegotiation` must be `postgres` or `direct`")),
                });
            }
            _ => {}
        }
        Ok(())
    }
}

impl Address {
    pub(super) fn parse(url: &SafeUrl) -> Result<Self, Failure> {
        let url = url.parse().map_err(|fault| match fault {
            Fault::Shape => wrong(EXAMPLE),
            fault => wrong(fault.to_string()),
        })?;
        if !url.is_database() {
            return Err(wrong(EXAMPLE));
        }
        let settings = Settings::of(&url)?;
        let places = Place::all(&url, &settings.hosts, &settings.addresses, &settings.ports)?;
        let text = |found: Option<String>| found.filter(|text| !text.is_empty());
        let user = settings.user.or(text(url.user)).unwrap_or_else(|| "postgres".to_owned());
        let in_path = url.path.strip_prefix('/').unwrap_or_default();
        let in_path = crate::config::url::decode(in_path).map_err(|it| wrong(it.to_string()))?;
        let database = settings.database.or(text(Some(in_path))).unwrap_or_else(|| user.clone());
        // `libpq` would take it for an address, with a password perhaps, and it goes into labels.
        if may_be_address(&database) {
            return Err(wrong("the name of the database must not have `=` or `://` in it"));
        }
        let password = settings.password.map(Secret::new).or(url.password).unwrap_or_default();
        Ok(Self {
            places,
            database,
            user,
            wanted: settings.wanted,
            methods: settings.methods,
            encryption: settings.encryption,
            password,
            passfile: settings.passfile,
            options: settings.options,
            binding: settings.binding,
            negotiation: settings.negotiation,
        })
    }

    /// Host and port, as `postgres_exporter` has it in its label `server`; of several servers all, while
    /// none of them has been reached.
    pub fn server(&self) -> String {
        let places: Vec<_> = self.places.iter().map(ToString::to_string).collect();
        places.join(",")
    }

    /// An address from its parts, as the environment of `libpq` gives them.
    pub fn url(host: &str, port: &str, user: &str, database: &str, mode: &str) -> String {
        let encode = |text: &str| utf8_percent_encode(text, UNRESERVED).to_string();
        let (host, port, user) = (encode(host), encode(port), encode(user));
        let (database, mode) = (encode(database), encode(mode));
        format!("postgresql:///{database}?user={user}&host={host}&port={port}&sslmode={mode}")
    }

    /// The address in this text, if it is one.
    pub fn of(url: &SafeUrl) -> Option<Self> {
        Self::parse(url).ok()
    }

    pub fn has_password(url: &SafeUrl) -> bool {
        Self::parse(url).is_ok_and(|address| !address.password.expose().is_empty())
    }

    pub fn database_of(url: &SafeUrl) -> String {
        Self::parse(url).map(|address| address.database).unwrap_or_default()
    }

    /// The same server and role, another database.
    pub(super) fn of_database(&self, name: &str) -> Self {
        Self { database: name.to_owned(), ..self.clone() }
    }

    pub(super) fn password(&self) -> &Secret {
        &self.password
    }

    /// What the driver is told. Where the server is, it is not: that is connected to already.
    /// `limits`: from the first packet on, so that a log-in that waits behind a lock on the
    /// catalogue ends by itself; poolers refuse them.
    pub(super) fn config(&self, password: &Secret, limits: bool) -> Config {
        let mut config = Config::new();
        config.user(&self.user).dbname(&self.database).application_name(APPLICATION);
        if let Some(binding) = self.binding {
            config.channel_binding(binding);
        }
        if let Some(negotiation) = self.negotiation {
            config.ssl_negotiation(negotiation);
        }
        if !password.expose().is_empty() {
            config.password(password.expose());
        }
        let mut options = self.options.clone();
        if limits {
            // Ours come last and hold. The search path: what the owner of the database has set is
            // never in force, see `statement`.
            options.push_str(
                " -c lock_timeout=1000 -c statement_timeout=10000 \
                 -c search_path=pg_catalog,pg_temp",
            );
            // It would be taken for the answer to the question which kind of server this is.
            if !self.wanted.asks_whether_read_only() {
                options.push_str(" -c default_transaction_read_only=on");
            }
        }
        let options = options.trim_start();
        if !options.is_empty() {
            config.options(options);
        }
        config
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.server(), self.database)
    }
}

#[cfg(test)]
mod tests;
