//! `password-hash`: the bcrypt hash of a password.

use std::io::{BufRead as _, IsTerminal as _};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::{BAD_USAGE, print, tell};

/// A check takes about 70 ms: what a browser and a scraper do not notice, and a guesser does.
const COST: u32 = 10;
/// More is cut off by bcrypt, so that its end would protect nobody.
const LONGEST: usize = 72;

pub(super) fn run() -> u8 {
    match read().and_then(|password| hash(&password)) {
        Ok(hash) => {
            print(&format!("{hash}\n"));
            0
        }
        Err(why) => {
            tell(&format!("no hash: {why}"));
            BAD_USAGE
        }
    }
}

fn hash(password: &str) -> Result<String, String> {
    match password.len() {
        0 => Err("the password is empty".to_owned()),
        // htpasswd writes the same as `$2y$`, and everything that reads one reads the other.
        1..=LONGEST => bcrypt::hash(password, COST).map_err(|error| error.to_string()),
        _ => Err("the password has over 72 bytes, and bcrypt looks at no more".to_owned()),
    }
}

/// The first line of standard input, which a terminal does not show meanwhile.
fn read() -> Result<String, String> {
    let input = std::io::stdin();
    let hidden = if input.is_terminal() {
        tell("password (it is not shown):");
        Hidden::new()
    } else {
        None
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    drop(hidden);
    read.map_err(|error| format!("standard input cannot be read: {error}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden(Termios);

impl Hidden {
    fn new() -> Option<Self> {
        let before = tcgetattr(std::io::stdin()).ok()?;
        let mut now = before.clone();
        now.local_modes.remove(LocalModes::ECHO);
        tcsetattr(std::io::stdin(), OptionalActions::Now, &now).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_one_that_the_lock_takes() {
        let hash = hash("hunter2").unwrap();
        assert!(hash.starts_with("$2b$10$") && bcrypt::verify("hunter2", &hash).unwrap());
        let text = format!("basic_auth_users: {{ alice: {hash} }}");
        assert!(crate::config::web_file::load("web.yml", &text).finish().is_ok());
        assert!(self::hash("").unwrap_err().contains("empty"));
        assert!(self::hash(&"x".repeat(73)).unwrap_err().contains("over 72 bytes"));
    }
}
