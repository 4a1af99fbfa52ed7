#!/usr/bin/env python3
"""PostgreSQL 15 with 100 idle connections, read by us and by postgres_exporter 0.19 in turns, in one run.

    cargo build --release && python3 benches/postgres.py target/release/stack-exporter [scrapes [tables/databases]...]

As root, with PostgreSQL 15 in /usr/lib/postgresql. Each of the two is scraped every 15 s, half of that apart. The server's
processor time, a mean, is that of a control group of its own (cpuacct): two seconds from the begin of a scrape, less what the two
seconds before it took. Autovacuum is off, for its workers would take more than a scrape does.
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path("/usr/lib/postgresql/15/bin")
GROUP = pathlib.Path("/sys/fs/cgroup/cpuacct/stack-bench-postgres")
PORT, OURS, PEER = 25715, 25716, 25717
CASES = [(6, 1), (1000, 1), (10000, 1), (6, 10), (6, 50)]
INTERVAL = 15.2
AS_POSTGRES = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}


def sql(text, database="app"):
    command = ["psql", "-h", "127.0.0.1", "-p", str(PORT), "-U", "postgres", "-XAtq", "-c", text, database]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def scrape(port):
    started = time.perf_counter()
    body = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60).read()
    return (time.perf_counter() - started) * 1000, body


def usage():
    return int((GROUP / "cpuacct.usage").read_text()) / 1e6


def of_status(pid, key):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) / 1024 for line in status if line.startswith(key + ":"))


def server(folder):
    """A server of its own in a control group of its own."""
    GROUP.mkdir(exist_ok=True)
    data = folder / "data"
    init = [BIN / "initdb", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "--no-sync", "-D", data]
    subprocess.run([*AS_POSTGRES, *init], check=True, cwd=folder, **QUIET)
    settings = {
        "port": PORT, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off",
        "max_connections": 140, "autovacuum": "off", "shared_preload_libraries": "pg_stat_statements",
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    enter = f"echo $$ > {GROUP}/cgroup.procs; exec \"$@\""
    command = ["sh", "-c", enter, "sh", *AS_POSTGRES, BIN / "postgres", "-D", data, *flags]
    process = subprocess.Popen([str(word) for word in command], cwd=folder, **QUIET)
    deadline = time.time() + 30
    while time.time() < deadline:
        try:
            sql("select 1", "postgres")
            return process
        except subprocess.CalledProcessError:
            time.sleep(0.1)
    raise SystemExit("the server does not start")


def filled(tables, databases):
    sql("create database app", "postgres")
    sql("create role monitor login; grant pg_monitor to monitor", "postgres")
    sql("create schema monitoring; grant usage on schema monitoring to public; create extension pg_stat_statements schema monitoring")
    made = f"""do $$ begin for n in 1..{tables} loop
        execute format('create table t%s (id int primary key, v text)', n);
        if n % 200 = 0 then commit; end if; end loop; end $$"""
    sql(made)
    sql("insert into t1 select n, 'x' from generate_series(1, 1000) n; analyze t1")
    for n in range(1, databases):
        sql(f"create database other{n}", "postgres")
    sql("checkpoint")


def started(command, env, port):
    process = subprocess.Popen([str(word) for word in command], env={"PATH": os.environ["PATH"], **env}, **QUIET)
    deadline = time.time() + 20
    while time.time() < deadline:
        try:
            scrape(port)
            return process
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"{command[0]} does not answer")


def exporter(binary, folder, targets):
    file = folder / "stack.yml"
    file.write_text("docker: { enabled: false }\nhost: { enabled: false }\nlogs: {}\n" + targets)
    state = folder / "state"
    shutil.rmtree(state, ignore_errors=True)
    command = [binary, "--config.file", file, f"--web.listen-address=127.0.0.1:{OURS}", f"--storage.path={state}"]
    return started(command, {}, OURS)


WINDOW = 2.0


def measured(port):
    """Milliseconds of the scrape, and of the server's processor in the window before it and in that from its begin."""
    quiet, began = usage(), time.perf_counter()
    time.sleep(WINDOW)
    before, idle = usage(), time.perf_counter() - began
    began = time.perf_counter()
    took, body = scrape(port)
    time.sleep(max(0, WINDOW - (time.perf_counter() - began)))
    spent = (usage() - before) / max(1, (time.perf_counter() - began) / WINDOW)
    series = sum(1 for line in body.splitlines() if not line.startswith(b"#"))
    return took, spent - (before - quiet) / idle * WINDOW, len(body), series


