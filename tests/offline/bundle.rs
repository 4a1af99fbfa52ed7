//! The bundle: alert rules, their tests and runbooks, Alertmanager, Compose, unit, examples.

mod alertmanager;
mod compose;
mod dashboards;
mod deployment;
mod inhibition;
mod rules;
mod runbooks;
mod shipped;

/// The expression of every rule.
pub fn expressions() -> Vec<String> {
    rules::all().into_iter().map(|rule| rule.expression().to_owned()).collect()
}
