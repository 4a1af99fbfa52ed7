//! How a server may ask for the password: not in clear text over a network, unless allowed.
//!
//! Whoever answers in the server's place can ask for the password in clear text, and every driver
//! sends it. So what the server says before the log-in is over is read along.

/// Codes of the server's message `R`.
const OK: u32 = 0;
const CLEAR_TEXT: u32 = 3;
const MD5: u32 = 5;
const SASL: u32 = 10;

/// What may be asked for: the parameter `require_auth`, as `libpq` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Methods {
    /// None: only over TLS with a verified server, or a socket.
    clear_text: Option<bool>,
    md5: bool,
    scram: bool,
    none: bool,
}

impl Default for Methods {
    fn default() -> Self {
        Self { clear_text: None, md5: true, scram: true, none: true }
    }
}

/// The server asked for what it may not have, or says what no server says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("the server asks for the password in clear text, and it may be somebody else")]
    ClearText,
    #[error("the server asks for another log-in than `require_auth` allows")]
    Method,
    #[error("a message that is longer than any of PostgreSQL")]
    Length,
    #[error("an answer that is too long to be read (24 MiB)")]
    TooMuch,
    #[error("too many notices and parameters that nobody asked for")]
    Asides,
}

impl Methods {
    pub const NAMES: &str =
        "`password`, `md5`, `scram-sha-256`, `none`, or of these with `!` before";

    /// A list of what alone is allowed, or with `!` before each of what is not.
    pub fn of(text: &str) -> Option<Self> {
        let mut methods = Self::default();
        if text.is_empty() {
            return Some(methods);
        }
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        let not = text.trim_start().starts_with('!');
        if !not {
            methods = Self { clear_text: Some(false), md5: false, scram: false, none: false };
        }
        for name in names {
            if name.starts_with('!') != not {
                return None;
            }
            match name.trim_start_matches('!') {
                "password" => methods.clear_text = Some(!not),
                "md5" => methods.md5 = !not,
                "scram-sha-256" => methods.scram = !not,
                "none" => methods.none = !not,
                "gss" | "sspi" | "oauth" => {}
                _ => return None,
            }
        }
        Some(methods)
    }

    fn judge(self, private: bool, code: u32, first: bool) -> Result<(), Refused> {
        let allowed = match code {
            CLEAR_TEXT => match self.clear_text {
                Some(allowed) => allowed,
                None if private => true,
                None => return Err(Refused::ClearText),
            },
            MD5 => self.md5,
            SASL => self.scram,
            OK if first => self.none,
            _ => true,
        };
        if allowed { Ok(()) } else { Err(Refused::Method) }
    }
}

/// What a log-in may ask for, and what it has asked for so far.
pub(super) struct LogIn {
    methods: Methods,
    /// Only the server can be at the other end: verified TLS or a socket.
    private: bool,
    first: bool,
}

impl LogIn {
    pub fn new(methods: Methods, private: bool) -> Self {
        Self { methods, private, first: true }
    }

    /// Takes the code of a message `R`. Whether the log-in is over.
    pub fn asked(&mut self, code: u32) -> Result<bool, Refused> {
        self.methods.judge(self.private, code, self.first)?;
        self.first = false;
        Ok(code == OK)
    }
}

#[cfg(test)]
mod tests {
    use super::super::watch::Frames;
    use super::*;

    fn message(code: u32, rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(8 + rest.len()).unwrap();
        [&b"R"[..], &length.to_be_bytes(), &code.to_be_bytes(), rest].concat()
    }

    /// Whether the log-in goes on after these messages, cut into pieces of any length.
    fn outcome(methods: &str, private: bool, bytes: &[u8]) -> Result<bool, Refused> {
        let methods = Methods::of(methods).expect("methods");
        let mut outcomes = Vec::new();
        for size in 1..=bytes.len() {
            let mut frames = Frames::new(LogIn::new(methods, private));
            let seen = bytes.chunks(size).try_for_each(|piece| frames.see(piece));
            outcomes.push(seen.map(|()| frames.is_logging_in()));
        }
        let first = *outcomes.first().expect("an outcome");
        assert!(outcomes.iter().all(|outcome| *outcome == first), "{outcomes:?}");
        first
    }

    #[test]
    fn a_password_in_clear_text_needs_privacy_or_leave() {
        let clear = message(CLEAR_TEXT, &[]);
        assert_eq!(outcome("", false, &clear), Err(Refused::ClearText));
        assert_eq!(outcome("", true, &clear), Ok(true));
        assert_eq!(outcome("password", false, &clear), Ok(true));
        assert_eq!(outcome("scram-sha-256", true, &clear), Err(Refused::Method));
        assert_eq!(outcome("!password", true, &clear), Err(Refused::Method));
        // After a notice, and after another question.
        let notice = [&b"N\0\0\0\x0aSx\0y\0\0"[..], &clear].concat();
        assert_eq!(outcome("", false, &notice), Err(Refused::ClearText));
        let second = [message(MD5, b"salt"), clear].concat();
        assert_eq!(outcome("", false, &second), Err(Refused::ClearText));
    }

    #[test]
    fn what_require_auth_names_is_asked_for_alone() {
        let scram = message(SASL, b"SCRAM-SHA-256\0\0");
        let done = [scram.clone(), message(11, b"r=x"), message(12, b"v=y"), message(OK, &[])];
        assert_eq!(outcome("", false, &done.concat()), Ok(false));
        assert_eq!(outcome("scram-sha-256", false, &done.concat()), Ok(false));
        assert_eq!(outcome("md5, password", false, &scram), Err(Refused::Method));
        assert_eq!(outcome("!md5", false, &scram), Ok(true));
        assert_eq!(outcome("!md5", false, &message(MD5, b"salt")), Err(Refused::Method));
        assert_eq!(outcome("scram-sha-256", false, &message(OK, &[])), Err(Refused::Method));
        assert_eq!(outcome("none", false, &message(OK, &[])), Ok(false));
        for wrong in ["hunter2", "password,!md5", "!password,md5"] {
            assert_eq!(Methods::of(wrong), None, "{wrong}");
        }
    }
}
