//! The bundle: alert rules, their tests and runbooks, Alertmanager, Compose, unit, examples.

mod alertmanager;
mod compose;
mod dashboards;
mod deployment;
mod inhibition;
mod rules;
mod runbooks;
mod shipped;
