//! What an address asks for: how, of whom, and by which path.

use crate::config::Url;

/// How it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Http,
    Tcp,
    WebSocket,
    Icmp,
    Dns,
}

/// An address, as far as a probe needs it. Of credentials there is nothing in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub kind: Kind,
    /// Whether TLS comes first.
    pub tls: bool,
    /// A name or a number, without brackets.
    pub host: String,
    pub port: u16,
    /// Path and query as they are sent; not empty.
    pub path: String,
}

const WANTED: &str = "expected an address such as `https://app.example.com/health`, `tcp://127.0.0.1:6379`, \
                      `tls://mail.example.com:465`, `wss://app.example.com/ws` or `icmp://10.0.0.1`";

impl Place {
    /// Reads an address, or says what is wrong with it without repeating it.
    pub fn of(url: &Url) -> Result<Self, &'static str> {
        let (kind, tls, usual) = match url.scheme.as_str() {
            "http" => (Kind::Http, false, Some(80)),
            "https" => (Kind::Http, true, Some(443)),
            "ws" => (Kind::WebSocket, false, Some(80)),
            "wss" => (Kind::WebSocket, true, Some(443)),
            "tcp" => (Kind::Tcp, false, None),
            "tls" => (Kind::Tcp, true, Some(443)),
            "icmp" => (Kind::Icmp, false, Some(0)),
            _ => return Err(WANTED),
        };
        let [host] = url.hosts.as_slice() else { return Err(WANTED) };
        if host.name.is_empty() {
            return Err(WANTED);
        }
        let named = host.port.filter(|_| kind != Kind::Icmp);
        let Some(port) = named.or(usual) else {
            return Err("needs a port, for example `tcp://127.0.0.1:6379`");
        };
        let web = matches!(kind, Kind::Http | Kind::WebSocket);
        if !web && (url.path.len() > 1 || !url.query.is_empty() || url.user.is_some()) {
            return Err("has a path, a query or a user, which are of `http` and `ws` only");
        }
        let query = url.query_text();
        let path = if url.path.is_empty() { "/" } else { url.path.as_str() };
        let path = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        Ok(Self { kind, tls, host: host.name.clone(), port, path })
    }

    /// Host and port as a request names them: the usual port is left out.
    pub fn authority(&self) -> String {
        let host = self.shown_host();
        let usual = if self.tls { 443 } else { 80 };
        if self.port == usual { host } else { format!("{host}:{}", self.port) }
    }

    fn shown_host(&self) -> String {
        if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() }
    }

    /// Host and port, as `web.probe_allow` has them.
    pub fn server(&self) -> String {
        match self.kind {
            Kind::Icmp => self.shown_host(),
            _ => format!("{}:{}", self.shown_host(), self.port),
        }
    }

    /// Whether a request for the other may have what was meant for this one: credentials among it.
    pub fn same_origin(&self, other: &Self) -> bool {
        let of = |place: &Self| (place.host.to_ascii_lowercase(), place.port, place.tls);
        of(self) == of(other)
    }

    pub const fn scheme(&self) -> &'static str {
        match (self.kind, self.tls) {
            (Kind::Http, false) => "http",
            (Kind::Http, true) => "https",
            (Kind::WebSocket, false) => "ws",
            (Kind::WebSocket, true) => "wss",
            (Kind::Tcp, false) => "tcp",
            (Kind::Tcp, true) => "tls",
            (Kind::Icmp, _) => "icmp",
            (Kind::Dns, _) => "dns",
        }
    }

    /// The whole address.
    pub fn address(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.authority(), self.path)
    }

    /// Whether what it asks for begins with what the other does: at the same host, whole and not a
    /// longer one.
    pub fn begins_with(&self, start: &Self) -> bool {
        self.same_origin(start) && self.path.starts_with(&start.path)
    }

    /// Where a redirect leads, seen from here. Credentials in it are left out.
    pub fn join(&self, location: &str) -> Option<Self> {
        let location = location.trim();
        let location = location.split('#').next().unwrap_or_default();
        // What stands behind a path or a query is none of the scheme.
        let front = location.split(['/', '?']).next().unwrap_or_default();
        let (origin, path) = if let Some((scheme, _)) = front.split_once(':') {
            let rest = location.get(scheme.len()..)?.strip_prefix("://")?;
            let (authority, path) = split(rest);
            (format!("{}://{authority}", scheme.to_ascii_lowercase()), path.to_owned())
        } else if let Some(rest) = location.strip_prefix("//") {
            let (authority, path) = split(rest);
            (format!("{}://{authority}", self.scheme()), path.to_owned())
        } else {
            let path = self.path.split('?').next().unwrap_or("/");
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = match location.chars().next() {
                None => return None,
                Some('/') => location.to_owned(),
                Some('?') => format!("{path}{location}"),
                Some(_) => format!("{folder}/{location}"),
            };
            (format!("{}://{}", self.scheme(), self.authority()), path)
        };
        // The path is the server's own: an `@` in it hides no host.
        let mut place = Self::of(&Url::parse(&origin).ok()?).ok()?;
        if path.contains(char::is_control) {
            return None;
        }
        place.path = match path.chars().next() {
            None => "/".to_owned(),
            Some('?') => format!("/{path}"),
            Some(_) => path.replace(' ', "%20"),
        };
        (place.kind == Kind::Http).then_some(place)
    }
}

