//! What is judged on the Docker Engine. Of several sides of one trouble one signal speaks: the
//! state of a service is one of many, and `unless` keeps the rest quiet.

mod life;
mod posture;
mod service;
mod usage;

use crate::catalogue::Signal;

pub static SIGNALS: &[Signal] = &[
    service::UP,
    service::DOWN,
    service::STOPPED,
    service::REPLICAS_MISSING,
    service::RESTART_LOOP,
    service::RESTARTS,
    service::RESTARTED_OFTEN,
    service::OOM_MAIN,
    service::OOM_CHILD,
    service::PROCESS_MISSING,
    life::FAILED_START,
    life::FAILED,
    life::HEALTH,
    life::STARTING,
    life::SLOW_START,
    life::CHECK_DURATION,
    usage::MEMORY,
    usage::MEMORY_PREDICTED,
    usage::CPU,
    usage::THROTTLED,
    usage::THREADS,
    usage::STATS_AGE,
    usage::ENGINE_SLOW,
    posture::PORT_EXPOSED,
    posture::PORT_EXPOSED_PRIVATE,
    posture::MEMORY_LIMIT,
    posture::MEMORY_LIMITS,
    posture::PRIVILEGED,
    posture::IMAGE_AGE,
    posture::IMAGE_OUTDATED,
    posture::LOG_SIZE,
    posture::LOG_UNBOUNDED,
];
