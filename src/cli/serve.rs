//! `serve`: the exporter as a service.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::Options;
use super::{BAD_USAGE, in_words, logging, machine, runtime, say, tell, tell_all};
use crate::check::judge;
use crate::engine::{Board, Missed, Storage, Target};
use crate::http::{self, Door, Hosts, Server, listen};
use crate::load::{self, Checked};
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
    let checked = match load::load(file.as_deref(), &load::environment, &board.memory) {
        Ok(checked) => checked,
        Err(mistakes) => {
            tell_all(&mistakes);
            return BAD_USAGE;
        }
    };
    let served = runtime().and_then(|runtime| {
        let outcome = runtime.block_on(serve(options, Arc::clone(&board), checked));
        // A blocking read that hangs must not keep the process from ending.
        runtime.shutdown_background();
        outcome
    });
    match served {
        Ok(()) => 0,
        Err(error) => {
            tell(&not_served(options.listen_address, error));
            1
        }
    }
}

/// Why nothing is served, and what to do about it.
fn not_served(address: SocketAddr, error: std::io::Error) -> String {
    let port = address.port();
    let hint = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program listens there: `ss -ltnp sport = :{port}` names it; stop it, or take \
             another port: --web.listen-address {}",
            SocketAddr::new(address.ip(), port.checked_add(1).unwrap_or(10188))
        ),
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: `ip -brief address` lists those that it has; or \
             leave --web.listen-address out"
                .to_owned()
        }
        ErrorKind::PermissionDenied => {
            "ports below 1024 are for root: take another one: --web.listen-address 127.0.0.1:10188"
                .to_owned()
        }
        _ => return format!("cannot serve on {address}: {}", in_words(error)),
    };
    format!("cannot serve on {address}: {}\n  do: {hint}", in_words(error))
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

async fn serve(options: &Options, board: Arc<Board>, checked: Checked) -> std::io::Result<()> {
    let mut stop = StopSignals::new()?;
    let listener = listen::bind(options.listen_address)?;
    let address = listener.local_addr()?;
    let told_first = what_is_watched(&checked.targets, &checked.missed);
    let hosts = Arc::new(Hosts::of_this_machine());
    hosts.allow(checked.config.web.as_ref());
    let door = Arc::new(Door::default());
    door.allow(checked.on_demand);
    board.introduce(machine::info(&checked.config, address));
    board.miss(checked.missed);
    board.apply(checked.targets);
    let file = options.config_file.clone();
    let reload = {
        let (board, names) = (Arc::clone(&board), (Arc::clone(&hosts), Arc::clone(&door)));
        move || reload(&board, (&names.0, &names.1), (file.as_deref(), address))
    };
    let server = Server::new(
        Arc::clone(&board),
        &options.telemetry_path,
        usize::from(options.max_requests),
        (hosts, door),
        Arc::new(reload),
    );
    let reload_on_hangup = on_hangup(Arc::clone(&server.reload))?;
    let told = tokio::spawn(tell_what_is_blind(Arc::clone(&board)));
    if let Err(failure) = server.overview.load(&board.memory.storage(), SystemTime::now()) {
        tracing::warn!("the last day, and what happened in it, begin anew: {failure}");
    }
    let stack = Arc::clone(&server.overview);
    let watch = tokio::spawn(overview::watch(stack, options.telemetry_path.clone()));
    say(told_first.trim_end());
    if let Some(warning) = open_to_all(address, has_login(options)) {
        say(&warning);
    }
    say(&format!("serving http://{address}{}", options.telemetry_path));
    say(&format!("status page http://{}/", beside(address)));
    let (clients, turned_away) = (Arc::clone(&board.clients), Arc::clone(&server.turned_away));
    let stop = async move || stop.next().await;
    listen::serve(listener, server.router(), clients, turned_away, stop).await;
    watch.abort();
    told.abort();
    reload_on_hangup.abort();
    overview::end(&server.overview).await;
    Ok(())
}

/// Whether clients have to log in.
const fn has_login(_options: &Options) -> bool {
    false
}

/// What is said where whoever reaches the port may read all of it.
fn open_to_all(address: SocketAddr, has_login: bool) -> Option<String> {
    if has_login || address.ip().is_loopback() {
        return None;
    }
    let port = address.port();
    let place = if address.ip().is_unspecified() { "all addresses" } else { "this address" };
    Some(format!(
        "{address}: {place} of this machine, and no login: whoever reaches this port reads \
         everything\n  do: --web.listen-address 127.0.0.1:{port}; in a container publish it to \
         127.0.0.1:{port}:{port} only; else a firewall, or a proxy with a login"
    ))
}

/// Where a browser on this machine finds it.
fn beside(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
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

/// Loads the file again. A bad one leaves the old configuration in force and says so, once the next
/// reload may come.
fn reload(
    board: &Board,
    (hosts, door): (&Hosts, &Door),
    (file, address): (Option<&std::path::Path>, SocketAddr),
) -> Result<(), Vec<String>> {
    let one = board.reloading();
    let outcome = load::load(file, &load::environment, &board.memory);
    board.note_reload(outcome.is_ok());
    let outcome = outcome.map(|checked| {
        let targets = checked.targets.len();
        hosts.allow(checked.config.web.as_ref());
        door.allow(checked.on_demand);
        board.introduce(machine::info(&checked.config, address));
        board.miss(checked.missed);
        board.apply(checked.targets);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_read_all_of_it_is_told_unless_there_is_a_login() {
        let told = |address: &str, login| open_to_all(address.parse().unwrap(), login);
        for address in ["127.0.0.1:10188", "127.1.2.3:80", "[::1]:10188"] {
            assert_eq!(told(address, false), None, "{address}");
        }
        for address in ["0.0.0.0:10188", "[::]:10188", "10.0.0.7:10188"] {
            assert!(told(address, false).unwrap().contains("no login"), "{address}");
            assert_eq!(told(address, true), None, "{address}");
        }
        assert!(told("0.0.0.0:81", false).unwrap().contains("all addresses of this machine"));
    }

    #[test]
    fn a_browser_finds_the_page() {
        let page = |address: &str| beside(address.parse().unwrap()).to_string();
        assert_eq!(page("0.0.0.0:81"), "127.0.0.1:81");
        assert_eq!(page("[::]:81"), "[::1]:81");
        assert_eq!(page("10.0.0.7:81"), "10.0.0.7:81");
    }

    #[test]
    fn what_keeps_it_from_listening_has_a_remedy() {
        let told = |address: &str, kind: ErrorKind| {
            not_served(address.parse().unwrap(), std::io::Error::from(kind))
        };
        let taken = told("127.0.0.1:10188", ErrorKind::AddrInUse);
        assert!(taken.contains("ss -ltnp sport = :10188") && taken.contains("127.0.0.1:10189"));
        assert!(told("127.0.0.1:80", ErrorKind::PermissionDenied).contains("below 1024"));
        assert!(told("127.0.0.1:65535", ErrorKind::AddrInUse).contains("127.0.0.1:10188"));
    }
}
