#!/usr/bin/env python3
"""What watching N containers costs, side by side with cAdvisor. As root, on a quiet machine:

    cargo build --profile dist
    sudo python3 benches/containers.py target/dist/stack-exporter \\
        --cadvisor "$(sh benches/peers.sh cadvisor-0.38)" --cadvisor "$(sh benches/peers.sh cadvisor-0.60)"

A private Engine in network and mount namespaces of its own starts N idle containers with a full set of Compose
labels. For each N there are windows of equal length: nobody watches, then each exporter alone is scraped as
Prometheus does it (one connection, gzip accepted). The Engine's share is its CPU in that window less its CPU in the
window in which nobody watches. Everything that was started is removed at the end, also after Ctrl-C.
"""

import argparse
import gzip
import http.client
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

from private_engine import Engine, cpu, isolate, kill, memory, read, say, until

SERVICES_PER_PROJECT = 10
ACCEPT = {
    "Accept": "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "Accept-Encoding": "gzip",
}
# Value of a label: the name of a service or of its container.
MARK = re.compile(r'="(?:[\w-]+-)?(bench-\d{3})(?:-1)?"')


def container(number):
    """A container as Compose makes it: name and body of the request."""
    project, service = f"stack{number // SERVICES_PER_PROJECT}", f"bench-{number:03}"
    first = number - number % SERVICES_PER_PROJECT
    digest = f"{number:064x}"
    compose = {
        "project": project,
        "service": service,
        "container-number": "1",
        "oneoff": "False",
        "config-hash": digest,
        "image": f"sha256:{digest}",
        "version": "2.29.1",
        "depends_on": "" if first == number else f"bench-{first:03}:service_started:false",
        "project.config_files": f"/srv/{project}/docker-compose.yml",
        "project.working_dir": f"/srv/{project}",
    }
    body = {
        "Cmd": ["sleep", "1000000"],
        "Labels": {f"com.docker.compose.{key}": value for key, value in compose.items()},
        "HostConfig": {
            "Memory": 64 << 20,
            "NanoCpus": 500_000_000,
            "RestartPolicy": {"Name": "unless-stopped"},
        },
    }
    return f"{project}-{service}-1", body


# ---- Who watches ----------------------------------------------------------------------------------------------


class Watcher:
    """An exporter that runs: scraped, measured, stopped."""

    def __init__(self, name, command, port, folder):
        self.name = name
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.log = folder / f"{port}.log"
        with open(self.log, "wb") as log:
            env = {"PATH": os.environ["PATH"]}
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env, start_new_session=True)

    def scrape(self):
        """Seconds and the text; the connection is kept, as Prometheus does it."""
        started = time.perf_counter()
        try:
            self.connection.request("GET", "/metrics", headers=ACCEPT)
            answer = self.connection.getresponse()
            wire = answer.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise
        took = time.perf_counter() - started
        zipped = answer.getheader("Content-Encoding") == "gzip"
        text = (gzip.decompress(wire) if zipped else wire).decode()
        if answer.status != 200:
            raise RuntimeError(f"{self.name}: {answer.status} {text[:500]}")
        return took, text

    def sees(self, count):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended:\n{read(self.log)[-3000:]}")
        try:
            _, text = self.scrape()
        except (http.client.HTTPException, OSError):
            return False
        return len({found for line in text.splitlines() for found in MARK.findall(line)}) == count

    def stop(self):
        self.connection.close()
        kill(self.process.pid)
        self.process.wait()


def ours(binary, engine, port):
    config = engine.folder / "stack-exporter.yml"
    off = "".join(f"{area}: {{}}\n" for area in ("postgres", "nats", "queues", "logs"))
    config.write_text(f"docker: {{ url: 'unix://{engine.socket}' }}\nhost: {{ enabled: false }}\n{off}")
    return [binary, "--config.file", str(config), "--web.listen-address", f"127.0.0.1:{port}"]


def cadvisor(command, engine, port):
    flags = {
        "listen_ip": "127.0.0.1",
        "port": port,
        "docker": f"unix://{engine.socket}",
        "docker_root": engine.folder / "data",
        "containerd": engine.exec_root / "containerd" / "containerd.sock",
    }
    program, *rest = command
    return [program, *(f"-{name}={value}" for name, value in flags.items()), *rest]


def watchers(options):
    """Name to port and command line, ours first."""
    made = {"stack-exporter": (10191, lambda engine, port: ours(options.binary, engine, port))}
    for number, given in enumerate(options.cadvisor):
        command = shlex.split(given)
        said = subprocess.run([command[0], "--version"], capture_output=True, text=True, check=True)
        version = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
        name = " ".join(["cAdvisor", version[0] if version else "?", *command[1:]])
        made[name] = (10192 + number, lambda engine, port, command=command: cadvisor(command, engine, port))
    return made


# ---- Measuring ------------------------------------------------------------------------------------------------


def window(engine, watcher, seconds, interval):
    """One window: CPU in percent of one core, and what the scrapes were like."""
    pids = engine.pids()
    began, at_first = time.monotonic(), cpu(pids)
    own = cpu([watcher.process.pid]) if watcher else 0
    resident, scrapes = [], []
    next_scrape = began + interval / 2
    while (now := time.monotonic()) < began + seconds:
        if watcher and now >= next_scrape:
            scrapes.append(watcher.scrape())
            next_scrape += interval
        if watcher:
            resident.append(memory(watcher.process.pid))
        time.sleep(max(0, min(1, next_scrape - time.monotonic() if watcher else 1, began + seconds - time.monotonic())))
    took = time.monotonic() - began
    result = {"engine": 100 * (cpu(pids) - at_first) / took}
    if watcher:
        result |= {"own": 100 * (cpu([watcher.process.pid]) - own) / took, "resident": resident, "scrapes": scrapes}
    return result


