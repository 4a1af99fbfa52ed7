//! NVIDIA's management library, loaded at run time, on a thread of its own.
//!
//! A call into a sick driver may never come back, and nothing can end it. So there is one thread, which
//! holds the library, its sessions and the set of events; who asks waits until a deadline, and while a call
//! hangs nobody is let in beside it.

mod device;
mod session;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::model::Machine;
use super::presence::{Presence, Watch};
use super::reasons::{LOST, NO_DRIVER, NO_LIBRARY, VERSIONS};
use crate::failure::{Failure, Reason};
use crate::text::{printable, short};
use session::{Session, Tally};

/// Where the system looks for it.
const LIBRARY: &str = "libnvidia-ml.so.1";
/// Who waits for another's call looks this often whether it has ended.
const PAUSE: Duration = Duration::from_millis(20);

/// What to do about a driver that does not answer.
const SICK: &str = "the driver hangs: `dmesg | grep -iE 'xid|nvrm' | tail`; mostly only a restart of the machine helps";

/// What a look yields where the library serves.
pub type Answer = Result<Machine, Trouble>;

/// Why it does not.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// There is no library, or one too old for what is asked of it: another way may do.
    Unusable(Failure),
    /// No other way will know more.
    Failed(Failure),
}

/// The thread, kept over a reload with the same library.
#[derive(Default)]
pub struct Library(Mutex<Option<Line>>);

struct Line {
    requests: mpsc::Sender<Request>,
    busy: Arc<AtomicBool>,
}

/// A look that is asked for. Dropped unanswered it frees the line as well.
struct Request {
    answer: Option<oneshot::Sender<Answer>>,
    busy: Arc<AtomicBool>,
}

impl Request {
    fn answer(mut self, answer: Answer) {
        let sender = self.answer.take();
        drop(self);
        // Who asked may have gone meanwhile.
        let _ = sender.map(|sender| sender.send(answer));
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.busy.store(false, Ordering::Release);
    }
}

impl Library {
    /// One look, or why there is none by then.
    pub async fn read(&self, path: Option<&PathBuf>, until: Instant) -> Answer {
        let hangs = || {
            let text = "NVIDIA's library does not answer";
            Trouble::Failed(Failure::new(Reason::TIMEOUT, text).hint(SICK))
        };
        let answer = loop {
            match self.ask(path) {
                Ok(answer) => break answer,
                Err(failure) if failure.reason != Reason::TAKEN => {
                    return Err(Trouble::Failed(failure));
                }
                Err(_) if Instant::now() + PAUSE < until => tokio::time::sleep(PAUSE).await,
                Err(_) => return Err(hangs()),
            }
        };
        match tokio::time::timeout_at(until, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => {
                let failure =
                    Failure::new(Reason::PANIC, "the thread of NVIDIA's library panicked");
                Err(Trouble::Failed(failure))
            }
            Err(_) => Err(hangs()),
        }
    }

    /// Asks the thread, which is started if there is none. `TAKEN`: another's call is under way.
    fn ask(&self, path: Option<&PathBuf>) -> Result<oneshot::Receiver<Answer>, Failure> {
        let mut line = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (sender, receiver) = oneshot::channel();
        if let Some(Line { requests, busy }) = line.as_ref() {
            if busy.swap(true, Ordering::AcqRel) {
                return Err(Failure::new(Reason::TAKEN, "a call is under way"));
            }
            let request = Request { answer: Some(sender), busy: Arc::clone(busy) };
            let Err(mpsc::SendError(request)) = requests.send(request) else { return Ok(receiver) };
            // It has panicked.
            drop(request);
            *line = None;
            return Err(Failure::new(Reason::PANIC, "the thread of NVIDIA's library has ended"));
        }
        let (requests, asked) = mpsc::channel();
        let busy = Arc::new(AtomicBool::new(true));
        let request = Request { answer: Some(sender), busy: Arc::clone(&busy) };
        let path = path.cloned();
        std::thread::Builder::new()
            .name("gpu".to_owned())
            .spawn(move || serve(path, &asked))
            .map_err(|error| Failure::io("a thread for NVIDIA's library", &error))?;
        let _ = requests.send(request);
        *line = Some(Line { requests, busy });
        Ok(receiver)
    }
}

