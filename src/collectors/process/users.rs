//! Users by name, as the host's `/etc/passwd` has them.

use std::collections::HashMap;
use std::path::Path;

use super::config::User;
use crate::clients::kernel::parse::{lines, number, text};
use crate::failure::{Failure, Reason};
use crate::files;

/// Bytes of the file.
const LONGEST: u64 = 4 << 20;

pub struct Users(Result<HashMap<String, u32>, Failure>);

/// From the root of the first process, which is the host's also where only its `/proc` is mounted
/// here; where that is not for us, from our own.
pub fn read(proc: &Path) -> Users {
    let own = || files::read(Path::new("/etc/passwd"), LONGEST);
    let found = files::read(&proc.join("1/root/etc/passwd"), LONGEST).or_else(|_| own());
    Users(found.map(|text| parse(&text)).map_err(|error| Failure::io("/etc/passwd", &error)))
}

/// `name:password:number:...`
fn parse(passwd: &[u8]) -> HashMap<String, u32> {
    let users = lines(passwd).filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let name = fields.next()?;
        Some((text(name), u32::try_from(number(fields.nth(1)?)?).ok()?))
    });
    users.collect()
}

impl Users {
    pub fn number(&self, user: &User) -> Result<u32, Failure> {
        let name = match user {
            User::Number(number) => return Ok(*number),
            User::Name(name) => name,
        };
        let users = self.0.as_ref().map_err(Clone::clone)?;
        users.get(name).copied().ok_or_else(|| {
            Failure::new(Reason::NOT_FOUND, "there is no such user in /etc/passwd")
                .hint("give the number of the user, as `id -u` has it")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        let users =
            Users(Ok(parse(b"root:x:0:0:root:/root:/bin/sh\nbot:x:1001:1001::/:\nodd\n:x:y\n")));
        let number = |name: &str| users.number(&User::Name(name.to_owned()));
        assert_eq!((number("root"), number("bot")), (Ok(0), Ok(1001)));
        assert_eq!(number("nobody").unwrap_err().reason, Reason::NOT_FOUND);
        let unread = Users(Err(Failure::new(Reason::RIGHTS, "x")));
        assert_eq!(unread.number(&User::Number(7)), Ok(7));
        assert!(unread.number(&User::Name("root".to_owned())).is_err());
    }
}
