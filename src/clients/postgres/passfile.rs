//! The password in a file of `libpq`: `host:port:database:user:password` a line, `*` for any, and `\` before a
//! colon or a backslash that means itself.

use super::Address;
use crate::config::Secret;

/// What is to be written into it.
pub(super) const FORM: &str = "write lines of `host:port:database:user:password` there";

/// The password of the first line that fits one of the servers, the database and the role.
pub(super) fn find(text: &str, at: &Address) -> Option<Secret> {
    let fits = |line: &&str| {
        let Some(([host, port, database, user], _)) = fields(line) else { return false };
        let server = at.places.iter().any(|place| {
            let socket = place.is_socket() && host == "localhost";
            (is(&host, &place.host) || socket) && is(&port, &place.port.to_string())
        });
        server && is(&database, &at.database) && is(&user, &at.user)
    };
    let line = text.lines().filter(|line| !line.starts_with('#')).find(fits)?;
    fields(line).map(|(_, password)| Secret::new(password))
}

fn is(field: &str, value: &str) -> bool {
    field == "*" || field == value
}

/// The four that are compared, and what is left.
fn fields(line: &str) -> Option<([String; 4], String)> {
    let mut fields = vec![String::new()];
    let mut letters = line.trim_end_matches('\r').chars();
    while let Some(letter) = letters.next() {
        let meant = if letter == '\\' { letters.next() } else { Some(letter) };
        if letter == ':' && fields.len() < 5 {
            fields.push(String::new());
        } else if let (Some(last), Some(meant)) = (fields.last_mut(), meant) {
            last.push(meant);
        }
    }
    let password = fields.pop()?;
    Some((fields.try_into().ok()?, password))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SafeUrl;

    #[test]
    fn the_first_line_that_fits() {
        let text = "# a:1:app:u:comment\n\
                    other:*:*:*:wrong\n\
                    db:5432:app:u:pass\\:wo\\\\rd:x\n\
                    *:*:*:u:any\n\
                    localhost:*:*:s:socket\n\
                    broken\n";
        for (url, want) in [
            ("postgresql://u@db/app", Some("pass:wo\\rd:x")),
            ("postgresql://u@db/else", Some("any")),
            ("postgresql://u@one,db:5432/app", Some("pass:wo\\rd:x")),
            ("postgresql://s@%2Frun%2Fpg/app", Some("socket")),
            ("postgresql://nobody@db/app", None),
        ] {
            let at = Address::parse(&SafeUrl::new(url)).unwrap();
            let found = find(text, &at);
            assert_eq!(found.as_ref().map(Secret::expose), want, "{url}");
        }
    }
}
