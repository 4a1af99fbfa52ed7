//! Which machine this is.

use std::net::SocketAddr;

use crate::clients::host_name;
use crate::collectors::Config;
use crate::engine::Info;

/// Where the host's root is in a container, if nothing says otherwise.
const HOST: &str = "/host";

/// The machine's name and address, by the configuration and by what the machine says.
pub(super) fn info(config: &Config, address: SocketAddr) -> Info {
    let root = config.host.as_ref().map(|host| host.root_path.clone());
    let hostname = host_name::of(&[root.unwrap_or_default(), HOST.into()]);
    let url = config.web.as_ref().and_then(|web| web.external_url.as_deref());
    let external_url = url.map_or_else(
        || format!("http://{hostname}:{}", address.port()),
        |url| url.trim_end_matches('/').to_owned(),
    );
    Info { hostname, external_url }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_given_or_made_from_the_name() {
        let address = "127.0.0.1:4711".parse().unwrap();
        let info = |url: Option<&str>| {
            let web = crate::config::Web {
                external_url: url.map(ToOwned::to_owned),
                ..crate::config::Web::default()
            };
            super::info(&Config { web: Some(web), ..Config::default() }, address)
        };
        let found = info(None);
        assert_eq!(found.external_url, format!("http://{}:4711", found.hostname));
        assert_eq!(info(Some("https://a.example/x/")).external_url, "https://a.example/x");
    }
}
