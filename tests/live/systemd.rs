//! systemd, for real: units in all that can become of them, a bus that goes, hangs, lies and returns.
//! [H01 H02 H03 R04 R05]

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixListener;

use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::run;
use crate::servers::systemd::{Systemd, service};
use crate::servers::wait::{PATIENT, until};
use crate::stage::{Stage, Watched, binary};

const BUS: Watched =
    Watched { area: "systemd", target: "systemd", alert: "SystemdUnreadable", severity: "warning" };

const SLEEP: &str = "ExecStart=/bin/sleep infinity";

fn timer(lines: &str) -> String {
    format!("[Unit]\nDefaultDependencies=no\n[Timer]\nAccuracySec=1s\n{lines}\n")
}

/// What the tests start: units as they are written, and the names of those that are started.
fn units() -> Vec<(&'static str, String)> {
    let oneshot = |command: &str| service(&format!("Type=oneshot\nExecStart={command}"));
    vec![
        (
            "up.service",
            service(&format!(
                "{SLEEP}\nMemoryAccounting=yes\nCPUAccounting=yes\nTasksAccounting=yes"
            )),
        ),
        ("code.service", service("ExecStart=/bin/sh -c 'exit 3'")),
        ("killed.service", service("ExecStart=/bin/sh -c 'kill -9 $$$$'")),
        ("loop.service", service("ExecStart=/bin/false\nRestart=always\nRestartSec=1")),
        ("slow.service", service(&format!("Type=notify\n{SLEEP}"))),
        ("stopped.service", service(SLEEP)),
        ("rests.service", service(SLEEP)),
        ("done.service", oneshot("/bin/true")),
        ("masked.service", "masked".to_owned()),
        ("broken.service", "[Service]\nType=simple\n".to_owned()),
        ("worker@.service", service(SLEEP)),
        ("a\\x20b.service", service(SLEEP)),
        ("late.timer", timer("OnActiveSec=1\nOnUnitInactiveSec=1h")),
        ("late.service", oneshot("/bin/false")),
        ("fine.timer", timer("OnActiveSec=1\nOnUnitInactiveSec=1h")),
        ("fine.service", oneshot("/bin/true")),
        ("other.service", service("ExecStart=/bin/false")),
        ("fail@.service", service("ExecStart=/bin/false")),
        // Ends well where the systemd of the tests may change nothing of the machine.
        ("apart.service", oneshot(APART)),
    ]
}

/// What is written is what is there already, and a file in memory.
const APART: &str = "/bin/sh -c '! cat /proc/sys/fs/file-max >/proc/sys/fs/file-max 2>/dev/null && \
    [ $$(wc -l </proc/net/route) -le 1 ] && \
    touch /dev/stack-live /dev/shm/stack-live'";

const STARTED: &str = "up.service code.service killed.service loop.service slow.service done.service \
    worker@1.service a\\x20b.service late.timer fine.timer other.service apart.service";

/// The same for the run in which everything is looked at.
pub async fn world() -> Option<Systemd> {
    systemd().await
}

async fn systemd() -> Option<Systemd> {
    let units = units();
    let all: Vec<_> = units.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let up = service(SLEEP);
    Systemd::start(&all, STARTED, &[("bot.service", up.as_str())]).await
}

pub const DECLARED: &str = "
    up.service: {}
    code.service: {}
    killed.service: {}
    loop.service: {}
    slow.service: {}
    stopped.service: {}
    rests.service: { on_demand: true }
    done.service: {}
    apart.service: {}
    masked.service: {}
    broken.service: {}
    gone.service: {}
    worker@1.service: {}
    worker@2.service: {}
    'a\\x20b.service': {}
    late.timer: { every: 1s }
    fine.timer: { every: 1d }
";

fn config(systemd: &Systemd) -> String {
    systemd.section("timeout: 1s")
}

