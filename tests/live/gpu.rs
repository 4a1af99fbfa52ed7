//! GPUs, by a stand-in for NVIDIA's library that is loaded as the real one is: it answers, hangs, is gone, comes
//! back, loses a GPU; and a declared process that is on the CPU. No GPU was at hand. [H07 R04]

use crate::processes::Own;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::nvml::{FIRST, Nvml, SECOND, document};
use crate::servers::run;
use crate::servers::wait::{PATIENT, until};
use crate::stage::{Stage, Watched, binary};

const GPU: Watched =
    Watched { area: "gpu", target: "gpu", alert: "GpuUnreachable", severity: "warning" };

fn of(metric: &str, uuid: &str, gpu: u32, more: &str) -> String {
    format!("{metric}{{target=\"gpu\",uuid=\"{uuid}\",gpu=\"{gpu}\"{more}}}")
}

fn up(uuid: &str, gpu: u32, name: &str) -> String {
    of("stack_gpu_up", uuid, gpu, &format!(",name=\"{name}\""))
}

async fn wait(exporter: &Exporter, series: &str, value: f64) -> Scrape {
    until(&format!("{series} {value}"), PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(series) == Some(value) { Ok(scrape) } else { Err(scrape.body) }
    })
    .await
}

/// In a PID namespace of its own, without the machine's `/proc`, nobody knows whom the driver's numbers mean.
fn nested() -> bool {
    let link = std::fs::read_link("/proc/self/ns/pid").unwrap();
    link.to_string_lossy() != "pid:[4026531836]"
}

#[test]
fn a_driver_that_hangs_is_gone_or_returns_costs_its_area_alone() {
    run(async {
        let nvml = Nvml::new("gpu-hangs");
        let none = nvml.dir.join("no-nvidia-smi");
        let config = format!(
            "gpu: {{ library: {}, nvidia_smi: {}, count: 2 }}\n",
            nvml.library.display(),
            none.display()
        );
        let stage = Stage::start(&config).await;
        let scrape = stage.well(GPU).await;
        for (series, value) in [
            ("stack_gpu_devices{target=\"gpu\"}", 2.0),
            ("stack_gpu_missing{target=\"gpu\"}", 0.0),
            (&up(FIRST, 0, "Stand-in A100"), 1.0),
            (&up(SECOND, 1, "Stand-in Desktop"), 1.0),
            (&of("stack_gpu_utilization_ratio", FIRST, 0, ""), 0.73),
            (&of("stack_gpu_memory_used_ratio", FIRST, 0, ""), 0.25),
            (&of("stack_gpu_slowdown_margin_celsius", FIRST, 0, ""), 28.0),
            (&of("stack_gpu_xid_errors_total", FIRST, 0, ",kind=\"device\""), 0.0),
            (&of("stack_gpu_xid_told", SECOND, 1, ""), 0.0),
        ] {
            assert_eq!(scrape.value(series), Some(value), "{series}\n{}", scrape.body);
        }
        let ecc = of("stack_gpu_ecc_errors_total", SECOND, 1, "");
        assert!(scrape.line(ecc.trim_end_matches('}')).is_none(), "{}", scrape.body);

        // Unloaded, and loaded again with another version.
        nvml.say("no_driver");
        stage.sick(GPU, "no_driver").await;
        nvml.say("mismatch");
        nvml.touch();
        stage.sick(GPU, "version_mismatch").await;
        nvml.say("");
        nvml.touch();
        stage.well(GPU).await;

        // Taken away while it is in use, which goes on; then the driver ends as well.
        std::fs::remove_file(&nvml.library).unwrap();
        assert!(stage.exporter.scrape().await.value("stack_gpu_devices{target=\"gpu\"}").is_some());
        nvml.say("no_driver");
        stage.sick(GPU, "no_library").await;
        nvml.say("");
        nvml.build(&[]);
        stage.well(GPU).await;

        // What hangs cannot be ended: each reading says so, and none is added to it.
        nvml.say("hang");
        stage.sick(GPU, "timeout").await;
        let page = stage.exporter.get("/debug/gpu/gpu", &[]).await;
        assert!(page.body.contains("the driver hangs"), "{}", page.body);
        let pid = stage.exporter.server.pid().unwrap().as_raw_nonzero();
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
        let named = |path: std::path::PathBuf| std::fs::read_to_string(path.join("comm"));
        let ours = tasks.filter(|task| named(task.path()).is_ok_and(|name| name.trim() == "gpu"));
        assert_eq!(ours.count(), 1, "threads in NVIDIA's library");
        let host = stage.exporter.scrape().await;
        assert!(host.value("stack_target_up{target=\"host\",area=\"host\"}") == Some(1.0));
        // And it ends nevertheless.
        let took = stage.exporter.stop().await;
        assert!(took < std::time::Duration::from_secs(5), "{took:?}");
    });
}

