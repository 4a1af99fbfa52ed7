//! The proxies that the environment names, for probes that ask for them.

use super::place::{Kind, Place};
use super::reasons;
use crate::config::Url;
use crate::failure::Failure;

/// One that the environment names, or that it names one that we cannot ask.
type Named = Result<Place, ()>;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    http: Option<Named>,
    https: Option<Named>,
    /// Hosts that are asked directly, and all below them.
    no: Vec<String>,
}

impl Proxies {
    /// By the usual variables, in small letters first; an empty one names none.
    pub fn of_environment(read: impl Fn(&str) -> Option<String>) -> Self {
        let read = |name: &str| read(name).or_else(|| read(&name.to_uppercase()));
        let proxy = |name: &str| {
            let text = read(name).filter(|text| !text.trim().is_empty())?;
            let text = if text.contains("://") { text } else { format!("http://{text}") };
            let url = Url::parse(&text).ok();
            let url = url.filter(|url| url.user.is_none() && url.password.is_none());
            let place = url.and_then(|url| Place::of(&url).ok());
            Some(place.filter(|place| place.kind == Kind::Http && !place.tls).ok_or(()))
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
    pub fn of(&self, place: &Place) -> Result<Option<&Place>, Failure> {
        let proxy = if place.tls { self.https.as_ref() } else { self.http.as_ref() };
        let host = place.host.to_ascii_lowercase();
        let below = |no: &String| {
            no == "*"
                || *no == host
                || host.strip_suffix(no.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        match proxy.filter(|_| !self.no.iter().any(below)) {
            None => Ok(None),
            Some(Ok(proxy)) => Ok(Some(proxy)),
            Some(Err(())) => {
                let text = "the proxy that the environment names wants a login or TLS, which is not done here";
                Err(Failure::new(reasons::PROXY, text).hint(
                    "look at `http_proxy` and `https_proxy` of the exporter: name one such as http://proxy:3128, or list the host in `no_proxy`",
                ))
            }
        }
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
            proxies.of(&place).unwrap().map(Place::server)
        };
        assert_eq!(of("http://a"), Some("proxy:3128".into()));
        assert_eq!(of("https://a"), Some("secure:8080".into()));
        assert_eq!(
            (of("http://a.inside"), of("http://inside"), of("http://127.0.0.1:1")),
            (None, None, None)
        );
        assert_eq!(of("http://beside"), Some("proxy:3128".into()));
        assert_eq!(Proxies::of_environment(|_| Some(" ".into())).http, None);
    }

    /// To ask directly in silence what should be asked by way of a proxy would say what is not so.
    #[tokio::test]
    async fn one_that_cannot_be_used_is_told() {
        use super::super::config::Ask;
        use super::super::prober::Prober;
        for named in ["http://ann:hunter2@h", "https://h", "socks5://h:1"] {
            let url = Url::parse("http://127.0.0.1:1/").unwrap();
            let place = Place::of(&url).unwrap();
            let mut prober = Prober::new(place, Some(&url), &Ask::default(), None);
            let set = |name: &str| (name == "http_proxy").then(|| named.to_owned());
            prober.proxies = Proxies::of_environment(set);
            let (trace, failure) = prober.run().await;
            let failure = failure.unwrap();
            assert_eq!((trace.phase(), failure.reason), ("prepare", reasons::PROXY), "{named}");
            assert!(!format!("{failure:?}").contains("hunter2"));
        }
    }
}
