//! Logs of containers: what the Engine keeps of their standard output and error.
//!
//! | read | from | rights |
//! |---|---|---|
//! | which containers | `GET /containers/json?all=1`, every 2 s; `GET /containers/<id>/json`, once | the socket, or a proxy with `CONTAINERS=1` |
//! | lines, where the driver is json-file and its file can be read | that file, like any other | root, and `/var/lib/docker/containers` mounted |
//! | lines, else | `GET /containers/<id>/logs`, once a second, every 5 s while it is silent | the socket, or that proxy |
//!
//! The file is exact over rotation. The Engine is asked again and again for the last 2 s too, for
//! near a rotation it leaves lines out (and `follow` loses them for good); what was counted is known
//! by stream and time. Lines that the Engine has thrown away before they were read are gone for
//! every reader: that they are is seen when an answer does not reach back to the last one.
//!
//! `look` does the I/O and `absorb` the rest, so that what is counted and what is remembered change
//! together. At most 8 requests at once, 2 MiB of new lines of a container and 16 MiB of all at one
//! look, 200 containers.

pub mod all;
pub mod envelope;
pub mod find;
mod frames;
mod input;
pub mod look;
mod marks;
mod partial;
mod reading;
mod record;
pub mod state;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::input::{Containers, Known, Saved, plan};
use self::record::Origin;

/// What a container writes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Streams {
    /// Standard output and standard error.
    #[default]
    Both,
    /// Standard output only.
    Stdout,
    /// Standard error only.
    Stderr,
}

impl Streams {
    const fn has(self, origin: Origin) -> bool {
        match origin {
            Origin::Stdout => !matches!(self, Self::Stderr),
            Origin::Stderr => !matches!(self, Self::Stdout),
        }
    }
}

/// For `src/fuzzing.rs`: an answer in the form that the first byte names, in two pieces.
#[cfg(fuzzing)]
pub fn fuzz_frames(data: &[u8]) {
    let Some((form, body)) = data.split_first() else { return };
    let form = match *form {
        b'r' => frames::Form::Raw { local: false },
        b'l' => frames::Form::Raw { local: true },
        _ => frames::Form::Multiplexed,
    };
    let mut frames = frames::Frames::new(form);
    let (first, second) = body.split_at(body.len() / 2);
    if frames.feed(first, |_| true).is_ok() && frames.feed(second, |_| true).is_ok() {
        let _ = frames.end(|_| true);
    }
}

/// For `src/fuzzing.rs`: a json-file of the Engine.
#[cfg(fuzzing)]
pub fn fuzz_envelopes(data: &[u8]) {
    use crate::collectors::logs::follow::Sink as _;
    let mut nobody = crate::collectors::logs::fuzzing::Nobody;
    let mut envelope = envelope::Envelope::<()>::new(&mut nobody, Streams::default());
    let mut unwrap = envelope::Unwrap::default();
    let mut lines = crate::collectors::logs::scan::lines::Lines::default();
    lines.feed(data, |piece| envelope.lines(&mut unwrap, piece));
    envelope.settle(&mut unwrap);
    let mut out = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        if let Some(record) = record::Record::parse(line) {
            record::unescape(record.text, &mut out);
        }
    }
}
