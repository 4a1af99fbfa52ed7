//! A Docker Engine that lies.

use std::sync::Arc;
use std::time::Duration;

use super::expect::Expect;
use super::liar::joined;
use super::liar::{Manner, Say};
use super::rig::Patient;
use super::source::{Lie, Source, lies_about};
use super::{report, transport};
use crate::servers::{text, watchdog};

/// The id of the one well container.
pub const ID: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

const STATE: &str = "stack_container_state{target=\"docker\",name=\"web\"";
const RESTARTS: &str = "stack_container_restarts_total{target=\"docker\",name=\"web\"";
const CPU: &str = "container_cpu_usage_seconds_total{target=\"docker\",id=\"/docker/aaaa";

fn web() -> String {
    container(ID, "web")
}

pub fn container(id: &str, name: &str) -> String {
    format!(
        r#"{{"Id":"{id}","Names":["/{name}"],"Image":"app:1","Created":1700000000,"State":"running","Status":"Up 9 minutes","Labels":{{"com.docker.compose.project":"shop","com.docker.compose.service":"{name}"}},"Ports":[]}}"#
    )
}

const INSPECTION: &str = r#"{"Id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Image":"sha256:11","RestartCount":1,"LogPath":"","State":{"Status":"running","Running":true,"Pid":0,"ExitCode":0,"StartedAt":"2026-01-01T00:00:00Z","FinishedAt":"0001-01-01T00:00:00Z"},"HostConfig":{"Memory":0,"RestartPolicy":{"Name":"always"},"LogConfig":{"Type":"json-file","Config":{}},"PortBindings":{}},"Config":{"Image":"app:1"},"Mounts":[]}"#;
const STATS: &str = r#"{"read":"2026-01-01T00:00:00Z","pids_stats":{"current":1},"cpu_stats":{"cpu_usage":{"total_usage":5000000000,"usage_in_usermode":1,"usage_in_kernelmode":1}},"memory_stats":{"usage":1000000,"stats":{"rss":1}},"networks":{"eth0":{"rx_bytes":1,"tx_bytes":1}},"blkio_stats":{}}"#;
const VERSION: &str = r#"{"Version":"26.1.0","ApiVersion":"1.45","Components":[]}"#;
const INFO: &str = r#"{"NCPU":2,"MemTotal":1000000000,"DockerRootDir":"/var/lib/docker"}"#;

/// What a well Engine says.
pub fn honest(path: &str) -> Say {
    if path.contains("/events") {
        return Say::headed("", "").stays();
    }
    if path.contains("/logs") {
        return Say::headed(
            "content-type: application/vnd.docker.raw-stream\r\n",
            frame("2024-01-01T12:00:00.000000001Z a\n"),
        );
    }
    let body = if path.contains("/version") {
        VERSION.to_owned()
    } else if path.contains("/info") {
        INFO.to_owned()
    } else if path.contains("/containers/json") {
        format!("[{}]", web())
    } else if path.contains("/stats") {
        STATS.to_owned()
    } else if path.contains("/top") {
        r#"{"Titles":["PID","CMD"],"Processes":[["1","app"]]}"#.to_owned()
    } else if path.contains("/images/json") {
        r#"[{"Id":"sha256:11","RepoTags":["app:1"],"Created":1700000000}]"#.to_owned()
    } else if path.contains("/system/df") {
        format!(
            r#"{{"LayersSize":1,"Images":[],"Containers":[{{"Id":"{ID}","SizeRw":1,"State":"running"}}],"Volumes":[],"BuildCache":[]}}"#
        )
    } else {
        INSPECTION.to_owned()
    };
    Say::json(body)
}

/// A piece of a container's output, as the Engine frames it.
pub fn frame(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[1, 0, 0, 0], &length[..], text.as_bytes()].concat()
}

type Case = (&'static str, &'static str, Say, Expect);

const LIST: &str = "/containers/json";
const INSPECT: &str = "aaaa/json";
const STATS_OF: &str = "aaaa/stats";

