use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::time::{Instant, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConnection, version};
use tempfile::TempDir;

use super::*;

const ALICE: &str = "$2y$04$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze";

/// An authority, a server and a client that it signed, a client that signed itself.
fn certificates() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let script = r#"
        set -e; cd "$1"
        curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -days 2"
        openssl req -x509 $curve -nodes -subj /CN=ca -keyout ca-key.pem -out ca.pem
        sign() {
            openssl req $curve -nodes -subj "/CN=$1" -keyout $1-key.pem -out $1.csr
            printf "subjectAltName=$2\n" > $1.ext
            openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -extfile $1.ext -out $1.pem
        }
        sign server IP:127.0.0.1
        sign client DNS:scraper.example,IP:10.0.0.7,email:a@b.example,URI:spiffe://b.example/x
        openssl req -x509 $curve -nodes -subj /CN=stranger -addext basicConstraints=critical,CA:FALSE -keyout stranger-key.pem -out stranger.pem
        openssl ec -aes128 -passout pass:secret -in server-key.pem -out locked-key.pem"#;
    let mut shell = std::process::Command::new("sh");
    let done = shell.args(["-c", script, "sh"]).arg(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    folder
}

fn web(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("web.yml");
    fs::write(&file, text).unwrap();
    file
}

fn tls(folder: &Path, more: &str) -> Arc<ServerConfig> {
    let text =
        format!("tls_server_config: {{ cert_file: server.pem, key_file: server-key.pem{more} }}\n");
    let lock = Lock::new(Some(&web(folder, &text)), Arc::default());
    lock.unwrap_or_else(|mistakes| panic!("{mistakes:?}")).tls().unwrap()
}

/// A handshake in memory; the suite and the group, or what either side says is wrong.
fn shake(folder: &Path, config: Arc<ServerConfig>, own: Option<&str>) -> Result<String, String> {
    let pem = |name: &str| fs::read(folder.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS12, &version::TLS13])
        .unwrap()
        .with_root_certificates(roots);
    let client = match own {
        None => client.with_no_client_auth(),
        Some(name) => {
            let chain = CertificateDer::from_pem_slice(&pem(&format!("{name}.pem"))).unwrap();
            let key = PrivateKeyDer::from_pem_slice(&pem(&format!("{name}-key.pem"))).unwrap();
            client.with_client_auth_cert(vec![chain], key).unwrap()
        }
    };
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(config).unwrap();
    for _ in 0..6 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets().map_err(|error| error.to_string())?;
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets().map_err(|error| error.to_string())?;
        }
    }
    assert!(!server.is_handshaking() && !client.is_handshaking());
    let suite = server.negotiated_cipher_suite().unwrap().suite();
    let group = server.negotiated_key_exchange_group().unwrap().name();
    Ok(format!("{suite:?} {group:?}"))
}

#[test]
fn each_way_to_ask_for_a_certificate_lets_in_whom_it_names() {
    let dir = certificates();
    let folder = dir.path();
    for (way, none, signed, stranger) in [
        ("NoClientCert", true, true, true),
        ("RequestClientCert", true, true, true),
        ("RequireAnyClientCert", false, true, true),
        ("RequireClientCert", false, true, true),
        ("VerifyClientCertIfGiven", true, true, false),
        ("RequireAndVerifyClientCert", false, true, false),
    ] {
        let ca = if way == "NoClientCert" { "" } else { ", client_ca_file: ca.pem" };
        let config = tls(folder, &format!(", client_auth_type: {way}{ca}"));
        for (own, good) in [(None, none), (Some("client"), signed), (Some("stranger"), stranger)] {
            let shaken = shake(folder, Arc::clone(&config), own);
            assert_eq!(shaken.is_ok(), good, "{way} {own:?}: {shaken:?}");
        }
    }
    let named = |sans: &str, way: &str, own: &str| {
        let more = format!(
            ", client_auth_type: {way}, client_ca_file: ca.pem, client_allowed_sans: [{sans}]"
        );
        shake(folder, tls(folder, &more), Some(own)).is_ok()
    };
    let both = "RequireAndVerifyClientCert";
    for sans in [
        "scraper.example",
        "10.0.0.7",
        "a@b.example",
        "'spiffe://b.example/x'",
        "x, scraper.example",
    ] {
        assert!(named(sans, both, "client"), "{sans}");
    }
    for sans in ["", "client", "example", "10.0.0.70", "b.example"] {
        assert!(!named(sans, both, "client"), "{sans}");
    }
    assert!(!named("scraper.example", "RequireAnyClientCert", "stranger"), "it has no name at all");
}

