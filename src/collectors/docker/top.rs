//! The command lines of a container where its processes cannot be seen: the Engine forks a `ps`
//! for them, so it is asked seldom.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::container::ById;
use super::gather::gather;
use crate::engine::{Found, Pace, Part};
use crate::failure::Failure;

/// One that has not answered is asked again each time.
pub const PACE: Pace = Pace {
    every: Duration::from_secs(30),
    again: Duration::ZERO,
    stale_after: None,
    limit: Duration::from_mins(1),
};
const AT_ONCE: usize = 2;
/// Bytes of command lines of all containers.
const MOST: usize = 8 << 20;

/// Of these containers. Those that are known lately are not asked, of those that do not answer there
/// is nothing.
pub async fn read(
    part: &Part<ById<Vec<String>>>,
    client: &Client,
    ids: Vec<String>,
    until: Instant,
) -> Arc<ById<Vec<String>>> {
    if ids.is_empty() {
        return Arc::default();
    }
    let wanted = ids.clone();
    let lacks = |known: Option<&ById<Vec<String>>>| {
        known.is_none_or(|known| wanted.iter().any(|id| !known.contains_key(id)))
    };
    let read = |known, until| ask(client, ids, known, until);
    part.get(until, lacks, read).await.value.unwrap_or_default()
}

async fn ask(
    client: &Client,
    mut ids: Vec<String>,
    known: Option<Arc<ById<Vec<String>>>>,
    until: Instant,
) -> Result<Found<ById<Vec<String>>>, Failure> {
    let mut lines = known.map(Arc::unwrap_or_clone).unwrap_or_default();
    lines.retain(|id, _| ids.contains(id));
    ids.retain(|id| !lines.contains_key(id));
    let calls = ids.into_iter().map(|id| async move {
        let rows = client.top(&id, until).await?;
        let lines = rows.into_iter().filter_map(|mut row| row.pop());
        Ok((id, lines.collect::<Vec<_>>()))
    });
    let gathered = gather("processes", calls.collect(), AT_ONCE, until).await;
    lines.extend(gathered.answers.into_iter().filter(|(_, lines)| !lines.is_empty()));
    keep(&mut lines, MOST);
    Ok(Found { value: lines, missing: gathered.failure })
}

/// Those for which there is room. Of the others nothing is known, rather than half of it.
fn keep(lines: &mut ById<Vec<String>>, most: usize) {
    let mut left = most;
    lines.retain(|_, lines| {
        let size: usize = lines.iter().map(|line| line.len() + size_of::<String>()).sum();
        let fits = size <= left;
        if fits {
            left -= size;
        }
        fits
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_have_so_much_room() {
        let of = |length: usize| vec!["x".repeat(length); 2];
        let mut lines: ById<_> =
            [("a".to_owned(), of(10)), ("b".to_owned(), of(10_000)), ("c".to_owned(), of(20))]
                .into();
        keep(&mut lines, 1000);
        assert_eq!(lines.keys().collect::<Vec<_>>(), ["a", "c"]);
    }
}
