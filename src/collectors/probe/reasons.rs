//! Why a probe fails, beside the reasons that everybody has.

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
    /// The proxy that the environment names wants a login or TLS, which is not done here.
    PROXY = "proxy";
}
