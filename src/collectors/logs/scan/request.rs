//! Requests in numbers: by status and method, their time and size.

use serde::{Deserialize, Serialize};

use super::clients::Clients;

/// Upper ends of the buckets of request times, in seconds; behind the last is infinity.
pub const BUCKETS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const MICROS: [u64; BUCKETS.len()] = [
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
    Connect,
    Trace,
    Other,
}

impl Method {
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Patch,
        Self::Delete,
        Self::Options,
        Self::Connect,
        Self::Trace,
        Self::Other,
    ];

    /// The value of the label `method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Connect => "CONNECT",
            Self::Trace => "TRACE",
            Self::Other => "other",
        }
    }

    /// The method of a request line.
    #[inline]
    pub fn of(request: &[u8]) -> Self {
        match request {
            [b'G', b'E', b'T', b' ', ..] => Self::Get,
            [b'P', b'O', b'S', b'T', b' ', ..] => Self::Post,
            [b'H', b'E', b'A', b'D', b' ', ..] => Self::Head,
            [b'P', b'U', b'T', b' ', ..] => Self::Put,
            [b'P', b'A', b'T', b'C', b'H', b' ', ..] => Self::Patch,
            [b'D', b'E', b'L', b'E', b'T', b'E', b' ', ..] => Self::Delete,
            [b'O', b'P', b'T', b'I', b'O', b'N', b'S', b' ', ..] => Self::Options,
            [b'C', b'O', b'N', b'N', b'E', b'C', b'T', b' ', ..] => Self::Connect,
            [b'T', b'R', b'A', b'C', b'E', b' ', ..] => Self::Trace,
            _ => Self::Other,
        }
    }

    /// The method of this name.
    pub fn named(name: &[u8]) -> Self {
        let is = |method: &Self| method.as_str().as_bytes() == name;
        Self::ALL.into_iter().find(is).unwrap_or(Self::Other)
    }
}

/// A class of status; the ones that tell of rights and limits stand apart from their class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Informational,
    Success,
    Redirection,
    ClientError,
    ServerError,
    Unauthorized,
    Forbidden,
    TooMany,
    Other,
}

impl Status {
    pub const ALL: [Self; 9] = [
        Self::Informational,
        Self::Success,
        Self::Redirection,
        Self::ClientError,
        Self::ServerError,
        Self::Unauthorized,
        Self::Forbidden,
        Self::TooMany,
        Self::Other,
    ];

    /// The value of the label `status`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Informational => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::TooMany => "429",
            Self::Other => "other",
        }
    }

    #[inline]
    pub const fn of(code: u16) -> Self {
        match code {
            200..=299 => Self::Success,
            300..=399 => Self::Redirection,
            401 => Self::Unauthorized,
            403 => Self::Forbidden,
            429 => Self::TooMany,
            400..=499 => Self::ClientError,
            500..=599 => Self::ServerError,
            100..=199 => Self::Informational,
            _ => Self::Other,
        }
    }
}

/// All requests of a source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// By [`Method`], then by [`Status`].
    requests: [[u64; Status::ALL.len()]; Method::ALL.len()],
    pub bytes: u64,
    pub times: Times,
    /// Who asked lately. Their addresses are not kept over a restart.
    #[serde(skip)]
    pub clients: Clients,
}

/// Request times as a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Times {
    /// By bucket, each without those before it; the last is infinity.
    pub counts: [u64; BUCKETS.len() + 1],
    micros: u64,
}

impl Access {
    #[inline]
    pub fn add(&mut self, method: Method, status: u16, bytes: u64, micros: Option<u64>) {
        let row = self.requests.get_mut(method as usize);
        if let Some(count) = row.and_then(|row| row.get_mut(Status::of(status) as usize)) {
            *count += 1;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        // What becomes a WebSocket lasts as long as the client stays [L21].
        if let Some(micros) = micros.filter(|_| status != 101) {
            self.times.add(micros);
        }
    }

    pub fn requests(&self, method: Method, status: Status) -> u64 {
        self.requests
            .get(method as usize)
            .and_then(|row| row.get(status as usize))
            .copied()
            .unwrap_or(0)
    }

    pub fn total(&self) -> u64 {
        self.requests.iter().flatten().sum()
    }
}

impl Times {
    #[inline]
    fn add(&mut self, micros: u64) {
        // Without a branch that depends on the data: times are as good as random.
        let bucket: usize = MICROS.iter().map(|end| usize::from(*end < micros)).sum();
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.micros = self.micros.saturating_add(micros);
    }

    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Seconds of all requests together.
    pub fn sum(&self) -> f64 {
        self.micros as f64 / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_once() {
        let mut access = Access::default();
        for (status, micros) in [
            (200, Some(5_000)),
            (200, Some(5_001)),
            (404, Some(11_000_000)),
            (401, None),
            (101, Some(3_600_000_000)),
            (0, None),
        ] {
            access.add(Method::of(b"GET / HTTP/1.1"), status, 10, micros);
        }
        let counts = Status::ALL.map(|status| access.requests(Method::Get, status));
        assert_eq!(counts, [1, 2, 0, 1, 0, 1, 0, 0, 1]);
        assert_eq!((access.total(), access.bytes, access.times.count()), (6, 60, 3));
        assert_eq!(access.times.counts[..2], [1, 1]);
        assert_eq!(access.times.counts[11], 1);
        assert!((access.times.sum() - 11.010_001).abs() < 1e-9);
        let again: Access = serde_json::from_str(&serde_json::to_string(&access).unwrap()).unwrap();
        assert_eq!(again, access);
        let older: Access = serde_json::from_str("{}").unwrap();
        assert_eq!(older, Access::default());
    }

    #[test]
    fn methods_and_buckets_are_in_order() {
        for (index, method) in Method::ALL.into_iter().enumerate() {
            assert_eq!(method as usize, index);
            let line = format!("{} / HTTP/1.1", method.as_str());
            assert_eq!(Method::of(line.as_bytes()), method);
        }
        for (index, status) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, index);
        }
        for (seconds, micros) in BUCKETS.iter().zip(MICROS) {
            assert!((seconds * 1e6 - micros as f64).abs() < 1e-6);
        }
    }
}
