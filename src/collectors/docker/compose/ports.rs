//! Published ports, in Compose's short form.

/// No service publishes more; each port of a range is one.
pub const MOST: usize = 1024;

/// A port of the container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The address of the host that it listens on; `None` for all of them.
    pub host_ip: Option<String>,
    /// The host's port, or a range to choose from (`8000-8010`); `None` for any that is free.
    pub published: Option<String>,
    pub target: u16,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
}

impl Port {
    /// Whether both are one entry to Compose, so that the later one replaces the other.
    pub fn is_same(&self, other: &Self) -> bool {
        let key = |port: &Self| {
            let ip = port.host_ip.clone().unwrap_or_else(|| "0.0.0.0".to_owned());
            (ip, port.published.clone(), port.target, port.protocol.clone())
        };
        key(self) == key(other)
    }
}

/// Lays `later` over the ports that there are.
pub fn add(ports: &mut Vec<Port>, later: impl IntoIterator<Item = Port>) {
    for port in later {
        match ports.iter_mut().find(|known| known.is_same(&port)) {
            Some(known) => *known = port,
            None => ports.push(port),
        }
    }
}

/// `80`, `8000:80`, `127.0.0.1:8000-8002:80-82/udp`, `[::1]:8000:80`, one for each target.
pub fn short(text: &str) -> Option<Vec<Port>> {
    let (numbers, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = self::protocol(protocol)?;
    let mut parts = numbers.rsplitn(3, ':');
    let target = range(parts.next()?)?;
    let published = parts.next().filter(|text| !text.is_empty());
    let host_ip = parts.next().filter(|text| !text.is_empty()).map(ip);
    let host = match published {
        Some(text) => Some(range(text)?),
        None => None,
    };
    let count = usize::from(target.1 - target.0) + 1;
    if count > MOST {
        return None;
    }
    let published = |at: usize| match host {
        None => Some(None),
        Some((from, to)) if usize::from(to - from) + 1 == count => {
            Some(Some((usize::from(from) + at).to_string()))
        }
        Some((from, to)) if count == 1 => Some(Some(format!("{from}-{to}"))),
        Some(_) => None,
    };
    (target.0..=target.1)
        .enumerate()
        .map(|(at, target)| {
            let (host_ip, protocol) = (host_ip.clone(), protocol.clone());
            Some(Port { host_ip, published: published(at)?, target, protocol })
        })
        .collect()
}

pub fn protocol(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "tcp" | "udp" | "sctp").then_some(text)
}

/// An address, without the brackets that an IPv6 one may have.
pub fn ip(text: &str) -> String {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    bare.unwrap_or(text).to_owned()
}

/// `80`, or `8000-8010`.
pub fn range(text: &str) -> Option<(u16, u16)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    let (from, to) = (from.parse().ok()?, to.parse().ok()?);
    (from <= to).then_some((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Option<Vec<String>> {
        let show = |port: Port| {
            let (ip, published) = (port.host_ip.as_deref(), port.published.as_deref());
            format!(
                "{} {} {} {}",
                ip.unwrap_or("*"),
                published.unwrap_or("*"),
                port.target,
                port.protocol
            )
        };
        Some(short(text)?.into_iter().map(show).collect())
    }

    #[test]
    fn short_forms() {
        for (text, want) in [
            ("80", &["* * 80 tcp"][..]),
            ("8000:80", &["* 8000 80 tcp"]),
            ("8000:80/UDP", &["* 8000 80 udp"]),
            ("127.0.0.1:8000:80", &["127.0.0.1 8000 80 tcp"]),
            ("127.0.0.1::80", &["127.0.0.1 * 80 tcp"]),
            ("[::1]:8000:80", &["::1 8000 80 tcp"]),
            ("::1:8000:80", &["::1 8000 80 tcp"]),
            ("3000-3001", &["* * 3000 tcp", "* * 3001 tcp"]),
            ("8000-8001:80-81", &["* 8000 80 tcp", "* 8001 81 tcp"]),
            ("7000-7010:80", &["* 7000-7010 80 tcp"]),
        ] {
            assert_eq!(
                shown(text).as_deref(),
                Some(&want.iter().map(|&s| s.to_owned()).collect::<Vec<_>>()[..]),
                "{text}"
            );
        }
        for text in ["", "http", "80/x", "70000:80", "8000-8001:80-83", "81-80", "1-65535", ":"] {
            assert_eq!(shown(text), None, "{text}");
        }
    }

    #[test]
    fn a_port_is_there_once() {
        let of = |text: &str| short(text).unwrap();
        let mut ports = of("80:80");
        add(&mut ports, of("0.0.0.0:80:80"));
        add(&mut ports, of("127.0.0.1:80:80"));
        add(&mut ports, of("80:80/udp"));
        assert_eq!(ports.len(), 3);
        assert_eq!(ports[0].host_ip.as_deref(), Some("0.0.0.0"));
    }
}
