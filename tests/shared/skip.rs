//! A test that this machine cannot make. Shared by the unit tests and both folders of tests.

/// Says why a test is left out. Where `CI` is set that is a failure: there everything must run.
///
/// # Panics
/// Where `CI` is set.
#[allow(clippy::print_stderr, reason = "what a test did not look at must be seen")]
pub fn skip(reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "nothing may be left out in CI: {reason}");
    eprintln!("LEFT OUT: {reason}");
}
