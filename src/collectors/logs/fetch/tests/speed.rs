//! How fast lines are counted.

use std::io::Write as _;

use super::{Bench, source};

/// `cargo test --release --lib logs_speed -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[allow(clippy::print_stdout, reason = "a measurement")]
fn logs_speed() {
    let lines = [
        "2024-05-01 12:00:00,123 [INFO] app.api: request 123 from user 42 handled in 17 ms, all is well\n",
        "{\"timestamp\": \"2024-05-01T12:00:00\", \"level\": \"INFO\", \"logger\": \"app\", \"message\": \"task 17 completed in 42 ms\"}\n",
        "10.0.0.1 - - [01/May/2024:12:00:00 +0000] \"GET /api/items?page=7 HTTP/1.1\" 200 5120 \"-\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n",
        "INFO:     10.0.0.1:51234 - \"POST /api/search HTTP/1.1\" 200 OK\n",
        "\x1b[32m2024-05-01 12:00:00.000\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | \x1b[36mapp.tasks\x1b[0m:\x1b[36mrun\x1b[0m:\x1b[36m42\x1b[0m - failed\n",
    ];
    let block = lines.concat().repeat(2000);
    for (what, more) in [
        ("levels only", ""),
        (
            "all presets (8 rules)",
            "presets: [python, errors, rate_limit, taskiq, websocket, telegram]",
        ),
        (
            "one dense rule with a value",
            r"rules: { r: { regex: 'completed in (?<ms>\d+) ms', values: [ms] } }",
        ),
    ] {
        let mut bench = Bench::watching("app.log");
        let mut file = bench.append("app.log");
        let mut written = 0;
        while written < 100_000_000 {
            file.write_all(block.as_bytes()).unwrap();
            written += block.len();
        }
        let source = source(bench.dir.path(), &["app.log"], more);
        let begin = std::time::Instant::now();
        while bench.state.tally.bytes < written as u64 {
            source.step(&mut bench.state, bench.now);
        }
        let seconds = begin.elapsed().as_secs_f64();
        let lines: u64 = bench.state.tally.levels.iter().sum();
        println!(
            "{what}: {:.0} MB/s, {:.0} ns a line",
            written as f64 / seconds / 1e6,
            seconds * 1e9 / lines as f64
        );
    }
}
