//! Symbolic links, and whom they may lead where.
//!
//! Who may write in a directory of logs must not make us read what only we may read. So a link is
//! followed only if it belongs to root, to us, or to the owner of what it leads to.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

/// As many links in one path as Linux follows.
const MAX_LINKS: usize = 40;

#[derive(Debug)]
pub enum Refusal {
    /// A link that must not be followed.
    Link,
    Io(io::Error),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The path without symbolic links.
pub fn resolve(path: &Path) -> Result<PathBuf, Refusal> {
    let us = rustix::process::geteuid().as_raw();
    let mut links = MAX_LINKS;
    follow(path, &|link, target| link == 0 || link == us || link == target, &mut links)
}

fn follow(
    path: &Path,
    trusted: &dyn Fn(u32, u32) -> bool,
    links: &mut usize,
) -> Result<PathBuf, Refusal> {
    let mut real = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::ParentDir => {
                real.pop();
            }
            Component::Normal(name) => {
                let next = real.join(name);
                let meta = std::fs::symlink_metadata(&next)?;
                if !meta.is_symlink() {
                    real = next;
                    continue;
                }
                *links = links
                    .checked_sub(1)
                    .ok_or(io::ErrorKind::NotFound)
                    .map_err(|kind| Refusal::Io(kind.into()))?;
                let target = real.join(std::fs::read_link(&next)?);
                let target = follow(&target, trusted, links)?;
                if !trusted(meta.uid(), std::fs::symlink_metadata(&target)?.uid()) {
                    return Err(Refusal::Link);
                }
                real = target;
            }
            _ => {}
        }
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_resolved_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("a")).unwrap();
        std::fs::write(root.join("a/x"), "").unwrap();
        symlink("a", root.join("b")).unwrap();
        symlink("../b/x", root.join("a/y")).unwrap();
        symlink(root.join("a/y"), root.join("z")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        for path in ["a/x", "b/x", "b/y", "z", "a/../z"] {
            assert_eq!(resolve(&root.join(path)).unwrap(), root.join("a/x"), "{path}");
        }
        for path in ["nowhere", "loop", "z/x"] {
            assert!(matches!(resolve(&root.join(path)), Err(Refusal::Io(_))), "{path}");
        }
        // Whoever they belong to: any link on the way is asked for.
        let refuse = |path: &str, trusted: &dyn Fn(u32, u32) -> bool| {
            matches!(follow(&root.join(path), trusted, &mut 9), Err(Refusal::Link))
        };
        for path in ["b/x", "a/y", "z"] {
            assert!(refuse(path, &|_, _| false), "{path}");
        }
        assert!(!refuse("a/x", &|_, _| false));
    }
}
