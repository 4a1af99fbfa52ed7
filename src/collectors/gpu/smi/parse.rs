//! The XML of `nvidia-smi -q -x`, as drivers from 418 to 580 write it. What a GPU does not tell is `N/A`,
//! `[Not Supported]`, `Unknown Error`, or an element that is not there; all of these are absent.

use roxmltree::{Document, Node, ParsingOptions};

use super::super::model::{
    Ecc, Facts, Gpu, Link, Machine, Memory, OnGpu, Repair, State, Temperature, sane,
};
use super::super::people::MOST;
use crate::failure::{Failure, Reason};
use crate::text::{printable, short};

/// Elements and texts of the document; a GPU has some thousand, most of them clocks that it can have.
const NODES: u32 = 1 << 18;
const GPUS: usize = 64;

/// What it tells of all GPUs.
pub fn machine(text: &str) -> Result<Machine, Failure> {
    let options =
        ParsingOptions { allow_dtd: true, nodes_limit: NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|error| {
        // Some versions put their trouble in words in place of the document.
        if text.contains("GPU is lost") || text.contains("has failed") {
            return super::said(text, Some(0));
        }
        let why = short(&printable(&error.to_string()), 100).into_owned();
        Failure::new(Reason::PARSE, format!("nvidia-smi says no XML: {why}"))
    })?;
    let root = document.root_element();
    if !root.has_tag_name("nvidia_smi_log") {
        let text = "nvidia-smi says another document than `nvidia_smi_log`";
        return Err(Failure::new(Reason::PARSE, text));
    }
    let gpus: Vec<_> = root.children().filter(|node| node.has_tag_name("gpu")).collect();
    let counted = word(root, &["attached_gpus"]).and_then(|text| text.parse().ok());
    let counted = counted.filter(|counted| *counted <= GPUS as u64);
    let mut found: Vec<Gpu> = Vec::new();
    for (node, index) in gpus.iter().take(GPUS).zip(0..) {
        // Two of one name cannot be told apart.
        found.extend(gpu(*node, index).filter(|gpu| found.iter().all(|one| one.uuid != gpu.uuid)));
    }
    Ok(Machine {
        source: "nvidia_smi",
        driver: label(root, &["driver_version"]),
        cuda: label(root, &["cuda_version"]),
        counted: counted.unwrap_or(gpus.len() as u64),
        gpus: found,
    })
}

fn gpu(node: Node, index: u32) -> Option<Gpu> {
    let uuid = label(node, &["uuid"]);
    let lost = node
        .descendants()
        .filter(Node::is_text)
        .any(|text| text.text().is_some_and(|text| text.contains("GPU is lost")));
    let state = if lost { State::Lost } else { State::Ok };
    // Without a name of its own nothing can be said of it; it is counted.
    (!uuid.is_empty()).then(|| Gpu {
        uuid,
        index: Some(index),
        name: label(node, &["product_name"]),
        bus: short(&printable(node.attribute("id").unwrap_or_default()), 32).into_owned(),
        minor: word(node, &["minor_number"]).and_then(|text| text.parse().ok()),
        state,
        facts: if lost { Facts::default() } else { facts(node) },
        processes: processes(node).filter(|_| !lost),
        xids: None,
    })
}

