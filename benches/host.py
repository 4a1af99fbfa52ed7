#!/usr/bin/env python3
"""What the host costs, beside node_exporter on the same machine in the same run.

    cargo build --release && python3 benches/host.py target/release/stack-exporter

Needs prometheus-node-exporter. CPU of each for a scrape, in turn, of the same families: of node_exporter those
collectors only whose families we have. A scrape of ours that shares the reading of the one before would cost
nothing, so the scrapes are more than a second apart.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

OURS, THEIRS = 10196, 10197
ROUNDS, SCRAPES = 5, 20
COLLECTORS = (
    "conntrack cpu diskstats entropy filefd filesystem hwmon loadavg mdadm meminfo netclass netdev pressure "
    "stat time uname vmstat"
).split()


def cpu(pid):
    """Milliseconds of CPU so far, of all threads, as the scheduler counts them."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as stat:
            total += int(stat.read().split()[0])
    return total / 1e6


def get(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read()


def start(command, port):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(200):
        try:
            get(port)
            return process
        except OSError:
            assert process.poll() is None, f"{command[0]} has ended"
            time.sleep(0.05)
    raise SystemExit(f"{command[0]} does not answer")


def series(page, name):
    return sum(1 for line in page.decode().splitlines() if line.startswith(name))


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        config = os.path.join(folder, "host.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("docker: { enabled: false }\n")
        listen = f"127.0.0.1:{OURS}"
        ours = start([binary, "--config.file", config, "--web.listen-address", listen, "--storage.path", folder], OURS)
        flags = [f"--collector.{name}" for name in COLLECTORS]
        theirs = start(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{THEIRS}", "--collector.disable-defaults", *flags],
            THEIRS,
        )
        costs = {OURS: [], THEIRS: []}
        try:
            for _ in range(ROUNDS):
                for process, port in ((ours, OURS), (theirs, THEIRS)):
                    before = cpu(process.pid)
                    for _ in range(SCRAPES):
                        get(port)
                        time.sleep(1.1)
                    costs[port].append((cpu(process.pid) - before) / SCRAPES)
            print("series node_*: ours", series(get(OURS), "node_"), "theirs", series(get(THEIRS), "node_"))
        finally:
            for process in (ours, theirs):
                process.terminate()
                process.wait()
    mine, other = (statistics.median(costs[port]) for port in (OURS, THEIRS))
    print(f"CPU a scrape, ms: ours {mine:.2f} {sorted(round(c, 2) for c in costs[OURS])}")
    print(f"                theirs {other:.2f} {sorted(round(c, 2) for c in costs[THEIRS])}")
    print(f"ratio {mine / other:.2f}")


main()