async fn wait(exporter: &Exporter, series: &str, value: f64) -> Scrape {
    until(&format!("{series} {value}"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(series) == Some(value) { Ok(scrape) } else { Err(scrape.body) }
    })
    .await
}

/// Each unit is in its one state and has its one alert; nothing is said of those that are well.
#[test]
fn units_in_all_that_can_become_of_them() {
    run(async {
        let Some(systemd) = systemd().await else { return };
        let stage = Stage::start(&config(&systemd)).await;
        stage.well(BUS).await;
        for (unit, state, up, alert) in [
            ("up.service", "running", 1.0, ""),
            ("code.service", "failed", 0.0, "UnitFailed"),
            ("killed.service", "failed", 0.0, "UnitFailed"),
            ("loop.service", "restarting", 0.0, "UnitLooping"),
            ("slow.service", "starting", 0.0, "UnitStuck"),
            ("stopped.service", "stopped", 0.0, "UnitStopped"),
            ("rests.service", "resting", 1.0, ""),
            ("done.service", "done", 1.0, ""),
            ("apart.service", "done", 1.0, ""),
            ("masked.service", "masked", 0.0, "UnitMasked"),
            ("broken.service", "invalid", 0.0, "UnitMissing"),
            ("gone.service", "missing", 0.0, "UnitMissing"),
            ("worker@1.service", "running", 1.0, ""),
            ("worker@2.service", "stopped", 0.0, "UnitStopped"),
            ("a\\\\x20b.service", "running", 1.0, ""),
            ("late.timer", "running", 1.0, "UnitTimerOverdue"),
            ("fine.timer", "running", 1.0, ""),
        ] {
            let of = format!("target=\"systemd\",name=\"{unit}\"");
            let series = format!("stack_unit_state{{{of},state=\"{state}\"}}");
            let scrape = wait(&stage.exporter, &series, 1.0).await;
            // In a loop it runs for a moment.
            if state != "restarting" {
                let told = scrape.value(&format!("stack_unit_up{{{of}}}"));
                assert_eq!(told, Some(up), "{unit}\n{}", scrape.body);
            }
            let thing = [("name", unit)];
            if alert.is_empty() {
                for alert in ["UnitFailed", "UnitStopped", "UnitStuck", "UnitTimerOverdue"] {
                    stage.prometheus.wait_quiet(alert, &thing, PATIENT).await;
                }
            } else {
                stage.prometheus.wait_alert(alert, &thing, "firing", PATIENT).await;
            }
        }
        let late = [("name", "late.timer")];
        stage.prometheus.wait_alert("UnitTimerRunFailed", &late, "firing", PATIENT).await;
        let other = [("name", "other.service")];
        stage.prometheus.wait_alert("UnitOtherFailed", &other, "firing", PATIENT).await;
        figures(&stage.exporter.scrape().await);
        for path in ["/dev/stack-live", "/dev/shm/stack-live"] {
            assert!(!std::path::Path::new(path).exists(), "{path} of the machine");
        }

        systemd.call("StartUnit", "stopped.service");
        let stopped = "target=\"systemd\",name=\"stopped.service\"";
        wait(&stage.exporter, &format!("stack_unit_up{{{stopped}}}"), 1.0).await;
        systemd.call("StopUnit", "up.service");
        let up = "stack_unit_up{target=\"systemd\",name=\"up.service\"}";
        wait(&stage.exporter, up, 0.0).await;
        let up = [("name", "up.service")];
        stage.prometheus.wait_alert("UnitStopped", &up, "firing", PATIENT).await;
    });
}

