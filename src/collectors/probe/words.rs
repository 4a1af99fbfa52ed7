//! Which labels have a closed list of values, and why a probe fails.

use crate::catalogue::Catalogue;
use crate::catalogue::words::{Words, known, listed, open};
use crate::failure::reasons;

reasons! {
    /// There is no way to the host or its network.
    UNREACHABLE = "unreachable";
    /// The other side ended the connection before it had answered.
    CUT = "cut";
    /// The certificate has run out.
    CERT_EXPIRED = "certificate_expired";
    /// The certificate is not valid yet.
    CERT_EARLY = "certificate_not_yet_valid";
    /// The certificate is for another name.
    CERT_NAME = "certificate_name";
    /// The certificate signed itself.
    CERT_SELF_SIGNED = "certificate_self_signed";
    /// No authority that is trusted signed the certificate, or the chain is incomplete.
    CERT_UNTRUSTED = "certificate_untrusted";
    /// The status is none of those that are well.
    STATUS = "status";
    /// The body or the banner is not what is expected.
    BODY = "body";
    /// A value in the JSON of the answer is not what is expected.
    JSON = "json";
    /// It redirects where it should not, or to nowhere.
    REDIRECT = "redirect";
    /// More redirects than are followed.
    REDIRECT_LOOP = "redirect_loop";
    /// The answer is beyond what is read of one.
    TOO_LARGE = "too_large";
    /// The connection did not become a WebSocket.
    UPGRADE = "upgrade";
}

/// The phases of a probe, in their order.
pub const PHASES: [&str; 6] = ["prepare", "resolve", "connect", "tls", "processing", "transfer"];

fn all_reasons(catalogue: &Catalogue) -> Vec<String> {
    catalogue.reasons().map(|reason| reason.as_str().to_owned()).collect()
}

pub const WORDS: &[Words] = &[
    listed(&["stack_probe_failure"], "phase", &PHASES),
    known(&["stack_probe_failure"], "reason", all_reasons),
    listed(
        &["probe_http_duration_seconds"],
        "phase",
        &["resolve", "connect", "tls", "processing", "transfer"],
    ),
    listed(
        &["probe_websocket_duration_seconds"],
        "phase",
        &["resolve", "connect", "tls", "processing"],
    ),
    listed(&["probe_icmp_duration_seconds"], "phase", &["resolve", "setup", "rtt"]),
    listed(&["stack_target_part_age_seconds", "stack_target_part_failure"], "part", &["hold"]),
    open("fingerprint_sha256"),
    open("subject"),
    open("issuer"),
    open("subjectalternative"),
    open("serialnumber"),
    open("cipher"),
];
