//! One kept connection to a bus, and the three calls that are made on it. All of them only read.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;
use zbus::{Connection, DynamicType, Error, OwnedVariant, Type, Variant, fdo};

use super::fetch::Property;
use super::socket::Bounded;
use crate::failure::{Failure, Reason};

const MANAGER: &str = "org.freedesktop.systemd1";
const ROOT: &str = "/org/freedesktop/systemd1";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
/// A log-in takes a millisecond. What is slower than a call may be has no time left to answer one.
const LIMIT: Duration = Duration::from_secs(2);

const NO_BUS: &str = "where systemd runs, the socket is /run/dbus/system_bus_socket; in a container mount it: \
                      `volumes: [\"/run/dbus/system_bus_socket:/run/dbus/system_bus_socket:ro\"]`";
const NO_RIGHT: &str = "the system bus lets everybody read; a user's bus lets its user alone in: run the exporter as that user";
const NO_SYSTEMD: &str = "something listens there, but no systemd: is it the bus of a container, or of a machine with another init?";

/// A session on a bus.
pub struct Bus(Connection);

/// A call that was answered by an error concerns the thing that was asked about; after all others
/// the connection is of no more use.
pub struct Refused {
    pub failure: Failure,
    pub answered: bool,
}

impl Bus {
    pub async fn connect(path: &Path) -> Result<Self, Failure> {
        let what = path.display().to_string();
        let begin = async {
            let stream =
                UnixStream::connect(path).await.map_err(|error| unreachable(&what, &error))?;
            let builder = zbus::connection::Builder::socket(Bounded(stream));
            let connection = builder.build().await.map_err(|error| shut_out(&what, &error))?;
            Ok(Self(connection))
        };
        match tokio::time::timeout(LIMIT, begin).await {
            Ok(done) => done,
            Err(_) => Err(Failure::new(Reason::TIMEOUT, format!("{what}: no log-in within 2 s"))
                .hint("the bus hangs: `systemctl status dbus` and `busctl status` on the machine")),
        }
    }

    /// A method of the manager.
    pub async fn manager<T>(
        &self,
        method: &'static str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<T, Refused>
    where
        T: DeserializeOwned + Type,
    {
        self.call(ROOT, "org.freedesktop.systemd1.Manager", method, method, body).await
    }

    /// A property of an object: one number or word.
    pub async fn property(
        &self,
        path: &str,
        interface: &str,
        name: &'static str,
    ) -> Result<Option<Property>, Refused> {
        let body = (interface, name);
        let value: OwnedVariant = self.call(path, PROPERTIES, "Get", name, &body).await?;
        Ok(match &*value {
            Variant::U32(number) => Some(Property::Number(u64::from(*number))),
            Variant::U64(number) => Some(Property::Number(*number)),
            Variant::I32(number) => u64::try_from(*number).ok().map(Property::Number),
            Variant::Bool(yes) => Some(Property::Number(u64::from(*yes))),
            Variant::Str(text) => Some(Property::Text(text.as_str().to_owned())),
            _ => None,
        })
    }

    /// A property of the manager.
    pub async fn of_manager(&self, name: &'static str) -> Result<Option<Property>, Refused> {
        self.property(ROOT, "org.freedesktop.systemd1.Manager", name).await
    }

    async fn call<T>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        what: &str,
        body: &(impl Serialize + DynamicType),
    ) -> Result<T, Refused>
    where
        T: DeserializeOwned + Type,
    {
        let call = self.0.call_method(Some(MANAGER), path, Some(interface), method, body);
        let answer = call.await.map_err(|error| told(what, &error))?;
        answer.body().deserialize().map_err(|_| Refused {
            failure: Failure::new(Reason::PARSE, format!("{what}: an answer of another type"))
                .hint(NO_SYSTEMD),
            answered: false,
        })
    }
}

fn unreachable(what: &str, error: &io::Error) -> Failure {
    let failure = Failure::io(what, error);
    let hint = if failure.reason == Reason::RIGHTS { NO_RIGHT } else { NO_BUS };
    failure.hint(hint)
}

/// A bus takes anybody's log-in, and hangs up on whom it does not want before it answers anything.
fn shut_out(what: &str, error: &Error) -> Failure {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    match error {
        Error::InputOutput(error)
            if matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof) =>
        {
            let text = format!("{what}: the bus hangs up after the log-in");
            Failure::new(Reason::RIGHTS, text).hint(NO_RIGHT)
        }
        _ => told(what, error).failure,
    }
}

/// What went wrong, in our own words: those of the peer may be anything.
fn told(what: &str, error: &Error) -> Refused {
    let of = |reason, text: &str| Failure::new(reason, format!("{what}: {text}"));
    let (failure, answered) = match error {
        Error::InputOutput(error) => (Failure::io(what, error).hint(NO_SYSTEMD), false),
        Error::Handshake(text) if text.contains("rejected") => {
            (of(Reason::RIGHTS, "the bus does not let this user in").hint(NO_RIGHT), false)
        }
        Error::Handshake(_) => {
            (of(Reason::PROTOCOL, "no log-in as D-Bus has it").hint(NO_SYSTEMD), false)
        }
        Error::FDO(error) => named(error, &of),
        Error::MethodError(name, ..) if name.as_str().ends_with(".NoSuchUnit") => {
            (of(Reason::NOT_FOUND, "there is no such unit"), true)
        }
        Error::MethodError(..) => (of(Reason::OTHER, "systemd answered with an error"), true),
        _ => (of(Reason::PROTOCOL, "an answer that is not D-Bus").hint(NO_SYSTEMD), false),
    };
    Refused { failure, answered }
}

fn named(error: &fdo::Error, of: &dyn Fn(Reason, &str) -> Failure) -> (Failure, bool) {
    use fdo::Error as Named;
    match error {
        Named::AccessDenied(_) | Named::AuthFailed(_) => {
            (of(Reason::RIGHTS, "the bus does not allow the call").hint(NO_RIGHT), true)
        }
        Named::ServiceUnknown(_) | Named::NameHasNoOwner(_) | Named::SpawnServiceNotFound(_) => {
            (of(Reason::NOT_FOUND, "there is a bus, but no systemd on it").hint(NO_SYSTEMD), false)
        }
        Named::NoReply(_) | Named::Timeout(_) | Named::TimedOut(_) => {
            (of(Reason::TIMEOUT, "systemd did not answer the bus"), false)
        }
        Named::LimitsExceeded(_) => {
            (of(Reason::OTHER, "the bus has too much to do to pass this on"), false)
        }
        Named::Disconnected(_) => (of(Reason::PROTOCOL, "the bus hung up"), false),
        _ => (of(Reason::OTHER, "systemd answered with an error"), true),
    }
}
