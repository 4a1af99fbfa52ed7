//! Which machine this is.

use crate::clients::host_name;
use crate::collectors::Config;
use crate::engine::Info;
use crate::http::listen::Address;

/// Where the host's root is in a container, if nothing says otherwise.
const HOST: &str = "/host";

/// The machine's name, and its address if the configuration has one.
#[derive(Default)]
pub(super) struct Machine {
    hostname: String,
    external_url: Option<String>,
}

impl Machine {
    /// By the configuration, and by what the machine says.
    pub fn of(config: &Config) -> Self {
        let root = config.host.as_ref().map(|host| host.root_path.clone());
        let hostname = host_name::of(&[root.unwrap_or_default(), HOST.into()]);
        let url = config.web.as_ref().and_then(|web| web.external_url.as_deref());
        Self { hostname, external_url: url.map(|url| url.trim_end_matches('/').to_owned()) }
    }

    /// For others, by where and how it is listened.
    pub fn info(&self, address: &Address, https: bool) -> Info {
        let Self { hostname, external_url } = self;
        let external_url = external_url.clone().unwrap_or_else(|| {
            let scheme = if https { "https" } else { "http" };
            // Before a socket stands a proxy, whose port is not known here.
            let port = address.port().map_or_else(String::new, |port| format!(":{port}"));
            format!("{scheme}://{hostname}{port}")
        });
        Info { hostname: hostname.clone(), external_url }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_given_or_made_from_the_name() {
        let of = |address: &str, url: Option<&str>, https: bool| {
            let web = crate::config::Web {
                external_url: url.map(ToOwned::to_owned),
                ..crate::config::Web::default()
            };
            let config = Config { web: Some(web), ..Config::default() };
            Machine::of(&config).info(&Address::parse(address).unwrap(), https)
        };
        let info = |url| of("127.0.0.1:4711", url, false);
        let found = info(None);
        assert_eq!(found.external_url, format!("http://{}:4711", found.hostname));
        assert_eq!(info(Some("https://a.example/x/")).external_url, "https://a.example/x");
        let name = found.hostname;
        assert_eq!(of(":4711", None, true).external_url, format!("https://{name}:4711"));
        assert_eq!(of("unix:/x", None, false).external_url, format!("http://{name}"));
    }
}
