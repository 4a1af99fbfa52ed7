//! A database behind pgbouncer: what works, and what is the pooler's fault. [P01 P19]

use std::path::Path;

use stack_exporter::clients::postgres::PostgresClient;
use stack_exporter::clients::postgres::reasons::POOLER;
use stack_exporter::config::{SafeUrl, Secret};

use crate::servers::port::free_port;
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres};
use crate::servers::process::{Server, Spec, need_program};
use crate::servers::wait::{PATIENT, until};
use crate::servers::{Stack, run, text, watchdog};

struct Pooler {
    server: Server,
    port: u16,
}

impl Pooler {
    /// One connection to the server for all, handed on after each transaction.
    async fn start(postgres: &Postgres) -> Self {
        let (port, dir) = (free_port(), watchdog::dir("pgbouncer"));
        let users = dir.join("users");
        std::fs::write(&users, format!("\"{MONITOR}\" \"{MONITOR_PASSWORD}\"\n")).unwrap();
        let ini = dir.join("pgbouncer.ini");
        let settings = format!(
            "[databases]\n{DATABASE} = host=127.0.0.1 port={server}\n[pgbouncer]\n\
             listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = plain\n\
             auth_file = {users}\npool_mode = transaction\ndefault_pool_size = 1\n\
             admin_users = {MONITOR}\n",
            server = postgres.port,
            users = users.display(),
        );
        std::fs::write(&ini, settings).unwrap();
        let program = need_program(Path::new("pgbouncer"), "pgbouncer");
        let mut spec = Spec::new(&program, "pgbouncer", &[text(&ini)]);
        spec.unprivileged = Some("postgres");
        std::os::unix::fs::chown(&dir, Some(crate::servers::postgres::user_id()), None).unwrap();
        std::os::unix::fs::chown(&users, Some(crate::servers::postgres::user_id()), None).unwrap();
        let pooler = Self { server: Server::start(spec, &dir), port };
        until("pgbouncer", PATIENT, async || {
            pooler.server.assert_alive();
            tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map_err(|it| it.to_string())
        })
        .await;
        pooler
    }

    fn client(&self, database: &str) -> PostgresClient {
        let url = format!(
            "postgresql://{MONITOR}@127.0.0.1:{}/{database}?require_auth=password,scram-sha-256,md5",
            self.port
        );
        PostgresClient::new(&SafeUrl::new(url), None).password(Some(Secret::new(MONITOR_PASSWORD)))
    }
}

#[test]
fn a_pooler_is_read_through_and_named_where_it_is_at_fault() {
    run(async {
        let postgres = Stack::postgres().await;
        let pooler = Pooler::start(&postgres).await;
        let client = pooler.client(DATABASE);
        let facts = |_| vec!["select 1 as one".to_owned(), "show lock_timeout".to_owned()];
        let answers = client.query_server(facts, client.limit()).await.expect("answers");
        let text = |at: usize| {
            let rows = answers.get(at)?.as_ref().ok()?;
            rows.first()?.at(0).map(ToOwned::to_owned)
        };
        assert_eq!((text(0), text(1)), (Some("1".into()), Some("200ms".into())));
        assert!(client.is_pooled());
        client.log_in().await.expect("a log-in");
        // Nothing of ours stays on the connection that an application gets next.
        let mut config = tokio_postgres::Config::new();
        config.host("127.0.0.1").port(pooler.port).user(MONITOR).dbname(DATABASE);
        config.password(MONITOR_PASSWORD);
        let application = crate::servers::postgres::connect(&config).await.unwrap().0;
        for (setting, want) in
            [("lock_timeout", "0"), ("statement_timeout", "0"), ("transaction_read_only", "off")]
        {
            let rows = application.simple_query(&format!("show {setting}")).await.unwrap();
            let shown = rows.iter().find_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
                _ => None,
            });
            assert_eq!(shown, Some(want), "{setting}");
        }
        // The only connection is taken.
        application.batch_execute("begin").await.unwrap();
        let client = client.deadline(std::time::Duration::from_secs(1));
        let failure = client.query("select 1").await.expect_err("the pool is used up");
        assert_eq!(failure.reason, POOLER, "{failure}");
        application.batch_execute("rollback").await.unwrap();
        client.query("select 1").await.expect("it is free again");
        let console = pooler.client("pgbouncer");
        let failure = console.query("select 1").await.expect_err("no database");
        assert_eq!(failure.reason, POOLER, "{failure}");
    });
}