/// What is known of units beyond their state.
fn figures(scrape: &Scrape) {
    let of = |metric: &str, unit: &str, more: &str| {
        scrape.value(&format!("{metric}{{target=\"systemd\",name=\"{unit}\"{more}}}"))
    };
    assert_eq!(of("stack_unit_exit_code", "code.service", ""), Some(3.0), "{}", scrape.body);
    assert_eq!(of("stack_unit_exit_signal", "killed.service", ""), Some(9.0));
    assert_eq!(of("stack_unit_exit_code", "killed.service", ""), None);
    assert_eq!(of("stack_unit_exit_code", "up.service", ""), None);
    assert_eq!(of("stack_unit_result", "killed.service", ",result=\"signal\""), Some(1.0));
    assert_eq!(of("stack_unit_result", "code.service", ",result=\"exit-code\""), Some(1.0));
    assert!(of("node_systemd_service_restart_total", "loop.service", "") > Some(1.0));
    assert_eq!(of("node_systemd_service_restart_total", "up.service", ""), Some(0.0));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let recent = |at: Option<f64>| at.is_some_and(|at| (now.as_secs_f64() - at).abs() < 300.0);
    assert!(recent(of("stack_unit_start_time_seconds", "up.service", "")));
    assert_eq!(of("stack_unit_tasks", "up.service", ""), Some(1.0));
    assert!(of("stack_unit_memory_bytes", "up.service", "") > Some(0.0), "{}", scrape.body);
    // Counted where the kernel has cpu and cpuacct in one tree, or the second version of groups.
    assert!(of("stack_unit_cpu_seconds_total", "up.service", "").is_none_or(|time| time >= 0.0));
    for timer in ["late.timer", "fine.timer"] {
        assert!(recent(of("systemd_timer_last_trigger_seconds", timer, "")));
        let next = of("stack_unit_timer_next_seconds", timer, "").unwrap();
        assert!((3000.0..3700.0).contains(&(next - now.as_secs_f64())), "{timer} {next}");
    }
    assert!(of("stack_unit_timer_overdue_seconds", "late.timer", "") > Some(0.0));
    assert_eq!(of("stack_unit_timer_overdue_seconds", "fine.timer", ""), Some(0.0));
    assert_eq!(of("stack_unit_timer_run_failed", "late.timer", ""), Some(1.0));
    assert_eq!(of("stack_unit_timer_run_failed", "fine.timer", ""), Some(0.0));
    let states = scrape.body.lines().filter(|line| {
        line.starts_with("node_systemd_unit_state{") && line.contains("name=\"gone.service\"")
    });
    assert_eq!(states.count(), 5, "all five states, also of what does not exist");
    let type_of = ",type=\"notify\",state=\"activating\"";
    assert_eq!(of("node_systemd_unit_state", "slow.service", type_of), Some(1.0));
    // late.service fails, too, and its timer tells of it.
    let others = scrape.body.matches("\nstack_unit_other_failed{").count();
    assert_eq!(others, 1, "{}", scrape.body);
    // While slow.service is still starting, so is the system; here no boot ever gets to basic.target.
    let state = |state: &str| {
        scrape.value(&format!("stack_systemd_state{{target=\"systemd\",state=\"{state}\"}}"))
    };
    let begun = ["initializing", "starting", "degraded"].map(state);
    assert_eq!(begun.iter().flatten().copied().collect::<Vec<_>>(), [1.0], "{}", scrape.body);
    assert!(scrape.value("stack_systemd_failed_units{target=\"systemd\"}") >= Some(3.0));
}

