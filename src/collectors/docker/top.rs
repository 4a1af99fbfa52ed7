//! The command lines of a container where its processes cannot be seen: the Engine forks a `ps`
//! for them, so it is asked seldom.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::client::Client;
use super::container::ById;
use super::gather::gather;
use super::lock;

const PERIOD: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 2;
/// Bytes of command lines of all containers.
const MOST: usize = 8 << 20;

#[derive(Default)]
pub struct Top {
    last: Mutex<Option<(Instant, ById<Vec<String>>)>>,
}

impl Top {
    /// Of these containers; of those that do not answer nothing.
    pub async fn read(
        &self,
        client: &Client,
        mut ids: Vec<String>,
        until: Instant,
    ) -> ById<Vec<String>> {
        let last = lock(&self.last).clone();
        let mut lines = last.filter(|(at, _)| at.elapsed() < PERIOD).map(|(_, lines)| lines);
        if let Some(lines) = &mut lines {
            lines.retain(|id, _| ids.contains(id));
            ids.retain(|id| !lines.contains_key(id));
        }
        if ids.is_empty() {
            return lines.unwrap_or_default();
        }
        let calls = ids.into_iter().map(|id| async move {
            let rows = client.top(&id, until).await?;
            let lines = rows.into_iter().filter_map(|mut row| row.pop());
            Ok((id, lines.collect::<Vec<_>>()))
        });
        let gathered = gather("processes", calls.collect(), AT_ONCE, until).await;
        let mut lines = lines.unwrap_or_default();
        lines.extend(gathered.answers.into_iter().filter(|(_, lines)| !lines.is_empty()));
        keep(&mut lines, MOST);
        let fresh = Some((Instant::now(), lines.clone()));
        *lock(&self.last) = fresh;
        lines
    }
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