/// Host and port, and what follows them.
fn split(rest: &str) -> (&str, &str) {
    rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<Place, &'static str> {
        Place::of(&Url::parse(text).unwrap())
    }

    #[test]
    fn the_scheme_says_the_kind() {
        for (text, kind, tls, server, path) in [
            ("http://a", Kind::Http, false, "a:80", "/"),
            ("https://a:8443/x?y=1&z", Kind::Http, true, "a:8443", "/x?y=1&z"),
            (
                "ws://a/ws?topics=agents,tasks",
                Kind::WebSocket,
                false,
                "a:80",
                "/ws?topics=agents,tasks",
            ),
            ("wss://[::1]:1/", Kind::WebSocket, true, "[::1]:1", "/"),
            ("tcp://a:6379", Kind::Tcp, false, "a:6379", "/"),
            ("tls://a", Kind::Tcp, true, "a:443", "/"),
            ("icmp://10.0.0.1", Kind::Icmp, false, "10.0.0.1", "/"),
        ] {
            let place = place(text).unwrap();
            assert_eq!((place.kind, place.tls), (kind, tls), "{text}");
            assert_eq!((place.server().as_str(), place.path.as_str()), (server, path), "{text}");
        }
        for wrong in ["tcp://a", "ftp://a", "http://", "tcp://a:1/x", "icmp://a?x=1", "tls://u@a"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn redirects_lead_where_they_say() {
        let at = place("https://a.example:8443/x/y?z=1").unwrap();
        for (location, address) in [
            ("/", "https://a.example:8443/"),
            ("w", "https://a.example:8443/x/w"),
            ("?q", "https://a.example:8443/x/y?q"),
            ("//b/c", "https://b/c"),
            ("http://b:80/c#d", "http://b/c"),
            ("/login?next=https://app/x", "https://a.example:8443/login?next=https://app/x"),
            ("login?next=https://app/x", "https://a.example:8443/x/login?next=https://app/x"),
            ("/@admin", "https://a.example:8443/@admin"),
            ("/confirm?mail=a@b.c", "https://a.example:8443/confirm?mail=a@b.c"),
            ("HTTPS://B.example/@x?y=http://c", "https://B.example/@x?y=http://c"),
            ("http://u:p@b?q", "http://b/?q"),
            ("/a:b", "https://a.example:8443/a:b"),
        ] {
            assert_eq!(
                at.join(location).map(|to| to.address()).as_deref(),
                Some(address),
                "{location}"
            );
        }
        for nowhere in
            ["", "ftp://a", "http://", "javascript:alert(1)//://", "http:/a", "http://a@b@c/"]
        {
            assert_eq!(at.join(nowhere), None, "{nowhere}");
        }
    }

    #[test]
    fn a_longer_host_is_another_one() {
        let start = place("https://app.example.com/in").unwrap();
        for (to, fits) in [
            ("https://APP.example.com/in?x", true),
            ("https://app.example.com:443/inside", true),
            ("https://app.example.com.evil.org/in", false),
            ("https://app.example.com:8443/in", false),
            ("http://app.example.com/in", false),
            ("https://app.example.com/", false),
        ] {
            assert_eq!(place(to).unwrap().begins_with(&start), fits, "{to}");
        }
    }
}
