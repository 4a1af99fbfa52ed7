//! The annotation `changed`: what happened within the last half hour on the machine that an alert came
//! from, the newest first. The cause of a fault is mostly among it.
//!
//! It is read off the names of the metrics that say since when something is as it is: deployed, started,
//! booted, reloaded. So an area whose metric has such a name is heard without a change here.

use std::fmt::Write as _;

/// The newest five of: what was deployed, started, booted, reloaded; migrations in logs. A container
/// that was made within that time was started by the deployment, which is told. `max by` as two jobs
/// may scrape one exporter.
const QUERY: &str = "(time()-topk(5,max by(what,project,service,name,groupname,target)(\
    label_replace(({__name__=~\".+_(deployed|start|boot|reload_success)_time(stamp)?_seconds\",instance=%[1]q}>time()-1800)\
    unless on(instance,name)(stack_container_created_timestamp_seconds{instance=%[1]q}>time()-1800),\
    \"what\",\"$1\",\"__name__\",\".*_(deploy|start|boot|reload).*\")\
    or label_replace(stack_log_last_match_timestamp_seconds{instance=%[1]q,rule=\"migration\"}>time()-1800,\"what\",\"migrat\",\"\",\"\")\
    )))/60";

/// "worker (shop) deployed 4 min ago, host booted 12 min ago"; nothing if nothing happened.
pub(super) fn template() -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "{{{{ range $i, $one := printf `{QUERY}` $labels.instance | query }}}}\
         {{{{ if $i }}}}, {{{{ end }}}}\
         {{{{ with .Labels }}}}{{{{ or .service .groupname .name .target \"the exporter\" }}}}\
         {{{{ with .project }}}} ({{{{ . }}}}){{{{ end }}}} {{{{ .what }}}}ed{{{{ end }}}} \
         {{{{ . | value | printf \"%.0f\" }}}} min ago{{{{ end }}}}"
    );
    text
}

/// What it says in the generated cases.
pub(super) const FILLED: &str = "api (shop) deployed 4 min ago, host booted 7 min ago";

/// The series of that, seen after so many minutes: what has changed, and beside it a container that the
/// deployment started and a start of long ago.
pub(super) fn series(instance: &str, minutes: u64) -> [(String, f64); 6] {
    let ago = |ago: f64| {
        let now = u32::try_from(minutes).map_or(f64::INFINITY, f64::from);
        (now - ago) * 60.0
    };
    let made = "name=\"shop-api-1\"";
    [
        (
            format!(
                "stack_service_deployed_timestamp_seconds{{instance=\"{instance}\", target=\"docker\", project=\"shop\", service=\"api\"}}"
            ),
            ago(4.0),
        ),
        (
            format!("stack_container_created_timestamp_seconds{{instance=\"{instance}\", {made}}}"),
            ago(4.0),
        ),
        (format!("container_start_time_seconds{{instance=\"{instance}\", {made}}}"), ago(4.0)),
        (format!("node_boot_time_seconds{{instance=\"{instance}\", target=\"host\"}}"), ago(7.0)),
        (
            format!("pg_postmaster_start_time_seconds{{instance=\"{instance}\", target=\"old\"}}"),
            ago(31.0),
        ),
        ("node_boot_time_seconds{instance=\"of-another\", target=\"host\"}".to_owned(), ago(1.0)),
    ]
}
