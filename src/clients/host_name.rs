//! The machine's name, also from a container, which has one of its own.

use std::path::{Path, PathBuf};

use crate::config::web::is_name;
use crate::files;

/// The name of the machine whose root is in one of these places, if one of them says so. `/` is our
/// own and not asked: the kernel knows better.
pub fn below(roots: &[PathBuf]) -> Option<String> {
    let roots = roots.iter().filter(|root| root.parent().is_some());
    let mut named = roots.filter_map(|root| read(&root.join("etc/hostname")));
    named.next()
}

/// As [`below`]; without an answer it is ours, which in a container is that of the container.
pub fn of(roots: &[PathBuf]) -> String {
    below(roots)
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
        assert_eq!(of(std::slice::from_ref(&root)), kernel, "no such file");
        std::fs::create_dir(root.join("etc")).unwrap();
        std::fs::write(root.join("etc/hostname"), "# of this machine\n\n shop1 \n").unwrap();
        assert_eq!(of(std::slice::from_ref(&root)), "shop1");
        // The root itself is ours, and the kernel knows better.
        assert_eq!(below(&[PathBuf::new(), "/".into()]), None);
        std::fs::write(root.join("etc/hostname"), "<b>\n").unwrap();
        assert_eq!(of(&[root]), kernel);
    }
}
