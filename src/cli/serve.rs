//! `serve`: the exporter as a service.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::Options;
use super::front::Front;
use super::{BAD_USAGE, checked, logging, place, runtime, say, tell, tell_all};
use crate::check::judge;
use crate::engine::{Board, Missed, Storage, Target};
use crate::http::listen::{self, Listener};
use crate::http::{self, Lock, Server};
use crate::load::{self, Checked};
use crate::notify::{self, Notifier};
use crate::overview;
use crate::text::printable;

/// Files that may be open at once, where the system allows as many.
const FILES: u64 = 65_536;
/// Fewer do not last for the exporter itself, 32 for its sources, and its clients.
const FEW_FILES: u64 = 64;

pub(super) fn run(options: &Options) -> u8 {
    let board = Arc::new(Board::default());
    logging::install(options, Arc::clone(&board.log_dropped));
    raise_limit();
    let file = options.config_file.clone();
    let dir = options.storage_path.clone().or_else(|| Storage::default_dir(&load::environment));
    let storage = Storage::take(dir.as_deref());
    if let Some(dir) = storage.new_dir() {
        say(&format!(
            "state directory {} is new: what was counted, and how far logs were read, outlives a \
             restart there (--storage.path names another place)",
            dir.display()
        ));
    }
    board.memory.keep_in(storage);
    if let Err(failure) = board.chart.load(&board.memory.storage()) {
        tracing::warn!("the history of values begins anew: {failure}");
    }
    if let Err(failure) = board.homes.load(&board.memory.storage()) {
        tracing::warn!("in which services targets live is found anew: {failure}");
    }
    let Some(checked) = checked(file.as_deref(), &board.memory) else { return BAD_USAGE };
    let lock = match Lock::new(options.web_config_file.as_deref(), Arc::clone(&board.clients)) {
        Ok(lock) => Arc::new(lock),
        Err(mistakes) => {
            tell_all(&mistakes);
            return BAD_USAGE;
        }
    };
    let served = runtime().and_then(|runtime| {
        let outcome = runtime.block_on(serve(options, Arc::clone(&board), checked, lock));
        // A blocking read that hangs must not keep the process from ending.
        runtime.shutdown_background();
        outcome
    });
    match served {
        Ok(()) => 0,
        Err(error) => {
            tell(&place::not_served(&options.listen_address, &error));
            1
        }
    }
}

/// Asks for as many open files as we may have: each log takes one, and the usual limit of 1024 is
/// that of programs which know no others.
fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(FILES, |most| most.min(FILES));
    if limit.current.is_some_and(|current| current < wanted)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), ..limit })
    {
        tracing::warn!("the limit of open files stays what it is: {error}");
    }
    if let Some(few) = getrlimit(Resource::Nofile).current.filter(|limit| *limit < FEW_FILES) {
        tracing::warn!(
            limit = few,
            "few files may be open at once: sources and clients may find none left; raise the hard limit (`ulimit -Hn`, `LimitNOFILE=`)"
        );
    }
}

