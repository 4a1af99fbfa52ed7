//! Who owns a file, who can read it, and which names are copies of it. Pure.

/// What an owner is wanted to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    pub user: Option<u32>,
    pub group: Option<u32>,
}

impl Owner {
    /// `app`, `app:app`, `1000:1000`, `:docker`, by the texts of `/etc/passwd` and `/etc/group`; or the
    /// name that is in neither.
    pub fn parse(text: &str, users: &str, groups: &str) -> Result<Self, String> {
        let (user, group) = text.split_once(':').unwrap_or((text, ""));
        let find = |name: &str, list: &str| -> Result<Option<u32>, String> {
            if name.is_empty() {
                return Ok(None);
            }
            let found = name.parse().ok().or_else(|| number(name, list));
            found.map(Some).ok_or_else(|| name.to_owned())
        };
        Ok(Self { user: find(user, users)?, group: find(group, groups)? })
    }

    pub fn is(self, uid: u32, gid: u32) -> bool {
        self.user.is_none_or(|user| user == uid) && self.group.is_none_or(|group| group == gid)
    }
}

/// The number of a name in a text such as `/etc/passwd`.
fn number(name: &str, list: &str) -> Option<u32> {
    let mut lines = list.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten()
    })
}

/// The name of a number in such a text, or the number.
pub fn name(number: u32, list: &str) -> String {
    let mut lines = list.lines().map(|line| line.split(':'));
    let found = lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| number.to_string())
}

/// The rights that octal digits stand for.
pub fn mode(text: &str) -> Option<u32> {
    let digits = (3..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok().filter(|_| digits)?;
    (mode <= 0o7777).then_some(mode)
}

/// Words with which people and programs put a copy aside.
const ASIDE: [&str; 11] =
    ["backup", "bak", "copy", "new", "old", "orig", "save", "swo", "swp", "temp", "tmp"];

/// Whether a name is that of a copy which was left beside `of`: `.env.bak`, `.env.tmp`, `.env~`,
/// `.env.backup_20260301`, `..env.swp`. What is meant to be there beside a secret is none:
/// `.env.example`, `.env.production`.
pub fn is_copy(name: &[u8], of: &[u8]) -> bool {
    let plain = name.strip_prefix(b".").unwrap_or(name);
    let rest = name.strip_prefix(of).or_else(|| plain.strip_prefix(of));
    let Some((mark, word)) = rest.and_then(<[u8]>::split_first) else { return false };
    let word = word.to_ascii_lowercase();
    match mark {
        b'~' => word.is_empty(),
        b'.' | b'-' | b'_' => {
            let letters = word.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            let known = |aside: &str| word.get(..letters) == Some(aside.as_bytes());
            ASIDE.iter().any(|aside| known(aside)) || word.first().is_some_and(u8::is_ascii_digit)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: &str = "root:x:0:0:root:/root:/bin/sh\napp:x:1001:1002::/srv:/bin/false\nodd\n";
    const GROUPS: &str = "root:x:0:\napp:x:1002:\ndocker:x:998:app\n";

    #[test]
    fn owners() {
        let parse = |text| Owner::parse(text, USERS, GROUPS);
        let of = |user, group| Ok(Owner { user, group });
        assert_eq!(parse("app"), of(Some(1001), None));
        assert_eq!(parse("app:app"), of(Some(1001), Some(1002)));
        assert_eq!(parse("0:998"), of(Some(0), Some(998)));
        assert_eq!(parse(":docker"), of(None, Some(998)));
        assert_eq!(parse("nobody"), Err("nobody".to_owned()));
        let app = parse("app:app").unwrap();
        assert!(app.is(1001, 1002) && !app.is(1001, 0) && !app.is(0, 1002));
        assert_eq!(
            (name(1001, USERS), name(998, GROUPS), name(7, USERS)),
            ("app".into(), "docker".into(), "7".into())
        );
    }

    #[test]
    fn modes() {
        for (text, is) in [
            ("644", Some(0o644)),
            ("0600", Some(0o600)),
            ("4755", Some(0o4755)),
            ("8", None),
            ("648", None),
            ("rw-", None),
            ("77777", None),
            ("+644", None),
        ] {
            assert_eq!(mode(text), is, "{text}");
        }
    }

    /// [F09]
    #[test]
    fn copies_of_a_secret() {
        for name in [
            ".env.bak",
            ".env.tmp",
            ".env~",
            ".env.backup",
            ".env.backup_2026",
            ".env-old",
            ".env.20260301",
            "..env.swp",
            ".env.BAK",
            ".env_copy",
        ] {
            assert!(is_copy(name.as_bytes(), b".env"), "{name}");
        }
        for name in [
            ".env",
            ".env.example",
            ".env.production",
            ".env.local",
            ".envrc",
            ".env.newrelic",
            "bot.env",
            ".env.sample",
            ".environment",
        ] {
            assert!(!is_copy(name.as_bytes(), b".env"), "{name}");
        }
        assert!(is_copy(b"api_keys.json.bak", b"api_keys.json"));
        assert!(is_copy(b".api_keys.json.swp", b"api_keys.json"));
    }
}