fn facts(node: Node) -> Facts {
    let number = |path: &[&str], unit: &str| number(node, path, unit);
    let percent = |path: &[&str]| number(path, "%").and_then(sane::percent);
    // `power_readings` until 530, `gpu_power_readings` later; both names of the draw are in use.
    let watts = |names: &[&str]| {
        let groups = ["gpu_power_readings", "power_readings"];
        let mut all = groups.iter().flat_map(|group| names.iter().map(move |name| [*group, *name]));
        all.find_map(|path| number(&path, "W")).and_then(sane::watts)
    };
    let clock = |group: &str| {
        ["graphics_clock", "sm_clock", "mem_clock", "video_clock"]
            .map(|name| number(&[group, name], "MHz").and_then(sane::hertz))
    };
    let state = word(node, &["performance_state"]);
    Facts {
        busy: percent(&["utilization", "gpu_util"]),
        memory_busy: percent(&["utilization", "memory_util"]),
        memory: memory(node),
        temperature: temperature(node),
        watts: watts(&["power_draw", "instant_power_draw", "average_power_draw"]),
        watts_limit: watts(&["enforced_power_limit", "current_power_limit", "power_limit"]),
        joules: None,
        clocks: clock("clocks"),
        clocks_most: clock("max_clocks"),
        reasons: reasons(node),
        performance_state: state
            .and_then(|state| state.strip_prefix('P'))
            .and_then(|state| sane::small(state.parse().ok()?)),
        persistence: is(node, &["persistence_mode"]),
        mig: is(node, &["mig_mode", "current_mig"]),
        fan: number(&["fan_speed"], "%").filter(|speed| *speed <= 200.0).map(|speed| speed / 100.0),
        link: link(node),
        ecc: ecc(node),
        repair: repair(node),
    }
}

fn memory(node: Node) -> Memory {
    let bytes = |name| mebibytes(node, &["fb_memory_usage", name]);
    Memory {
        total: bytes("total").filter(|total| *total > 0),
        used: bytes("used"),
        free: bytes("free"),
        reserved: bytes("reserved"),
    }
}

/// Older drivers have limits in degrees, newer ones how far it is to them (T.Limit), with limits below zero
/// beyond the one that it works by.
fn temperature(node: Node) -> Temperature {
    let at = |name| number(node, &["temperature", name], "C").and_then(sane::celsius);
    let limit = |name| at(name).filter(|value| *value > 0.0);
    let left = at("gpu_temp_tlimit").zip(at("gpu_temp_slow_tlimit_threshold"));
    Temperature {
        gpu: at("gpu_temp"),
        memory: limit("memory_temp"),
        slowdown: limit("gpu_temp_slow_threshold"),
        shutdown: limit("gpu_temp_max_threshold"),
        operating: limit("gpu_temp_max_gpu_threshold"),
        margin: left.map(|(left, slowdown)| left - slowdown),
    }
}

/// `clocks_throttle_reasons` until 535, `clocks_event_reasons` later.
fn reasons(node: Node) -> [Option<bool>; 9] {
    [
        "gpu_idle",
        "applications_clocks_setting",
        "sw_power_cap",
        "hw_slowdown",
        "sync_boost",
        "sw_thermal_slowdown",
        "hw_thermal_slowdown",
        "hw_power_brake_slowdown",
        "display_clocks_setting",
    ]
    .map(|name| {
        let mut kinds = ["clocks_event_reason", "clocks_throttle_reason"].iter();
        kinds.find_map(|kind| is(node, &[&format!("{kind}s"), &format!("{kind}_{name}")]))
    })
}

fn link(node: Node) -> Link {
    let of = |group: &'static str, name: &'static str| {
        let text = word(node, &["pci", "pci_gpu_link_info", group, name])?;
        sane::small(text.trim_end_matches('x').parse().ok()?)
    };
    Link {
        generation: of("pcie_gen", "current_link_gen"),
        generation_most: of("pcie_gen", "max_link_gen"),
        width: of("link_widths", "current_link_width"),
        width_most: of("link_widths", "max_link_width"),
        replays: count(node, &["pci", "replay_counter"]),
    }
}

/// By bits with a total until Volta, by kinds of memory later.
fn ecc(node: Node) -> Ecc {
    let enabled = is(node, &["ecc_mode", "current_ecc"]);
    let errors = |over: &str| {
        let of = |name: &str| count(node, &["ecc_errors", over, name]);
        let total = |bits: &str| count(node, &["ecc_errors", over, bits, "total"]);
        let sum =
            |names: &[&str]| names.iter().filter_map(|name| of(name)).reduce(u64::saturating_add);
        let corrected = sum(&["sram_correctable", "dram_correctable"]);
        let uncorrected = sum(&[
            "sram_uncorrectable",
            "sram_uncorrectable_parity",
            "sram_uncorrectable_secded",
            "dram_uncorrectable",
        ]);
        [total("single_bit").or(corrected), total("double_bit").or(uncorrected)]
    };
    let (volatile, aggregate) = (errors("volatile"), errors("aggregate"));
    Ecc { enabled, volatile, aggregate }
}

