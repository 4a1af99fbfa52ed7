//! The proxies that the environment names, for probes that ask for them.

use super::place::{Kind, Place};
use crate::config::Url;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Place>,
    https: Option<Place>,
    /// Hosts that are asked directly, and all below them.
    no: Vec<String>,
}

impl Proxies {
    /// By the usual variables, in small letters first. A proxy that wants a login, or TLS, is none.
    pub fn of_environment(read: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| read(name).or_else(|| read(&name.to_uppercase()));
        let proxy = |name: &str| {
            let text = read(name)?;
            let text = if text.contains("://") { text } else { format!("http://{text}") };
            let url = Url::parse(&text).ok().filter(|url| url.user.is_none())?;
            let place = Place::of(&url).ok()?;
            (place.kind == Kind::Http && !place.tls).then_some(place)
        };
        let no = read("no_proxy").unwrap_or_default();
        let no = no.split(',').map(|host| host.trim().trim_start_matches('.').to_ascii_lowercase());
        Self {
            http: proxy("http_proxy"),
            https: proxy("https_proxy"),
            no: no.filter(|host| !host.is_empty()).collect(),
        }
    }

    /// The one by which this place is asked.
    pub fn of(&self, place: &Place) -> Option<&Place> {
        let proxy = if place.tls { self.https.as_ref() } else { self.http.as_ref() };
        let host = place.host.to_ascii_lowercase();
        let below = |no: &String| {
            no == "*"
                || *no == host
                || host.strip_suffix(no.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        proxy.filter(|_| !self.no.iter().any(below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_is_read_as_others_do() {
        let set = |name: &str| match name {
            "http_proxy" => Some("proxy:3128".to_owned()),
            "HTTPS_PROXY" => Some("http://secure:8080".to_owned()),
            "no_proxy" => Some(".inside, 127.0.0.1".to_owned()),
            _ => None,
        };
        let proxies = Proxies::of_environment(set);
        let of = |text: &str| {
            let place = Place::of(&Url::parse(text).unwrap()).unwrap();
            proxies.of(&place).map(Place::server)
        };
        assert_eq!(of("http://a"), Some("proxy:3128".into()));
        assert_eq!(of("https://a"), Some("secure:8080".into()));
        assert_eq!(
            (of("http://a.inside"), of("http://inside"), of("http://127.0.0.1:1")),
            (None, None, None)
        );
        assert_eq!(of("http://beside"), Some("proxy:3128".into()));
        assert_eq!(Proxies::of_environment(|_| Some("http://u:p@h".into())).http, None);
    }
}
