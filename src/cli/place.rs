//! What the person who starts the exporter is told of its address: where the page is, who else
//! reaches it, and what to do when nothing can be served there.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::in_words;
use crate::http::listen::Address;

/// Why nothing is served, and what to do about it.
pub(super) fn not_served(address: &Address, error: &std::io::Error) -> String {
    let hint = match address {
        Address::Tcp(address) => hint(*address, error.kind()),
        Address::Unix(_) => None,
    };
    let hint = hint.map_or_else(String::new, |hint| format!("\n  do: {hint}"));
    format!("cannot serve on {address}: {}{hint}", in_words(error))
}

fn hint(address: SocketAddr, kind: ErrorKind) -> Option<String> {
    let port = address.port();
    match kind {
        ErrorKind::AddrInUse => Some(format!(
            "another program listens there: `ss -ltnp sport = :{port}` names it; stop it, or take \
             another port: --web.listen-address {}",
            SocketAddr::new(address.ip(), port.checked_add(1).unwrap_or(10188))
        )),
        ErrorKind::AddrNotAvailable => Some(
            "this machine has no such address: `ip -brief address` lists those that it has; or \
             leave --web.listen-address out"
                .to_owned(),
        ),
        ErrorKind::PermissionDenied => Some(
            "ports below 1024 are for root: take another one: --web.listen-address 127.0.0.1:10188"
                .to_owned(),
        ),
        _ => None,
    }
}

/// What is said where whoever reaches the port may read all of it, because nothing keeps them out.
pub(super) fn open_to_all(address: &Address, keeps_out: bool) -> Option<String> {
    let Address::Tcp(address) = address else { return None };
    if keeps_out || address.ip().is_loopback() {
        return None;
    }
    let port = address.port();
    let place = if address.ip().is_unspecified() { "all addresses" } else { "this address" };
    Some(format!(
        "{address}: {place} of this machine, and no login: whoever reaches this port reads \
         everything\n  do: --web.config.file asks for a password (docs/how-to/tls-and-password.md); \
         or --web.listen-address 127.0.0.1:{port}; in a container publish it to \
         127.0.0.1:{port}:{port} only"
    ))
}

/// Where a program on this machine finds it.
pub(super) fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn who_can_read_all_of_it_is_told_unless_there_is_a_login() {
        let told = |text: &str, login| open_to_all(&address(text), login);
        for text in ["127.0.0.1:10188", "127.1.2.3:80", "[::1]:10188", "unix:/run/x.sock"] {
            assert_eq!(told(text, false), None, "{text}");
        }
        for text in ["0.0.0.0:10188", "[::]:10188", "10.0.0.7:10188"] {
            assert!(told(text, false).unwrap().contains("no login"), "{text}");
            assert_eq!(told(text, true), None, "{text}");
        }
        assert!(told("0.0.0.0:81", false).unwrap().contains("all addresses of this machine"));
    }

    #[test]
    fn a_browser_finds_the_page() {
        let page = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(page("0.0.0.0:81"), "127.0.0.1:81");
        assert_eq!(page("[::]:81"), "[::1]:81");
        assert_eq!(page("10.0.0.7:81"), "10.0.0.7:81");
    }

    #[test]
    fn what_keeps_it_from_listening_has_a_remedy() {
        let told =
            |text: &str, kind: ErrorKind| not_served(&address(text), &std::io::Error::from(kind));
        let taken = told("127.0.0.1:10188", ErrorKind::AddrInUse);
        assert!(taken.contains("ss -ltnp sport = :10188") && taken.contains("127.0.0.1:10189"));
        assert!(told("127.0.0.1:80", ErrorKind::PermissionDenied).contains("below 1024"));
        assert!(told("127.0.0.1:65535", ErrorKind::AddrInUse).contains("127.0.0.1:10188"));
    }
}
