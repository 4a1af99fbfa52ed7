//! The names under which the exporter may be asked.
//!
//! A page of any site can point a name of its own at this machine (DNS rebinding), and the browser
//! that shows the page then takes our answers for that site's. It sends the name, so a name that a
//! stranger may own is refused. What no stranger can own is let through: see `is_ours`.

use std::sync::{PoisonError, RwLock};

use axum::http::{HeaderMap, Uri, header};

use crate::config::Web;
use crate::config::web::is_name;

/// Endings that are nobody's: kept for local use by RFC 6761, 6762, 8375 and by ICANN.
const PRIVATE: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// Names that are ours: the machine's, and those that the configuration allows.
pub struct Hosts {
    machine: Vec<String>,
    allowed: RwLock<Vec<String>>,
}

impl Hosts {
    /// Those of this machine, as its own files have them: nothing is asked of a DNS server.
    pub fn of_this_machine() -> Self {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let read = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::new(machine_names(&name, &read("/etc/hosts"), &read("/etc/resolv.conf")))
    }

    pub(super) fn new(machine: Vec<String>) -> Self {
        Self { machine, allowed: RwLock::default() }
    }

    /// Takes the names of a new configuration in place of those of the last.
    pub fn allow(&self, web: Option<&Web>) {
        let names = web.iter().flat_map(|web| web.allowed_hosts.iter().cloned());
        let names = names.chain(web.and_then(Web::external_host));
        let names = names.map(|name| name.to_ascii_lowercase()).collect();
        *self.allowed.write().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Whether a request is for us. One without a name (HTTP/1.0) comes from no browser.
    pub(super) fn take(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(header::HOST).iter();
        let host = named.next().map(|value| value.to_str().unwrap_or("?"));
        // Two names, or one in the request line as a proxy is asked: each must be ours.
        let more = named.map(|value| value.to_str().unwrap_or("?"));
        let line = uri.authority().map(axum::http::uri::Authority::as_str);
        host.into_iter().chain(more).chain(line).all(|authority| self.is_ours(authority))
    }

    fn is_ours(&self, authority: &str) -> bool {
        let Some(host) = host_of(authority) else { return false };
        // Whoever asks for an address in numbers got no name of anybody's on the way. It need not be
        // ours: behind a published port of a container the machine's address is not the socket's.
        if is_numeric(host) {
            return true;
        }
        let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        if !is_name(&host) {
            return false;
        }
        let allowed = self.allowed.read().unwrap_or_else(PoisonError::into_inner);
        is_nobodys(&host)
            || self.machine.contains(&host)
            || allowed.iter().any(|pattern| matches(pattern, &host))
    }
}

/// The host of `host`, `host:port`, `[::1]` and `[::1]:port`.
fn host_of(authority: &str) -> Option<&str> {
    let end = authority.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match authority.get(end..)?.rfind(':') {
        Some(at) => (authority.get(..end + at)?, authority.get(end + at + 1..)?),
        None => (authority, ""),
    };
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(host)
}

fn is_numeric(host: &str) -> bool {
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(inner) => inner.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

/// Names that nobody can have made his own: those without a dot, such as a Compose service's or a
/// machine's (no top-level domain has an address), those below an ending for private use, and those
/// of a Docker network (`service.my_network`: no top-level domain has an underscore).
fn is_nobodys(host: &str) -> bool {
    let Some((_, top)) = host.rsplit_once('.') else { return !host.is_empty() };
    let below = |ending: &str| {
        host.strip_suffix(ending).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    top.contains('_') || PRIVATE.iter().any(|ending| below(ending))
}

fn matches(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(ending) => host.len() > ending.len() && host.ends_with(ending),
        None => pattern == host,
    }
}

/// The machine's name alone, with the domains that it searches, and as /etc/hosts has it.
fn machine_names(name: &str, hosts: &str, resolv: &str) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let short = name.split('.').next().unwrap_or_default();
    if short.is_empty() || name == "(none)" {
        return Vec::new();
    }
    let mut names = vec![name.clone()];
    for line in resolv.lines() {
        let mut words = line.split_whitespace();
        if matches!(words.next(), Some("search" | "domain")) {
            let domains = words.map(|domain| domain.trim_matches('.')).filter(|d| !d.is_empty());
            names.extend(domains.map(|domain| format!("{short}.{}", domain.to_ascii_lowercase())));
        }
    }
    for line in hosts.lines() {
        let line = line.split('#').next().unwrap_or_default().to_ascii_lowercase();
        let known: Vec<&str> = line.split_whitespace().skip(1).collect();
        if known.contains(&name.as_str()) || known.contains(&short) {
            names.extend(known.into_iter().map(ToOwned::to_owned));
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::new(vec!["box.corp.example".into()])
    }

    #[test]
    fn what_nobody_can_own_is_ours() {
        for ours in [
            "localhost",
            "LOCALHOST:10188",
            "localhost.",
            "127.0.0.1:10188",
            "127.9.9.9",
            "[::1]:10188",
            "[::1]",
            "192.168.1.5:10188",
            "[fe80::1]:1",
            "stack-exporter:10188",
            "box",
            "nas.local:10188",
            "host.docker.internal:10188",
            "web.home.arpa",
            "a.localhost",
            "exporter.stack_default:10188",
            "box.corp.example",
            "Box.Corp.Example.:10188",
            "localhost:",
        ] {
            assert!(hosts().is_ours(ours), "{ours}");
        }
    }

    #[test]
    fn what_a_stranger_may_own_is_not() {
        for not in [
            "evil.example",
            "evil.example:10188",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "evil-localhost.example",
            "notlocal.xlocal",
            "home.arpa.evil.example",
            "evilhome.arpa",
            "corp.example",
            "x.box.corp.example",
            "127.0.0.1@evil.example",
            "evil.example@127.0.0.1",
            "[::1].evil.example",
            "[::1",
            "::1",
            "127.0.0.1:80:80",
            "127.0.0.1:80a",
            "",
            ":10188",
            ".",
            "a b",
            "<script>",
            "?",
            "http://127.0.0.1",
            "127.0.0.1/",
        ] {
            assert!(!hosts().is_ours(not), "{not}");
        }
    }

    #[test]
    fn the_configuration_allows_more_and_takes_it_back() {
        let hosts = hosts();
        let names = ["Metrics.example.com", "*.corp.example"].map(ToOwned::to_owned).to_vec();
        hosts.allow(Some(&Web { allowed_hosts: names, ..Web::default() }));
        for (name, ours) in [
            ("metrics.example.com:443", true),
            ("x.metrics.example.com", false),
            ("a.corp.example", true),
            ("a.b.corp.example", true),
            ("corp.example", false),
            ("evilcorp.example", false),
        ] {
            assert_eq!(hosts.is_ours(name), ours, "{name}");
        }
        hosts.allow(Some(&Web { allowed_hosts: vec!["*".into()], ..Web::default() }));
        assert!(hosts.is_ours("evil.example") && !hosts.is_ours("a b"));
        let url = Some("https://page.example.com/x".to_owned());
        hosts.allow(Some(&Web { external_url: url, ..Web::default() }));
        assert!(hosts.is_ours("page.example.com") && !hosts.is_ours("evil.example"));
        hosts.allow(None);
        assert!(!hosts.is_ours("evil.example") && !hosts.is_ours("metrics.example.com"));
    }

    #[test]
    fn every_name_of_a_request_must_be_ours() {
        let take = |uri: &str, names: &[&str]| {
            let mut headers = HeaderMap::new();
            for name in names {
                headers.append(header::HOST, name.parse().unwrap());
            }
            hosts().take(&uri.parse().unwrap(), &headers)
        };
        assert!(take("/metrics", &[]));
        assert!(take("/metrics", &["localhost"]));
        assert!(take("http://localhost/metrics", &["localhost"]));
        assert!(!take("/metrics", &["evil.example"]));
        assert!(!take("/metrics", &["localhost", "evil.example"]));
        assert!(!take("http://evil.example/metrics", &["localhost"]));
        assert!(!take("http://localhost/metrics", &["evil.example"]));
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, axum::http::HeaderValue::from_bytes(b"\xff").unwrap());
        assert!(!hosts().take(&Uri::from_static("/"), &headers));
    }

    #[test]
    fn the_machine_has_a_name_in_its_domains() {
        let hosts =
            "127.0.0.1 localhost\n127.0.1.1 web1.corp.example web1 # old\n10.0.0.9 other.example\n";
        let resolv = "nameserver 1.1.1.1\nsearch lan.example. corp.example\n";
        let names = machine_names("Web1", hosts, resolv);
        assert_eq!(names, ["web1", "web1.corp.example", "web1.lan.example"]);
        assert_eq!(machine_names("web1.dc.example", "", "domain x"), ["web1.dc.example", "web1.x"]);
        assert_eq!(machine_names("", hosts, resolv), Vec::<String>::new());
    }
}
