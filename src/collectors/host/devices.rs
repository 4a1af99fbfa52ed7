//! Devices, from `/sys`: links of network interfaces and sensors. And arrays of disks.

use std::fs;
use std::path::{Path, PathBuf};

use crate::catalogue::metrics;
use crate::clients::kernel::mdstat::{Array, Doing};
use crate::clients::kernel::parse::{digits, text};
use crate::clients::kernel::{Buffer, mdstat};

/// Links, sensors and arrays beyond this are left out.
const MOST: usize = 100;
/// Of one device: `temp1` to `temp64`.
const CHANNELS: usize = 64;

/// The link of a network interface.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    device: String,
    up: bool,
    /// Bytes a second. What is virtual or down has none.
    speed: Option<u64>,
}

/// A temperature of a chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensor {
    chip: String,
    sensor: String,
    celsius: Option<f64>,
    /// What the chip itself calls too hot, and where it switches itself off.
    max: Option<f64>,
    critical: Option<f64>,
}

/// The name that a chip gives itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    chip: String,
    name: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sensors {
    pub chips: Vec<Chip>,
    pub sensors: Vec<Sensor>,
}

/// The names in a folder, in order. A folder that is not there is empty.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}

impl Link {
    pub fn all(sys: &Path, buffer: &mut Buffer, left_out: impl Fn(&str) -> bool) -> Vec<Self> {
        let folder = sys.join("class/net");
        let wanted = names(&folder).into_iter().filter(|name| !left_out(name));
        let link = |device: String| {
            let state = buffer.read(&folder.join(&device).join("operstate"))?;
            let up = state.trim_ascii() == b"up";
            // Megabits a second. To ask what is down is an error.
            let speed = if up { buffer.read(&folder.join(&device).join("speed")) } else { None };
            let speed = speed.and_then(|text| digits(text.trim_ascii()));
            let speed = speed.and_then(|megabits| megabits.checked_mul(1_000_000 / 8));
            Some(Self { device, up, speed })
        };
        wanted.take(MOST).filter_map(link).collect()
    }
}

/// A folder that some drivers fill is either the chip's own or that of its device.
fn files_of(chip: &Path) -> Vec<PathBuf> {
    let inner = chip.join("device");
    let of = |folder: PathBuf| names(&folder).into_iter().map(move |name| folder.join(name));
    of(chip.to_owned()).chain(of(inner)).collect()
}

impl Sensors {
    pub fn read(sys: &Path) -> Self {
        let mut found = Self::default();
        let mut buffer = Buffer::new();
        let folder = sys.join("class/hwmon");
        for place in names(&folder).into_iter().take(MOST).map(|name| folder.join(name)) {
            let name = buffer.read(&place.join("name")).map(|name| text(name.trim_ascii()));
            let Some(chip) = chip_name(&place, name.as_deref()) else { continue };
            let files = files_of(&place);
            for channel in 1..=CHANNELS {
                let sensor = format!("temp{channel}");
                let mut value = |what: &str| {
                    let wanted = format!("{sensor}_{what}");
                    let is_it = |path: &&PathBuf| path.file_name().is_some_and(|n| *n == *wanted);
                    buffer.read(files.iter().find(is_it)?).and_then(millis)
                };
                let celsius = value("input");
                if celsius.is_none() {
                    continue;
                }
                // A limit of nothing is one that the driver does not know.
                let mut limit = |what| value(what).filter(|limit: &f64| *limit > 0.0);
                let (max, critical) = (limit("max"), limit("crit"));
                found.sensors.push(Sensor { chip: chip.clone(), sensor, celsius, max, critical });
            }
            found.chips.extend(name.map(|name| Chip { chip, name }));
        }
        found.sensors.truncate(MOST);
        found
    }
}

/// Thousandths of a degree, which may be below zero.
fn millis(text: &[u8]) -> Option<f64> {
    let value: i32 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    Some(f64::from(value) / 1000.0)
}

/// As `node_exporter` calls it: after the place of its device, which stays the same, whatever is found first.
fn chip_name(place: &Path, name: Option<&str>) -> Option<String> {
    let device = fs::canonicalize(place.join("device")).ok();
    let part = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name).map(|name| name.to_string_lossy());
        clean(&name.unwrap_or_default())
    };
    let (kind, own) = (part(device.as_deref().and_then(Path::parent)), part(device.as_deref()));
    let found = match (kind.as_str(), own.as_str()) {
        (_, "") => clean(name.unwrap_or_default()),
        ("", _) => own,
        _ => format!("{kind}_{own}"),
    };
    let found = if found.is_empty() { part(Some(place)) } else { found };
    (!found.is_empty()).then_some(found)
}

fn clean(name: &str) -> String {
    let sign = |c: char| if c.is_ascii_alphanumeric() || matches!(c, ':' | '_') { c } else { '_' };
    name.to_lowercase().chars().map(sign).collect::<String>().trim_matches('_').to_owned()
}

/// Arrays of disks, and how many there are beyond the cap.
pub fn arrays(text: &[u8]) -> Vec<Array> {
    let mut arrays = mdstat::parse(text);
    arrays.truncate(MOST);
    arrays
}

