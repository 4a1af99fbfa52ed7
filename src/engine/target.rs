//! A target: one thing that is watched, and how.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Notify;

use super::collector::{Clock, Collector};
use super::home::{Home, Service};
use super::part::{Parts, Showing, Shown};
use super::threshold::Thresholds;
use crate::catalogue::{Area, Batch};
use crate::failure::Failure;

/// Time that a source gets to tell more before it is read: a burst of lines is one reading.
const GATHER: Duration = Duration::from_millis(150);

/// What names a target: unique within its area.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    pub area: &'static str,
    pub name: String,
}

impl std::fmt::Display for TargetId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&title(self.area, &self.name))
    }
}

/// How a target is called before people: the name of a single one says nothing more.
pub fn title(area: &str, name: &str) -> String {
    if area == name { area.to_owned() } else { format!("{area} {name}") }
}

/// One thing to watch. Made by the plan of its area; two targets with equal settings are the same
/// one, and a reload leaves it alone.
pub struct Target {
    pub id: TargetId,
    pub area: &'static Area,
    pub thresholds: Thresholds,
    pub deadline: Duration,
    pub clock: Clock,
    /// The source itself tells that there is something to read.
    pub wake: Option<Arc<Notify>>,
    /// In which service it lives, or how that can be found.
    pub home: Home,
    /// The server that it is, or from which it is read; several targets have one, and its being down is
    /// told once.
    pub source: Option<String>,
    /// Where it is, for people: an address without credentials.
    pub place: String,
    /// How we came to watch it: the file, the environment, or found.
    pub origin: &'static str,
    settings: Box<dyn Settings>,
    reader: Arc<dyn Reader>,
    /// Rows that stand in for a reading while there is none: established zeros.
    down: Option<Arc<Batch>>,
    /// Its slow parts.
    parts: Vec<Arc<Showing>>,
}

impl Target {
    /// `settings` is what the collector was made from: if a reload yields equal settings, the
    /// running collector stays.
    pub fn new<C: Collector, S: PartialEq + Send + Sync + 'static>(
        area: &'static Area,
        name: &str,
        place: String,
        settings: S,
        collector: C,
    ) -> Self {
        Self {
            id: TargetId { area: area.name, name: name.to_owned() },
            area,
            thresholds: Thresholds::default(),
            deadline: Duration::from_secs(5),
            clock: Clock::Scrape,
            wake: None,
            home: Home::default(),
            source: None,
            place,
            origin: "file",
            settings: Box::new(settings),
            reader: Arc::new(collector),
            down: None,
            parts: Vec::new(),
        }
    }

    /// The server that it is, or from which it is read: the area and the target, as `nats/main`.
    #[must_use]
    pub fn read_from(mut self, area: &str, name: &str) -> Self {
        self.source = Some(format!("{area}/{name}"));
        self
    }

    /// Labels that say where it lives, which its thresholds bring into its alerts: the Compose service, and
    /// where the alert tells that it is down also the server of another section from which it is read.
    pub fn lives<'a>(
        &'a self,
        service: Option<&'a Service>,
        is_up: bool,
    ) -> impl Iterator<Item = (&'static str, &'a str)> {
        let lives = service.map(|Service { project, service }| {
            [("project", project.as_str()), ("service", service.as_str())]
        });
        let source = self.source.as_deref().filter(|_| is_up);
        lives.into_iter().flatten().chain(source.map(|source| ("source", source)))
    }

    /// Where it is: by this its Compose service is found.
    #[must_use]
    pub fn at(mut self, hosts: Vec<(String, u16)>) -> Self {
        self.home.hosts = hosts;
        self
    }

    /// The rows to show while the target is down, such as `pg_up` 0.
    #[must_use]
    pub fn while_down(mut self, rows: Batch) -> Self {
        self.down = Some(Arc::new(rows));
        self
    }

    /// The slow parts of which the engine tells age and failure.
    #[must_use]
    pub fn with_parts<S>(mut self, parts: Parts<'_, S>) -> Self {
        self.parts = parts.showing;
        self
    }

    /// What the reading that has just ended has shown of its slow parts.
    pub(super) fn shown(&self) -> Vec<Shown> {
        self.parts.iter().filter_map(|part| part.take()).collect()
    }

    pub(super) fn down(&self) -> Option<Arc<Batch>> {
        self.down.clone()
    }

    /// Until the source has told of something, and what belongs to it has had time to come.
    pub(super) async fn woken(&self) {
        match &self.wake {
            Some(wake) => {
                wake.notified().await;
                tokio::time::sleep(GATHER).await;
            }
            None => std::future::pending().await,
        }
    }

    pub(super) fn reader(&self) -> Arc<dyn Reader> {
        Arc::clone(&self.reader)
    }

    /// Whether the running collector of `other` would do for this target.
    pub(crate) fn same_collector(&self, other: &Self) -> bool {
        self.id == other.id
            && self.deadline == other.deadline
            && self.clock == other.clock
            && self.settings.same(other.settings.as_ref())
    }
}

pub(super) trait Settings: Any + Send + Sync {
    fn same(&self, other: &dyn Settings) -> bool;
}

impl<S: PartialEq + Send + Sync + 'static> Settings for S {
    fn same(&self, other: &dyn Settings) -> bool {
        (other as &dyn Any).downcast_ref::<S>() == Some(self)
    }
}

pub(super) type Reading<'a> = Pin<Box<dyn Future<Output = Result<Batch, Failure>> + Send + 'a>>;

/// A collector whose `Raw` has been forgotten.
pub(super) trait Reader: Send + Sync {
    fn read(&self) -> Reading<'_>;
}

impl<C: Collector> Reader for C {
    fn read(&self) -> Reading<'_> {
        Box::pin(async move {
            let raw = self.fetch().await?;
            self.sample(raw, SystemTime::now())
        })
    }
}

#[cfg(test)]
pub(super) mod nothing {
    //! A collector without a source, for tests that need a target only.

    use std::time::SystemTime;

    use super::{Area, Batch, Collector, Failure, Target};

    struct Nothing;

    pub(in crate::engine) fn target(area: &'static Area, name: &str) -> Target {
        Target::new(area, name, String::new(), (), Nothing)
    }

    impl Collector for Nothing {
        type Raw = ();

        async fn fetch(&self) -> Result<(), Failure> {
            Ok(())
        }

        fn sample(&self, (): (), _: SystemTime) -> Result<Batch, Failure> {
            Ok(Batch::new())
        }
    }
}