async fn serve(
    options: &Options,
    board: Arc<Board>,
    checked: Checked,
    lock: Arc<Lock>,
) -> std::io::Result<()> {
    let mut stop = StopSignals::new()?;
    let listener = Listener::bind(&options.listen_address, options.socket_mode)?;
    let told_first = what_is_watched(&checked.targets, &checked.missed);
    let front = Arc::new(Front::new(listener.address.clone(), lock));
    front.take(&checked.config, checked.on_demand, &board);
    board.miss(checked.missed);
    board.apply(checked.targets);
    let notifier = Arc::new(Notifier::new(Arc::clone(&board)));
    notifier.apply(checked.config.notify.as_ref());
    let file = options.config_file.clone();
    let reload = {
        let (board, front) = (Arc::clone(&board), Arc::clone(&front));
        let notifier = Arc::clone(&notifier);
        move || reload(&board, &front, &notifier, file.as_deref())
    };
    let server = Server::new(
        Arc::clone(&board),
        &options.telemetry_path,
        usize::from(options.max_requests),
        (Arc::clone(&front.hosts), Arc::clone(&front.door), Arc::clone(&front.lock)),
        Arc::new(reload),
    );
    let reload_on_hangup = on_hangup(Arc::clone(&server.reload))?;
    let told = tokio::spawn(tell_what_is_blind(Arc::clone(&board)));
    if let Err(failure) = server.overview.load(&board.memory.storage(), SystemTime::now()) {
        tracing::warn!("the last day, and what happened in it, begin anew: {failure}");
    }
    let stack = Arc::clone(&server.overview);
    let told_of = Arc::clone(&notifier);
    let tells = move |snapshot: &_, report: &_| told_of.look(snapshot, report);
    let (path, period) = (options.telemetry_path.clone(), notify::period());
    let watch = tokio::spawn(overview::watch(stack, path, period, tells));
    let lock = Arc::clone(&front.lock);
    let guard = {
        let (board, front) = (Arc::clone(&board), Arc::clone(&front));
        tokio::spawn(http::lock::watch(Arc::clone(&lock), move || front.introduce(&board)))
    };
    say(told_first.trim_end());
    front.announce(&options.telemetry_path);
    let (clients, turned_away) = (Arc::clone(&board.clients), Arc::clone(&server.turned_away));
    let stop = async move || stop.next().await;
    listen::serve(listener, (server.router(), lock), clients, turned_away, stop).await;
    guard.abort();
    watch.abort();
    told.abort();
    reload_on_hangup.abort();
    overview::end(&server.overview).await;
    notifier.end().await;
    Ok(())
}

/// Once the first readings are over: what could not be read, why, and what to do.
async fn tell_what_is_blind(board: Arc<Board>) {
    while !board.ready() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let report = judge(&board.snapshot());
    if report.blind.is_empty() {
        return;
    }
    let mut out = String::from("cannot read\n");
    for blind in &report.blind {
        let _ = writeln!(
            out,
            "  {:<10} {:<20} {}",
            blind.area,
            blind.target,
            printable(&blind.sentence())
        );
        let _ = writeln!(out, "  {:<10} {:<20} do: {}", "", "", printable(&blind.remedy()));
    }
    say(out.trim_end());
}

/// Loads the file again, and that of the lock. A bad one leaves all that was in force as it is and
/// says so, once the next reload may come.
fn reload(
    board: &Board,
    front: &Front,
    notifier: &Notifier,
    file: Option<&Path>,
) -> Result<(), Vec<String>> {
    let one = board.reloading();
    let outcome = load::load(file, &load::environment, &board.memory);
    // The lock last: it takes what it reads at once.
    let outcome = outcome.and_then(|checked| front.lock.read_again().map(|()| checked));
    board.note_reload(outcome.is_ok());
    let outcome = outcome.map(|checked| {
        let targets = checked.targets.len();
        front.take(&checked.config, checked.on_demand, board);
        board.miss(checked.missed);
        board.apply(checked.targets);
        notifier.apply(checked.config.notify.as_ref());
        targets
    });
    drop(one);
    match outcome {
        Ok(targets) => {
            tracing::info!(targets, "configuration reloaded");
            Ok(())
        }
        Err(mistakes) => {
            for mistake in &mistakes {
                tracing::error!(
                    "configuration not reloaded, the old one stays in force: {mistake}"
                );
            }
            Err(mistakes)
        }
    }
}

fn on_hangup(reload: http::Reloader) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            let reload = Arc::clone(&reload);
            // The outcome is in the log and in a metric.
            let _ = tokio::task::spawn_blocking(move || reload()).await;
        }
    }))
}

/// The signals that end the process.
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What is watched and what could not be found, for the person who started us.
fn what_is_watched(targets: &[Target], missed: &[Missed]) -> String {
    let mut out = String::from("watching\n");
    for target in targets {
        let _ = writeln!(
            out,
            "  {:<10} {:<20} {}  ({})",
            target.id.area,
            target.id.name,
            printable(&target.place),
            target.origin
        );
    }
    if targets.is_empty() {
        let _ = writeln!(out, "  nothing yet");
    }
    if !missed.is_empty() {
        let _ = writeln!(out, "not watching");
    }
    for missed in missed {
        let (why, hint) = (printable(&missed.why), printable(&missed.hint));
        let _ = writeln!(out, "  {:<10} {why}\n  {:<10} do: {hint}", missed.area, "");
    }
    out
}