def measure(engine, commands, count, options):
    """One row for each exporter."""
    rounds = {name: [] for name in commands}
    for number in range(options.rounds):
        say(f"{count} containers, round {number + 1}: nobody watches")
        window(engine, None, options.settle, options.interval)
        idle = window(engine, None, options.seconds, options.interval)["engine"]
        for name, (port, make) in commands.items():
            say(f"{count} containers, round {number + 1}: {name}")
            watcher = Watcher(name, make(engine, port), port, engine.folder)
            try:
                until(f"{name} to see {count} containers", 120, lambda: watcher.sees(count))
                # What is done once, after the start, is over.
                window(engine, watcher, options.settle, options.interval)
                result = window(engine, watcher, options.seconds, options.interval)
            finally:
                watcher.stop()
            rounds[name].append(result | {"engine": result["engine"] - idle, "idle": idle})
    return {name: row(results, count) for name, results in rounds.items()}


def row(results, count):
    scrapes = [scrape for result in results for scrape in result["scrapes"]]
    times = sorted(took * 1000 for took, _ in scrapes)
    resident = [value / 1e6 for result in results for value in result["resident"]]
    _, text = scrapes[-1]
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    about = [line for line in lines if MARK.search(line)]
    own, engine = (statistics.median(result[key] for result in results) for key in ("own", "engine"))
    return {
        "own": own,
        "engine": engine,
        "both": own + engine,
        "idle": statistics.median(result["idle"] for result in results),
        "rss": statistics.median(resident),
        "rss_most": max(resident),
        "median": statistics.median(times),
        "p90": times[min(len(times) - 1, int(0.9 * len(times)))],
        "most": times[-1],
        "scrapes": len(times),
        "series": len(about) / count,
        "bytes": sum(len(line.encode()) + 1 for line in about) / count,
        "gzip": len(gzip.compress("\n".join(about).encode())) / count,
        "all_series": len(lines),
        "all_bytes": len(text.encode()),
    }


COLUMNS = [
    ("own CPU, %", "own", ".3f"),
    ("Engine's share, %", "engine", ".3f"),
    ("together, %", "both", ".3f"),
    ("RSS, MB", "rss", ".1f"),
    ("most", "rss_most", ".1f"),
    ("scrape, ms", "median", ".1f"),
    ("p90", "p90", ".1f"),
    ("most", "most", ".1f"),
    ("series/container", "series", ".1f"),
    ("bytes/container", "bytes", ".0f"),
    ("gzip/container", "gzip", ".0f"),
    ("series in all", "all_series", "d"),
    ("bytes in all", "all_bytes", "d"),
]


def table(results):
    """Figures of everybody, and how many times ours the others need."""
    yield "| containers | who | " + " | ".join(title for title, _, _ in COLUMNS) + " |"
    yield "|---|---|" + "---|" * len(COLUMNS)
    for count, rows in results.items():
        for name, values in rows.items():
            yield f"| {count} | {name} | " + " | ".join(format(values[key], form) for _, key, form in COLUMNS) + " |"
    yield ""
    ratios = [column for column in COLUMNS if column[1] not in ("engine", "all_series", "all_bytes")]
    yield "| containers | times ours | " + " | ".join(title for title, _, _ in ratios) + " |"
    yield "|---|---|" + "---|" * len(ratios)
    for count, rows in results.items():
        first, *others = rows
        for name in others:
            cells = (rows[name][key] / rows[first][key] if rows[first][key] > 0 else float("nan") for _, key, _ in ratios)
            yield f"| {count} | {name} | " + " | ".join(f"{cell:.2g}" for cell in cells) + " |"


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--cadvisor", action="append", default=[], metavar="COMMAND", help="again for another one; flags may follow the path")
    parser.add_argument("--counts", default="1,10,25,100,200", type=lambda text: sorted(map(int, text.split(","))))
    parser.add_argument("--seconds", type=float, default=120, help="length of a window")
    parser.add_argument("--interval", type=float, default=15, help="between two scrapes")
    parser.add_argument("--settle", type=float, help="between the start of an exporter and its window; default two intervals")
    parser.add_argument("--rounds", type=int, default=1, help="how often each window is repeated; the table has the medians")
    parser.add_argument("--engine", action="append", default=[], metavar="FOLDER", help="where another dockerd, containerd and runc are")
    parser.add_argument("--json", metavar="FILE", help="the figures for a program")
    parser.add_argument("--fast", action="store_true", help="does it work at all: 1 and 3 containers, windows of 4 s")
    options = parser.parse_args()
    if options.fast:
        options.counts, options.seconds, options.interval = [1, 3], 4, 1
    options.settle = 2 * options.interval if options.settle is None else options.settle
    return options


def main():
    options = arguments()
    isolate()
    commands = watchers(options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results, started = {}, 0
    with Engine(options.engine) as engine:
        version = engine.json("GET", "/version")
        say(f"Engine {version['Version']}, load {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores")
        for count in options.counts:
            say(f"starting {count} containers")
            for number in range(started, count):
                engine.run(*container(number))
            started = count
            results[count] = measure(engine, commands, count, options)
            print("\n".join(table({count: results[count]})), file=sys.stderr, flush=True)
    print("\n".join(table(results)))
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
