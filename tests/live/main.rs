//! Tests against real servers, started here on free loopback ports. One shared set of servers a
//! run; every wait is a condition with a deadline. `.ci/setup` installs what is needed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::too_many_lines,
    reason = "tests tell a story and say what is wrong by panicking"
)]
#![allow(dead_code, reason = "helpers for tests to come")]

mod access;
mod backups;
mod check;
mod clients;
mod compose;
mod compose_stack;
mod cured;
mod docker;
mod docker_expect;
mod docker_labels;
mod docker_life;
mod docker_long;
mod docker_memory;
mod docker_opinion;
mod docker_posture;
mod docker_rights;
mod docker_source;
mod docker_tls;
mod faults;
mod files;
mod files_guides;
mod first_minutes;
mod gpu;
mod harness;
mod host_peer;
mod hostile;
mod install;
mod lock;
mod logs;
mod logs_crash;
mod logs_docker;
mod logs_journal;
mod logs_python;
mod logs_rotation;
mod logs_servers;
mod logs_state;
mod logs_stdin;
mod nats;
mod nats_cluster;
mod nats_workers;
mod notify;
mod overview;
mod own_log;
mod page;
mod page_stack;
mod peer;
mod postgres;
mod postgres_faults;
mod postgres_odd;
mod postgres_peer;
mod postgres_pooler;
mod postgres_schema;
mod postgres_sessions;
mod postgres_sql;
mod postgres_tls;
mod postgres_trap;
mod postgres_work;
mod probe;
mod probes;
mod processes;
mod processes_many;
mod queries;
mod queue_brokers;
mod routing;
mod scene;
mod secrets;
mod servers;
#[path = "../shared/skip.rs"]
mod skip;
mod sqlite;
mod stage;
mod stores;
mod systemd;
mod world;

/// What looks at the `world`, side by side and last by name: a whole machine with all its alerts, beside which
/// the other tests would have half a core less.
#[path = "."]
mod with_world {
    mod bundle;
    mod exposition;
    mod host;
    mod queue;
}
