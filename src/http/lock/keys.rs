//! What the file says, made ready for use.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use super::tls;
use crate::config::web_file::{self, ClientAuth, TlsServer, WebFile};
use crate::config::{Loaded, Secret};
use crate::files;

/// Who is let in, and how he is talked to. By default everybody is, without TLS.
#[derive(Default)]
pub(super) struct Keys {
    pub tls: Option<Arc<ServerConfig>>,
    /// Nobody gets in without a certificate that an authority of ours has signed.
    pub wants_certificate: bool,
    /// Hashes of passwords by user.
    pub users: BTreeMap<String, Secret>,
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

/// The text of the file, taken apart, with its mistakes so far.
pub(super) struct Opened {
    loaded: Loaded<WebFile>,
    /// From where the paths in the file lead.
    folder: PathBuf,
}

/// Reads the file itself. An error is one line.
pub(super) fn open(file: &Path) -> Result<Opened, Vec<String>> {
    let name = file.display().to_string();
    let text = files::read_small(file)
        .map_err(|error| vec![format!("{name}: cannot read the file: {error}")])?;
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    Ok(Opened { loaded: web_file::load(&name, &text), folder })
}

impl Opened {
    fn tls(&self) -> Option<&TlsServer> {
        self.loaded.config.as_ref().and_then(WebFile::tls)
    }

    /// The files that it names.
    pub fn files(&self) -> Vec<PathBuf> {
        let named = self.tls().into_iter().flat_map(TlsServer::files);
        named.map(|(_, file)| self.folder.join(file)).collect()
    }

    /// Reads the files that it names. An error is one line per mistake.
    pub fn keys(mut self) -> Result<Keys, Vec<String>> {
        // With a mistake in its section nothing can be said of its files.
        let sound = !self.loaded.problems.iter().any(|one| one.path.starts_with("tls_server"));
        let made = self.tls().filter(|_| sound).map(|tls| tls::config(tls, &self.folder));
        let tls = made.transpose().unwrap_or_else(|wrong| {
            for (key, message) in wrong {
                self.loaded.push(&format!("tls_server_config.{key}"), message);
            }
            None
        });
        let file = self.loaded.finish()?;
        let required = ClientAuth::RequireAndVerifyClientCert;
        let named = |(name, value): (&str, &str)| {
            Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
        };
        Ok(Keys {
            tls: tls.map(Arc::new),
            wants_certificate: file.tls().is_some_and(|tls| tls.client_auth_type == required),
            headers: file.headers().filter_map(named).collect(),
            users: file.basic_auth_users,
        })
    }
}

impl Keys {
    /// For the person who has had the file checked.
    pub fn in_words(&self) -> String {
        let way = match (&self.tls, self.wants_certificate) {
            (None, _) => "http without TLS",
            (Some(_), false) => "https",
            (Some(_), true) => "https for clients with a certificate",
        };
        match self.users.len() {
            0 => format!("{way}, no users"),
            1 => format!("{way}, 1 user"),
            many => format!("{way}, {many} users"),
        }
    }
}