#[test]
fn a_gpu_that_is_lost_or_fails_and_a_process_on_the_cpu_are_told() {
    run(async {
        let (nvml, own) = (Nvml::new("gpu-lost"), Own::new("gpu-bot"));
        let config = format!(
            "host: {{ enabled: false }}\ngpu:\n  library: {}\n  dcgm_names: true\n  processes:\n    \
             bot: {{ cmdline: '^{mark}' }}\n    never: {{ name: none-such }}\n",
            nvml.library.display(),
            mark = own.mark
        );
        let stage = Stage::start(&config).await;
        stage.well(GPU).await;
        let exporter = &stage.exporter;
        let fires = async |alert: &str, labels: &[(&str, &str)]| {
            stage.prometheus.wait_alert(alert, labels, "firing", 2 * PATIENT).await;
        };
        let quiet = async |alert: &str, labels: &[(&str, &str)]| {
            stage.prometheus.wait_quiet(alert, labels, 2 * PATIENT).await;
        };
        let at =
            |process: &str| format!("stack_gpu_process_up{{target=\"gpu\",process=\"{process}\"}}");
        let where_it_is = |state: &str| {
            format!("stack_gpu_process_state{{target=\"gpu\",process=\"bot\",state=\"{state}\"}}")
        };
        if nested() {
            let scrape = exporter.scrape().await;
            assert_eq!(scrape.value(&at("bot")), None, "{}", scrape.body);
        } else {
            wait(exporter, &at("never"), 0.0).await;
            wait(exporter, &where_it_is("not_running"), 1.0).await;
            fires("GpuProcessMissing", &[("process", "bot")]).await;
            let bot = own.idle();
            // All processes are looked through each 15 s.
            wait(exporter, &where_it_is("on_cpu"), 1.0).await;
            nvml.say(&format!("pid={}", bot.pid().unwrap().as_raw_nonzero()));
            let scrape = wait(exporter, &where_it_is("on_gpu"), 1.0).await;
            assert_eq!(scrape.value(&at("bot")), Some(1.0), "{}", scrape.body);
            let memory = "stack_gpu_process_memory_bytes{target=\"gpu\",process=\"bot\"}";
            assert_eq!(scrape.value(memory), Some(3_221_225_472.0), "{}", scrape.body);
            assert!(scrape.body.contains("stack_gpu_program_memory_bytes{"), "{}", scrape.body);
            quiet("GpuProcessMissing", &[("process", "bot")]).await;
            fires("GpuProcessMissing", &[("process", "never")]).await;
        }
        let scrape = exporter.scrape().await;
        let dcgm = scrape.line("DCGM_FI_DEV_GPU_UTIL{").unwrap();
        for label in ["gpu=\"0\"", FIRST, "device=\"nvidia0\"", "modelName=\"Stand-in A100\""] {
            assert!(dcgm.contains(label), "{dcgm}");
        }

        // It falls off the bus, with the error that says so; the other goes on.
        let lost = up(FIRST, 0, "Stand-in A100");
        nvml.say("lost xid=79");
        let scrape = wait(exporter, &lost, 0.0).await;
        assert_eq!(scrape.value(&up(SECOND, 1, "Stand-in Desktop")), Some(1.0), "{}", scrape.body);
        let code = of("stack_gpu_xid_last_code", FIRST, 0, "");
        assert_eq!(scrape.value(&code), Some(79.0), "{}", scrape.body);
        fires("GpuLost", &[("uuid", FIRST)]).await;
        fires("GpuHardwareError", &[("uuid", FIRST)]).await;
        nvml.say("");
        wait(exporter, &lost, 1.0).await;
        quiet("GpuLost", &[("uuid", FIRST)]).await;

        // The driver does not know the second any more, over a restart of the exporter as well.
        nvml.say("gone");
        let gone = of("stack_gpu_state", SECOND, 1, ",name=\"Stand-in Desktop\",state=\"gone\"");
        wait(exporter, &gone, 1.0).await;
        // It is written down some seconds after the start, and when something changes.
        let folder = exporter.storage();
        until("the state is written", PATIENT, async || {
            let _ = exporter.scrape().await;
            let kept = std::fs::read_dir(&folder).unwrap().flatten();
            kept.into_iter().any(|file| {
                let text = std::fs::read(file.path()).unwrap_or_default();
                String::from_utf8_lossy(&text).contains(SECOND)
            })
        })
        .await;
        exporter.server.stop().await;
        exporter.restart().await;
        wait(exporter, &gone, 1.0).await;
        nvml.say("hot full ecc=1 remap");
        wait(exporter, &of("stack_gpu_slowdown_margin_celsius", FIRST, 0, ""), 1.0).await;
        for alert in ["GpuHot", "GpuSlowedByHeat", "GpuMemoryFull", "GpuNeedsReset"] {
            fires(alert, &[("uuid", FIRST)]).await;
        }
        nvml.say("ecc=4");
        fires("GpuMemoryErrors", &[("uuid", FIRST)]).await;
        quiet("GpuHot", &[]).await;
    });
}

