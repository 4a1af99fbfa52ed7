//! Processes, for real: they start, end, fork, are not asked about, change their names, hide in
//! namespaces and containers, and listen. [H01 H02 H03 B06 R04]

use std::path::Path;

use crate::servers::docker::ContainerSpec;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::port::free_port;
use crate::servers::process::{Server, Spec, is_root};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, text, watchdog};
use crate::skip::skip;
use crate::stage::{Stage, binary};

/// Others' tests have processes too: ours have this in their names.
pub struct Own {
    pub dir: std::path::PathBuf,
    pub mark: String,
}

impl Own {
    pub fn new(name: &str) -> Self {
        let dir = watchdog::dir(name);
        let mark = format!("{name}-{}", std::process::id());
        Self { dir, mark }
    }

    /// A script of bash; `{mark}` in it is ours. What it becomes with `exec -a` it is called.
    pub fn start(&self, script: &str) -> Server {
        let script = script.replace("{mark}", &self.mark).replace("{dir}", text(&self.dir));
        Server::start(Spec::new(Path::new("bash"), "bash", &["-c", &script]), &self.dir)
    }

    /// One that does nothing, under our name.
    pub fn idle(&self) -> Server {
        self.start("exec -a {mark} sleep 600")
    }

    pub fn section(&self, groups: &str) -> String {
        let groups = groups.replace("{mark}", &self.mark).replace("{dir}", text(&self.dir));
        format!("host: {{ enabled: false }}\nprocesses:\n  groups:\n{groups}")
    }

    fn python(&self, name: &str, code: &str) {
        let name = name.replace("{mark}", &self.mark);
        std::fs::write(self.dir.join(format!("{name}.py")), code).unwrap();
    }

    fn trigger(&self) {
        std::fs::write(self.dir.join("go"), "").unwrap();
    }
}

pub fn of(metric: &str, group: &str) -> String {
    format!("{metric}{{target=\"process\",groupname=\"{group}\"}}")
}

pub const NUMBER: &str = "namedprocess_namegroup_num_procs";

pub async fn wait(exporter: &Exporter, metric: &str, group: &str, value: f64) -> Scrape {
    let series = of(metric, group);
    until(&format!("{series} {value}"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(&series) == Some(value) { Ok(scrape) } else { Err(scrape.value(&series)) }
    })
    .await
}

#[test]
fn what_was_never_there_is_zero_and_starts_and_ends_outlive_the_exporter() {
    run(async {
        let own = Own::new("life");
        let config = own.section(
            "    bot: { cmdline: '^{mark}' }\n    never: { exe: /opt/none, name: none-such }\n",
        );
        let exporter = Exporter::start(binary(), &config).await;
        let scrape = wait(&exporter, NUMBER, "bot", 0.0).await;
        for group in ["bot", "never"] {
            for metric in [NUMBER, "stack_process_up", "stack_process_starts_total"] {
                assert_eq!(scrape.value(&of(metric, group)), Some(0.0), "{}", scrape.body);
            }
            assert_eq!(scrape.value(&of("stack_process_wanted", group)), Some(1.0));
        }
        let first = own.idle();
        wait(&exporter, "stack_process_up", "bot", 1.0).await;
        let second = own.idle();
        wait(&exporter, "stack_process_starts_total", "bot", 2.0).await;
        first.kill();
        let scrape = wait(&exporter, "stack_process_ends_total", "bot", 1.0).await;
        assert_eq!(scrape.value(&of(NUMBER, "bot")), Some(1.0));
        // One goes and one comes while we are not there; what stays is not told anew.
        let folder = exporter.storage();
        until("the state is written", PATIENT, async || {
            let _ = exporter.scrape().await;
            let told = std::fs::read_dir(&folder).map(|files| files.flatten().collect::<Vec<_>>());
            let texts = told.map_err(|error| error.to_string())?;
            let texts: Vec<_> = texts
                .iter()
                .map(|one| std::fs::read_to_string(one.path()).unwrap_or_default())
                .collect();
            let fresh = |text: &String| text.contains("\"starts\":2,\"main_starts\":1,\"ends\":1");
            if texts.iter().any(fresh) { Ok(()) } else { Err(format!("{texts:?}")) }
        })
        .await;
        exporter.server.stop().await;
        second.kill();
        let _third = own.idle();
        exporter.restart().await;
        let scrape = wait(&exporter, "stack_process_starts_total", "bot", 3.0).await;
        assert_eq!(scrape.value(&of("stack_process_ends_total", "bot")), Some(2.0));
        assert_eq!(scrape.value(&of("stack_process_starts_total", "never")), Some(0.0));
    });
}

