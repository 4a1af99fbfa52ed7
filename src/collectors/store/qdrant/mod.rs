//! Qdrant: whether it is ready, and its collections one by one.
//!
//! Its own `/metrics` is not read: it is in Prometheus' form, and Prometheus takes it from there.

pub mod answers;
pub mod sample;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::collections::{MOST, Peaks};
use super::{AREA, Kind, Store, access};
use crate::catalogue::Batch;
use crate::clients::http::{HttpClient, Json};
use crate::config::{Dur, SafeUrl};
use crate::engine::{Collector, Form, Keeping, Kept, Parts, Target};
use crate::failure::Failure;
use crate::plan::Plan;
use answers::{Collections, Described, Root};

/// Requests at one time.
const ABREAST: usize = 4;
/// How long what is remembered is waited for at the start.
const FIRST: Duration = Duration::from_secs(1);

const KEEPING: Keeping = Keeping {
    form: Form { kind: "stores", version: 1 },
    most: 1 << 20,
    pause: Duration::from_mins(1),
};

pub(super) const KIND: Kind = Kind {
    key: "qdrant",
    port: 6333,
    example: "http://127.0.0.1:6333",
    of: |store| store.qdrant.as_ref(),
    is_address: |url| matches!(url.scheme.as_str(), "http" | "https") && super::has_host(url),
    mistakes: |store, url| {
        let mut found = access::mistakes(&store.access, url, "qdrant");
        if store.collections.len() > MOST {
            found.push(("collections".to_owned(), format!("has more than {MOST} names")));
        }
        if store.collections.iter().any(|name| name.is_empty() || name.len() > 255) {
            let why = "a collection's name has 1 to 255 bytes";
            found.push(("collections".to_owned(), why.to_owned()));
        }
        found
    },
    target,
};

fn target(name: &str, store: &Store, url: &SafeUrl, plan: &mut Plan) -> Target {
    // Of another address, or as somebody else, nothing is remembered.
    let mut parts = Parts::new(plan.memory, AREA.name, name, (url.clone(), store.access.clone()));
    let server = Server {
        http: HttpClient::new(url, &store.access, store.timeout.map(Dur::get)),
        declared: store.collections.clone(),
        kept: parts.keep("remembered_points", KEEPING, url.origin()),
        peaks: plan.memory.kept(AREA.name, name, "points", (url.clone(), store.access.clone())),
    };
    let settings = (store.identity(), "qdrant");
    Target::new(&AREA, name, url.origin(), settings, server).with_parts(parts)
}

/// One server.
struct Server {
    http: HttpClient,
    declared: Vec<String>,
    kept: Kept<Peaks>,
    peaks: Arc<Mutex<Peaks>>,
}

/// The answers; the list of collections is there or the reading has failed.
pub struct Raw {
    /// The status of `/readyz`.
    pub ready: Result<Json<IgnoredAny>, Failure>,
    pub root: Result<Json<Root>, Failure>,
    pub collections: Json<Collections>,
    pub described: Vec<(String, Result<Json<Described>, Failure>)>,
}

impl Server {
    async fn answers(&self) -> Result<Raw, Failure> {
        let (ready, root, collections) = tokio::join!(
            self.http.json("/readyz", "/readyz"),
            self.http.json("/", "/"),
            self.http.json::<Collections>("/collections", "/collections"),
        );
        let collections = collections.map_err(sample::advised)?;
        let names = sample::names(&collections);
        let one = |name: String| async move {
            let encoded =
                percent_encoding::utf8_percent_encode(&name, percent_encoding::NON_ALPHANUMERIC);
            let answer = self.http.json("a collection", &format!("/collections/{encoded}")).await;
            (name, answer)
        };
        let described = stream::iter(names.into_iter().map(one)).buffered(ABREAST).collect().await;
        Ok(Raw { ready, root, collections, described })
    }

    fn peaks(&self) -> std::sync::MutexGuard<'_, Peaks> {
        self.peaks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Server {
    type Raw = Raw;

    async fn fetch(&self) -> Result<Raw, Failure> {
        if let Some(kept) = self.kept.restored(Instant::now() + FIRST).await {
            *self.peaks() = kept;
        }
        self.answers().await
    }

    fn sample(&self, raw: Raw, now: SystemTime) -> Result<Batch, Failure> {
        let mut peaks = self.peaks();
        let batch = sample::sample(raw, &self.declared, &mut peaks, now)?;
        self.kept.keep(&peaks);
        Ok(batch)
    }
}
