//! Waiting for a condition, with a deadline. The only place of the live tests that sleeps.

use std::fmt::Debug;
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine with two cores, short enough that a hang is noticed.
pub const PATIENT: Duration = Duration::from_secs(30);

/// From one look to the next: an eighth of the time waited so far, within these. What is looked at takes the
/// machine its time as well, and often more than what is waited for.
const POLL: RangeInclusive<Duration> = Duration::from_millis(25)..=Duration::from_millis(250);

/// What one look at the world may answer: there, or not yet and what was seen instead.
pub trait Outcome {
    type Value;
    fn settle(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();
    fn settle(self) -> Result<(), String> {
        self.then_some(()).ok_or_else(|| "false".to_owned())
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.ok_or_else(|| "nothing".to_owned())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Value = T;
    fn settle(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Asks `probe` until it has an answer; a `Result`'s error is "the last thing seen".
///
/// # Panics
/// When the deadline passes first. A probe that itself hangs counts as seen.
pub async fn until<O: Outcome>(
    what: &str,
    deadline: Duration,
    mut probe: impl AsyncFnMut() -> O,
) -> O::Value {
    let start = Instant::now();
    let mut last = "nothing: the first look has not come back".to_owned();
    let mut looks = 0_u32;
    loop {
        let left = deadline.saturating_sub(start.elapsed());
        match tokio::time::timeout(left, probe()).await.map(Outcome::settle) {
            Ok(Ok(value)) => return value,
            Ok(Err(seen)) => last = seen,
            Err(_) => last = format!("a look that hangs; before it: {last}"),
        }
        looks += 1;
        let poll = (start.elapsed() / 8).clamp(*POLL.start(), *POLL.end());
        assert!(
            start.elapsed() + poll < deadline,
            "waited {deadline:?} for {what} ({looks} looks); last seen: {last}"
        );
        tokio::time::sleep(poll).await;
    }
}

/// The time between two looks of a caller's own loop, which has a deadline.
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Waits until a GET of `url` is answered with 200 and returns the body.
pub async fn http_ok(url: &str, deadline: Duration) -> String {
    until(&format!("200 from {url}"), deadline, async || get_ok(url).await).await
}

/// One GET: the body when it is answered with 200, else what came instead.
pub async fn get_ok(url: &str) -> Result<String, String> {
    let client = super::http_client();
    // A server that is being paused accepts and never answers: look again rather than hang.
    let answer = client.get(url).timeout(Duration::from_secs(2)).send().await;
    let answer = answer.map_err(|error| format!("{error:?}"))?;
    let status = answer.status();
    let body = answer.text().await.map_err(|error| format!("{error:?}"))?;
    if status == 200 { Ok(body) } else { Err(format!("{status}: {body}")) }
}
