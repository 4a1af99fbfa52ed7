//! What one GPU says of itself by the library.

use nvml_wrapper::Device;
use nvml_wrapper::bitmasks::device::ThrottleReasons;
use nvml_wrapper::enum_wrappers::device::{
    Clock, EccCounter, MemoryError, PerformanceState, RetirementCause, TemperatureSensor,
    TemperatureThreshold,
};
use nvml_wrapper::enums::device::{SampleValue, UsedGpuMemory};
use nvml_wrapper::structs::device::FieldId;
use nvml_wrapper::sys_exports::field_id;

use super::super::model::{Ecc, Facts, Link, Memory, Repair, Temperature, sane};
use super::session::Ask;

/// Bits in the order of `REASONS`.
const REASONS: [ThrottleReasons; 9] = [
    ThrottleReasons::GPU_IDLE,
    ThrottleReasons::APPLICATIONS_CLOCKS_SETTING,
    ThrottleReasons::SW_POWER_CAP,
    ThrottleReasons::HW_SLOWDOWN,
    ThrottleReasons::SYNC_BOOST,
    ThrottleReasons::SW_THERMAL_SLOWDOWN,
    ThrottleReasons::HW_THERMAL_SLOWDOWN,
    ThrottleReasons::HW_POWER_BRAKE_SLOWDOWN,
    ThrottleReasons::DISPLAY_CLOCK_SETTING,
];
const CLOCKS: [Clock; 4] = [Clock::Graphics, Clock::SM, Clock::Memory, Clock::Video];
const STATES: [PerformanceState; 16] = [
    PerformanceState::Zero,
    PerformanceState::One,
    PerformanceState::Two,
    PerformanceState::Three,
    PerformanceState::Four,
    PerformanceState::Five,
    PerformanceState::Six,
    PerformanceState::Seven,
    PerformanceState::Eight,
    PerformanceState::Nine,
    PerformanceState::Ten,
    PerformanceState::Eleven,
    PerformanceState::Twelve,
    PerformanceState::Thirteen,
    PerformanceState::Fourteen,
    PerformanceState::Fifteen,
];
/// What has no call of its own.
const FIELDS: [u32; 6] = [
    field_id::NVML_FI_DEV_MEMORY_TEMP,
    field_id::NVML_FI_DEV_REMAPPED_COR,
    field_id::NVML_FI_DEV_REMAPPED_UNC,
    field_id::NVML_FI_DEV_REMAPPED_PENDING,
    field_id::NVML_FI_DEV_REMAPPED_FAILURE,
    field_id::NVML_FI_DEV_GET_GPU_RECOVERY_ACTION,
];

pub fn facts(device: &Device, ask: &mut Ask) -> Facts {
    let memory = ask.must(|| device.memory_info());
    let busy = ask.get(|| device.utilization_rates());
    let percent = |value: u32| sane::percent(value.into());
    let fields = fields(device, ask);
    let [memory_celsius, rows @ .., recovery] = fields;
    let [corrected, uncorrected, pending, failure] = rows;
    let is = |value: Option<f64>| value.map(|value| value > 0.0);
    let milliwatts = |value: u32| sane::watts(f64::from(value) / 1000.0);
    let reasons = ask.get(|| device.current_throttle_reasons());
    let state = ask.get(|| device.performance_state());
    let state = state.and_then(|state| STATES.iter().position(|one| *one == state));
    Facts {
        busy: busy.as_ref().and_then(|busy| percent(busy.gpu)),
        memory_busy: busy.as_ref().and_then(|busy| percent(busy.memory)),
        memory: memory.map_or_else(Memory::default, |memory| Memory {
            total: sane::count(memory.total).filter(|total| *total > 0),
            used: sane::count(memory.used),
            free: sane::count(memory.free),
            reserved: sane::count(memory.reserved),
        }),
        temperature: temperature(device, ask, memory_celsius),
        watts: ask.get(|| device.power_usage()).and_then(milliwatts),
        watts_limit: ask.get(|| device.enforced_power_limit()).and_then(milliwatts),
        joules: ask
            .get(|| device.total_energy_consumption())
            .and_then(sane::count)
            .map(|millijoules| millijoules as f64 / 1000.0),
        clocks: CLOCKS.map(|clock| megahertz(ask.get(|| device.clock_info(clock)))),
        clocks_most: CLOCKS.map(|clock| megahertz(ask.get(|| device.max_clock_info(clock)))),
        reasons: REASONS.map(|bit| reasons.map(|reasons| reasons.contains(bit))),
        performance_state: state.and_then(|state| u32::try_from(state).ok()),
        persistence: ask.get(|| device.is_in_persistent_mode()),
        mig: ask.get(|| device.mig_mode()).map(|mode| mode.current == 1),
        fan: fan(device, ask),
        link: link(device, ask),
        ecc: ecc(device, ask),
        repair: Repair {
            pages: [
                RetirementCause::MultipleSingleBitEccErrors,
                RetirementCause::DoubleBitEccError,
            ]
            .map(|cause| Some(ask.get(|| device.retired_pages(cause))?.len() as u64)),
            pages_pending: ask.get(|| device.are_pages_pending_retired()),
            rows: [corrected, uncorrected].map(count),
            rows_pending: is(pending),
            rows_failed: is(failure),
            asked: is(recovery),
        },
    }
}

