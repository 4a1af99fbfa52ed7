//! The words that systemd 257 has, by which nothing else from outside becomes a label.

pub const ACTIVE: &[&str] = &["active", "activating", "deactivating", "failed", "inactive"];

/// Sub states of systemd 257, of all kinds of units.
pub const SUB: &[&str] = &[
    "abandoned",
    "active",
    "activating",
    "activating-done",
    "auto-restart",
    "auto-restart-queued",
    "cleaning",
    "condition",
    "dead",
    "dead-before-auto-restart",
    "dead-resources-pinned",
    "deactivating",
    "deactivating-sigkill",
    "deactivating-sigterm",
    "elapsed",
    "exited",
    "failed",
    "failed-before-auto-restart",
    "final-sigkill",
    "final-sigterm",
    "final-watchdog",
    "listening",
    "mounted",
    "mounting",
    "mounting-done",
    "plugged",
    "reload",
    "reload-notify",
    "reload-signal",
    "remounting",
    "running",
    "start",
    "start-chown",
    "start-post",
    "start-pre",
    "stop",
    "stop-post",
    "stop-pre",
    "stop-pre-sigkill",
    "stop-pre-sigterm",
    "stop-sigkill",
    "stop-sigterm",
    "stop-watchdog",
    "tentative",
    "unmounting",
    "waiting",
    "other",
];

pub const RESULT: &[&str] = &[
    "success",
    "resources",
    "protocol",
    "timeout",
    "exit-code",
    "signal",
    "core-dump",
    "watchdog",
    "start-limit-hit",
    "oom-kill",
    "exec-condition",
    "unmounted",
    "mount-start-limit-hit",
    "unit-start-limit-hit",
    "trigger-limit-hit",
    "service-start-limit-hit",
    "other",
];

pub const SYSTEM: &[&str] = &[
    "initializing",
    "starting",
    "running",
    "degraded",
    "maintenance",
    "stopping",
    "offline",
    "other",
];

pub const TYPE: &[&str] =
    &["simple", "exec", "forking", "oneshot", "dbus", "notify", "notify-reload", "idle"];

/// The word of the list that this is, so that no text from outside becomes a label.
pub fn word(list: &'static [&'static str], text: &str) -> &'static str {
    list.iter().find(|word| **word == text).copied().unwrap_or("other")
}