/// The same sentence in the alert, and its end. [H01 H02 R04]
#[test]
fn a_missing_process_is_told_and_so_is_its_return() {
    run(async {
        let own = Own::new("missing");
        let stage =
            Stage::start(&own.section("    bot: { cmdline: '^{mark}', memory: 64KiB }\n")).await;
        let subset = [("groupname", "bot"), ("severity", "critical")];
        stage.prometheus.wait_alert("ProcessMissing", &subset, "firing", PATIENT).await;
        let _bot = own.idle();
        wait(&stage.exporter, "stack_process_up", "bot", 1.0).await;
        stage.prometheus.wait_quiet("ProcessMissing", &[("groupname", "bot")], 2 * PATIENT).await;
        // Whatever runs has more resident than 64 KiB. [H03]
        let subset = [("groupname", "bot"), ("severity", "warning")];
        stage.prometheus.wait_alert("ProcessMemoryHigh", &subset, "firing", 2 * PATIENT).await;
    });
}

#[test]
fn forks_zombies_and_how_many() {
    run(async {
        let own = Own::new("forks");
        let groups = "    api: { cmdline: '^/usr/bin/python3 .*/{mark}.py', count: 4 }\n    all: { cmdline: '^/usr/bin/python3 .*/{mark}.py', children: true, count: { min: 0, max: 5 } }\n";
        let exporter = Exporter::start(binary(), &own.section(groups)).await;
        // Three forks keep the command line, one child becomes another program, one ends.
        let code = "import os, subprocess, time\n\
            subprocess.Popen(['sleep', '600'])\n\
            for n in range(4):\n\
            \x20   if os.fork() == 0:\n\
            \x20       os._exit(0) if n == 3 else time.sleep(600)\n\
            time.sleep(600)\n";
        own.python("{mark}", code);
        let server = own.start("exec /usr/bin/python3 {dir}/{mark}.py");
        let scrape = wait(&exporter, "stack_process_zombies", "api", 1.0).await;
        let value = |metric: &str, group: &str| scrape.value(&of(metric, group)).unwrap();
        // The zombie was never seen alive, or was seen as one of the four.
        let states =
            "namedprocess_namegroup_states{target=\"process\",groupname=\"api\",state=\"Zombie\"}";
        let alive = value(NUMBER, "api") - scrape.value(states).unwrap();
        assert!((alive - 4.0).abs() < 0.1, "{}", scrape.body);
        assert!(
            value("stack_process_lacking", "api") + value("stack_process_surplus", "api") < 0.1
        );
        assert!((value("stack_process_surplus", "all") - 0.0).abs() < 0.1, "five of them");
        assert!(value("namedprocess_namegroup_num_threads", "all") >= 5.0);
        until("a zombie that lasts", PATIENT, async || {
            let scrape = exporter.scrape().await;
            scrape.value(&of("stack_process_zombie_age_seconds", "api")).filter(|age| *age > 0.5)
        })
        .await;
        server.kill();
        let scrape = wait(&exporter, NUMBER, "all", 0.0).await;
        assert_eq!(scrape.value(&of("stack_process_up", "all")), None, "none is wanted");
        assert_eq!(scrape.value(&of("stack_process_lacking", "api")), Some(4.0));
        assert_eq!(scrape.value(&of("stack_process_zombies", "api")), Some(0.0));
    });
}

#[test]
fn other_names_and_other_programs() {
    run(async {
        let own = Own::new("names");
        let groups = "    before: { cmdline: '^{mark}-before' }\n    after: { cmdline: '^{mark}-after' }\n    \
            titled: { name: \"tit\\xff)led\" }\n    shown: { name: titled }\n";
        let exporter = Exporter::start(binary(), &own.section(groups)).await;
        let wait_for = "until [ -e {dir}/go ]; do sleep 0.05; done";
        // Bash stays the same process when it becomes another program.
        let _one = own.start(&format!(
            "exec -a {{mark}}-before bash -c '{wait_for}; exec -a {{mark}}-after sleep 600'"
        ));
        let titles = "import sys, time\n\
            open('/proc/self/comm', 'wb').write(b'tit\\xc3\\xbf)led')\n\
            time.sleep(600)\n";
        own.python("titles", titles);
        let _odd = own.start("exec /usr/bin/python3 {dir}/titles.py");
        let scrape = wait(&exporter, NUMBER, "before", 1.0).await;
        assert_eq!(scrape.value(&of(NUMBER, "after")), Some(0.0));
        wait(&exporter, NUMBER, "titled", 1.0).await;
        own.trigger();
        let scrape = wait(&exporter, NUMBER, "after", 1.0).await;
        assert_eq!(scrape.value(&of(NUMBER, "before")), Some(0.0), "{}", scrape.body);
        assert_eq!(scrape.value(&of("stack_process_ends_total", "before")), Some(1.0));
        assert_eq!(scrape.value(&of(NUMBER, "shown")), Some(0.0));
    });
}

