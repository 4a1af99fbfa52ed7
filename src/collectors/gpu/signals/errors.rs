//! GPUs that are lost, and those that will be.

use std::time::Duration;

use super::{GPU, ITEM, TABLE};
use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

pub const LOST: Signal = Signal {
    name: "lost",
    alert: "GpuLost",
    measure: level("stack_gpu_up"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "what ran on it has ended, and only a restart brings it back"),
    critical: Default::off("what users feel of it is told where they feel it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: ITEM,
    requirements: &["H07"],
    title: Sentence::new("GPU {gpu}[ ({name})] does not answer"),
    many: Many::of("{count} GPUs do not answer", GPU),
    clear: Sentence::new("GPU {gpu}[ ({name})] answers again"),
    what: "",
    hint: "it has fallen off the bus, waits for a reset, or was taken out: then it is missed for a day",
    next: TABLE,
};

pub const MISSING: Signal = Signal {
    name: "missing",
    alert: "GpuMissing",
    measure: level("stack_gpu_missing"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the configuration or the driver counts more than can be read"),
    critical: Default::off("what users feel of it is told where they feel it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["H07"],
    title: Sentence::new("There are fewer GPUs than there should be"),
    many: None,
    clear: Sentence::new("All GPUs are there again"),
    what: "GPUs that are missing",
    hint: "one was not found at the start of the machine, or the container sees only some",
    next: Sentence::new(
        "nvidia-smi -L; lspci | grep -i nvidia; dmesg | grep -iE 'xid|nvrm' | tail",
    ),
};

pub const XID: Signal = Signal {
    name: "xid",
    alert: "GpuHardwareError",
    measure: level("stack_gpu_xid_errors_total")
        .select(&[Match::is("kind", &["device"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "errors of programs are counted apart: these are the device's"),
    critical: Default::off("what users feel of it is told where they feel it"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: ITEM,
    requirements: &["H07"],
    title: Sentence::new("The driver reports errors of GPU {gpu}"),
    many: Many::of("{count} GPUs have errors that the driver reports", GPU),
    clear: Sentence::new("The driver has reported no error of GPU {gpu} for five minutes"),
    what: "Errors by number (Xid) in five minutes",
    hint: "its number says what to do: reset it, drain it, or have it replaced",
    next: TABLE,
};

pub const ECC: Signal = Signal {
    name: "ecc",
    alert: "GpuMemoryErrors",
    measure: level("stack_gpu_ecc_errors_total")
        .select(&[Match::is("kind", &["uncorrected"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "each one has ended a program, or made a result wrong"),
    critical: Default::off("what has ended is told where it is felt"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: ITEM,
    requirements: &["H07"],
    title: Sentence::new("The memory of GPU {gpu} has errors that it could not correct"),
    many: Many::of("{count} GPUs have memory errors that they could not correct", GPU),
    clear: Sentence::new("GPU {gpu} has had no such error for five minutes"),
    what: "Uncorrected errors of its memory in five minutes",
    hint: "once happens; the row is replaced at the next reset. Again and again it is the card",
    next: Sentence::new("nvidia-smi -q -d ECC,ROW_REMAPPER,PAGE_RETIREMENT -i {uuid}"),
};

pub const RESET: Signal = Signal {
    name: "reset_needed",
    alert: "GpuNeedsReset",
    measure: level("stack_gpu_reset_needed"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "until then it works with memory that it knows to be bad"),
    critical: Default::off("it can wait for a quiet hour"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: ITEM,
    requirements: &["H07"],
    title: Sentence::new("GPU {gpu} waits for a reset"),
    many: Many::of("{count} GPUs wait for a reset", GPU),
    clear: Sentence::new("GPU {gpu} waits for no reset any more"),
    what: "",
    hint: "bad memory is taken out of use by it; end what uses the GPU first",
    next: Sentence::new("nvidia-smi -q -d ROW_REMAPPER,PAGE_RETIREMENT -i {uuid}; nvidia-smi"),
};

pub const ROWS: Signal = Signal {
    name: "rows_used_up",
    alert: "GpuFailing",
    measure: level("stack_gpu_row_remap_failed"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "it has no spare memory left: NVIDIA replaces such cards"),
    critical: Default::off("it goes on until the next error"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: ITEM,
    requirements: &["H07"],
    title: Sentence::new("GPU {gpu} is to be replaced: bad memory has no spare left"),
    many: Many::of("{count} GPUs are to be replaced", GPU),
    clear: Sentence::new("GPU {gpu} has spare memory again"),
    what: "",
    hint: "errors cannot be repaired any more: move what matters to another card",
    next: Sentence::new(
        "nvidia-smi -q -d ECC,ROW_REMAPPER -i {uuid}; nvidia-smi -q -i {uuid} | grep -i serial",
    ),
};
