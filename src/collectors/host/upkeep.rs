//! What the distribution leaves in files about the upkeep of the host: whether it wants to be started anew, and
//! when its clock was last set right. Where no file tells, there is no series.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::catalogue::metrics;

/// Debian's and Ubuntu's mark, and who writes it: without one of these nobody would.
const REBOOT: &str = "run/reboot-required";
const WHO_MARKS: [&str; 3] = [
    "usr/share/update-notifier/notify-reboot-required",
    "etc/kernel/postinst.d/unattended-upgrades",
    "etc/kernel/postinst.d/update-notifier",
];

/// Files that are written when the clock has been compared with others'. The first is of this start; the
/// others are written once an hour and stay over it.
const CLOCKS: [(&str, &str); 5] = [
    ("systemd-timesyncd", "run/systemd/timesync/synchronized"),
    ("chrony", "var/lib/chrony/chrony.drift"),
    ("chrony", "var/lib/chrony/drift"),
    ("ntpd", "var/lib/ntp/ntp.drift"),
    ("ntpd", "var/lib/ntpsec/ntp.drift"),
];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Upkeep {
    pub reboot_required: Option<bool>,
    /// By whom the clock was set right, and when.
    pub clock: Option<(&'static str, SystemTime)>,
}

/// The same at a moment.
pub struct Kept {
    reboot_required: Option<bool>,
    clock: Option<(&'static str, f64)>,
}

impl Upkeep {
    pub fn read(root: &Path) -> Self {
        let marked = root.join(REBOOT).exists();
        let told = marked || WHO_MARKS.iter().any(|file| root.join(file).exists());
        let written = CLOCKS.into_iter().filter_map(|(source, file)| {
            Some((source, fs::metadata(root.join(file)).ok()?.modified().ok()?))
        });
        Self { reboot_required: told.then_some(marked), clock: written.max_by_key(|(_, at)| *at) }
    }

    /// What was written before the host was started may be of a program that is no longer there.
    pub fn at(&self, now: SystemTime, boot: Option<SystemTime>) -> Kept {
        let clock = self.clock.filter(|(_, at)| boot.is_some_and(|boot| *at >= boot));
        let age = |at| now.duration_since(at).unwrap_or_default().as_secs_f64();
        let clock = clock.map(|(source, at)| (source, age(at)));
        Kept { reboot_required: self.reboot_required, clock }
    }
}

metrics! { Kept {
    labels {}
    /// Whether the host has to be started anew for what was installed to hold; absent where the distribution does not say. Source: /run/reboot-required.
    gauge stack_host_reboot_required = |k| k.reboot_required;
    /// Time since the clock was last compared with others', in seconds, and by whom; absent where no file tells since the start. Source: times of /run/systemd/timesync/synchronized and of the drift files of chrony and ntpd.
    gauge stack_host_clock_sync_age_seconds {source} = |k| k.clock.into_iter();
} }

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn touch(root: &Path, file: &str) {
        let path = root.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn nobody_tells_of_a_reboot_where_nobody_would() {
        let root = tempfile::tempdir().unwrap();
        let told = || Upkeep::read(root.path()).reboot_required;
        assert_eq!(told(), None);
        touch(root.path(), "etc/kernel/postinst.d/unattended-upgrades");
        assert_eq!(told(), Some(false));
        touch(root.path(), REBOOT);
        assert_eq!(told(), Some(true));
    }

    #[test]
    fn the_clock_was_set_by_who_did_it_last_and_since_the_start() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Upkeep::read(root.path()).clock, None);
        touch(root.path(), "var/lib/ntp/ntp.drift");
        let old = SystemTime::now() - Duration::from_hours(100);
        let drift = root.path().join("var/lib/ntp/ntp.drift");
        fs::File::options().write(true).open(drift).unwrap().set_modified(old).unwrap();
        let upkeep = Upkeep::read(root.path());
        let (now, hours) =
            (SystemTime::now(), |hours| SystemTime::now() - Duration::from_hours(hours));
        assert_eq!(upkeep.at(now, Some(hours(50))).clock, None);
        assert_eq!(upkeep.at(now, None).clock, None);
        let (source, age) = upkeep.at(now, Some(hours(200))).clock.unwrap();
        assert!(source == "ntpd" && (age - 360_000.0).abs() < 60.0, "{age}");
        touch(root.path(), "run/systemd/timesync/synchronized");
        let (source, age) =
            Upkeep::read(root.path()).at(SystemTime::now(), Some(hours(200))).clock.unwrap();
        assert!(source == "systemd-timesyncd" && age < 60.0, "{age}");
    }
}