#[test]
fn a_check_never_finds_itself_or_whoever_looks() {
    run(async {
        let own = Own::new("itself");
        let groups =
            "    bot: { cmdline: '{mark}' }\n    ours: { cmdline: 'web.listen-address' }\n";
        // The mark stands in the exporter's own command line, and in that of a `tail`.
        let flag = format!("--storage.path={}/{}", text(&own.dir), own.mark);
        let exporter = Exporter::start_with(binary(), &own.section(groups), &[&flag], &[]).await;
        let _tail = own.start("touch {dir}/{mark}.log; exec tail -f {dir}/{mark}.log");
        until("tail runs", PATIENT, async || {
            let pattern = format!("^tail.*{}", own.mark);
            let out = std::process::Command::new("pgrep").args(["-fc", &pattern]).output();
            out.is_ok_and(|out| out.stdout.starts_with(b"1"))
        })
        .await;
        let scrape = wait(&exporter, NUMBER, "bot", 0.0).await;
        assert_eq!(scrape.value(&of("stack_process_up", "bot")), Some(0.0), "{}", scrape.body);
    });
}

#[test]
fn another_pid_namespace_and_one_name_in_two_containers() {
    run(async {
        if !is_root() {
            return skip("namespaces are made by root");
        }
        let own = Own::new("spaces");
        let docker = Stack::docker().await;
        let spec = |name: &str, script: &str| ContainerSpec::calm(name, "app").shell(script);
        let one = docker.run(spec("twin-one", "exec sleep 601"));
        let two = docker.run(spec("twin-two", "sleep 602 & sleep 603 & wait"));
        let groups = format!(
            "    inner: {{ cmdline: '^{{mark}}' }}\n    one: {{ container: {}, name: sleep }}\n    two: {{ container: {}, name: sleep, count: 2 }}\n    \
             by_id: {{ container: \"{}\", name: sleep }}\n    gone: {{ container: {}-none, name: sleep }}\n",
            one.name,
            two.name,
            &two.id[..12],
            two.name,
        );
        let config = format!("{}{}", own.section(&groups), docker.section(""));
        let exporter = Exporter::start(binary(), &config).await;
        let _inner =
            own.start("exec unshare --pid --fork --mount-proc bash -c 'exec -a {mark} sleep 600'");
        wait(&exporter, NUMBER, "inner", 1.0).await;
        let scrape = wait(&exporter, NUMBER, "two", 2.0).await;
        assert_eq!(scrape.value(&of(NUMBER, "one")), Some(1.0), "{}", scrape.body);
        assert_eq!(scrape.value(&of(NUMBER, "by_id")), Some(2.0));
        assert_eq!(scrape.value(&of(NUMBER, "gone")), Some(0.0));
        // The next one of this name has another id.
        let name = one.name.clone();
        one.remove();
        wait(&exporter, NUMBER, "one", 0.0).await;
        let again = docker.run(spec("twin-one", "exec sleep 604"));
        assert_eq!(again.name, name);
        wait(&exporter, NUMBER, "one", 1.0).await;
    });
}

