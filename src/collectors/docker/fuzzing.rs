//! See `src/fuzzing.rs`.

use std::path::Path;

use bollard::models::{ContainerStatsResponse, ContainerTopResponse};

use super::api::{DiskUsage, Event, Image, Inspection, Summary};
use super::compose;
use super::container::{Container, Naming};
use super::detail::{Detail, Sockets};
use super::disk::Walk;
use super::facts::Usage;
use super::images::Images;
use super::ledger::Ledger;

/// An answer of the Engine; the first byte says to what.
pub fn engine(data: &[u8]) {
    let Some((kind, body)) = data.split_first() else { return };
    match *kind {
        b'l' => {
            let list: Vec<Summary> = serde_json::from_slice(body).unwrap_or_default();
            let naming = Naming::default();
            let _: Vec<_> = list.into_iter().map(|one| Container::of(one, &naming)).collect();
        }
        b'i' => {
            let sockets = Sockets::default();
            let _ = serde_json::from_slice::<Inspection>(body).map(|it| Detail::of(it, &sockets));
        }
        b'e' => {
            let mut ledger = Ledger::default();
            for line in body.split(|byte| *byte == b'\n') {
                let _ = serde_json::from_slice::<Event>(line).map(|event| ledger.event(&event));
            }
        }
        b's' => {
            let _ = serde_json::from_slice::<ContainerStatsResponse>(body).map(Usage::of);
        }
        b'd' => {
            let _ = serde_json::from_slice::<DiskUsage>(body).map(|df| Walk::of(&df, false));
        }
        b'm' => {
            let _ = serde_json::from_slice::<Vec<Image>>(body).map(Images::of);
        }
        _ => {
            let _ = serde_json::from_slice::<ContainerTopResponse>(body);
        }
    }
}

/// A Compose file, after a NUL the `.env` beside it.
pub fn compose(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (file, env) = text.split_once('\0').unwrap_or((&text, ""));
    compose::fuzz(Path::new("/nowhere/compose.yml"), file, env);
}