fn temperature(device: &Device, ask: &mut Ask, memory: Option<f64>) -> Temperature {
    let mut limit = |threshold| {
        let value = ask.get(|| device.temperature_threshold(threshold))?;
        // A limit of nothing is one that the driver does not know.
        sane::celsius(value.into()).filter(|value| *value > 0.0)
    };
    let slowdown = limit(TemperatureThreshold::Slowdown);
    let shutdown = limit(TemperatureThreshold::Shutdown);
    let operating = limit(TemperatureThreshold::GpuMax);
    let gpu = ask.get(|| device.temperature(TemperatureSensor::Gpu));
    Temperature {
        gpu: gpu.and_then(|value| sane::celsius(value.into())),
        memory: memory.and_then(sane::celsius).filter(|value| *value > 0.0),
        slowdown,
        shutdown,
        operating,
        margin: None,
    }
}

fn megahertz(value: Option<u32>) -> Option<f64> {
    value.and_then(|value| sane::hertz(value.into()))
}

/// The fastest of its fans.
fn fan(device: &Device, ask: &mut Ask) -> Option<f64> {
    let fans = ask.get(|| device.num_fans())?.min(16);
    let speeds = (0..fans).filter_map(|fan| {
        // More than all is possible for a moment, and no mistake.
        let percent = f64::from(ask.get(|| device.fan_speed(fan))?);
        (percent <= 200.0).then_some(percent / 100.0)
    });
    speeds.max_by(f64::total_cmp)
}

fn link(device: &Device, ask: &mut Ask) -> Link {
    Link {
        generation: ask.get(|| device.current_pcie_link_gen()).and_then(sane::small),
        generation_most: ask.get(|| device.max_pcie_link_gen()).and_then(sane::small),
        width: ask.get(|| device.current_pcie_link_width()).and_then(sane::small),
        width_most: ask.get(|| device.max_pcie_link_width()).and_then(sane::small),
        replays: ask.get(|| device.pcie_replay_counter()).map(u64::from),
    }
}

fn ecc(device: &Device, ask: &mut Ask) -> Ecc {
    let enabled = ask.get(|| device.is_ecc_enabled()).map(|state| state.currently_enabled);
    if enabled != Some(true) {
        return Ecc { enabled, ..Ecc::default() };
    }
    let mut errors = |over: EccCounter| {
        [MemoryError::Corrected, MemoryError::Uncorrected]
            .map(|kind| ask.get(|| device.total_ecc_errors(kind, over)).and_then(sane::count))
    };
    Ecc {
        enabled,
        volatile: errors(EccCounter::Volatile),
        aggregate: errors(EccCounter::Aggregate),
    }
}

fn fields(device: &Device, ask: &mut Ask) -> [Option<f64>; 6] {
    let found = ask.get(|| device.field_values_for(&FIELDS.map(FieldId))).unwrap_or_default();
    let mut values = found.into_iter().map(|field| {
        Some(match field.ok()?.value.ok()? {
            SampleValue::F64(value) => value,
            SampleValue::U32(value) => value.into(),
            SampleValue::U64(value) => sane::count(value)? as f64,
            SampleValue::I64(value) => sane::count(u64::try_from(value).ok()?)? as f64,
        })
    });
    [(); 6].map(|()| values.next().flatten())
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number within bounds"
)]
fn count(value: Option<f64>) -> Option<u64> {
    value.filter(|value| (0.0..1e9).contains(value)).map(|value| value as u64)
}

pub fn memory_of(used: &UsedGpuMemory) -> Option<u64> {
    match used {
        UsedGpuMemory::Used(bytes) => sane::count(*bytes),
        UsedGpuMemory::Unavailable => None,
    }
}