/// [B06]
#[test]
fn a_listener_that_goes_and_comes_and_whose_port_is_taken() {
    run(async {
        let own = Own::new("listens");
        let (port, inner) = (free_port(), free_port());
        let groups = format!(
            "    hook: {{ cmdline: '^/usr/bin/python3 .*/hook-{{mark}}.py', listen: [{port}, '127.0.0.1:{port}', '127.0.0.2:{port}'] }}\n    \
             apart: {{ cmdline: '^/usr/bin/python3 .*/apart-{{mark}}.py', listen: [{inner}] }}\n"
        );
        let exporter = Exporter::start(binary(), &own.section(&groups)).await;
        let code = "import socket, sys, time\n\
            s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
            s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(1)\n\
            time.sleep(600)\n";
        for name in ["hook-{mark}", "apart-{mark}", "thief"] {
            own.python(name, code);
        }
        let up = |group: &str, address: &str, port: u16| {
            let address =
                if address.is_empty() { String::new() } else { format!("address=\"{address}\",") };
            format!(
                "stack_listener_up{{target=\"process\",groupname=\"{group}\",{address}port=\"{port}\"}}"
            )
        };
        let taken = up("hook", "", port).replace("_up", "_taken");
        let told = async |series: &str, value: f64| {
            until(&format!("{series} {value}"), PATIENT, async || {
                let scrape = exporter.scrape().await;
                if scrape.value(series) == Some(value) {
                    Ok(scrape)
                } else {
                    Err(scrape.value(series))
                }
            })
            .await
        };
        let scrape = told(&up("hook", "", port), 0.0).await;
        assert_eq!(scrape.value(&taken), Some(0.0), "{}", scrape.body);
        let listens = |name: &str| {
            own.start(&format!("exec /usr/bin/python3 {{dir}}/{name}.py 127.0.0.1 {port}"))
        };
        let hook = listens("hook-{mark}");
        let scrape = told(&up("hook", "", port), 1.0).await;
        assert_eq!(scrape.value(&up("hook", "127.0.0.1", port)), Some(1.0));
        assert_eq!(scrape.value(&up("hook", "127.0.0.2", port)), Some(0.0), "not there");
        hook.kill();
        told(&up("hook", "", port), 0.0).await;
        let thief = listens("thief");
        told(&taken, 1.0).await;
        thief.kill();
        let _hook = listens("hook-{mark}");
        let scrape = told(&up("hook", "", port), 1.0).await;
        assert_eq!(scrape.value(&taken), Some(0.0), "{}", scrape.body);
        if is_root() {
            let _apart = own.start(&format!(
                "exec unshare --net /usr/bin/python3 {{dir}}/apart-{{mark}}.py 0.0.0.0 {inner}"
            ));
            told(&up("apart", "", inner), 1.0).await;
        }
    });
}

/// What only root may see is a gap, and what is hidden is not missing.
#[test]
fn without_rights_and_with_hidden_processes() {
    run(async {
        if !is_root() {
            return skip("only root can start one without rights");
        }
        let own = Own::new("rights");
        let _bot = own.idle();
        let config = own.section(
            "    bot: { cmdline: '^{mark}' }\n    never: { cmdline: '^never-{mark}' }\n    program: { exe: /opt/none }\n",
        );
        let exporter = Exporter::start_as("65534", binary(), &config).await;
        let scrape = wait(&exporter, NUMBER, "bot", 1.0).await;
        assert_eq!(scrape.value(&of("namedprocess_namegroup_read_bytes_total", "bot")), None);
        // Since Linux 6.2 their number is for everybody to see; before that it is absent, never 0.
        assert_ne!(scrape.value(&of("namedprocess_namegroup_open_filedesc", "bot")), Some(0.0));
        assert_eq!(scrape.value(&of("namedprocess_namegroup_open_filedesc", "never")), Some(0.0));
        assert!(scrape.line("namedprocess_namegroup_memory_bytes{").is_some());
        let page = exporter.get("/debug/process/process", &[]).await.body;
        assert!(page.contains("bytes read and written by bot"), "{page}");
        // Whose program may not be seen may be the one.
        assert!(page.contains("programs of other users"), "{page}");
        assert_eq!(scrape.value(&of("stack_process_up", "never")), Some(0.0), "{}", scrape.body);
        for metric in ["stack_process_up", NUMBER, "stack_process_starts_total"] {
            assert_eq!(scrape.value(&of(metric, "program")), None, "{}", scrape.body);
        }

        let copy = watchdog::dir("program").join("stack-exporter");
        std::fs::copy(binary(), &copy).unwrap();
        let script = "exec unshare --mount sh -c 'mount -t proc -o hidepid=2 proc /proc && exec setpriv \
            --reuid 65534 --regid 65534 --clear-groups -- \"$@\"' sh \"$@\"";
        let exporter = Exporter::scripted(&copy, &config, script, &["--storage.path=/proc/none"]);
        until("an answer", PATIENT, async || exporter.try_scrape().await.is_ok()).await;
        let scrape = exporter.wait_line("stack_process_wanted{", PATIENT).await;
        assert_eq!(scrape.value(&of(NUMBER, "bot")), None, "{}", scrape.body);
        assert_eq!(scrape.value(&of("stack_process_up", "never")), None);
        let up = "stack_target_up{target=\"process\",area=\"process\"}";
        assert_eq!(scrape.value(up), Some(1.0));
        let page = exporter.get("/debug/process/process", &[]).await.body;
        assert!(page.contains("other users' processes") && page.contains("hidepid"), "{page}");
    });
}
