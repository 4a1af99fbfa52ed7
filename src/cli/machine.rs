//! Which machine this is.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use crate::collectors::Config;
use crate::config::web::is_name;
use crate::engine::Info;
use crate::files;

/// Where the host's root is in a container, if nothing says otherwise.
const HOST: &str = "/host";

/// The machine's name and address, by the configuration and by what the machine says.
pub(super) fn info(config: &Config, address: SocketAddr) -> Info {
    let root = config.host.as_ref().map(|host| host.root_path.clone());
    let hostname = hostname(&[root.unwrap_or_default(), HOST.into()]);
    let url = config.web.as_ref().and_then(|web| web.external_url.as_deref());
    let external_url = url.map_or_else(
        || format!("http://{hostname}:{}", address.port()),
        |url| url.trim_end_matches('/').to_owned(),
    );
    Info { hostname, external_url }
}

/// The name of the host below one of these roots. Without one it is ours, which in a container is
/// that of the container.
fn hostname(roots: &[PathBuf]) -> String {
    let roots = roots.iter().filter(|root| root.parent().is_some());
    let mut named = roots.filter_map(|root| read(&root.join("etc/hostname")));
    named
        .next()
        .unwrap_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned())
}

/// The first line that is a name; see hostname(5).
fn read(path: &Path) -> Option<String> {
    let text = files::read_small(path).ok()?;
    let mut lines = text.lines().map(str::trim);
    lines.find(|line| is_name(line)).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_known_by_its_root() {
        let dir = tempfile::tempdir().unwrap();
        let kernel = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let root = dir.path().to_owned();
        assert_eq!(hostname(std::slice::from_ref(&root)), kernel, "no such file");
        std::fs::create_dir(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/hostname"), "# of this machine\n\n shop1 \n").unwrap();
        assert_eq!(hostname(std::slice::from_ref(&root)), "shop1");
        // The root itself is ours, and the kernel knows better.
        assert_eq!(hostname(&[PathBuf::new(), "/".into()]), kernel);
        std::fs::write(root.join("etc/hostname"), "<b>\n").unwrap();
        assert_eq!(hostname(&[root]), kernel);
    }

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
