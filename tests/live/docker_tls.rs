//! An Engine on TCP with TLS, as `docker --tlsverify` talks to it: it knows us by our certificate.
//! [C01]

use std::path::Path;
use std::process::Command;

use crate::servers::engine::{Engine, Extra};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::process::need_program;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

const UP: &str = "stack_target_up{target=\"docker\",area=\"docker\"}";

/// An authority, and certificates that it signed for the Engine and for a client; one that it did
/// not sign for another.
const CERTIFICATES: &str = r#"
set -e
cd "$1"
curve="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
for ca in ca other-ca; do
    openssl req -x509 $curve -subj "/CN=$ca" -keyout $ca-key.pem -out $ca.pem
done
sign() {
    openssl req $curve -subj "/CN=$2" -keyout $2-key.pem -out $2.csr
    printf 'subjectAltName=IP:127.0.0.1\nextendedKeyUsage=%s\n' "$3" > $2.ext
    openssl x509 -req -in $2.csr -CA $1.pem -CAkey $1-key.pem -CAcreateserial -days 2 \
        -extfile $2.ext -out $2.pem
}
sign ca server serverAuth
sign ca client clientAuth
sign other-ca stranger clientAuth
"#;

fn certificates(dir: &Path) {
    need_program("openssl".as_ref(), "openssl");
    let made = Command::new("sh").args(["-c", CERTIFICATES, "sh", text(dir)]).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn an_engine_that_wants_certificates() {
    run(async {
        let (dir, port) = (watchdog::dir("certificates"), free_port());
        certificates(&dir);
        let file = |name: &str| dir.join(name).display().to_string();
        let args = [
            format!("--host=tcp://127.0.0.1:{port}"),
            "--tlsverify".to_owned(),
            format!("--tlscacert={}", file("ca.pem")),
            format!("--tlscert={}", file("server.pem")),
            format!("--tlskey={}", file("server-key.pem")),
        ];
        let _engine =
            Engine::own(&Extra { args: args.to_vec(), on_machine: true, ..Extra::default() }).await;
        let section = |authority: &str, own: &str| {
            let (authority, cert, key) =
                (file(authority), file(&format!("{own}.pem")), file(&format!("{own}-key.pem")));
            format!(
                "docker:\n  url: https://127.0.0.1:{port}\n  ca_file: {authority}\n  \
                 cert_file: {cert}\n  key_file: {key}\n"
            )
        };
        let exporter = Exporter::start(binary(), &section("ca.pem", "client")).await;
        let well = async || {
            until("an Engine that answers", PATIENT, async || {
                let scrape = exporter.scrape().await;
                let up = scrape.value(UP) == Some(1.0);
                let streams = scrape.value("stack_docker_events_connected{target=\"docker\"}");
                if up && streams == Some(1.0) { Ok(()) } else { Err(scrape.body) }
            })
            .await;
        };
        well().await;
        // One whom the Engine does not know, and an Engine whom we do not know.
        for wrong in [section("ca.pem", "stranger"), section("other-ca.pem", "client")] {
            exporter.write_config(&wrong);
            assert_eq!(exporter.reload().await.0, 200);
            until("the reason", PATIENT, async || {
                let scrape = exporter.scrape().await;
                let why = "stack_target_failure{target=\"docker\",area=\"docker\",reason=\"tls\"}";
                if scrape.value(why) == Some(1.0) { Ok(()) } else { Err(scrape.body) }
            })
            .await;
        }
        exporter.write_config(&section("ca.pem", "client"));
        assert_eq!(exporter.reload().await.0, 200);
        well().await;
    });
}