#[test]
fn versions_suites_and_curves_are_those_of_the_file() {
    let dir = certificates();
    let folder = dir.path();
    for (more, expected) in [
        ("", "TLS13_AES_256_GCM_SHA384 X25519"),
        (
            ", max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256]",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 X25519",
        ),
        (
            ", min_version: TLS13, curve_preferences: [CurveP384]",
            "TLS13_AES_256_GCM_SHA384 secp384r1",
        ),
        (
            ", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]",
            "TLS13_AES_256_GCM_SHA384 X25519",
        ),
        (
            ", max_version: TLS12, cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]",
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 X25519",
        ),
    ] {
        assert_eq!(shake(folder, tls(folder, more), None).as_deref(), Ok(expected), "{more}");
    }
    let inline =
        |name: &str| fs::read_to_string(folder.join(name)).unwrap().replace('\n', "\n    ");
    let text = format!(
        "tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}\n",
        inline("server.pem"),
        inline("server-key.pem")
    );
    let lock =
        Lock::new(Some(&web(folder, &text)), Arc::default()).unwrap_or_else(|m| panic!("{m:?}"));
    assert!(shake(folder, lock.tls().unwrap(), None).is_ok());
}

#[test]
fn what_is_wrong_with_a_file_is_told_at_its_key() {
    let dir = certificates();
    let folder = dir.path();
    fs::write(folder.join("rubbish.pem"), "rubbish").unwrap();
    for (text, expected) in [
        (
            "tls_server_config:\n  cert_file: no.pem\n  key_file: server-key.pem",
            ":2: tls_server_config.cert_file: cannot read ",
        ),
        (
            "tls_server_config:\n  cert_file: rubbish.pem\n  key_file: rubbish.pem",
            ":3: tls_server_config.key_file: no private key in PEM in ",
        ),
        (
            "tls_server_config:\n  cert_file: rubbish.pem\n  key_file: server-key.pem",
            ":2: tls_server_config.cert_file: no certificate in PEM in ",
        ),
        (
            "tls_server_config:\n  cert_file: server.pem\n  key_file: client-key.pem",
            ":2: tls_server_config.cert_file: the certificate and the key do not fit",
        ),
        (
            "tls_server_config:\n  cert_file: server.pem\n  key_file: locked-key.pem",
            "that can be used without a passphrase",
        ),
        (
            "tls_server_config:\n  cert_file: server.pem\n  key_file: server-key.pem\n  max_version: TLS12\n  cipher_suites: [TLS_AES_128_GCM_SHA256]",
            ":5: tls_server_config.cipher_suites: no suite is left",
        ),
        (
            "tls_server_config:\n  cert_file: server.pem\n  key_file: server-key.pem\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: rubbish.pem",
            ":5: tls_server_config.client_ca_file: no certificate",
        ),
    ] {
        let told = Lock::check(&web(folder, text)).unwrap_err().concat();
        assert!(told.contains(expected), "{text}: {told}");
    }
    let two =
        "tls_server_config:\n  cert_file: no.pem\n  key_file: no.pem\nbasic_auth_users: { a: b }";
    assert_eq!(Lock::check(&web(folder, two)).unwrap_err().len(), 3, "all at once");
    let right = format!("basic_auth_users: {{ alice: {ALICE} }}");
    assert_eq!(Lock::check(&web(folder, &right)).unwrap(), "http without TLS, 1 user");
    let gone = Lock::check(&folder.join("gone.yml")).unwrap_err().concat();
    assert!(gone.contains("gone.yml: cannot read the file"), "{gone}");
}

