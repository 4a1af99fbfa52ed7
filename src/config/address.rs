//! What collectors ask of the address of a source.

use super::secret::SafeUrl;

impl SafeUrl {
    /// Scheme, host and port: what may stand in labels and messages.
    pub fn origin(&self) -> String {
        let shown = self.to_string();
        let Some((scheme, rest)) = shown.split_once("://") else { return shown };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}")
    }

    /// What is wrong with this as an HTTP address, if anything.
    pub fn http_mistake(&self) -> Option<&'static str> {
        match self.scheme() {
            Some("http" | "https") => None,
            _ => Some("expected an address such as `http://127.0.0.1:8222`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SafeUrl;

    #[test]
    fn the_origin_has_no_credentials() {
        let url = SafeUrl::new("http://user:hunter2@nats.local:8222/x?token=hunter2");
        assert_eq!(url.origin(), "http://nats.local:8222");
        assert!(SafeUrl::new("nats.local:8222").http_mistake().is_some());
    }
}
