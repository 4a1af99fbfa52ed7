//! Why a target, or a part of it, could not be read.

use std::fmt;

/// The closed list of reasons: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Nobody listens there.
    Refused,
    /// No answer within the deadline.
    Timeout,
    /// The name does not resolve.
    Dns,
    /// The TLS handshake failed.
    Tls,
    /// Credentials missing or wrong.
    Auth,
    /// Logged in, but not allowed to see it.
    Rights,
    /// The thing is not there: a database, a file, a stream.
    NotFound,
    /// It answered, but not what its protocol says.
    Protocol,
    /// The answer could not be understood.
    Parse,
    /// A defect of ours.
    Panic,
    /// It changes faster than it can be read, or is locked by those who use it.
    Busy,
    /// Another process has what we need for ourselves.
    Taken,
    /// Not read yet.
    Pending,
    Other,
}

impl Reason {
    pub const ALL: [Self; 14] = [
        Self::Refused,
        Self::Timeout,
        Self::Dns,
        Self::Tls,
        Self::Auth,
        Self::Rights,
        Self::NotFound,
        Self::Protocol,
        Self::Parse,
        Self::Panic,
        Self::Busy,
        Self::Taken,
        Self::Pending,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Tls => "tls",
            Self::Auth => "auth",
            Self::Rights => "rights",
            Self::NotFound => "not_found",
            Self::Protocol => "protocol",
            Self::Parse => "parse",
            Self::Panic => "panic",
            Self::Busy => "busy",
            Self::Taken => "taken",
            Self::Pending => "pending",
            Self::Other => "other",
        }
    }
}

/// A failed reading: what, why, what to do. Holds no secret and no text from inside the source
/// beyond what the operator needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub reason: Reason,
    /// What failed and why, lower case, without full stop.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self { reason, detail: detail.into(), hint: None }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An I/O error of the operating system, told apart by its kind.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let reason = match error.kind() {
            ErrorKind::NotFound => Reason::NotFound,
            ErrorKind::PermissionDenied => Reason::Rights,
            ErrorKind::ConnectionRefused => Reason::Refused,
            ErrorKind::TimedOut => Reason::Timeout,
            ErrorKind::InvalidData => Reason::Parse,
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => {
                Reason::Protocol
            }
            _ => Reason::Other,
        };
        Self::new(reason, format!("{what}: {error}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Failure {}
