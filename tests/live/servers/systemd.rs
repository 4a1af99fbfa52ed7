//! A real systemd in namespaces of its own, with a bus and a user manager, that knows our units only.
//!
//! It sees the machine's files and may write none of them, nor any setting of the kernel: `/run`, `/tmp` and
//! `/dev` are its own, and of all units there are those of the test. It has no network. Its control groups
//! lie below one that goes with it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::{Server, Spec, is_root};
use super::wait::{PATIENT, until};
use super::watchdog;
use crate::skip::skip;

/// `$1` is the folder, `$2` the name of the control group.
const START: &str = r#"
set -e
rm -rf "$1/run/systemd" "$1/run/dbus" "$1/run/user"
mkdir -p "$1/run/dbus" "$1/run/user/0" "$1/run/lock"
for tree in /sys/fs/cgroup /sys/fs/cgroup/*/; do
    [ -f "$tree/cgroup.procs" ] && mkdir -p "$tree/$2" 2>/dev/null || continue
    # Some trees take nobody in before they are set up: systemd does without them.
    (echo $$ > "$tree/$2/cgroup.procs") 2>/dev/null || rmdir "$tree/$2"
done
exec unshare --pid --kill-child=KILL --mount --fork --uts --ipc --cgroup --net --mount-proc sh -c '
set -e
mount --make-rprivate /
for tree in /sys/fs/cgroup/*/ /sys/fs/cgroup; do
    [ ! -d "$tree/$1" ] || mount --bind "$tree/$1" "$tree"
done
mount --bind "$0/run" /run
mount -t tmpfs tmpfs /tmp
mkdir -p /tmp/dev/shm /tmp/dev/pts /tmp/dev/mqueue /tmp/dev/hugepages
for node in null zero full random urandom tty; do
    : > "/tmp/dev/$node"
    mount --bind "/dev/$node" "/tmp/dev/$node"
done
mount -t tmpfs tmpfs /tmp/dev/shm
mount --rbind /tmp/dev /dev
mount -o remount,bind,ro /
mount -o remount,bind,ro /sys
for path in /proc/sys /proc/sysrq-trigger /proc/irq; do
    [ -e "$path" ] || continue
    mount --bind "$path" "$path"
    mount -o remount,bind,ro "$path"
done
exec env -i PATH="$PATH" container=test SYSTEMD_UNIT_PATH=/run/units SYSTEMD_GENERATOR_PATH=/run/none \
    /lib/systemd/systemd --system --unit=stack.target --log-target=console
' "$1" "$2"
"#;

const TARGETS: [&str; 5] = ["basic", "sysinit", "shutdown", "sockets", "timers"];

pub struct Systemd {
    pub server: Server,
    dir: PathBuf,
    group: String,
}

impl Systemd {
    /// Starts one with these units besides its own; the first word of a name is started at once if
    /// it is in `wanted`. Nothing where we may not.
    pub async fn start(
        units: &[(&str, &str)],
        wanted: &str,
        user: &[(&str, &str)],
    ) -> Option<Self> {
        if !is_root() {
            skip("only root can start a systemd of its own");
            return None;
        }
        let (dir, place) = (watchdog::dir("systemd"), watchdog::dir("systemd-log"));
        let (system, users) = (dir.join("run/units"), dir.join("run/userunits"));
        write(&system, units, wanted, ("/run/dbus/system_bus_socket", "--system"));
        let names: Vec<_> = user.iter().map(|(name, _)| *name).collect();
        write(&users, user, &names.join(" "), ("%t/bus", "--session"));
        let manager = "Type=notify\nDelegate=yes\nExecStart=/lib/systemd/systemd --user --unit=stack.target\n\
            Environment=XDG_RUNTIME_DIR=/run/user/0 SYSTEMD_UNIT_PATH=/run/userunits SYSTEMD_GENERATOR_PATH=/run/none";
        fs::write(system.join("manager.service"), service(manager)).unwrap();
        let group = format!("stack-live-{}", dir.file_name().unwrap().to_string_lossy());
        let args = ["-c", START, "sh", dir.to_str().unwrap(), &group];
        let spec = Spec::new(Path::new("sh"), "dash", &args);
        let systemd = Self { server: Server::start(spec, &place), dir, group };
        systemd.ready().await;
        Some(systemd)
    }

