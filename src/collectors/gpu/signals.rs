//! What is judged on GPUs. Nothing here is critical by default: what users feel is told by what serves them.

mod errors;

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const GPU: &str = "GPU {gpu} ({uuid})";
const ITEM: &[&str] = &["uuid"];
/// Of a GPU and nothing more.
const ONE: &[&str] = &["uuid", "gpu"];

/// What all GPUs say, and what the kernel has said of them.
const TABLE: Sentence = Sentence::new(
    "nvidia-smi; curl -s http://127.0.0.1:10188/debug/gpu/gpu | head -30; dmesg | grep -iE 'xid|nvrm' | tail",
);

pub static SIGNALS: &[Signal] = &[
    UP,
    errors::LOST,
    errors::MISSING,
    TEMPERATURE,
    HEAT,
    POWER,
    MEMORY,
    errors::XID,
    errors::ECC,
    errors::RESET,
    errors::ROWS,
    PROCESS,
];

const UP: Signal = Signal {
    name: "up",
    alert: "GpuUnreachable",
    measure: level("stack_target_up").select(&[Match::is("area", &["gpu"])]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "what needs a GPU falls back to the CPU, or fails"),
    critical: Default::off("what users feel of it is told where they feel it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["H07"],
    title: Sentence::new("GPUs cannot be read"),
    many: None,
    clear: Sentence::new("GPUs are read again"),
    what: "",
    hint: "the driver is not loaded, of another version than its library, or hangs",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/gpu/gpu | head -12; nvidia-smi; lsmod | grep nvidia; dmesg | grep -iE 'xid|nvrm' | tail",
    ),
};

const TEMPERATURE: Signal = Signal {
    name: "temperature",
    alert: "GpuHot",
    measure: level("stack_gpu_slowdown_margin_celsius"),
    direction: Direction::Below,
    unit: Unit::Count,
    warning: Default::ours(2.0, "many GPUs work right below their limit and are well there"),
    critical: Default::off("it slows itself down, and switches off before it breaks"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: ITEM,
    requirements: &["H07", "R04"],
    title: Sentence::new("GPU {gpu} is nearly too hot"),
    many: Many::of("{count} GPUs are nearly too hot", GPU),
    clear: Sentence::new("GPU {gpu} has cooled down"),
    what: "Degrees Celsius until it slows itself down",
    hint: "a fan that stands still, dust, a warm room, or cards too close to each other",
    next: Sentence::new("nvidia-smi -q -d TEMPERATURE,PERFORMANCE -i {uuid}; sensors"),
};

const HEAT: Signal = Signal {
    name: "slowed_by_heat",
    alert: "GpuSlowedByHeat",
    measure: level("stack_gpu_clock_event")
        .select(&[Match::is("reason", &["hw_thermal_slowdown", "sw_thermal_slowdown"])])
        .sum_by(ONE),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "for so long it is no peak: it computes slower than it could"),
    critical: Default::off("it goes on, slower"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: ITEM,
    requirements: &["H07", "R04"],
    title: Sentence::new("GPU {gpu} slows itself down for heat"),
    many: Many::of("{count} GPUs slow themselves down for heat", GPU),
    clear: Sentence::new("GPU {gpu} is no longer slowed down by heat"),
    what: "Reasons of heat to lower its clocks",
    hint: "by its hardware it halves its clocks and more; by its driver some steps",
    next: Sentence::new("nvidia-smi -q -d TEMPERATURE,PERFORMANCE,CLOCK -i {uuid}; sensors"),
};

const POWER: Signal = Signal {
    name: "slowed_by_power",
    alert: "GpuSlowedByPower",
    measure: level("stack_gpu_clock_event")
        .select(&[Match::is("reason", &["hw_power_brake"])])
        .sum_by(ONE),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(
        0.0,
        "the power supply itself brakes it; a power cap is a setting and no trouble",
    ),
    critical: Default::off("it goes on, slower"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: ITEM,
    requirements: &["H07", "R04"],
    title: Sentence::new("GPU {gpu} is slowed down by the power supply"),
    many: Many::of("{count} GPUs are slowed down by the power supply", GPU),
    clear: Sentence::new("GPU {gpu} is no longer slowed down by the power supply"),
    what: "Signals of the power supply to brake",
    hint: "a supply that is too weak or fails, or a cable that is not plugged in all the way",
    next: Sentence::new("nvidia-smi -q -d POWER,PERFORMANCE -i {uuid}"),
};

const MEMORY: Signal = Signal {
    name: "memory",
    alert: "GpuMemoryFull",
    measure: level("stack_gpu_memory_used_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(
        0.97,
        "servers of models take 90 % at their start and go on well; the next allocation fails here",
    ),
    critical: Default::off("what fails for it is told where it is felt"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: ITEM,
    requirements: &["H07", "R04"],
    title: Sentence::new("The memory of GPU {gpu} is full"),
    many: Many::of("{count} GPUs have full memory", GPU),
    clear: Sentence::new("GPU {gpu} has memory left again"),
    what: "Used part of its memory",
    hint: "a second model or a process that was left over; a program that gets none ends, or goes on on the CPU",
    next: Sentence::new(
        "nvidia-smi --query-compute-apps=pid,name,used_memory --format=csv; curl -s http://127.0.0.1:10188/debug/gpu/gpu | head -40",
    ),
};

const PROCESS: Signal = Signal {
    name: "process",
    alert: "GpuProcessMissing",
    // While no GPU can be read that alone is told.
    measure: level("stack_gpu_process_up").and("stack_gpu_devices", Direction::Above, -1.0, &[]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "it was declared, since on the CPU it is too slow"),
    critical: Default::off("that answers are slow or missing is told by probes"),
    advice: None,
    // A model takes minutes to load.
    hold: Hold::both(Duration::from_mins(5)),
    item: &["process"],
    requirements: &["H07", "R04"],
    title: Sentence::new("{process} is on no GPU"),
    many: Many::of("{count} programs are on no GPU", "{process}"),
    clear: Sentence::new("{process} is on a GPU again"),
    what: "",
    hint: "it has fallen back to the CPU, does not run, or does not see the GPU",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/gpu/gpu | head -40; nvidia-smi; docker ps --format '{{.Names}} {{.Status}}'",
    ),
};
