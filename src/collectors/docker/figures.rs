//! What the containers use: from the kernel's files where they are in reach, else asked of the
//! Engine.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::client::About;
use super::container::{ById, Container};
use super::detail::NetworkKind;
use super::facts::Usages;
use super::failure;
use super::fetch::{Connection, Limits, Reader};
use super::kernel::{self, Wanted};
use super::lock;
use super::raw::Source;
use super::sample::CAP;
use super::{stats, top};
use crate::engine::Latest;

/// What the containers use, and where that was found.
pub(super) struct Used {
    pub source: Source,
    pub stats: Option<Latest<Usages>>,
    pub kernel: kernel::Found,
    pub commands: Arc<ById<Vec<String>>>,
}

impl Reader {
    /// What the containers use: from the kernel's files where they are, else asked of the Engine.
    pub(super) async fn used(
        &self,
        connection: &Connection,
        containers: &[Container],
        about: &About,
        limits: Limits,
    ) -> Used {
        let wanted = containers.iter().take(CAP).map(|container| self.wanted(container, about));
        let local = self.setting.address.is_local();
        let read = self.kernel.read(wanted.collect(), about.root.clone(), local);
        let late = |_| Err(failure::timeout("files of the kernel"));
        let found = tokio::time::timeout_at(limits.end, read).await.unwrap_or_else(late);
        let (mut kernel, late) = match found {
            Ok(found) => (found, None),
            Err(failure) => (kernel::Found::default(), Some(failure)),
        };
        let why = match self.kernel.source() {
            Err(failure) => failure.reason.as_str(),
            Ok(_) if late.is_some() => "timeout",
            Ok(_) if kernel.is_of_another_machine() => "not_found",
            Ok(name) => {
                self.lasting.skipped.files.fetch_add(kernel.missing, Ordering::Relaxed);
                // The files are dearly bought twice: the task beside ends.
                *lock(&connection.background) = None;
                let commands = Arc::new(std::mem::take(&mut kernel.commands));
                return Used { source: Source { name, why: "" }, stats: None, kernel, commands };
            }
        };
        let source = Source { name: "api", why };
        let stats = self.asked(connection, containers, limits).await;
        let wants = |one: &&Container| one.has_usage() && self.setting.patterns.wants(one);
        let ids = containers.iter().filter(wants).map(|container| container.id.clone()).collect();
        let commands = &self.slow.commands;
        let commands = top::read(commands, &connection.client, ids, limits.end).await;
        Used { source, stats: Some(stats), kernel, commands }
    }

    /// Since when the Engine has been running, where it is on this machine and that is of use: for
    /// what has ended.
    pub(super) async fn since(&self, containers: &[Container], limits: Limits) -> Option<f64> {
        let address = &self.setting.address;
        if !address.is_local() || !containers.iter().any(Container::has_ended) {
            return None;
        }
        let peer = address.peer(limits.half).await;
        tokio::time::timeout_at(limits.end, self.kernel.since(peer)).await.ok().flatten()
    }

    fn wanted(&self, container: &Container, about: &About) -> Wanted {
        let Some(detail) = &container.detail else {
            return Wanted { id: container.id.clone(), ..Wanted::default() };
        };
        let local = || {
            let root = Some(&about.root).filter(|root| !root.is_empty())?;
            (detail.log.driver == "local")
                .then(|| format!("{root}/containers/{}/local-logs", container.id))
        };
        Wanted {
            id: container.id.clone(),
            pid: detail.pid.filter(|_| container.has_usage()),
            owns_network: detail.network == NetworkKind::Own,
            commands: self.setting.patterns.wants(container),
            log: detail.log.path.clone().or_else(local).map(Into::into),
        }
    }

    async fn asked(
        &self,
        connection: &Connection,
        containers: &[Container],
        limits: Limits,
    ) -> Latest<Usages> {
        let (client, skipped) = (&connection.client, &self.lasting.skipped);
        if connection.engine.has_fast_stats {
            let running = containers.iter().take(CAP).filter(|container| container.has_usage());
            let ids = running.map(|container| container.id.clone()).collect();
            let read = |_, until| stats::read(client, ids, until, skipped);
            return self.slow.stats.get(limits.end, |_| true, read).await;
        }
        self.read_beside(connection);
        self.slow.stats.latest(limits.half).await
    }

    /// Has the stats read beside the readings, once a connection.
    fn read_beside(&self, connection: &Connection) {
        let mut background = lock(&connection.background);
        if background.is_some() {
            return;
        }
        // What was read over another connection may be from before the Engine was started anew.
        self.slow.stats.forget();
        let (client, skipped) = (connection.client.clone(), Arc::clone(&self.lasting.skipped));
        let (naming, exclude) = (self.setting.naming.clone(), self.setting.exclude.clone());
        *background = Some(self.slow.stats.beside(move |until| {
            let (client, skipped) = (client.clone(), Arc::clone(&skipped));
            let (naming, exclude) = (naming.clone(), Arc::clone(&exclude));
            async move { stats::round(&client, &skipped, (&naming, &exclude), until).await }
        }));
    }
}
