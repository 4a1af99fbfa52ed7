//! The section `web`: what the server answers to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SafeUrl;

/// How the exporter is reached.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Names under which the exporter may be asked, beside those that are never refused: addresses in
    /// numbers, `localhost`, this machine's name, names without a dot such as a Compose service's,
    /// and names that nobody can buy (`.local`, `.internal`, `.home.arpa`). `metrics.example.com` is
    /// one name, `*.example.com` every name below it, `*` every name. Others are refused with 421,
    /// as a page of another site could otherwise read the exporter through your browser.
    pub allowed_hosts: Vec<String>,
    /// Addresses that a request to `/probe` may have read with one of the `modules`, beside those of
    /// declared targets, which always may be. `10.0.0.*:5432` is any database at such a host and
    /// port, `10.0.0.*:5432/app` the database `app`, `web-*:80/health` a page; the port is never left out, `*` and `?` match
    /// anything but `/`, `{a,b}` is one of two, and an IPv6 address is `\[::1\]:5432`. Default: none.
    pub probe_allow: Vec<String>,
    /// Where people reach the exporter with a browser: `https://exporter.example.com`, without a path. Its name may
    /// be asked for, as if it stood in `allowed_hosts`. Default: `http://`, the machine's name and the
    /// port that is listened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_url: Option<String>,
}

const WRONG: &str = "expected a name such as `metrics.example.com`, without scheme, port and path; \
                     `*.example.com` is every name below, `*` every name";

const WRONG_URL: &str = "expected an address such as `https://exporter.example.com`, without a user, \
                         a query and a fragment";

const WRONG_PATH: &str = "expected an address without a path, such as `https://exporter.example.com`: the page has no \
                          prefix, so its links would lead past it";

/// Longer addresses stand in nobody's label.
const LONGEST_URL: usize = 512;

impl Web {
    /// What is wrong, each with its path in the section.
    pub fn mistakes(&self) -> Vec<(String, &'static str)> {
        let names = self.allowed_hosts.iter().enumerate();
        let names = names
            .filter(|(_, name)| !is_pattern(name))
            .map(|(index, _)| (format!("allowed_hosts[{index}]"), WRONG));
        let wrong = self.external_url.as_deref().and_then(|text| match self.external_host() {
            None => Some(WRONG_URL),
            Some(_) => has_path(text).then_some(WRONG_PATH),
        });
        names.chain(wrong.map(|wrong| ("external_url".to_owned(), wrong))).collect()
    }

    /// The host of the external address, if that is one.
    pub fn external_host(&self) -> Option<String> {
        let text = self.external_url.as_deref().filter(|text| text.len() <= LONGEST_URL)?;
        let url = SafeUrl::new(text).http().ok()?;
        let plain = url.user.is_none() && url.password.is_none() && url.fragment.is_none();
        let host = url.hosts.first().filter(|_| plain && url.query.is_empty())?;
        Some(host.name.clone())
    }
}

/// Whether more than `/` follows the host.
fn has_path(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split_once('/').is_some_and(|(_, path)| !path.is_empty())
}

fn is_pattern(text: &str) -> bool {
    text == "*" || is_name(text.strip_prefix("*.").unwrap_or(text))
}

/// Whether a text has the form of a host's name as it is sent, be it known or not.
pub fn is_name(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(letter);
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_are_taken() {
        let web = |text: &str| Web {
            allowed_hosts: vec!["a.example".into(), text.into()],
            ..Web::default()
        };
        for right in ["*", "*.example.com", "metrics.example.com", "Box_1", "10.0.0.7"] {
            assert_eq!(web(right).mistakes(), [], "{right}");
        }
        let long = "a.".repeat(140);
        for wrong in [
            "",
            "**",
            "*.",
            "a.*",
            "*a.example",
            "http://a.example",
            "a.example:80",
            "a.example/",
            "a..b",
            ".a",
            "a b",
            "münchen.example",
            "[::1]",
            &long,
        ] {
            let mistakes = web(wrong).mistakes();
            assert_eq!(mistakes.len(), 1, "{wrong}");
            assert_eq!(mistakes[0].0, "allowed_hosts[1]");
        }
    }

    #[test]
    fn the_external_address_is_one_of_a_web_page() {
        let web = |url: &str| Web { external_url: Some(url.into()), ..Web::default() };
        for (url, host) in [
            ("http://shop1:10188", "shop1"),
            ("https://metrics.example.com/", "metrics.example.com"),
            ("https://example.com:8443", "example.com"),
        ] {
            assert_eq!(web(url).external_host().as_deref(), Some(host));
            assert_eq!(web(url).mistakes(), []);
        }
        for wrong in ["https://example.com/exporter", "https://example.com//"] {
            let mistakes = web(wrong).mistakes();
            assert_eq!(mistakes, [("external_url".to_owned(), WRONG_PATH)], "{wrong}");
        }
        for wrong in [
            "",
            "shop1:10188",
            "ftp://shop1",
            "http://",
            "https://user:hunter2@example.com",
            "https://example.com/?a=b",
            "https://example.com/#a",
            "https://exa mple.com",
            &format!("https://example.com/{}", "x".repeat(LONGEST_URL)),
        ] {
            let mistakes = web(wrong).mistakes();
            assert_eq!(mistakes, [("external_url".to_owned(), WRONG_URL)], "{wrong}");
        }
    }
}