/// Until nobody can ask any more.
fn serve(path: Option<PathBuf>, requests: &mpsc::Receiver<Request>) {
    let mut tally = Tally::default();
    let mut watch = Watch::new(Presence::of_library(path.clone()));
    let path = path.unwrap_or_else(|| PathBuf::from(LIBRARY));
    while let Ok(request) = requests.recv() {
        // What failed is tried again when something has changed, or after a while.
        if let Some(trouble) = watch.still() {
            request.answer(Err(trouble));
            continue;
        }
        let nvml = match Nvml::builder().lib_path(path.as_os_str()).init() {
            Ok(nvml) => nvml,
            Err(error) => {
                let trouble = opening(&error);
                watch.failed(trouble.clone());
                request.answer(Err(trouble));
                continue;
            }
        };
        let mut session = Session::new(&nvml);
        let mut next = Some(request);
        while let Some(request) = next {
            let answer = session.read(&mut tally);
            let ended = answer.is_err();
            if let Err(trouble @ Trouble::Unusable(_)) = &answer {
                watch.failed(trouble.clone());
            }
            request.answer(answer);
            // A driver that was loaded anew, or a library that was replaced, wants a new session.
            next = if ended { None } else { requests.recv().ok() };
        }
    }
}

/// Why the library serves nothing.
fn opening(error: &NvmlError) -> Trouble {
    match error {
        NvmlError::LibloadingError(error) => {
            let text = error.to_string();
            let missing = text.contains("No such file");
            let why = short(&printable(&text), 200).into_owned();
            let failure =
                Failure::new(NO_LIBRARY, format!("NVIDIA's library cannot be loaded: {why}"));
            Trouble::Unusable(failure.hint(if missing {
                "install the driver; in a container give it the GPU (capability `utility`), see docs/how-to/gpu.md"
            } else {
                "is it for this machine and its C library? `nvidia-smi` uses the same one"
            }))
        }
        NvmlError::FailedToLoadSymbol(_) => {
            let text = "the library has no `nvmlInit_v2`: it is not NVIDIA's, or older than any driver in use";
            Trouble::Unusable(Failure::new(NO_LIBRARY, text))
        }
        error => Trouble::Failed(failed(error)),
    }
}

/// What the driver says for a whole look.
fn failed(error: &NvmlError) -> Failure {
    match error {
        NvmlError::DriverNotLoaded => {
            Failure::new(NO_DRIVER, "NVIDIA's driver is not loaded in the kernel").hint(
                "`lsmod | grep nvidia; dmesg | grep -i nvrm`: after an update of the kernel its module must be built again",
            )
        }
        NvmlError::LibRmVersionMismatch => {
            let text = "NVIDIA's library and the driver in the kernel are of different versions";
            Failure::new(VERSIONS, text).hint(
                "the driver was updated and the old one still runs: restart the machine, or end what uses GPUs and load the module again",
            )
        }
        NvmlError::NoPermission | NvmlError::OperatingSystem => {
            Failure::new(Reason::RIGHTS, "the driver does not let the exporter in").hint(
                "it needs /dev/nvidiactl and /dev/nvidia0: see docs/how-to/gpu.md for the systemd unit and for containers",
            )
        }
        NvmlError::GpuLost => Failure::new(LOST, "the driver says that a GPU is lost").hint(SICK),
        NvmlError::Timeout | NvmlError::IrqIssue => {
            Failure::new(Reason::TIMEOUT, "the driver gives up on a GPU").hint(SICK)
        }
        error => {
            let why = error.to_string();
            let why = short(&printable(&why), 200).into_owned();
            Failure::new(Reason::OTHER, format!("NVIDIA's library: {why}")).hint(SICK)
        }
    }
}