    pub async fn ready(&self) {
        until("systemd on its bus", PATIENT, async || {
            self.server.assert_alive();
            let answer = self.busctl("get-property", &["SystemState"]);
            if answer.is_ok() { Ok(()) } else { Err(format!("{answer:?}\n{}", self.server.log())) }
        })
        .await;
    }

    pub fn bus(&self) -> PathBuf {
        self.dir.join("run/dbus/system_bus_socket")
    }

    /// The section of the exporter's file that declares what the tests start.
    pub fn section(&self, more: &str) -> String {
        let declared = crate::systemd::DECLARED;
        format!("systemd:\n  address: {}\n  {more}\n  units:{declared}", self.bus().display())
    }

    pub fn user_bus(&self) -> PathBuf {
        self.dir.join("run/user/0/bus")
    }

    /// Calls a method on a unit, such as `StartUnit`.
    pub fn call(&self, method: &str, unit: &str) {
        self.busctl("call", &[method, "ss", unit, "replace"]).expect("an answer");
    }

    fn busctl(&self, verb: &str, args: &[&str]) -> Result<String, String> {
        let manager = [
            "org.freedesktop.systemd1",
            "/org/freedesktop/systemd1",
            "org.freedesktop.systemd1.Manager",
        ];
        let address = format!("--address=unix:path={}", self.bus().display());
        let output = Command::new("busctl")
            .args([address.as_str(), "--timeout=5", verb])
            .args(manager)
            .args(args)
            .output()
            .expect("busctl");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
    }
}

impl Drop for Systemd {
    #[allow(clippy::disallowed_methods, reason = "groups that are gone are told to nobody")]
    fn drop(&mut self) {
        self.server.kill();
        let script = "for tree in /sys/fs/cgroup/$1 /sys/fs/cgroup/*/$1; do \
            [ ! -d $tree ] || find $tree -depth -type d -exec rmdir {} +; done";
        // Its processes have been killed, and may take a moment to be gone.
        for _ in 0..20 {
            let done = Command::new("sh").args(["-c", script, "sh", &self.group]).output();
            if done.is_ok_and(|output| output.stderr.is_empty()) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// A unit without what a whole system has: nothing waits for a boot.
pub fn service(lines: &str) -> String {
    format!("[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n[Service]\n{lines}\n")
}

fn write(folder: &Path, units: &[(&str, &str)], wanted: &str, (socket, kind): (&str, &str)) {
    fs::create_dir_all(folder).unwrap();
    for (name, text) in units {
        match *text {
            "masked" => std::os::unix::fs::symlink("/dev/null", folder.join(name)).unwrap(),
            text => fs::write(folder.join(name), text).unwrap(),
        }
    }
    for target in TARGETS {
        let text = "[Unit]\nDefaultDependencies=no\n";
        fs::write(folder.join(format!("{target}.target")), text).unwrap();
    }
    let manager = if kind == "--system" { " manager.service" } else { "" };
    let target = format!(
        "[Unit]\nDefaultDependencies=no\nAllowIsolate=yes\nWants=dbus.socket dbus.service{manager} {wanted}\n"
    );
    fs::write(folder.join("stack.target"), target).unwrap();
    let text = format!("[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream={socket}\n");
    fs::write(folder.join("dbus.socket"), text).unwrap();
    // The distribution's own policy of who may ask what.
    let daemon = format!("/usr/bin/dbus-daemon {kind} --address=systemd: --nofork --nopidfile");
    let text = format!("ExecStart={daemon}");
    fs::write(folder.join("dbus.service"), service(&text)).unwrap();
}
