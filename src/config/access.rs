//! How to prove oneself to a server, and whom to trust: one description for everything that talks
//! HTTP or TLS. `clients::access` checks it and reads the files.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Secret;

/// Flattened into a section, which then cannot have `deny_unknown_fields`; the check against the
/// schema refuses unknown keys all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Access {
    /// User for HTTP's basic authentication; needs `password_file` or `password`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Password of `username`; better a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// File with the password of `username`, one line. This and all other files of a login are read
    /// again when they change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// File with a token, one line, that is sent as `Authorization: Bearer`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// More headers, each with a file whose one line is the value, for example
    /// `{ X-Api-Key: /run/secrets/key }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub header_files: BTreeMap<String, PathBuf>,
    #[serde(flatten)]
    pub tls: Tls,
}

/// Whom to trust, and who we are, in TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Tls {
    /// PEM file of the authority that signed the server's certificate; default the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// PEM file of our own certificate; needs `key_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_file: Option<PathBuf>,
    /// PEM file of the private key of `cert_file`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_file: Option<PathBuf>,
    /// Name in the server's certificate where it is not the one of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

impl Tls {
    /// Trusting the authority of one file, and known to nobody.
    pub fn of_authority(file: PathBuf) -> Self {
        Self { ca_file: Some(file), ..Self::default() }
    }

    /// Nothing is set: the public authorities are trusted, and we are nobody.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// The files that are named, by their keys.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &PathBuf)> {
        [("ca_file", &self.ca_file), ("cert_file", &self.cert_file), ("key_file", &self.key_file)]
            .into_iter()
            .filter_map(|(key, file)| Some((key, file.as_ref()?)))
    }
}

impl Access {
    /// The keys that are set.
    pub fn keys(&self) -> Vec<&'static str> {
        let own = [
            ("username", self.username.is_some()),
            ("password", self.password.is_some()),
            ("password_file", self.password_file.is_some()),
            ("bearer_token_file", self.bearer_token_file.is_some()),
            ("header_files", !self.header_files.is_empty()),
        ];
        let own = own.into_iter().filter_map(|(key, set)| set.then_some(key));
        own.chain(self.tls_keys()).collect()
    }

    /// The keys of the TLS part that are set.
    pub fn tls_keys(&self) -> impl Iterator<Item = &'static str> {
        let name = self.tls.server_name.as_ref().map(|_| "server_name");
        self.tls.files().map(|(key, _)| key).chain(name)
    }

    /// The files with secrets, by their keys.
    pub fn secret_files(&self) -> impl Iterator<Item = (String, &PathBuf)> {
        let single = [
            ("password_file", &self.password_file),
            ("bearer_token_file", &self.bearer_token_file),
        ];
        let single =
            single.into_iter().filter_map(|(key, file)| Some((key.to_owned(), file.as_ref()?)));
        let headers = self.header_files.iter();
        single.chain(headers.map(|(name, file)| (format!("header_files.{name}"), file)))
    }
}
