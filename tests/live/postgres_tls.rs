//! Encryption and log-ins as `libpq` has them: each `sslmode` against a server with a certificate for another name,
//! certificates of our own, md5, and a file with passwords. [P19]

use tokio_postgres::Client;

use crate::servers::certificates;
use crate::servers::exporter::{Exporter, Scrape};
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, connect};
use crate::servers::run;
use crate::servers::wait::{PATIENT, until};
use crate::stage::binary;

/// Nobody but the superuser gets in without TLS, and `client` with a certificate alone.
async fn prepare(admin: &Client, folder: &std::path::Path) {
    // A program that has ended before it was written to is an error of the server's.
    let program = |what: &str| {
        format!("copy (select 1) to program 'cat > /dev/null; {}'", what.replace('\'', "''"))
    };
    // The server's user may read nothing of ours.
    let file = |ours: &str, its: &str| {
        let pem = std::fs::read_to_string(folder.join(ours)).unwrap();
        let lines = format!("copy (select unnest(string_to_array('{}', E'\\n')))", pem.trim_end());
        format!("{lines} to program 'cat > {its}; chmod 600 {its}'")
    };
    let lines = "printf '%s\\n' 'hostssl all client 127.0.0.1/32 cert' \
                 'hostssl all monitor 127.0.0.1/32 scram-sha-256' 'host all old 127.0.0.1/32 md5' \
                 'host all postgres 127.0.0.1/32 trust' > pg_hba.conf";
    for sql in [
        "create role client login in role pg_monitor".to_owned(),
        "set password_encryption = 'md5'; create role old login in role pg_monitor password 'old'"
            .to_owned(),
        file("server.pem", "server.crt"),
        file("server-key.pem", "server.key"),
        file("ca.pem", "root.crt"),
        program(lines),
        "alter system set ssl = on".to_owned(),
        "alter system set ssl_ca_file = 'root.crt'".to_owned(),
        "select pg_reload_conf()".to_owned(),
    ] {
        admin.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
}

#[test]
fn each_mode_and_way_to_log_in() {
    run(async {
        let folder = certificates::made("tls");
        let postgres = Postgres::start_with(None, &[]).await;
        let admin = connect(&postgres.config("postgres", "postgres")).await.unwrap().0;
        prepare(&admin, &folder).await;
        let passfile = folder.join("pgpass");
        std::fs::write(
            &passfile,
            format!("else:*:*:*:no\n*:*:*:{MONITOR}:{}\n", MONITOR_PASSWORD.replace(':', "\\:")),
        )
        .unwrap();
        let (dir, port) = (folder.display(), postgres.port);
        let root = format!("sslrootcert={dir}/ca.pem");
        let ours = format!("sslcert={dir}/client.pem&sslkey={dir}/client-key.pem");
        let encoded: Vec<_> = MONITOR_PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let monitor = format!("{MONITOR}:{}", encoded.concat());
        let cases = [
            ("full", &monitor, "127.0.0.1", format!("sslmode=verify-full&{root}"), "up"),
            ("name", &monitor, "localhost", format!("sslmode=verify-full&{root}"), "tls"),
            ("chain", &monitor, "localhost", format!("sslmode=verify-ca&{root}"), "up"),
            ("public", &monitor, "127.0.0.1", "sslmode=verify-ca".to_owned(), "tls"),
            ("encrypted", &monitor, "127.0.0.1", "sslmode=require".to_owned(), "up"),
            ("unasked", &monitor, "127.0.0.1", String::new(), "up"),
            ("plain", &monitor, "127.0.0.1", "sslmode=disable".to_owned(), "tls_required"),
            (
                "certified",
                &"client".to_owned(),
                "127.0.0.1",
                format!("sslmode=require&{ours}"),
                "up",
            ),
            ("stranger", &"client".to_owned(), "127.0.0.1", "sslmode=require".to_owned(), "no_hba"),
            ("old", &"old:old".to_owned(), "127.0.0.1", "sslmode=disable".to_owned(), "up"),
            (
                "file",
                &MONITOR.to_owned(),
                "127.0.0.1",
                format!("passfile={}", passfile.display()),
                "up",
            ),
        ];
        let target = |(name, who, host, terms, _): &(&str, &String, &str, String, &str)| {
            format!(
                "  {name}: {{ url: \"postgresql://{who}@{host}:{port}/{DATABASE}?{terms}\" }}\n"
            )
        };
        let targets: String = cases.iter().map(target).collect();
        let config = format!(
            "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n{targets}"
        );
        let exporter = Exporter::start(binary(), &config).await;
        let outcome = |scrape: &Scrape, name: &str| {
            let up = format!("stack_target_up{{target=\"{name}\",area=\"postgres\"}}");
            let failure =
                format!("stack_target_failure{{target=\"{name}\",area=\"postgres\",reason=\"");
            let reason = scrape.body.lines().find_map(|line| {
                line.strip_prefix(&failure)?.strip_suffix("\"} 1").map(str::to_owned)
            });
            match scrape.value(&up) {
                Some(1.0) => "up".to_owned(),
                _ => reason.unwrap_or_default(),
            }
        };
        until("each as it should be", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let wrong: Vec<_> = cases
                .iter()
                .map(|case| (case.0, outcome(&scrape, case.0), case.4))
                .filter(|(_, seen, want)| seen != want)
                .collect();
            if wrong.is_empty() { Ok(()) } else { Err(wrong) }
        })
        .await;
        // That it is encrypted where it should be is the server's word.
        let encrypted = "select count(*) from pg_stat_ssl s join pg_stat_activity a using (pid)
            where a.application_name = 'stack-exporter' and a.usename <> 'old' and not s.ssl";
        let row = admin.query_one(encrypted, &[]).await.unwrap();
        assert_eq!(row.get::<_, i64>(0), 0);
        // Another password of the same role, which the file brings along.
        std::fs::write(&passfile, format!("*:*:*:{MONITOR}:other\n")).unwrap();
        let sql = format!(
            "set password_encryption = 'scram-sha-256'; alter role {MONITOR} password 'other'; select pg_terminate_backend(pid) \
             from pg_stat_activity where application_name = 'stack-exporter'"
        );
        admin.batch_execute(&sql).await.unwrap();
        until("the new password, and the old one refused", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let seen = (outcome(&scrape, "file"), outcome(&scrape, "encrypted"));
            if seen == ("up".to_owned(), "auth".to_owned()) { Ok(()) } else { Err(seen) }
        })
        .await;
    });
}
