//! Typed state of a target that outlives the process: read once, written when it has changed.
//!
//! It is written beside the readings, at most once in a while, so a kill loses what is younger than
//! that; what must be on the disk before it is shown does not belong here. A file that cannot be
//! understood is told, and replaced by the next write. Without a directory for states this is
//! memory, which ends with the process and is no failure.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::frame::{Form, checksum};
use super::{Failure, Reason, Storage};
use crate::engine::part::Showing;

/// How something is kept.
#[derive(Clone, Copy, Debug)]
pub struct Keeping {
    pub form: Form,
    /// Bytes of the file; a state that has grown over them is not written.
    pub most: usize,
    /// From one write to the next.
    pub pause: Duration,
}

/// State that is kept over restarts.
pub struct Kept<T> {
    storage: Arc<Storage>,
    area: &'static str,
    name: String,
    /// Whose state it is: of another source it is none.
    of: String,
    keeping: Keeping,
    inner: Arc<Inner<T>>,
    showing: Arc<Showing>,
}

/// What is common to all collectors with the same settings.
pub(in crate::engine) struct Inner<T>(watch::Sender<State<T>>);

struct State<T> {
    phase: Phase,
    /// What was found, until somebody takes it.
    found: Option<T>,
    /// Why what was kept is lost, until something is written anew.
    lost: Option<Failure>,
    unsaved: Option<Failure>,
    /// The checksum of what was written last, and when that was, or the reading of it.
    written: Option<u64>,
    at: Option<Instant>,
    writing: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    New,
    Loading,
    Loaded,
}

impl<T> Default for Inner<T> {
    fn default() -> Self {
        Self(watch::Sender::new(State {
            phase: Phase::New,
            found: None,
            lost: None,
            unsaved: None,
            written: None,
            at: None,
            writing: false,
        }))
    }
}

#[derive(Serialize)]
struct Written<'a, T> {
    of: &'a str,
    state: &'a T,
}

#[derive(Deserialize)]
struct Read<T> {
    of: String,
    state: T,
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Kept<T> {
    pub(in crate::engine) fn new(
        storage: Arc<Storage>,
        (area, name, of): (&'static str, String, String),
        keeping: Keeping,
        (inner, showing): (Arc<Inner<T>>, Arc<Showing>),
    ) -> Self {
        Self { storage, area, name, of, keeping, inner, showing }
    }

    /// What was kept before the start; once. A disk that hangs is not waited for after `until`.
    pub async fn restored(&self, until: Instant) -> Option<T> {
        let mut first = false;
        self.inner.0.send_if_modified(|state| {
            first = state.phase == Phase::New;
            if first {
                state.phase = Phase::Loading;
            }
            first
        });
        if first {
            let (storage, area, name) = (Arc::clone(&self.storage), self.area, self.name.clone());
            let (inner, form, of) = (Arc::clone(&self.inner), self.keeping.form, self.of.clone());
            tokio::task::spawn_blocking(move || inner.load(&storage, (area, &name), form, &of));
        }
        let mut state = self.inner.0.subscribe();
        let loaded = |state: &State<T>| state.phase == Phase::Loaded;
        tokio::time::timeout_at(until, state.wait_for(loaded)).await.ok()?.ok()?;
        let mut found = None;
        self.inner.0.send_if_modified(|state| {
            found = state.found.take();
            false
        });
        found
    }

    /// Notes the present state, which is written beside if it is another than the last one. The last
    /// of several within the pause is written with the first call after it.
    pub fn keep(&self, value: &T) {
        let (ready, failure) = {
            let state = self.inner.0.borrow();
            let paused = state.at.is_some_and(|at| at.elapsed() < self.keeping.pause);
            let ready = state.phase == Phase::Loaded && !state.writing && !paused;
            (ready, state.unsaved.clone().or_else(|| state.lost.clone()))
        };
        self.showing.note(None, failure);
        if ready {
            self.write(value);
        }
    }

    fn write(&self, value: &T) {
        let written = Written { of: &self.of, state: value };
        let encoded = self.keeping.form.encode(&written).map_err(|error| error.to_string());
        let bytes = match encoded {
            Ok(bytes) if bytes.len() <= self.keeping.most => bytes,
            outcome => {
                let most = self.keeping.most;
                let why = outcome.err().unwrap_or_else(|| format!("is longer than {most} bytes"));
                let failure = Failure::new(Reason::OTHER, format!("state {}: {why}", self.name));
                self.inner.0.send_modify(|state| {
                    (state.unsaved, state.at) = (Some(failure), Some(Instant::now()));
                });
                return;
            }
        };
        let sum = checksum(&bytes);
        let mut due = false;
        self.inner.0.send_if_modified(|state| {
            due = state.written != Some(sum) && !state.writing;
            state.writing |= due;
            due
        });
        if !due {
            return;
        }
        let (storage, area, name) = (Arc::clone(&self.storage), self.area, self.name.clone());
        let inner = Arc::clone(&self.inner);
        tokio::task::spawn_blocking(move || {
            let saved = storage.save(area, &name, &bytes);
            let promised = storage.dir().is_some();
            inner.0.send_modify(|state| {
                if saved.is_ok() {
                    (state.written, state.lost) = (Some(sum), None);
                }
                // Who has given us no directory knows that nothing is kept.
                let unsaved = saved.err().filter(|_| promised);
                (state.unsaved, state.at) = (unsaved, Some(Instant::now()));
                state.writing = false;
            });
        });
    }
}

impl<T: DeserializeOwned> Inner<T> {
    fn load(&self, storage: &Storage, (area, name): (&'static str, &str), form: Form, of: &str) {
        let (found, lost) = match storage.load(area, name) {
            Ok(None) => (None, None),
            Ok(Some(bytes)) => match form.decode::<Read<T>>(&bytes) {
                Ok(read) => (Some(read).filter(|read| read.of == of), None),
                Err(why) => (None, Some(Failure::new(Reason::PARSE, why.to_string()))),
            },
            Err(failure) => (None, Some(failure)),
        };
        let promised = storage.dir().is_some();
        self.0.send_modify(|state| {
            state.found = found.map(|read| read.state);
            state.lost = lost.filter(|_| promised);
            (state.phase, state.at) = (Phase::Loaded, Some(Instant::now()));
        });
    }
}

#[cfg(test)]
mod tests;