fn repair(node: Node) -> Repair {
    let pages = |kind| count(node, &["retired_pages", kind, "retired_count"]);
    let rows = |name| count(node, &["remapped_rows", name]);
    let either = |names: [&[&str]; 2]| {
        let told: Vec<bool> = names.iter().filter_map(|path| is(node, path)).collect();
        (!told.is_empty()).then(|| told.contains(&true))
    };
    let action = word(node, &["gpu_recovery_action"]).map(|action| action != "None");
    Repair {
        pages: [pages("multiple_single_bit_retirement"), pages("double_bit_retirement")],
        pages_pending: either([
            &["retired_pages", "pending_retirement"],
            &["retired_pages", "pending_blacklist"],
        ]),
        rows: [rows("remapped_row_corr"), rows("remapped_row_unc")],
        rows_pending: is(node, &["remapped_rows", "remapped_row_pending"]),
        rows_failed: is(node, &["remapped_rows", "remapped_row_failure"]),
        asked: action.or_else(|| is(node, &["gpu_reset_status", "reset_required"])),
    }
}

fn processes(node: Node) -> Option<Vec<OnGpu>> {
    let list = child(node, &["processes"])?;
    let elements = list.children().filter(|node| node.has_tag_name("process_info"));
    let found: Vec<_> = elements
        .take(MOST)
        .filter_map(|node| {
            Some(OnGpu {
                pid: word(node, &["pid"])?.parse().ok()?,
                memory: mebibytes(node, &["used_memory"]),
                name: word(node, &["process_name"]).map(ToOwned::to_owned),
            })
        })
        .collect();
    // `N/A` in place of the list: it is not told.
    let untold = found.is_empty() && list.text().is_some_and(|text| text.contains("N/A"));
    (!untold).then_some(found)
}

fn child<'a, 'input>(node: Node<'a, 'input>, path: &[&str]) -> Option<Node<'a, 'input>> {
    path.iter().try_fold(node, |node, name| node.children().find(|one| one.has_tag_name(*name)))
}

/// The text of an element, if it says anything.
fn word<'a>(node: Node<'a, '_>, path: &[&str]) -> Option<&'a str> {
    let text = child(node, path)?.text()?.trim();
    let nothing = ["N/A", "[N/A]", "Not Supported", "[Not Supported]", "Unknown Error", "ERR!", ""];
    let gone = ["Requested functionality", "GPU is lost", "GPU requires reset", "[Unknown Error]"];
    (!nothing.contains(&text) && !gone.iter().any(|word| text.contains(word))).then_some(text)
}

fn label(node: Node, path: &[&str]) -> String {
    word(node, path).map(|text| short(&printable(text), 96).into_owned()).unwrap_or_default()
}

/// `41 C`, in this unit.
fn number(node: Node, path: &[&str], unit: &str) -> Option<f64> {
    let value: f64 = word(node, path)?.strip_suffix(unit)?.trim_end().parse().ok()?;
    value.is_finite().then_some(value)
}

fn mebibytes(node: Node, path: &[&str]) -> Option<u64> {
    let value: u64 = word(node, path)?.strip_suffix("MiB")?.trim_end().parse().ok()?;
    sane::count(value.checked_mul(1 << 20)?)
}

fn count(node: Node, path: &[&str]) -> Option<u64> {
    sane::count(word(node, path)?.parse().ok()?)
}

fn is(node: Node, path: &[&str]) -> Option<bool> {
    match word(node, path)? {
        "Yes" | "Active" | "Enabled" => Some(true),
        "No" | "Not Active" | "Disabled" => Some(false),
        _ => None,
    }
}
