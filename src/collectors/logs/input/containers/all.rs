//! The whole log of a container once, as the Engine keeps it, for those who look at what has been.

use std::path::Path;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::Streams;
use super::find::{self, Found};
use super::frames::{Form, Frames, Message};
use super::look::{Source, WHAT, broken};
use super::partial::Partial;
use super::record::Origin;
use crate::clients::engine::client::{Client, Pieces};
use crate::clients::engine::failure::timeout as late;
use crate::failure::Failure;

/// How long the Engine may take for a list, and for the next piece of a log.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of one log that are read.
const MOST: usize = 1 << 30;

/// Takes a whole line with its time in seconds since 1970, or hears that a stream has ended.
pub type Taker<'a> = dyn FnMut(Option<(&[u8], i64)>) + Send + 'a;

/// A container whose log can be read.
pub struct Container {
    client: Client,
    found: Found,
    streams: Streams,
}

impl Source {
    /// The containers of the source, those that have ended too.
    pub async fn containers(&self) -> Result<Vec<Container>, Failure> {
        let until = Instant::now() + PATIENCE;
        let (client, _) = Client::connect(&self.address, until).await?;
        let (found, _) = find::list(&client, &self.selector, until).await?;
        let mut containers = Vec::new();
        for mut found in found {
            found.nature = find::nature(&client, &found.id, Path::new("/"), until).await?;
            containers.push(Container { client: client.clone(), found, streams: self.streams });
        }
        Ok(containers)
    }
}

impl Container {
    pub fn name(&self) -> &str {
        &self.found.name
    }

    /// When its oldest line was written that is there, in seconds since 1970.
    pub async fn oldest(&self) -> Result<Option<i64>, Failure> {
        let mut oldest = None;
        for origin in self.origins() {
            let mut first = None;
            self.messages(origin, None, |message| {
                first = Some(seconds(message.at));
                false
            })
            .await?;
            oldest = [oldest, first].into_iter().flatten().min();
        }
        Ok(oldest)
    }

    /// Hands out its lines, each whole with its newline and its time in seconds since 1970: standard
    /// output first, then standard error, and nothing after each. Whether it was read to its end.
    pub async fn read(&self, since: Option<i64>, give: &mut Taker<'_>) -> Result<bool, Failure> {
        let mut left = MOST;
        for origin in self.origins() {
            let mut open: Option<(i64, Partial)> = None;
            let read = self.messages(origin, since, |message| {
                left = left.saturating_sub(message.text.len());
                // A line of several pieces has one time.
                if open.as_ref().is_some_and(|(at, _)| *at != message.at) {
                    end(&mut open, give);
                }
                let (_, line) = open.get_or_insert_with(|| (message.at, Partial::default()));
                match message.text.strip_suffix(b"\n") {
                    Some(text) => {
                        line.push(text);
                        end(&mut open, give);
                    }
                    None => line.push(message.text),
                }
                left > 0
            });
            let read = read.await;
            end(&mut open, give);
            give(None);
            read?;
        }
        Ok(left > 0)
    }

    fn origins(&self) -> impl Iterator<Item = Origin> {
        let (streams, tty) = (self.streams, self.found.nature.tty);
        [Origin::Stdout, Origin::Stderr]
            .into_iter()
            .filter(move |origin| streams.has(*origin) && (!tty || *origin == Origin::Stdout))
    }

    async fn messages(
        &self,
        origin: Origin,
        since: Option<i64>,
        mut give: impl FnMut(&Message<'_>) -> bool,
    ) -> Result<(), Failure> {
        let local = self.found.nature.driver == "local";
        let form = if self.found.nature.tty { Form::Raw { local } } else { Form::Multiplexed };
        let (out, err) = (origin == Origin::Stdout, origin == Origin::Stderr);
        let since = since.map_or_else(String::new, |since| format!("&since={since}"));
        let path = format!(
            "/containers/{}/logs?timestamps=1&stdout={out}&stderr={err}{since}",
            self.found.id
        );
        let mut frames = Frames::new(form);
        let mut pieces: Pieces = self.client.stream(WHAT, &path).await?;
        loop {
            let piece = timeout(PATIENCE, pieces.next()).await.map_err(|_| late(WHAT))??;
            let Some(piece) = piece else { break };
            if !frames.feed(piece.as_ref(), |message| give(&message)).map_err(broken)? {
                return Ok(());
            }
        }
        frames.end(|message| give(&message)).map_err(broken)
    }
}

fn end(open: &mut Option<(i64, Partial)>, give: &mut Taker<'_>) {
    if let Some((at, mut line)) = open.take() {
        line.end(|piece| give(Some((piece.lines, seconds(at)))));
    }
}

fn seconds(nanos: i64) -> i64 {
    nanos.div_euclid(1_000_000_000)
}
