//! The grammar, who is let in, and what is answered.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use tower_service::Service as _;

use super::*;
use crate::engine::Board;
use crate::http::{Hosts, Lock};
use crate::load;

/// Nothing listens at port 1.
const CONFIG: &str = "
docker: { enabled: false }
host: { enabled: false }
nats: { main: { url: http://127.0.0.1:1 } }
postgres:
  main: { url: 'postgresql://monitor:hunter2@127.0.0.1:1/app' }
  other: { url: 'postgresql://monitor@127.0.0.1:1/other' }
modules:
  pg: { kind: postgres, user: monitor, password: hunter2, options: { sslmode: disable } }
  open: { kind: postgres, thresholds: { longest_query: 7s } }
web: { probe_allow: ['127.0.0.1:2', '127.0.0.?:3/app', '\\[::1\\]:*', '127.0.0.1:*/hangs*'] }
";

fn checked(text: &str) -> Result<load::Checked, Vec<String>> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    load::load(Some(file.path()), &|_| None, &Board::default().memory)
}

fn server() -> (Arc<Board>, Router) {
    let checked = checked(CONFIG).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
    let (board, door) = (Arc::new(Board::default()), Arc::new(Door::default()));
    door.allow(checked.on_demand);
    board.apply(checked.targets);
    let names = (Arc::new(Hosts::new(Vec::new())), door, Arc::new(Lock::open()));
    let server = Server::new(Arc::clone(&board), "/metrics", 2, names, Arc::new(|| Ok(())));
    (board, server.router())
}

async fn ask(router: &mut Router, method: &str, query: &str) -> (u16, String) {
    let uri = format!("/probe?{query}");
    let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
    let response = router.call(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

fn requests(board: &Board) -> String {
    let text = crate::exposition::encode(
        &crate::collectors::CATALOGUE,
        Arc::new(board.snapshot()),
        crate::exposition::Format::Classic,
    );
    let lines = text.lines().filter(|line| line.starts_with("stack_probe_requests_total"));
    lines.filter_map(|line| line.rsplit(' ').next()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_grammar() {
    let read = |query: &str| Question::read(query).map_err(|why| why.asked());
    let question = |target: &str, module: Option<&str>| {
        Ok(Question { target: target.to_owned(), module: module.map(str::to_owned) })
    };
    assert_eq!(read("target=main"), question("main", None));
    assert_eq!(read("target=db:5432/app&module=pg"), question("db:5432/app", Some("pg")));
    assert_eq!(read("auth_module=pg&target=db%3A5432%2Fapp"), question("db:5432/app", Some("pg")));
    assert_eq!(
        read("target=postgresql%2Basyncpg%3A%2F%2Fdb&module="),
        question("postgresql+asyncpg://db", None)
    );
    for wrong in [
        "",
        "target=",
        "module=pg",
        "target=a&target=b",
        "target=a&module=b&auth_module=c",
        "target=a&user=hunter2",
        "target=a&password=hunter2",
        "target=%ff",
        "target=hunter2@db",
        "target=monitor%3Ahunter2%40db",
    ] {
        assert_eq!(read(wrong), Err(Asked::Invalid), "{wrong}");
    }
}

#[tokio::test]
async fn who_is_let_in_and_what_is_answered() {
    let (board, mut router) = server();
    let up = |target: &str, area: &str| {
        format!("stack_target_up{{target=\"{target}\",area=\"{area}\"}} 0\n")
    };
    let declared = up("main", "postgres");
    let other = up("127.0.0.1:2/monitor", "postgres");
    let app = up("127.0.0.1:3/app", "postgres");
    let v6 = up("[::1]:2/app", "postgres");
    for (query, status, words) in [
        ("target=main&module=pg", 200, declared.as_str()),
        ("target=127.0.0.1:1/app&module=pg", 200, &declared),
        ("target=127.0.0.1:1/app&auth_module=open", 200, &declared),
        ("target=postgresql://127.0.0.1:1/app", 200, &declared),
        ("target=http://127.0.0.1:1", 200, &up("main", "nats")),
        ("target=other", 200, &up("other", "postgres")),
        ("target=127.0.0.1:2&module=pg", 200, &other),
        ("target=127.0.0.1:2/any&module=open", 200, &up("127.0.0.1:2/any", "postgres")),
        ("target=postgres://127.0.0.1:3/app?sslmode=disable&module=open", 200, &app),
        ("target=[::1]:2/app&module=open", 200, &v6),
        ("target=main", 400, "several"),
        ("target=127.0.0.1:2", 400, "needs `module=`"),
        ("target=127.0.0.1:2&module=hunter2", 400, "names none"),
        ("target=127.0.0.1:3/hunter2&module=pg", 403, "`probe_allow` in the section `web`"),
        ("target=127.0.0.1&module=pg", 403, "`probe_allow`"),
        ("target=hunter2:2&module=pg", 403, "`probe_allow`"),
        ("target=127.0.0.1:2&module=pg&x=hunter2", 400, "only `target` and `module`"),
        ("target=hunter2@127.0.0.1:2&module=pg", 400, "section `modules`"),
    ] {
        let (answered, body) = ask(&mut router, "GET", query).await;
        assert_eq!(answered, status, "{query}: {body}");
        assert!(body.contains(words), "{query}: {words}: {body}");
        assert!(!body.contains("hunter2"), "{query}: {body}");
        if status == 200 {
            assert!(!body.contains("stack_build_info") && !body.contains("process_"), "{body}");
        }
    }
    assert_eq!(requests(&board), "10 0 3 5");
    assert_eq!(board.slots().len(), 3, "nothing stays");
    assert_eq!(ask(&mut router, "POST", "target=other").await.0, 405);
    assert_eq!(ask(&mut router, "HEAD", "target=other").await, (200, String::new()));
}

/// A request says where; not how, not as whom, and no place but one host's.
#[tokio::test]
async fn a_target_cannot_say_more_than_where_it_is() {
    let (_, mut router) = server();
    for target in [
        "127.0.0.1:2,10.0.0.1:2/app",
        "127.0.0.1%252C10.0.0.1:2/app",
        "postgresql:///app",
        "postgresql://%252Fvar%252Frun/app",
        "host=127.0.0.1 port=2",
        "127.0.0.1:2/app?host=10.0.0.1",
        "127.0.0.1:2/app?hostaddr=10.0.0.1",
        "127.0.0.1:2/app?user=hunter2",
        "127.0.0.1:2/app?password=hunter2",
        "127.0.0.1:2/app?sslrootcert=/hunter2",
        "127.0.0.1:2/app?options=-c",
        // The module has said so.
        "127.0.0.1:2/app?sslmode=require",
        "127.0.0.1:2/a/hunter2",
        "127.0.0.1:2/host%253Dhunter2",
        "mysql://127.0.0.1:2/app",
        "127.0.0.1:99999",
        "127.0.0.1:2/app#hunter2",
    ] {
        let query = format!("module=pg&target={}", target.replace('#', "%23").replace(' ', "%20"));
        let query = query.replace('&', "%26").replacen("%26", "&", 1);
        let (status, body) = ask(&mut router, "GET", &query).await;
        assert_eq!(status, 400, "{target}: {body}");
        assert!(body.starts_with("target: ") && !body.contains("hunter2"), "{target}: {body}");
    }
}

#[tokio::test]
async fn a_failed_reading_is_rows_of_the_module() {
    let (_, mut router) = server();
    let (status, body) = ask(&mut router, "GET", "target=127.0.0.1:2/app&module=open").await;
    assert_eq!(status, 200);
    let labels = "target=\"127.0.0.1:2/app\"";
    for line in [
        format!("pg_up{{{labels},server=\"127.0.0.1:2\"}} 0\n"),
        format!("stack_target_failure{{{labels},area=\"postgres\",reason=\"refused\"}} 1\n"),
        format!(
            "stack_threshold{{{labels},area=\"postgres\",signal=\"longest_query\",severity=\"warning\"}} 7\n"
        ),
    ] {
        assert!(body.contains(&line), "{line}{body}");
    }
    assert!(!body.contains("stack_target_reads_total"), "{body}");
}

/// Connections that nobody answers: as many as there is room for wait for as long as their scrape
/// does, and one more is told so at once.
#[tokio::test]
async fn too_many_at_once_are_refused_and_none_outlives_its_scrape() {
    let (board, router) = server();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let begun = std::time::Instant::now();
    let asked = (0..17).map(|n| {
        let mut router = router.clone();
        let uri = format!("/probe?module=pg&target=127.0.0.1:{port}/hangs{n}");
        let wait = ("x-prometheus-scrape-timeout-seconds", "0.75");
        let request = Request::get(uri).header(wait.0, wait.1).body(Body::empty()).unwrap();
        async move {
            let (head, body) = router.call(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            (head.status.as_u16(), head.headers, String::from_utf8(body.to_vec()).unwrap())
        }
    });
    let answers = futures_util::future::join_all(asked).await;
    // A log-in has 2 s by itself.
    assert!(begun.elapsed() < Duration::from_millis(1900), "{:?}", begun.elapsed());
    let (served, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|(status, ..)| *status == 200);
    assert_eq!((served.len(), refused.len()), (16, 1));
    assert!(served.iter().all(|(_, _, body)| body.contains("reason=\"timeout\"} 1\n")));
    let (status, headers, _) = &refused[0];
    assert_eq!((*status, headers[header::RETRY_AFTER].to_str().unwrap()), (503, "1"));
    assert_eq!(requests(&board), "16 1 0 0");
}

#[test]
fn mistakes_of_the_configuration() {
    let text = CONFIG
        .replace("['127.0.0.1:2'", "['', 'u@h:1', '[a'")
        .replace("sslmode: disable", "sslmode: hunter2, host: hunter2")
        .replace("user: monitor, password", "password_file: /nowhere, password")
        .replace("longest_query: 7s }", "longest_query: 7s, hunter: 1 }, timeout: 2m");
    let mistakes = checked(&text).map(|_| ()).unwrap_err().join("\n");
    for words in [
        "web.probe_allow[0]: expected a pattern",
        "web.probe_allow[1]: expected a pattern",
        "web.probe_allow[2]: expected a pattern",
        "modules.pg.options.host: must be one of `channel_binding`",
        "modules.pg.options: `sslmode` must be",
        "modules.pg.password: must not be set together",
        "modules.pg.password_file: there is no such file",
        "modules.open.thresholds.hunter: ",
        "modules.open.timeout: must be longer",
    ] {
        assert!(mistakes.contains(words), "{words}: {mistakes}");
    }
    assert!(!mistakes.contains("hunter2"), "{mistakes}");
    let text = CONFIG.replace("open: { kind: postgres", "open: { kind: hunter2");
    let mistakes = checked(&text).map(|_| ()).unwrap_err().join("\n");
    assert!(
        mistakes.contains("modules.open.kind: ") && !mistakes.contains("hunter2"),
        "{mistakes}"
    );
}
