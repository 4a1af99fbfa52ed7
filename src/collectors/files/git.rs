//! Whether git tracks a file, by git's own index and without running git: what a repository has
//! configured would run with our rights.

/// What an index says of a path, which is relative to the root of the working tree. `hash` is the
/// length of an object's name: 20 bytes, or 32 with SHA-256. None if it is no index of a version
/// that is known.
pub fn tracks(index: &[u8], path: &[u8], hash: usize) -> Option<bool> {
    let mut rest = index.strip_prefix(b"DIRC")?;
    let version = number(&mut rest)?;
    let count = number(&mut rest)?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut name = Vec::new();
    for _ in 0..count {
        rest = entry(rest, version, hash, &mut name)?;
        if name == path {
            return Some(true);
        }
    }
    Some(false)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (head, tail) = rest.split_first_chunk::<4>()?;
    *rest = tail;
    Some(u32::from_be_bytes(*head))
}

/// Reads one entry, whose name replaces that of the one before; returns what comes after it.
fn entry<'a>(whole: &'a [u8], version: u32, hash: usize, name: &mut Vec<u8>) -> Option<&'a [u8]> {
    // Ten numbers about the file, then the object's name.
    let (flags, mut rest) = whole.get(40 + hash..)?.split_first_chunk::<2>()?;
    let extended = u16::from_be_bytes(*flags) & 0x4000 != 0;
    if extended {
        rest = rest.get(2..)?;
    }
    if version == 4 {
        let cut = variable(&mut rest)?;
        name.truncate(name.len().checked_sub(cut)?);
    } else {
        name.clear();
    }
    let end = memchr::memchr(0, rest)?;
    name.extend_from_slice(rest.get(..end)?);
    if version == 4 {
        return rest.get(end + 1..);
    }
    // One to eight zeros, so that an entry has a multiple of eight bytes.
    let length = whole.len() - rest.len() + end;
    whole.get((length / 8 + 1) * 8..)
}

/// A number in groups of seven bits, each but the last with its top bit set and one more than it
/// says, as in the offsets of packs.
fn variable(rest: &mut &[u8]) -> Option<usize> {
    let mut value = 0_usize;
    loop {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        value = value.checked_mul(128)?.checked_add(usize::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    fn git(dir: &Path, words: &[&str]) {
        let output = Command::new("git").current_dir(dir).args(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// What the real git writes, in each version of its index and with both kinds of hashes.
    #[test]
    fn what_git_tracks() {
        let long = "d/".repeat(40) + "x";
        for (version, format, hash) in [("2", "sha1", 20), ("4", "sha1", 20), ("2", "sha256", 32)] {
            let dir = tempfile::tempdir().unwrap();
            git(dir.path(), &["init", "-q", &format!("--object-format={format}")]);
            for name in [".env", "a", "bot/.env", "bot/main.py", "later", "untracked", &long] {
                std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
                std::fs::write(dir.path().join(name), name).unwrap();
            }
            git(
                dir.path(),
                &["update-index", "--add", ".env", "a", "bot/.env", "bot/main.py", &long],
            );
            // An extended entry makes it version 3.
            git(dir.path(), &["add", "-N", "later"]);
            git(dir.path(), &["update-index", "--index-version", version]);
            let index = std::fs::read(dir.path().join(".git/index")).unwrap();
            for (name, is) in [
                (".env", true),
                ("bot/.env", true),
                ("later", true),
                (long.as_str(), true),
                ("untracked", false),
                ("bot", false),
                ("env", false),
            ] {
                assert_eq!(tracks(&index, name.as_bytes(), hash), Some(is), "{version} {name}");
            }
            // Half an index says nothing, and no byte of it ends the exporter.
            for end in 0..index.len() {
                let _ = tracks(&index[..end], b"zzz", hash);
            }
            for at in 0..index.len() {
                let mut odd = index.clone();
                odd[at] ^= 0xff;
                let _ = tracks(&odd, b"zzz", hash);
            }
            assert_eq!(tracks(&index[..index.len() / 2], b"zzz", hash), None);
        }
        assert_eq!(tracks(b"", b"x", 20), None);
        assert_eq!(tracks(b"DIRC\0\0\0\x09\0\0\0\x01", b"x", 20), None);
    }
}