#[test]
fn a_change_is_taken_once_it_lies_still_and_what_is_wrong_is_not() {
    let dir = certificates();
    let folder = dir.path();
    let old = |name: &str, age: u64| {
        let file = fs::File::options().write(true).open(folder.join(name)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
    };
    let file =
        web(folder, "tls_server_config: { cert_file: server.pem, key_file: server-key.pem }");
    for name in ["web.yml", "server.pem", "server-key.pem"] {
        old(name, 9);
    }
    let clients = Arc::new(Clients::default());
    let lock = Lock::new(Some(&file), Arc::clone(&clients)).unwrap_or_else(|m| panic!("{m:?}"));
    assert_eq!((clients.lock(), lock.refresh()), (Some(true), false));
    let first = lock.tls().unwrap();
    // The certificate is there, its key not yet: nothing is wrong so far.
    fs::copy(folder.join("client.pem"), folder.join("server.pem")).unwrap();
    assert!(!lock.refresh());
    old("server.pem", 5);
    assert!(lock.refresh(), "by now it should be there");
    assert_eq!(clients.lock(), Some(false));
    assert!(Arc::ptr_eq(&lock.tls().unwrap(), &first), "the old one stays in force");
    fs::copy(folder.join("client-key.pem"), folder.join("server-key.pem")).unwrap();
    old("server-key.pem", 5);
    assert!(lock.refresh());
    assert_eq!(clients.lock(), Some(true));
    assert!(!Arc::ptr_eq(&lock.tls().unwrap(), &first));
    assert!(!lock.refresh(), "nothing has changed");
    web(folder, "tls_server_confg: {}");
    old("web.yml", 4);
    assert!(lock.refresh());
    assert!(lock.is_https() && clients.lock() == Some(false));
    fs::remove_file(&file).unwrap();
    assert!(lock.refresh());
    web(folder, "{}");
    assert_eq!(lock.read_again(), Ok(()), "at once, for who asks for it");
    assert!(!lock.is_https() && !lock.keeps_out());
}

fn basic(text: impl AsRef<[u8]>) -> HeaderMap {
    said(&format!("Basic {}", STANDARD.encode(text)))
}

fn said(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(text.as_bytes()).unwrap());
    headers
}

fn with_users(hashes: &[(&str, String)]) -> (TempDir, Lock) {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("basic_auth_users:\n");
    for (user, hash) in hashes {
        text += &format!("  {user}: {hash}\n");
    }
    let lock = Lock::new(Some(&web(dir.path(), &text)), Arc::default());
    (dir, lock.unwrap_or_else(|mistakes| panic!("{mistakes:?}")))
}

#[tokio::test]
async fn only_a_right_pair_is_let_in() {
    let hash = |password: &[u8]| bcrypt::hash(password, 4).unwrap();
    let (_dir, lock) = with_users(&[
        ("alice", hash(b"pass:word")),
        ("björn", hash("пароль".as_bytes())),
        ("nul", hash(b"a\0b")),
    ]);
    let from = Peer(Some(IpAddr::from([10, 0, 0, 1])));
    let admit = async |headers: HeaderMap| lock.admit(&headers, from).await.map_err(|t| t.0);
    for right in ["alice:pass:word", "björn:пароль", "nul:a\0b"] {
        for _ in 0..2 {
            assert_eq!(admit(basic(right)).await, Ok(()), "{right}");
        }
    }
    assert_eq!(admit(said(&format!("bAsIc {}", STANDARD.encode("alice:pass:word")))).await, Ok(()));
    assert_eq!(admit(HeaderMap::new()).await, Err(Denied::Nobody));
    for wrong in [
        "alice:",
        "alice:wrong",
        "alice",
        "",
        ":",
        "bob:pass:word",
        "nul:a",
        "nul:a\0c",
        "Alice:pass:word",
        "alice :pass:word",
    ] {
        assert_eq!(admit(basic(wrong)).await, Err(Denied::Wrong), "{wrong}");
    }
    let long = basic(format!("{}:x", "a".repeat(10_000)));
    assert_eq!(admit(long).await, Err(Denied::Wrong));
    assert_eq!(
        admit(basic([b"alice:".as_slice(), &[0xff; 5000]].concat())).await,
        Err(Denied::Wrong)
    );
    for odd in [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic YWxpY2U6cGFzczp3b3Jk=",
        "Bearer YWxpY2U6cGFzczp3b3Jk",
        "Basic  YWxpY2U6cGFzczp3b3Jk",
    ] {
        assert_eq!(admit(said(odd)).await, Err(Denied::Wrong), "{odd}");
    }
    let mut two = basic("alice:pass:word");
    two.append(header::AUTHORIZATION, HeaderValue::from_static("Basic x"));
    assert_eq!(admit(two).await, Err(Denied::Wrong), "which of them counts is anybody's guess");
}

