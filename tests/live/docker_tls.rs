//! An Engine on TCP with TLS, as `docker --tlsverify` talks to it: it knows us by our certificate.
//! [C01]

use crate::servers::engine::{Engine, Extra};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::wait::{PATIENT, until};
use crate::servers::{certificates, run};
use crate::stage::binary;

const UP: &str = "stack_target_up{target=\"docker\",area=\"docker\"}";

#[test]
fn an_engine_that_wants_certificates() {
    run(async {
        let (dir, port) = (certificates::made("certificates"), free_port());
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
