use super::*;

const HASH: &str = "$2y$04$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";

/// What is written, and a part of what is said of it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "tls_server_confg: {}",
        "web.yml:1: tls_server_confg: unknown key (did you mean `tls_server_config`?)",
    ),
    (
        "tls_server_config:\n  cert_file: a\n  key_fiel: b",
        "web.yml:3: tls_server_config.key_fiel: unknown key (did you mean `key_file`?)",
    ),
    (
        "tls_server_config:\n  cert_file: a",
        "web.yml:1: tls_server_config.key_file: required key is missing",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, cert: c }",
        "tls_server_config.cert: must not be set together with `cert_file`",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, client_auth_type: RequireAndVerify }",
        "tls_server_config.client_auth_type: unknown value (valid values: `NoClientCert`",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, client_auth_type: RequireAndVerifyClientCert }",
        "client_auth_type: needs `client_ca_file`",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, client_ca_file: c }",
        "client_ca_file: has no effect without `client_auth_type`",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, client_allowed_sans: [x] }",
        "client_allowed_sans: has no effect on clients",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, min_version: TLS11 }",
        "min_version: unknown value (did you mean `TLS12`?)",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, min_version: TLS13, max_version: TLS12 }",
        "max_version: is below `min_version`",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA] }",
        "cipher_suites[0]: this suite is not spoken",
    ),
    (
        "tls_server_config: { cert_file: a, key_file: b, curve_preferences: [CurveP521] }",
        "curve_preferences[0]: this curve is not spoken (did you mean `CurveP",
    ),
    (
        "http_server_config: { headers: { X-Frame-Options: never } }",
        "http_server_config.headers.X-Frame-Options: must be one of `deny`, `sameorigin`",
    ),
    ("http_server_config: { headers: { X-Powered-By: me } }", "headers.X-Powered-By: unknown key"),
    (
        "basic_auth_users: { alice: hunter2 }",
        "basic_auth_users.alice: expected the bcrypt hash of a password",
    ),
    (
        "basic_auth_users: { alice: 77777 }",
        "basic_auth_users.alice: expected a string, found an integer",
    ),
    (
        "basic_auth_users:\n  alice: x\n  alice: y",
        "web.yml:3: basic_auth_users.alice: duplicate key",
    ),
    ("rate_limit: { interval: 1s, burst: 20 }", "web.yml:1: rate_limit: is not supported"),
];

fn said(text: &str) -> Vec<String> {
    load("web.yml", text).finish().err().unwrap_or_default()
}

#[test]
fn the_toolkits_example_is_right() {
    let text = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n  \
                client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.crt\n  \
                client_allowed_sans: [prometheus.example.org]\n  min_version: TLS12\n  max_version: TLS13\n  \
                cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]\n  \
                curve_preferences: [X25519, CurveP256]\n  prefer_server_cipher_suites: true\n\
                http_server_config:\n  http2: true\n  headers:\n    X-Frame-Options: deny\n    \
                Strict-Transport-Security: max-age=31536000\n\
                basic_auth_users:\n  alice: $2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze\n";
    assert_eq!(said(text), Vec::<String>::new());
    assert_eq!(said(""), Vec::<String>::new());
    assert_eq!(said("tls_server_config:\nbasic_auth_users: {}\n"), Vec::<String>::new());
    let old =
        "tls_server_config: { cert_file: a, key_file: b, client_auth_type: RequireClientCert }";
    let loaded = load("web.yml", old).finish().unwrap();
    assert!(loaded.tls().unwrap().client_auth_type.is_required());
}

#[test]
fn every_mistake_is_told_with_its_line_and_what_was_meant() {
    for (text, expected) in MISTAKES {
        let told = said(text);
        assert!(told.iter().any(|line| line.contains(expected)), "{text}: {told:#?}");
        assert!(!told.concat().contains("hunter2"), "{told:#?}");
    }
    for (user, expected) in [("a:b", "must have no `:`"), ("", "must have a name")] {
        let told = said(&format!("basic_auth_users: {{ \"{user}\": {HASH} }}"));
        assert!(told.concat().contains(expected), "{told:#?}");
    }
}

#[test]
fn a_cost_that_would_take_days_is_refused() {
    let user = |cost: &str| {
        let hash = HASH.replace("$04$", &format!("${cost}$"));
        said(&format!("basic_auth_users: {{ alice: {hash} }}")).concat()
    };
    assert_eq!(user("14"), "");
    for cost in ["15", "31"] {
        assert!(
            user(cost).contains(&format!("the hash has the cost {cost}, and 4 to 14 are taken"))
        );
    }
    assert!(user("03").contains("the cost 3,"));
    assert!(user("xx").contains("expected the bcrypt hash"));
}