/// Figures are printed; the bounds leave room for a busy machine.
#[tokio::test]
async fn a_known_pair_costs_nothing_and_a_wrong_name_as_much_as_a_right_one() {
    let (_dir, lock) = with_users(&[("alice", bcrypt::hash("right", 8).unwrap())]);
    let from = Peer(Some(IpAddr::from([10, 0, 0, 1])));
    let timed = async |pair: &str| {
        let begun = Instant::now();
        let _ = lock.admit(&basic(pair), from).await;
        begun.elapsed()
    };
    let median = async |pair: &str| {
        let mut all = Vec::new();
        for _ in 0..9 {
            all.push(timed(pair).await);
        }
        all.sort_unstable();
        all[4]
    };
    let first = timed("alice:right").await;
    let (known, wrong, nobody) =
        (median("alice:right").await, median("alice:wrong").await, median("nobody:wrong").await);
    let _ = writeln!(
        std::io::stderr(),
        "first {first:?}, known {known:?}, wrong {wrong:?}, nobody {nobody:?}"
    );
    assert!(known * 5 < wrong, "{known:?} {wrong:?}");
    assert!(nobody * 3 > wrong && wrong * 3 > nobody, "{nobody:?} {wrong:?}");
}

#[tokio::test]
async fn a_flood_has_bounds_and_others_are_let_in_meanwhile() {
    let hash = |password: &str| bcrypt::hash(password, 9).unwrap();
    let (_dir, lock) = with_users(&[("alice", hash("right")), ("bob", hash("right"))]);
    let lock = Arc::new(lock);
    let peer = |last: u8| Peer(Some(IpAddr::from([10, 0, 0, last])));
    assert_eq!(lock.admit(&basic("alice:right"), peer(1)).await.map_err(|t| t.0), Ok(()));
    let flood: Vec<_> = (0..100)
        .map(|number| {
            let lock = Arc::clone(&lock);
            tokio::spawn(async move {
                let wrong = basic(format!("alice:{number}"));
                lock.admit(&wrong, peer(2)).await.map_err(|turned| turned.0)
            })
        })
        .collect();
    tokio::task::yield_now().await;
    // Who is known waits for nobody, and a newcomer only for those few.
    assert_eq!(lock.admit(&basic("alice:right"), peer(1)).await.map_err(|t| t.0), Ok(()));
    assert_eq!(lock.admit(&basic("bob:right"), peer(3)).await.map_err(|t| t.0), Ok(()));
    let mut busy = 0;
    for one in flood {
        match one.await.unwrap() {
            Err(Denied::Busy) => busy += 1,
            other => assert_eq!(other, Err(Denied::Wrong)),
        }
    }
    assert!(busy >= 50, "eight of one address wait, one is being checked: {busy} were sent away");
    assert_eq!(lock.admit(&basic("bob:wrong"), peer(2)).await.map_err(|t| t.0), Err(Denied::Wrong));
}
