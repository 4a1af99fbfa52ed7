//! Real servers for the live tests.
//!
//! A test is a plain `#[test]` that calls [`run`]; all tests share one runtime and, through
//! [`Stack`], one set of servers. One that disturbs a shared server (pause, stop, kill) takes it
//! alone; it is mended before the next test gets it.

use std::ops::Deref;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::{Mutex, OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub mod alertmanager;
pub mod block_io;
pub mod browser;
pub mod certificates;
pub mod docker;
pub mod engine;
pub mod exporter;
pub mod httpd;
pub mod httpsd;
pub mod images;
pub mod kostatus;
pub mod lint;
pub mod logwriter;
pub mod mailbox;
pub mod nats;
pub mod nats_client;
pub mod nginx;
pub mod nvml;
pub mod port;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod proxy;
pub mod rabbitmq;
pub mod redis;
pub mod rules;
pub mod smtpd;
pub mod spec;
pub mod systemd;
pub mod wait;
pub mod watchdog;
pub mod web;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a tokio runtime"));

/// Runs a test. The runtime outlives every test, and with it the connections of shared servers.
pub fn run<T>(test: impl Future<Output = T>) -> T {
    RUNTIME.block_on(test)
}

/// Waits for an answer where nothing can be awaited: in `Drop`, on a thread of a test's own. The
/// runtime's other threads go on meanwhile, and with them the connection that the answer comes on.
pub fn block<T>(answer: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| RUNTIME.block_on(answer))
}

/// A client of its own per call: no connection is kept that a pause or a restart would spoil.
///
/// # Panics
/// When the client cannot be built.
pub fn http_client() -> reqwest::Client {
    // The library is built without a default; an error means that it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .pool_max_idle_per_host(0)
        .build()
        .expect("an HTTP client")
}

/// What a shared server must be able to do.
pub trait Mend {
    /// Puts right what a test may have left: resumes when paused, starts when stopped, and
    /// returns once the server answers. Cheap when nothing is wrong.
    async fn mend(&self);
}

/// A server that is started by the first test that wants it.
pub struct Shared<T> {
    cell: OnceCell<T>,
    turn: RwLock<()>,
    /// Of several tests that come together, one mends.
    mending: Mutex<()>,
}

/// The server, together with other tests.
pub struct Together<T: 'static> {
    server: &'static T,
    _turn: RwLockReadGuard<'static, ()>,
}

/// The server, with no other test beside.
pub struct Alone<T: 'static> {
    server: &'static T,
    _turn: RwLockWriteGuard<'static, ()>,
}

impl<T: Mend> Shared<T> {
    pub const fn new() -> Self {
        Self {
            cell: OnceCell::const_new(),
            turn: RwLock::const_new(()),
            mending: Mutex::const_new(()),
        }
    }

    pub async fn together(&'static self, start: impl AsyncFnOnce() -> T) -> Together<T> {
        let server = self.cell.get_or_init(|| start()).await;
        let turn = self.turn.read().await;
        let _mending = self.mending.lock().await;
        server.mend().await;
        Together { server, _turn: turn }
    }

    pub async fn alone(&'static self, start: impl AsyncFnOnce() -> T) -> Alone<T> {
        let server = self.cell.get_or_init(|| start()).await;
        let turn = self.turn.write().await;
        server.mend().await;
        Alone { server, _turn: turn }
    }
}

impl<T> Deref for Together<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.server
    }
}

impl<T> Deref for Alone<T> {
    type Target = T;
    fn deref(&self) -> &T {
        self.server
    }
}

/// The shared servers. Take them in this order when a test needs several, so that no two tests
/// wait for each other: nats, postgres, docker.
pub struct Stack;

static NATS: Shared<nats::Nats> = Shared::new();
static POSTGRES: Shared<postgres::Postgres> = Shared::new();
static DOCKER: Shared<docker::Docker> = Shared::new();

impl Stack {
    pub async fn nats() -> Together<nats::Nats> {
        NATS.together(async || nats::Nats::start(&[]).await).await
    }

    pub async fn nats_alone() -> Alone<nats::Nats> {
        NATS.alone(async || nats::Nats::start(&[]).await).await
    }

    pub async fn postgres() -> Together<postgres::Postgres> {
        POSTGRES.together(async || postgres::Postgres::start(None).await).await
    }

    pub async fn postgres_alone() -> Alone<postgres::Postgres> {
        POSTGRES.alone(async || postgres::Postgres::start(None).await).await
    }

    pub async fn docker() -> Together<docker::Docker> {
        DOCKER.together(docker::Docker::start).await
    }

    pub async fn docker_alone() -> Alone<docker::Docker> {
        DOCKER.alone(docker::Docker::start).await
    }
}

/// A path as text; ours are all UTF-8.
///
/// # Panics
/// When it is not.
pub fn text(path: &Path) -> &str {
    path.to_str().expect("a UTF-8 path")
}
