//! Accepts clients, so many that neither memory nor files run out, and lets them go at the end.
//!
//! `axum::serve` has no bound on connections and no time limit on any of them. Here each has a
//! place (at most 256) and a time for whatever it may be waited for (`connection.rs`). When the
//! places or the files are taken, whoever has kept one waiting longest makes room: an idle
//! connection, else one whose request is not complete, else one that does not take its answer. So a
//! probe or a scrape gets in whatever others hold open; only requests that are being worked on are
//! never cut short for it.

mod address;
mod connection;
mod places;
mod socket;
mod stream;

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustix::process::{Resource, getrlimit};

use super::lock::{Lock, Peer};
use super::turned_away::TurnedAway;
use crate::clients::kernel::process::own_open_files;
use crate::engine::{Clients, Refusal};
use crate::failure::lacks_files;
pub use address::{Address, Listener};
use connection::House;
use places::{Limits, Places};
use stream::Stream;

/// How long the end waits for answers under way.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
/// After an accept that failed: what is scarce comes back by itself or not at all.
const PAUSE: Duration = Duration::from_millis(50);
/// Files that are left to the sources, and how many of the limit that is at most.
const FILES_KEPT: u64 = 32;
const FILES_KEPT_PART: u64 = 4;

/// Serves until `stop` comes; then answers under way get two seconds, or until it comes again.
pub async fn serve(
    listener: Listener,
    (router, lock): (Router, Arc<Lock>),
    clients: Arc<Clients>,
    turned_away: Arc<TurnedAway>,
    mut stop: impl AsyncFnMut(),
) {
    let places = Places::new(clients, Arc::clone(&turned_away), limits());
    let house = House { router, lock };
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => welcome(stream, peer, &places, &house),
            Err(error) => {
                // A client that has gone meanwhile costs nothing; without files each try is in vain.
                if lacks_files(&error) {
                    places.make_room(Refusal::Files);
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        // Those who were let in must come to be read before others take their places.
        tokio::task::yield_now().await;
        places.settle().await;
    }
    drop(listener);
    places.stop();
    tokio::select! {
        biased;
        () = places.empty() => {}
        () = stop() => {}
        () = tokio::time::sleep(LAST_ANSWERS) => {}
    }
}

fn limits() -> Limits {
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    Limits { files: files - FILES_KEPT.min(files / FILES_KEPT_PART), open_files: own_open_files }
}

fn welcome(stream: Stream, peer: Peer, places: &Arc<Places>, house: &House) {
    let file = u64::try_from(stream.as_fd().as_raw_fd()).unwrap_or(0);
    stream.hurry();
    match places.take(file) {
        Some(place) => {
            tokio::spawn(connection::serve(stream, peer, place, house.clone()));
        }
        None => connection::turn_away(stream, &house.lock),
    }
}

#[cfg(test)]
mod tests;