def case(binary, peer, scrapes, tables, databases):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stack-bench-"))
    shutil.chown(folder, "postgres")
    processes = []
    try:
        processes.append(server(folder))
        filled(tables, databases)
        script = folder / "idle.sql"
        # More than 2,147 s are none: the program counts in microseconds.
        script.write_text("select 1;\n\\sleep 2000 s\n")
        idle = [BIN / "pgbench", "-n", "-h", "127.0.0.1", "-p", PORT, "-U", "postgres", "-c", 100, "-T", 3600, "-f", script, "app"]
        processes.append(subprocess.Popen([str(word) for word in idle], **QUIET))
        while int(sql("select count(*) from pg_stat_activity where datname = 'app' and state = 'idle'")) < 100:
            time.sleep(0.2)
        base = exporter(binary, folder, "postgres: {}\n")
        time.sleep(1)
        without = of_status(base.pid, "VmRSS")
        base.terminate()
        base.wait()
        ours = exporter(binary, folder, f"postgres:\n  app: {{ url: \"postgresql://monitor@127.0.0.1:{PORT}/app\" }}\n")
        processes.append(ours)
        env = {"DATA_SOURCE_NAME": f"postgresql://postgres@127.0.0.1:{PORT}/app?sslmode=disable"}
        processes.append(started([peer, "--config.file=/dev/null", f"--web.listen-address=127.0.0.1:{PEER}"], env, PEER))
        theirs = processes[-1]
        own, other = [], []
        for _ in range(scrapes):
            turn = time.perf_counter()
            for port, into in ((OURS, own), (PEER, other)):
                time.sleep(max(0, turn + INTERVAL / 2 * (1 + (port == PEER)) - time.perf_counter()))
                into.append(measured(port))
        middle = lambda rows, at: statistics.median(row[at] for row in rows)
        # Not each scrape asks for the same, so what they cost together counts.
        mean = lambda rows: statistics.mean(row[1] for row in rows)
        pid = sql("select pid from pg_stat_activity where application_name = 'stack-exporter' and datname = 'postgres'")
        share = sql("""select sum(s.total_exec_time) filter (where r.rolname = 'monitor') from monitoring.pg_stat_statements(false) s
            join pg_roles r on r.oid = s.userid""")
        print(f"{tables:>6} tables {databases:>3} databases | "
              f"scrape {middle(own, 0):7.1f} ms, {middle(other, 0):7.1f} ms, ratio {middle(own, 0) / middle(other, 0):.2f} | "
              f"server {mean(own):7.1f} ms, {mean(other):7.1f} ms, ratio {mean(own) / mean(other):.2f} | "
              f"memory {of_status(ours.pid, 'VmRSS'):.1f} MB, without a target {without:.1f}, theirs {of_status(theirs.pid, 'VmRSS'):.1f} | "
              f"kept backend {of_status(int(pid), 'RssAnon') if pid else 0:.1f} MB | "
              f"series {own[-1][3]}, {other[-1][3]}; kB {own[-1][2] // 1000}, {other[-1][2] // 1000} | "
              f"statements of ours {float(share or 0) / 1000 / (scrapes * INTERVAL) * 100:.3f} % of the time", flush=True)
    finally:
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    binary = pathlib.Path(sys.argv[1]).resolve()
    scrapes = int(sys.argv[2]) if len(sys.argv) > 2 else 8
    fetch = ["sh", HERE / ".." / ".ci" / "fetch-postgres", "exporter"]
    peer = subprocess.run([str(word) for word in fetch], check=True, capture_output=True, text=True).stdout.strip()
    named = [tuple(int(number) for number in text.split("/")) for text in sys.argv[3:]]
    for tables, databases in named or CASES:
        case(binary, peer, scrapes, tables, databases)
    GROUP.rmdir()


main()