/// One of these is what the array does.
fn states(array: &Array) -> [(&'static str, bool); 5] {
    let is = |doing| array.doing == doing;
    [
        ("active", array.active && array.doing == Doing::Nothing),
        ("inactive", !array.active),
        ("recovering", is(Doing::Recovering) || is(Doing::Reshaping)),
        ("resync", is(Doing::Resyncing)),
        ("check", is(Doing::Checking)),
    ]
}

metrics! { Link {
    labels { device = |l| &l.device }
    /// Whether the link of the interface is up; loopback, which has none, is 0. Source: /sys/class/net/*/operstate.
    gauge node_network_up = |l| l.up;
    /// Speed of the link in bytes a second; absent where there is none or it is not known. Source: /sys/class/net/*/speed.
    gauge node_network_speed_bytes [H10] = |l| l.speed;
} }

metrics! { Chip {
    labels { chip = |c| &c.chip, chip_name = |c| &c.name }
    /// Always 1; the labels name a chip with sensors. Source: /sys/class/hwmon/*/name.
    gauge node_hwmon_chip_names = |_c| 1;
} }

metrics! { Sensor {
    labels { chip = |s| &s.chip, sensor = |s| &s.sensor }
    /// Temperature in degrees Celsius. Source: /sys/class/hwmon/*/temp*_input.
    gauge node_hwmon_temp_celsius = |s| s.celsius;
    /// Temperature that the chip calls too hot, in degrees Celsius; absent where it says none. Source: /sys/class/hwmon/*/temp*_max.
    gauge node_hwmon_temp_max_celsius = |s| s.max;
    /// Temperature at which the chip protects itself, in degrees Celsius; absent where it says none. Source: /sys/class/hwmon/*/temp*_crit.
    gauge node_hwmon_temp_crit_celsius = |s| s.critical;
} }

metrics! { Array {
    labels { device = |a| &a.name }
    /// What the array does; the present state is 1. Source: /proc/mdstat.
    gauge node_md_state {state} = |a| states(a);
    /// Disks of the array that serve, have failed, or wait for one to fail. Source: /proc/mdstat.
    gauge node_md_disks {state} = |a| [("active", a.working), ("failed", a.failed), ("spare", a.spare)];
    /// Disks that the array should have. Source: /proc/mdstat.
    gauge node_md_disks_required = |a| a.required;
    /// Blocks of the array. Source: /proc/mdstat.
    gauge node_md_blocks = |a| a.blocks;
    /// Blocks that are the same on all disks that should have them, as far as it is known. Source: /proc/mdstat.
    gauge node_md_blocks_synced = |a| a.synced;
    /// Disks that the array lacks: at none left over, the next failure loses the data. Source: /proc/mdstat.
    gauge stack_host_array_disks_missing = |a| a.required.saturating_sub(a.working);
} }

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of `/sys` with these files; an arrow is a link.
    fn sys(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            match text.strip_prefix("-> ") {
                Some(to) => std::os::unix::fs::symlink(to, path).unwrap(),
                None => fs::write(path, text).unwrap(),
            }
        }
        folder
    }

    #[test]
    fn links_that_are_up_have_a_speed() {
        let sys = sys(&[
            ("class/net/eth0/operstate", "up\n"),
            ("class/net/eth0/speed", "1000\n"),
            ("class/net/eth1/operstate", "down\n"),
            ("class/net/eth1/speed", "10\n"),
            ("class/net/virt/operstate", "up\n"),
            ("class/net/virt/speed", "-1\n"),
            ("class/net/veth1/operstate", "up\n"),
            ("class/net/odd/flags", "x"),
        ]);
        let found = Link::all(sys.path(), &mut Buffer::new(), |name| name.starts_with("veth"));
        let link = |device: &str, up, speed| Link { device: device.to_owned(), up, speed };
        let expected = [
            link("eth0", true, Some(125_000_000)),
            link("eth1", false, None),
            link("virt", true, None),
        ];
        assert_eq!(found, expected);
        assert_eq!(Link::all(Path::new("/no/such"), &mut Buffer::new(), |_| false), []);
    }

    /// Chips are called as node_exporter calls them.
    #[test]
    fn temperatures_and_their_limits() {
        let sys = sys(&[
            ("devices/platform/coretemp.0/hwmon/hwmon1/name", "coretemp\n"),
            ("devices/platform/coretemp.0/hwmon/hwmon1/temp1_input", "45500\n"),
            ("devices/platform/coretemp.0/hwmon/hwmon1/temp1_max", "80000\n"),
            ("devices/platform/coretemp.0/hwmon/hwmon1/temp1_crit", "100000\n"),
            ("devices/platform/coretemp.0/hwmon/hwmon1/temp2_input", "x\n"),
            ("devices/platform/coretemp.0/hwmon/hwmon1/device", "-> ../../../coretemp.0"),
            ("devices/virtual/hwmon/hwmon0/name", "acpitz"),
            ("devices/virtual/hwmon/hwmon0/temp1_input", "-2000"),
            ("devices/virtual/hwmon/hwmon0/temp1_crit", "0"),
            ("class/hwmon/hwmon0", "-> ../../devices/virtual/hwmon/hwmon0"),
            ("class/hwmon/hwmon1", "-> ../../devices/platform/coretemp.0/hwmon/hwmon1"),
        ]);
        let found = Sensors::read(sys.path());
        let sensor = |chip: &str, celsius, max, critical| Sensor {
            chip: chip.to_owned(),
            sensor: "temp1".to_owned(),
            celsius: Some(celsius),
            max,
            critical,
        };
        let expected = [
            sensor("acpitz", -2.0, None, None),
            sensor("platform_coretemp_0", 45.5, Some(80.0), Some(100.0)),
        ];
        assert_eq!(found.sensors, expected);
        assert_eq!(found.chips[1].name, "coretemp");
    }
}
