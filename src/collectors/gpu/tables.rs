//! What people see of GPUs on the page of the target.

use super::model::{Machine, STATES};
use super::sample::{Program, number};
use crate::catalogue::{Cell, Column, Detail};

fn cell(value: Option<f64>, unit: &str) -> Cell {
    Cell::Text(value.map_or_else(|| "?".to_owned(), |value| format!("{value:.0}{unit}")))
}

/// All GPUs.
pub fn devices(machine: &Machine) -> Detail {
    let columns = [
        ("gpu", "GPU"),
        ("name", "Model"),
        ("uuid", "UUID"),
        ("state", "State"),
        ("busy", "Busy"),
        ("memory", "Memory in MiB"),
        ("temperature", "Temperature"),
        ("power", "Power"),
        ("xid", "Last Xid"),
    ];
    let rows = machine.gpus.iter().map(|gpu| {
        let facts = &gpu.facts;
        let mib = |bytes: Option<u64>| {
            bytes.map_or_else(|| "?".to_owned(), |bytes| (bytes >> 20).to_string())
        };
        let memory = format!("{} of {}", mib(facts.memory.used), mib(facts.memory.total));
        let state =
            STATES.iter().find(|(_, state)| *state == gpu.state).map_or("", |(word, _)| word);
        let last = gpu.xids.and_then(|xids| xids.last);
        let xid = match (gpu.xids, last) {
            (None, _) => "not told".to_owned(),
            (_, None) => "none".to_owned(),
            (_, Some((code, _))) => code.to_string(),
        };
        vec![
            Cell::Text(number(gpu.index)),
            Cell::Text(gpu.name.clone()),
            Cell::Text(gpu.uuid.clone()),
            Cell::Text(state.to_owned()),
            cell(facts.busy.map(|busy| busy * 100.0), "%"),
            Cell::Text(memory),
            cell(facts.temperature.gpu, " °C"),
            cell(facts.watts, " W"),
            Cell::Text(xid),
        ]
    });
    Detail {
        title: "GPUs",
        name: "gpus",
        columns: columns.into_iter().map(|(name, title)| Column { name, title }).collect(),
        rows: rows.collect(),
    }
}

/// Who is on them.
pub fn programs(programs: &[Program]) -> Detail {
    let columns = [
        ("gpu", "GPU"),
        ("program", "Program"),
        ("container", "Container"),
        ("processes", "Processes"),
        ("memory", "Memory in MiB"),
    ];
    let rows = programs.iter().map(|program| {
        vec![
            Cell::Text(program.gpu.clone()),
            Cell::Text(program.name.clone()),
            Cell::Text(program.container.clone()),
            Cell::Count(program.processes),
            cell(program.memory.map(|bytes| (bytes >> 20) as f64), ""),
        ]
    });
    Detail {
        title: "Programs on GPUs",
        name: "programs",
        columns: columns.into_iter().map(|(name, title)| Column { name, title }).collect(),
        rows: rows.collect(),
    }
}
