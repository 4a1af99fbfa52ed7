//! What collectors ask of the address of a source.

use super::secret::{SafeUrl, UNREADABLE};
use super::url::{Fault, Url};

const WANTED: &str = "expected an address such as `http://127.0.0.1:8222`";

impl SafeUrl {
    /// Scheme, host and port: what may stand in labels and messages.
    pub fn origin(&self) -> String {
        self.parse().map_or_else(|_| UNREADABLE.to_owned(), |url| url.origin())
    }

    /// The address of a web server, or what is wrong with it as such.
    pub fn http(&self) -> Result<Url, String> {
        let url = self.parse().map_err(|fault| match fault {
            Fault::Shape => WANTED.to_owned(),
            // There is no file for the password of an address of this kind.
            fault => fault.to_string().replace(", or use password_file", ""),
        })?;
        let named = matches!(url.hosts.as_slice(), [host] if !host.name.is_empty());
        let web = matches!(url.scheme.as_str(), "http" | "https");
        if web && named { Ok(url) } else { Err(WANTED.to_owned()) }
    }

    /// What is wrong with this as an HTTP address, if anything.
    pub fn http_mistake(&self) -> Option<String> {
        self.http().err()
    }
}

#[cfg(test)]
mod tests {
    use super::SafeUrl;

    #[test]
    fn the_origin_has_no_credentials() {
        let url = SafeUrl::new("http://user:hunter2@nats.local:8222/x?token=hunter2");
        assert_eq!(url.origin(), "http://nats.local:8222");
        assert_eq!(url.http_mistake(), None);
        for (text, said) in [
            ("nats.local:8222", "expected an address such as"),
            ("ftp://h", "expected an address such as"),
            ("http://", "expected an address such as"),
            ("http://h1,h2/", "its host and port cannot be told"),
            ("http://user:hun@ter2/x@nats.local:8222", "percent-encode @ : / # ? in the password"),
        ] {
            let message = SafeUrl::new(text).http_mistake().unwrap_or_default();
            assert!(message.contains(said), "{text}: {message}");
            assert!(!message.contains("ter2") && !message.contains("password_file"), "{message}");
        }
    }
}
