//! TCP, with TLS or without: a connection, and a banner if one is expected.

use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::expect::unexpected;
use super::prober::Prober;
use super::reasons;
use super::trace::{Phase, Trace};
use crate::failure::Failure;

/// What is read of a banner.
const MOST: usize = 64 << 10;

pub async fn probe(prober: &Prober, trace: &mut Trace, until: Instant) -> Result<(), Failure> {
    trace.regex_failed = Some(false);
    let mut stream = prober.dialer.dial(&prober.place, true, trace, until).await?;
    let expect = &prober.expect;
    if expect.send.is_none() && expect.banner.is_none() {
        return Ok(());
    }
    trace.enter(Phase::Processing);
    let cut = |error: std::io::Error| super::connect::failure(&error);
    if let Some(text) = &expect.send {
        stream.write_all(text.as_bytes()).await.map_err(cut)?;
        stream.flush().await.map_err(cut)?;
    }
    let Some(pattern) = &expect.banner else { return Ok(()) };
    let mut seen: Vec<u8> = Vec::new();
    let mut part = [0; 4096];
    loop {
        let length = stream.read(&mut part).await.map_err(cut)?;
        if length == 0 {
            if seen.is_empty() {
                return Err(Failure::new(reasons::CUT, "the connection was closed without a word"));
            }
            trace.regex_failed = Some(true);
            return Err(unexpected("what came"));
        }
        if seen.is_empty() {
            trace.enter(Phase::Transfer);
        }
        seen.extend_from_slice(part.get(..length).unwrap_or_default());
        if pattern.is_match(&String::from_utf8_lossy(&seen)) {
            return Ok(());
        }
        if seen.len() > MOST {
            return Err(Failure::new(
                reasons::TOO_LARGE,
                "what is expected is not in the first 64 kB",
            ));
        }
    }
}
