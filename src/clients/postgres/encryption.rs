//! Whether the connection is encrypted, and who the server then has to be: `sslmode` as `libpq` has it.
//!
//! Where nothing is asked for (`prefer`), a server of another machine is encrypted to if it offers that, and
//! one of this machine only if it lets nobody in otherwise: nobody listens in between.

use std::path::PathBuf;

use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::clients::{anybody, tls};
use crate::config::Tls;

/// In the order of what they ask of the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mode {
    Disable,
    /// Only if the server lets us not in without.
    Allow,
    #[default]
    Prefer,
    Require,
    /// The certificate has to be signed by a known authority.
    VerifyCa,
    /// And for the name of the host.
    VerifyFull,
}

impl Mode {
    pub const NAMES: &str = "`disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`";

    /// `true` and `false` are asyncpg's.
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "disable" | "false" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "true" => Self::VerifyFull,
            _ => return None,
        })
    }
}

/// What an address says of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Encryption {
    pub mode: Mode,
    /// File of the authority that is trusted in place of the public ones.
    pub authority: Option<PathBuf>,
    /// Files of our own certificate and its key.
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// One attempt to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    /// If the server offers it.
    Offered,
    Encrypted,
}

impl Way {
    pub const fn mode(self) -> SslMode {
        match self {
            Self::Plain => SslMode::Disable,
            Self::Offered => SslMode::Prefer,
            Self::Encrypted => SslMode::Require,
        }
    }
}

impl Encryption {
    /// The first attempt, and the one after it where that was refused. `near`: the server is on this
    /// machine. `known`: it was encrypted the last time.
    pub fn ways(&self, near: bool, known: bool) -> (Way, Option<Way>) {
        match self.mode {
            Mode::Disable => (Way::Plain, None),
            Mode::Allow | Mode::Prefer if known => (Way::Offered, Some(Way::Plain)),
            Mode::Prefer if !near => (Way::Offered, Some(Way::Plain)),
            Mode::Allow | Mode::Prefer => (Way::Plain, Some(Way::Encrypted)),
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => (Way::Encrypted, None),
        }
    }

    /// Whether only the server itself can be at the other end.
    pub fn is_verified(&self) -> bool {
        self.verifies() != Mode::Require
    }

    /// As for `libpq`, a named authority is there to be asked.
    fn verifies(&self) -> Mode {
        match self.mode {
            Mode::VerifyCa | Mode::VerifyFull => self.mode,
            Mode::Require if self.authority.is_some() => Mode::VerifyCa,
            _ => Mode::Require,
        }
    }

    /// Reads the files that are named; `Err` says what is wrong with which.
    pub fn connector(&self) -> Result<MakeRustlsConnect, String> {
        let files = Tls {
            ca_file: self.authority.clone(),
            cert_file: self.certificate.clone(),
            key_file: self.key.clone(),
            ..Tls::default()
        };
        let config = match self.verifies() {
            Mode::VerifyFull if files.is_usual() => Ok(tls::usual()),
            Mode::VerifyFull => tls::config(&files),
            Mode::VerifyCa => tls::judge(&files)
                .and_then(|judge| tls::config_by(anybody::of_any_name(judge), &files)),
            _ => tls::config_by(anybody::verifier(), &files),
        };
        config.map(MakeRustlsConnect::new).map_err(|why| {
            why.replace("ca_file", "sslrootcert")
                .replace("cert_file", "sslcert")
                .replace("key_file", "sslkey")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts() {
        use Way::{Encrypted, Offered, Plain};
        for (mode, near, known, want) in [
            ("disable", false, true, (Plain, None)),
            ("allow", false, false, (Plain, Some(Encrypted))),
            ("allow", false, true, (Offered, Some(Plain))),
            ("prefer", false, false, (Offered, Some(Plain))),
            ("prefer", true, false, (Plain, Some(Encrypted))),
            ("prefer", true, true, (Offered, Some(Plain))),
            ("require", true, false, (Encrypted, None)),
            ("verify-full", false, false, (Encrypted, None)),
        ] {
            let encryption = Encryption { mode: Mode::of(mode).unwrap(), ..Encryption::default() };
            assert_eq!(encryption.ways(near, known), want, "{mode} {near} {known}");
        }
    }

    #[test]
    fn who_is_verified() {
        for (mode, authority, want) in [
            ("prefer", true, Mode::Require),
            ("require", false, Mode::Require),
            ("require", true, Mode::VerifyCa),
            ("verify-ca", false, Mode::VerifyCa),
            ("true", false, Mode::VerifyFull),
        ] {
            let mode = Mode::of(mode).unwrap();
            let authority = authority.then(|| "ca.pem".into());
            let encryption = Encryption { mode, authority, ..Encryption::default() };
            assert_eq!(encryption.verifies(), want, "{encryption:?}");
            assert_eq!(encryption.is_verified(), want != Mode::Require, "{encryption:?}");
        }
    }
}