/// The list with the well container first.
fn lists() -> Vec<Case> {
    use Expect::{Down, Gap, Lives, Shown};
    let rest: &'static [&'static str] = &[STATE];
    let flood = |piece: &str, times| {
        Say::open(format!("[{},", web()))
            .again(piece, times)
            .last(format!("{}]", container("z", "z")))
            .counted()
    };
    let with = |from: &str, to: &str| {
        Say::json(format!("[{},{}]", web(), container("b", "b").replacen(from, to, 1)))
    };
    let many = |from: &str, head: &str, piece: &str, times, tail: &str| {
        let other = container("b", "b");
        let (before, after) = other.split_once(from).unwrap();
        Say::open(format!("[{},{before}{head}", web()))
            .again(piece, times)
            .last(format!("{tail}{after}]"))
            .counted()
    };
    let long = "n".repeat(100_000);
    let parse: &'static [&'static str] = &["parse", "protocol"];
    let port = |n| format!(r#"{{"IP":"0.0.0.0","PrivatePort":{n},"PublicPort":{n},"Type":"tcp"}}"#);
    let ports: Vec<String> = (1..=65_000).map(port).collect();
    let ports = format!("\"Ports\":[{}]", ports.join(","));
    vec![
        (LIST, "list 3 MB of {},", flood("{},", 1_000_000), Shown(rest)),
        (LIST, "list 6 MB of {},", flood("{},", 2_000_000), Shown(rest)),
        (LIST, "list 60 MB of {},", flood("{},", 20_000_000), Lives),
        (LIST, "list {}, without an end", Say::open("[").forever("{},"), Down(&[])),
        (LIST, "list 3 MB of null,", flood("null,", 600_000), Lives),
        (LIST, "list 3 MB of []", flood("[],", 1_000_000), Lives),
        (
            LIST,
            "list 100,000 containers",
            flood(&format!("{},", container("@@@@@@@@@@@@@@@@", "c@@@@@@@@@@@@@@@@")), 100_000),
            Gap(rest),
        ),
        (LIST, "list 1,000,000 bare ids", flood(r#"{"Id":"@@@@@@@@@@@@@@@@"},"#, 1_000_000), Lives),
        (LIST, "list one container twice", Say::json(format!("[{0},{0}]", web())), Shown(rest)),
        (
            LIST,
            "list one name twice",
            Say::json(format!("[{},{}]", web(), container("b", "web"))),
            Lives,
        ),
        (LIST, "list 65,000 published ports", with("\"Ports\":[]", &ports), Shown(rest)),
        (
            LIST,
            "list 1,000,000 empty ports",
            many("\"Ports\":[]", "\"Ports\":[", "{},", 1_000_000, "{}]"),
            Shown(rest),
        ),
        (
            LIST,
            "list 65,000 labels",
            many("\"Labels\":{", "\"Labels\":{", "\"l@@@@@@@@@@@@@@@@\":\"v\",", 65_000, ""),
            Shown(rest),
        ),
        (
            LIST,
            "list 20,000 labels for us",
            many(
                "\"Labels\":{",
                "\"Labels\":{",
                "\"stack-exporter.threshold.l@@@@@@@@@@@@@@@@\":\"95%\",",
                20_000,
                "",
            ),
            Gap(rest),
        ),
        (
            LIST,
            "list 1,000,000 names",
            many("\"Names\":[", "\"Names\":[", "\"\",", 1_000_000, ""),
            Shown(rest),
        ),
        (LIST, "list a name of 100 kB", with("/b", &long), Shown(rest)),
        (LIST, "list an image of 100 kB", with("app:1", &long), Shown(rest)),
        (
            LIST,
            "list a service of 100 kB",
            with(r#"service":"b"#, &format!(r#"service":"{long}"#)),
            Shown(rest),
        ),
        (LIST, "list a project of 100 kB", with("shop", &long), Shown(rest)),
        (
            LIST,
            "list an id of 100 kB",
            with(r#""Id":"b""#, &format!(r#""Id":"{long}""#)),
            Shown(rest),
        ),
        (LIST, "list a state of 100 kB", with("running", &long), Shown(rest)),
        (
            LIST,
            "list a label of 10 MB",
            many("\"Labels\":{", "\"Labels\":{\"x\":\"", "aaaaaaaaaa", 1_000_000, "\","),
            Shown(rest),
        ),
        (
            LIST,
            "list 300 containers with names of 100 kB",
            flood(&format!("{},", container("@@@@@@@@@@@@@@@@", &long)), 300),
            Lives,
        ),
        (LIST, "list a text without an end", Say::open(r#"[{"Id":""#).forever("a"), Down(&[])),
        (LIST, "list a key without an end", Say::open(r#"[{""#).forever("a"), Down(&[])),
        (
            LIST,
            "list a number without an end",
            Say::open(r#"[{"Created":"#).forever("1"),
            Down(&[]),
        ),
        (LIST, "list 100,000 levels", Say::json("[".repeat(100_000)), Down(parse)),
        (
            LIST,
            "list 100,000 levels in what is skipped",
            Say::json(format!("[{},{{\"X\":{}", web(), "[".repeat(100_000))),
            Down(parse),
        ),
        (LIST, "list {}", Say::json("{}"), Down(parse)),
        (LIST, "list null", Say::json("null"), Lives),
        (LIST, "list of numbers", Say::json("[1,2,3]"), Lives),
        (LIST, "list not UTF-8", Say::json(b"[{\"Id\":\"\xff\xfe\"}]"), Down(parse)),
        (LIST, "list cut off", Say::json(format!("[{},", web())), Down(parse)),
        (
            LIST,
            "list with ids that are paths",
            with(r#""Id":"b""#, r#""Id":"../../secrets?x=""#),
            Shown(rest),
        ),
    ]
}

fn others() -> Vec<Case> {
    use Expect::{Down, Gap, Lives, Shown};
    let rest: &'static [&'static str] = &[STATE];
    let both: &'static [&'static str] = &[STATE, RESTARTS];
    let inspection = |from: &str, to: &str| Say::json(INSPECTION.replacen(from, to, 1));
    let many = |whole: &str, from: &str, head: &str, piece: &str, times, tail: &str| {
        let (before, after) = whole.split_once(from).unwrap();
        Say::open(format!("{before}{head}"))
            .again(piece, times)
            .last(format!("{tail}{after}"))
            .counted()
    };
    let long = "n".repeat(100_000);
    let mounts = "\"Mounts\":[]";
    vec![
        (INSPECT, "inspect 3 MB of empty mounts", many(INSPECTION, mounts, "\"Mounts\":[", "{},", 1_000_000, "{}]"), Shown(both)),
        (INSPECT, "inspect 65,000 mounts", many(INSPECTION, mounts, "\"Mounts\":[", r#"{"Source":"/m@@@@@@@@@@@@@@@@"},"#, 65_000, "{}]"), Shown(both)),
        (INSPECT, "inspect 65,000 bound ports", many(INSPECTION, "\"PortBindings\":{", "\"PortBindings\":{", "\"@@@@@@@@@@@@@@@@/tcp\":[{}],", 65_000, "\"1/tcp\":[]"), Shown(both)),
        (INSPECT, "inspect 3 MB of health checks", many(INSPECTION, "\"Pid\":0", "\"Health\":{\"Status\":\"healthy\",\"Log\":[", "{},", 1_000_000, "{}]},\"Pid\":0"), Shown(both)),
        (INSPECT, "inspect an environment of 30 MB", many(INSPECTION, "\"Config\":{\"Image\"", "\"Config\":{\"Env\":[", "\"A=aaaaaaaaaaaaaaaa\",", 1_500_000, "\"\"],\"Image\""), Lives),
        (INSPECT, "inspect 3 MB of log options", many(INSPECTION, "\"Config\":{}", "\"Config\":{", "\"@@@@@@@@@@@@@@@@\":\"\",", 140_000, "\"a\":\"\"}"), Shown(both)),
        (INSPECT, "inspect a negative number of restarts", inspection("\"RestartCount\":1", "\"RestartCount\":-9223372036854775808"), Shown(rest)),
        (INSPECT, "inspect a pid of -1", inspection("\"Pid\":0", "\"Pid\":-1"), Shown(rest)),
        (INSPECT, "inspect an error text of 100 kB", inspection("\"ExitCode\":0", &format!("\"Error\":\"{long}\",\"ExitCode\":0")), Shown(both)),
        (INSPECT, "inspect times that are none", inspection("2026-01-01T00:00:00Z", "99999999999999-99-99T99:99:99Z"), Shown(rest)),
        (INSPECT, "inspect an image of 100 kB", inspection("app:1", &long), Shown(both)),
        (INSPECT, "inspect []", Say::json("[]"), Lives),
        (INSPECT, "inspect a number", Say::json("1"), Gap(rest)),
        (INSPECT, "inspect without an end", Say::open("{\"Mounts\":[").forever("{},"), Gap(rest)),
        (INSPECT, "inspect never answers", Say::bytes("").stays(), Gap(rest)),
        (STATS_OF, "stats 3 MB of empty devices", many(STATS, "\"blkio_stats\":{", "\"blkio_stats\":{\"io_service_bytes_recursive\":[", "{},", 1_000_000, "{}]"), Shown(rest)),
        (STATS_OF, "stats 65,000 networks", many(STATS, "\"networks\":{", "\"networks\":{", "\"n@@@@@@@@@@@@@@@@\":{\"rx_bytes\":1},", 65_000, ""), Shown(rest)),
        (STATS_OF, "stats 65,000 figures of memory", many(STATS, "\"stats\":{", "\"stats\":{", "\"n@@@@@@@@@@@@@@@@\":1,", 65_000, ""), Shown(rest)),
        (STATS_OF, "stats a network's name of 100 kB", Say::json(STATS.replace("eth0", &long)), Shown(rest)),
        (STATS_OF, "stats negative numbers", Say::json(STATS.replace(":1", ":-1")), Lives),
        (STATS_OF, "stats numbers as texts", Say::json(STATS.replace("5000000000", "\"5\"")), Lives),
        (STATS_OF, "stats without an end", Say::open("{\"networks\":{").forever("\"a\":{},"), Gap(rest)),
        ("/images/json", "images 6 MB of {},", Say::open("[").again("{},", 2_000_000).last("{}]"), Shown(rest)),
        ("/images/json", "images 100,000", Say::open("[").again(r#"{"Id":"sha256:@@@@@@@@@@@@@@@@","RepoTags":["a:@@@@@@@@@@@@@@@@"],"Created":1},"#, 100_000).last("{}]").counted(), Shown(rest)),
        ("/images/json", "images one with 100,000 tags", Say::open(r#"[{"Id":"sha256:11","RepoTags":["#).again("\"a:@@@@@@@@@@@@@@@@\",", 100_000).last("\"a:1\"]}]").counted(), Shown(rest)),
        ("/images/json", "images without an end", Say::open("[").forever("{},"), Gap(rest)),
        ("/images/json", "images {}", Say::json("{}"), Gap(rest)),
        ("/system/df", "disk usage 6 MB of empty volumes", Say::open("{\"Volumes\":[").again("{},", 2_000_000).last("{}]}"), Shown(rest)),
        ("/system/df", "disk usage 3 MB of empty images", Say::open("{\"Images\":[").again("{},", 1_000_000).last("{}]}"), Shown(rest)),
        ("/system/df", "disk usage 100,000 containers", Say::open("{\"Containers\":[").again(r#"{"Id":"@@@@@@@@@@@@@@@@","SizeRw":1},"#, 100_000).last("{}]}").counted(), Shown(rest)),
        ("/system/df", "disk usage without an end", Say::open("{\"Volumes\":[").forever("{},"), Shown(rest)),
        ("/top", "processes 3 MB of empty rows", Say::open("{\"Processes\":[").again("[],", 1_000_000).last("[]]}"), Shown(rest)),
        ("/top", "processes 100,000 command lines", Say::open("{\"Processes\":[").again("[\"1\",\"app @@@@@@@@@@@@@@@@\"],", 100_000).last("[]]}").counted(), Shown(rest)),
        ("/top", "processes a row of 3 MB", Say::open("{\"Processes\":[[").again("\"\",", 1_000_000).last("\"app\"]]}"), Shown(rest)),
        ("/version", "version 3 MB of empty components", Say::open(r#"{"Version":"1","ApiVersion":"1.45","Components":["#).again("{},", 1_000_000).last("{}]}"), Down(&["protocol"])),
        ("/version", "version of 1 MB", Say::json(VERSION.replace("26.1.0", &long.repeat(10))), Down(&["protocol"])),
        ("/version", "version without an API", Say::json("{}"), Down(&["parse", "protocol"])),
        ("/version", "version of an API of 1 MB", Say::json(VERSION.replace("1.45", &format!("1.{}", "9".repeat(1_000_000)))), Lives),
        ("/version", "version without an end", Say::open("{\"Version\":\"").forever("a"), Down(&[])),
        ("/version", "version 100,000 levels", Say::json("{\"a\":".repeat(100_000)), Down(&["parse", "protocol"])),
    ]
}

const EVENT: &str = r#"{"Type":"container","Action":"start","Actor":{"ID":"@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@","Attributes":{}},"timeNano":1}"#;

/// Streams of events, which begin beside the readings.
fn events() -> Vec<(&'static str, Say)> {
    let head = || Say::headed("", "");
    let with = |from: &str, to: &str| EVENT.replacen(from, to, 1) + "\n";
    let attributes = joined(20_000, |n| format!("\"label{n}\":\"x\","));
    vec![
        ("events about ever new ids", head().forever(format!("{EVENT}\n")).counted()),
        ("events of services ever new", head().forever(with("\"Attributes\":{", r#""Attributes":{"com.docker.compose.project":"p","com.docker.compose.service":"@@@@@@@@@@@@@@@@""#)).counted()),
        ("events that die, with ids ever new", head().forever(with("start", "die")).counted()),
        ("events of images ever new", head().forever(with("\"container\"", "\"image\"")).counted()),
        ("events with 20,000 attributes", head().forever(with("\"Attributes\":{", &format!("\"Attributes\":{{{attributes}\"z\":\"\"")))),
        ("events with an id of 500 kB", head().forever(with("@@@@@@@@@@@@@@@@", &"i".repeat(500_000))).counted()),
        ("events with an action of 500 kB", head().forever(with("start", &"i".repeat(500_000))).counted()),
        ("events a line without an end", head().forever("a")),
        ("events empty lines without an end", head().forever("\n")),
        ("events that are no JSON", head().forever("{}}{\n")),
        ("events a byte a second", Say::headed("", "").paced(Duration::from_secs(1)).forever("{")),
        ("events that end at once", head()),
    ]
}

pub async fn play() {
    let source = Source {
        kind: "engine",
        honest: |_| Manner::Http(Arc::new(honest)),
        behind: 0,
        config: |port| {
            // No control groups: the figures are asked of the Engine.
            let nothing = watchdog::dir("no-groups");
            let nothing = text(&nothing);
            format!(
                "docker:\n  url: \"tcp://127.0.0.1:{port}\"\n  timeout: 3s\n  disk_usage_interval: 1s\n  cgroup_path: {nothing}\n  processes: {{ web: [app] }}\n"
            )
        },
        patient: Patient { area: "docker", target: "docker", well: &[STATE, RESTARTS, CPU] },
    };
    let transport =
        transport::lies().into_iter().map(|(name, say)| (LIST, name, say, Expect::Down(&[])));
    let all = lists().into_iter().chain(others()).chain(transport);
    let mut lies: Vec<Lie> = Vec::new();
    for (name, say) in events() {
        let manner = lies_about("/events", say, honest);
        let least = Duration::from_secs(if name.contains("new ids") { 8 } else { 4 });
        lies.push(Lie::new(name, manner, Expect::Shown(&[STATE])).least(least));
    }
    // What has changed is kept until a reading: here none comes for that long.
    let say = Say::headed("", "").forever(format!("{EVENT}\n")).counted();
    let name = "events about ever new ids, without scrapes";
    let quiet = Lie::new(name, lies_about("/events", say, honest), Expect::Shown(&[STATE]));
    lies.push(Lie { unseen: Duration::from_secs(15), ..quiet });
    lies.extend(
        all.map(|(part, name, say, expect)| Lie::new(name, lies_about(part, say, honest), expect)),
    );
    report::finish("engine", &source.play(5, lies).await);
}