/// Where there is no library, or an old one, `nvidia-smi` is read; and where that is no help it is said why.
#[test]
fn nvidia_smi_stands_in_for_the_library() {
    run(async {
        let nvml = Nvml::new("gpu-smi");
        let document = document("smi_535_desktop_and_mig_documented");
        let program = nvml.program(&format!("exec cat {}", document.display()));
        let config = format!(
            "host: {{ enabled: false }}\ngpu: {{ library: {}, nvidia_smi: {} }}\n",
            nvml.dir.join("none.so").display(),
            program.display()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let desktop = "GPU-535a0000-0000-0000-0000-000000000001";
        let series = up(desktop, 0, "NVIDIA GeForce RTX 3060");
        let scrape = wait(&exporter, &series, 1.0).await;
        assert!(
            scrape.body.contains("source=\"nvidia_smi\",driver=\"535.183.01\""),
            "{}",
            scrape.body
        );
        let hang = nvml.program("exec sleep 600");
        assert_eq!(hang, program);
        exporter.write_config(&config.replace("none.so", "none-either.so"));
        assert_eq!(exporter.reload().await.0, 200);
        let failure = "stack_target_failure{target=\"gpu\",area=\"gpu\",reason=\"timeout\"}";
        wait(&exporter, failure, 1.0).await;

        // A library before driver 510 lacks what is asked of it.
        nvml.build(&["-DOLD"]);
        nvml.program(&format!("exec cat {}", document.display()));
        exporter.write_config(&config.replace("none.so", "libnvidia-ml.so.1"));
        assert_eq!(exporter.reload().await.0, 200);
        wait(&exporter, &series, 1.0).await;
    });
}

/// No driver at all: a reason, a 0 for what was declared, and no work. Without the section, nothing.
#[test]
fn an_absent_driver_is_a_fact() {
    run(async {
        let dir = Nvml::new("gpu-absent").dir;
        let config = format!(
            "host: {{ enabled: false }}\ngpu: {{ library: {}, nvidia_smi: {}, processes: {{ bot: {{ name: bot }} }} }}\n",
            dir.join("none.so").display(),
            dir.join("none").display()
        );
        let exporter = Exporter::start(binary(), &config).await;
        let failure = "stack_target_failure{target=\"gpu\",area=\"gpu\",reason=\"no_library\"}";
        let scrape = wait(&exporter, failure, 1.0).await;
        let at = "stack_gpu_process_up{target=\"gpu\",process=\"bot\"}";
        assert_eq!(scrape.value(at), Some(0.0), "{}", scrape.body);
        exporter.write_config("host: { enabled: false }\ngpu: { enabled: false }\n");
        assert_eq!(exporter.reload().await.0, 200);
        let scrape = exporter.scrape().await;
        assert!(!scrape.body.contains("stack_gpu_"), "{}", scrape.body);
    });
}