#[test]
fn a_bus_that_goes_hangs_lies_and_returns() {
    run(async {
        let Some(systemd) = systemd().await else { return };
        let stage = Stage::start(&config(&systemd)).await;
        stage.well(BUS).await;

        systemd.server.pause().await;
        stage.sick(BUS, "timeout").await;
        systemd.server.resume();
        stage.well(BUS).await;

        systemd.server.kill();
        stage.sick(BUS, "refused").await;
        let bus = systemd.bus();
        for (answer, reason) in [("", "timeout"), ("HTTP/1.1 400 Bad\r\n\r\n", "protocol")] {
            std::fs::remove_file(&bus).unwrap();
            let listener = UnixListener::bind(&bus).unwrap();
            std::thread::spawn(move || {
                let mut held = Vec::new();
                while let Ok((mut stream, _)) = listener.accept() {
                    let mut first = [0; 64];
                    let read = stream.read(&mut first).unwrap_or_default();
                    if read > 0 && first[..read].starts_with(b"end") {
                        return;
                    }
                    let _ = stream.write_all(answer.as_bytes());
                    held.push(stream);
                }
            });
            stage.sick(BUS, reason).await;
            let mut end = std::os::unix::net::UnixStream::connect(&bus).unwrap();
            end.write_all(b"end").unwrap();
        }
        std::fs::remove_file(&bus).unwrap();
        stage.sick(BUS, "not_found").await;
        systemd.server.restart().await;
        systemd.ready().await;
        stage.well(BUS).await;
        let told = stage.exporter.log().matches("cannot read target").count();
        assert!(told <= 6, "one log line per change of state: {}", stage.exporter.log());
    });
}

/// The bus alone starts anew, as after an upgrade: the kept connection is dead and a new one is made.
/// The bus of a user, and who may not use it.
#[test]
fn other_doors_and_who_may_not_use_them() {
    run(async {
        let Some(systemd) = systemd().await else { return };
        let unit = |bus: std::path::PathBuf, unit: &str| {
            format!("{{ address: {}, units: {{ {unit}: {{}} }} }}", bus.display())
        };
        let users =
            format!("systemd:\n  users:\n    bot: {}\n", unit(systemd.user_bus(), "bot.service"));
        let exporter = Exporter::start(binary(), &users).await;
        wait(&exporter, "stack_unit_up{target=\"bot\",name=\"bot.service\"}", 1.0).await;
        let alone = exporter.scrape().await;
        assert!(!alone.body.contains("target=\"systemd\""), "users alone: {}", alone.body);
        // The distribution's policy lets everybody read the system bus, and nobody else's.
        let both = format!(
            "{}  users:\n    bot: {}\n",
            config(&systemd),
            unit(systemd.user_bus(), "bot.service")
        );
        let nobody = Exporter::start_as("65534", binary(), &both).await;
        let rights = "stack_target_failure{target=\"bot\",area=\"systemd\",reason=\"rights\"}";
        wait(&nobody, rights, 1.0).await;
        let up = "stack_unit_up{target=\"systemd\",name=\"up.service\"}";
        let scrape = wait(&nobody, up, 1.0).await;
        let exit = "stack_unit_exit_code{target=\"systemd\",name=\"code.service\"}";
        assert_eq!(scrape.value(exit), Some(3.0), "{}", scrape.body);

        systemd.call("RestartUnit", "dbus.service");
        wait(&nobody, up, 1.0).await;
        let target = "stack_target_up{target=\"systemd\",area=\"systemd\"}";
        wait(&nobody, target, 1.0).await;
    });
}

/// [R04]
#[test]
fn five_hundred_failed_units_are_twenty_names_and_a_count() {
    run(async {
        let mut units = units();
        let many: Vec<_> = (0..500).map(|n| format!("fail@{n}.service")).collect();
        let many = format!("[Unit]\nDefaultDependencies=no\nWants={}\n", many.join(" "));
        units.push(("many.target", many));
        let all: Vec<_> = units.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let Some(systemd) = Systemd::start(&all, "up.service many.target", &[]).await else {
            return;
        };
        let exporter = Exporter::start(binary(), &config(&systemd)).await;
        let scrape = wait(&exporter, "stack_systemd_failed_units{target=\"systemd\"}", 500.0).await;
        assert_eq!(scrape.body.matches("\nstack_unit_other_failed{").count(), 20);
        let dropped =
            "stack_target_series_dropped_total{target=\"systemd\",area=\"systemd\",cap=\"failed\"}";
        assert!(scrape.value(dropped).is_some_and(|count| count >= 480.0), "{}", scrape.body);
    });
}
