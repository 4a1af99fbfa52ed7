//! The metrics of a probe. `probe_*` are blackbox_exporter's names and meanings, all gauges.

use super::sample::{
    Cipher, Dns, Failed, Hold, Http, Own, Ping, Presented, Probed, Version, WebSocket,
};
use crate::catalogue::metrics;

metrics! { Probed {
    labels {}
    /// Whether the probe got what it expects. Source: the probe.
    gauge probe_success [B01 B02 B03 B04 B05 B07 B08] = |p| p.success;
    /// How long the whole probe took in seconds. Source: the probe.
    gauge probe_duration_seconds [B03] = |p| p.took;
    /// After how many seconds the probe gives up. Source: the configuration.
    gauge probe_timeout_seconds = |p| p.limit;
    /// How long the system's resolver took in seconds. Source: the probe.
    gauge probe_dns_lookup_time_seconds [B08] = |p| p.dns;
    /// 4 or 6, the version of IP of the address that was used; 0 where there was none. Source: the resolver.
    gauge probe_ip_protocol = |p| p.protocol;
    /// How long probes took in seconds that got what they expect, since the exporter started. Source: the probe.
    histogram stack_probe_duration_seconds [B03] = |p| p.durations.as_ref();
    /// Whether the probe failed because what came does not match; of HTTP, TCP and TLS. Source: the probe.
    gauge probe_failed_due_to_regex = |p| p.regex_failed;
    /// Share of the probes of fifteen minutes that took longer than their own limit, of those that got what they expect; 0 for a single slow one, absent below ten. Source: the probe.
    gauge stack_probe_slow_ratio [B03] = |p| p.slow;
    /// Share of the probes of fifteen minutes that failed, without those of two minutes and more in which nothing else came; absent below ten. Source: the probe.
    gauge stack_probe_failed_ratio [B01] = |p| p.failing;
} }

metrics! { Failed {
    labels { phase = |f| f.phase, reason = |f| f.reason }
    /// Is 1 for the phase in which the last probe failed, and for why. Source: the probe.
    gauge stack_probe_failure [B08] = |_f| 1u8;
} }

metrics! { Http {
    labels {}
    /// Status of the last answer; 0 without one. Source: HTTP.
    gauge probe_http_status_code [B01 B02 B03] = |h| h.answer.status;
    /// Version of HTTP. Source: HTTP.
    gauge probe_http_version = |h| h.answer.version;
    /// Redirects that were followed. Source: HTTP.
    gauge probe_http_redirects = |h| h.answer.redirects;
    /// Whether the last answer came by TLS. Source: the probe.
    gauge probe_http_ssl [B05] = |h| h.answer.tls;
    /// Length of the body in bytes as the header says it; -1 where it does not, 0 without an answer. Source: HTTP.
    gauge probe_http_content_length = |h| if h.answer.status == 0 { 0.0 } else { h.answer.content_length.map_or(-1.0, |length| length as f64) };
    /// Length of the body in bytes as it was read, at most a little over a megabyte. Source: HTTP.
    gauge probe_http_uncompressed_body_length = |h| h.answer.body_length;
    /// How long each phase took in seconds, over all redirects; the one that hung has its time. Source: the probe.
    gauge probe_http_duration_seconds {phase} [B03] = |h| h.phases.iter().copied();
    /// When the content was changed last, in seconds since 1970, of an answer that is as expected. Source: the header Last-Modified.
    gauge probe_http_last_modified_timestamp_seconds = |h| h.answer.modified.filter(|_| !h.failed);
    /// How many of the headers that are required are not there, or have another value. Source: HTTP.
    gauge stack_probe_headers_missing [B01] = |h| h.answer.missing.as_ref().map(Vec::len);
    /// Whether it was led to another host than it asked, or elsewhere than it should. Source: HTTP.
    gauge stack_probe_redirected_elsewhere [B03] = |h| h.answer.elsewhere;
} }

metrics! { Presented {
    labels {}
    /// When the first of the presented certificates runs out, in seconds since 1970; told also when they are not trusted. Source: TLS.
    gauge probe_ssl_earliest_cert_expiry [B05] = |p| p.earliest;
    /// The same of a chain that is trusted. Source: TLS.
    gauge probe_ssl_last_chain_expiry_timestamp_seconds [B05] = |p| p.trusted_until;
    /// Seconds until the first of the presented certificates runs out, below 0 when it has; told also when they are not trusted, of all hosts that a redirect leads over, without those that have run out and that nobody needs; while no handshake comes about, of what was presented last. Source: TLS.
    gauge stack_probe_certificate_expiry_seconds [B05] = |p| p.left;
    /// Whether the server presents the certificate that lies on disk. Source: TLS and `certificate_file`.
    gauge stack_probe_certificate_on_disk [B05] = |p| p.on_disk;
} }

metrics! { Own {
    labels {
        fingerprint_sha256 = |o| &o.certificate.fingerprint, subject = |o| &o.certificate.subject,
        issuer = |o| &o.certificate.issuer, subjectalternative = |o| &o.names,
        serialnumber = |o| &o.certificate.serial,
    }
    /// Is 1 for the certificate that the server presented as its own. Source: TLS.
    gauge probe_ssl_last_chain_info [B05] = |_o| 1u8;
} }

metrics! { Version {
    labels { version = |v| v.0 }
    /// Is 1 for the version of TLS that was agreed on. Source: TLS.
    gauge probe_tls_version_info = |_v| 1u8;
} }

metrics! { Cipher {
    labels { cipher = |c| &c.0 }
    /// Is 1 for the cipher that was agreed on. Source: TLS.
    gauge probe_tls_cipher_info = |_c| 1u8;
} }

metrics! { WebSocket {
    labels {}
    /// Status of the answer to the handshake, 101 where it is well; 0 without one. Source: HTTP.
    gauge probe_websocket_status_code [B04] = |w| w.status;
    /// Whether the connection became a WebSocket. Source: HTTP.
    gauge probe_websocket_connection_upgraded [B04] = |w| w.upgraded;
    /// How long each phase took in seconds. Source: the probe.
    gauge probe_websocket_duration_seconds {phase} [B04] = |w| w.phases.iter().copied();
} }

metrics! { Hold {
    labels {}
    /// How long in seconds the last WebSocket stayed open that was to be held. Source: the probe.
    gauge stack_probe_websocket_held_seconds [B04] = |h| h.lasted;
    /// How many were cut before their time in a row, up to the last that was held; 0 if that one was not. Source: the probe.
    gauge stack_probe_websocket_cuts_in_a_row [B04] = |h| h.cuts;
} }

metrics! { Ping {
    labels {}
    /// How long each phase of a ping took in seconds. Source: ICMP.
    gauge probe_icmp_duration_seconds {phase} = |p| p.phases.iter().copied();
} }

metrics! { Dns {
    labels {}
    /// Records in the section for answers. Source: DNS.
    gauge probe_dns_answer_rrs = |d| d.records.answers;
    /// Records in the section for authorities. Source: DNS.
    gauge probe_dns_authority_rrs = |d| d.records.authorities;
    /// Records in the section for more. Source: DNS.
    gauge probe_dns_additional_rrs = |d| d.records.additional;
    /// Whether the server gave an answer, whatever it says. Source: DNS.
    gauge probe_dns_query_succeeded = |d| d.records.succeeded;
    /// Serial number of the zone, of an answer with a record SOA. Source: DNS.
    gauge probe_dns_serial = |d| d.records.serial;
    /// How long each phase took in seconds. Source: DNS.
    gauge probe_dns_duration_seconds {phase} = |d| d.phases.iter().copied();
} }
