//! Lines that are piped in. [L01 L18]

use std::fs;

use crate::logs_rotation::lines;
use crate::servers::exporter::Exporter;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

#[test]
fn lines_of_a_pipe_are_counted_until_its_end() {
    run(async {
        let go = watchdog::dir("pipe").join("go");
        // Lines at once, many more at a sign, a last one without an end, and no more.
        let script = format!(
            "printf '%s\\n' '2024-01-01 12:00:00,000 [ERROR] app: one' two three
            until [ -e {} ]; do sleep 0.05; done
            i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo \"INFO:app:line $i\"; done
            printf 'INFO:app:no end'",
            text(&go)
        );
        let exporter = Exporter::piped(binary(), "logs:\n  pipe: { stdin: true }\n", &script).await;
        let all = async |wanted: u64| {
            until(&format!("{wanted} lines"), PATIENT, async || {
                let scrape = exporter.scrape().await;
                let now = lines(&scrape, "pipe");
                if now == wanted { Ok(scrape) } else { Err(now) }
            })
            .await
        };
        let scrape = all(3).await;
        let level = |level: &str| {
            scrape.value(&format!("stack_log_lines_total{{target=\"pipe\",level=\"{level}\"}}"))
        };
        assert_eq!((level("error"), level("none")), (Some(1.0), Some(2.0)));
        fs::write(&go, "").unwrap();
        // The series outlive the pipe, for a scrape that comes later.
        let scrape = all(5004).await;
        let open = "stack_log_unterminated_lines_total{target=\"pipe\"}";
        assert_eq!(scrape.value(open), Some(1.0));
    });
}
