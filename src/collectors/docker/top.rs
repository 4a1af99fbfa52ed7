//! The command lines of a container where its processes cannot be seen: the Engine forks a `ps`
//! for them, so it is asked seldom.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::api::TopAnswer;
use super::client::Client;
use super::container::ById;
use super::gather::gather;
use super::lock;

const PERIOD: Duration = Duration::from_secs(30);
const AT_ONCE: usize = 2;

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
            let path = format!("/containers/{id}/top?ps_args=-eo%20pid,args");
            let answer: TopAnswer = client.get("processes", &path, until).await?;
            let lines = answer.processes.into_iter().filter_map(|mut row| row.pop());
            Ok((id, lines.collect::<Vec<_>>()))
        });
        let gathered = gather("processes", calls.collect(), AT_ONCE, until).await;
        let mut lines = lines.unwrap_or_default();
        lines.extend(gathered.answers.into_iter().filter(|(_, lines)| !lines.is_empty()));
        let fresh = Some((Instant::now(), lines.clone()));
        *lock(&self.last) = fresh;
        lines
    }
}
