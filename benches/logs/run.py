#!/usr/bin/env python3
"""Logs beside mtail 3.2.24: the same file, the same rules, each on one core, counts equal.

    python3 benches/logs/run.py                     builds, generates, measures (dense, sparse, storm, backlog)
    python3 benches/logs/run.py --only dense        one of them
    python3 benches/logs/run.py --exporter target/release/stack-exporter
                                                    also 1,000 quiet files and the time from write to metric

mtail comes from Debian sid without being installed (`.ci/unpack`), into ${XDG_CACHE_HOME:-~/.cache}/stack-exporter. Read
the ratios, not the figures: they are of one machine in one run. Each is the median of --runs, in seconds of
processor time.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "stack-exporter"
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "none"]
# As in scan/request.rs: five classes, then those that stand apart.
STATUSES = ["1", "2", "3", "4", "5", "4", "4", "4", "other"]
SLOW = 7  # The first bucket above 0.5 s.


def say(text=""):
    print(text, flush=True)


class Run:
    """A program on one core: its output, its seconds of processor time and its largest memory."""

    def __init__(self, core, command, env=None):
        process = subprocess.Popen(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **(env or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )
        # The kernel's own maximum at the end is that of the Python from which the process was forked.
        self.memory = 0
        watcher = threading.Thread(target=self.watch, args=[process.pid])
        watcher.start()
        with process.stdout as stdout:
            self.output = stdout.read().decode()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watcher.join()
        # Of the processor: what else runs on the machine does not count.
        self.seconds = usage.ru_utime + usage.ru_stime
        if process.returncode not in (0, 1):
            sys.exit(f"{command[0]} ended with {process.returncode}")


    def watch(self, pid):
        """Its largest memory, until it ends."""
        while True:
            try:
                with open(f"/proc/{pid}/status", encoding="ascii") as status:
                    text = status.read()
            except OSError:
                return
            peak = re.search(r"VmHWM:\s+(\d+)", text)
            if not peak:
                return
            if "\nName:\tpython" not in f"\n{text}":
                self.memory = max(self.memory, int(peak[1]) * 1024)
            time.sleep(0.01)


def mtail():
    folder = CACHE / "mtail"
    subprocess.run([ROOT / ".ci/unpack", "sid", folder, "mtail"], check=True)
    return folder / "usr/bin/mtail"


def ours():
    """The program of the benchmark, built if need be."""
    command = ["cargo", "bench", "--bench", "logs", "--no-run", "--message-format=json"]
    built = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    return next(m["executable"] for m in reversed(messages) if m.get("target", {}).get("name") == "logs" and m.get("executable"))


def data(folder, kind, size):
    files = {"apart": ["python.log", "json.log", "nginx.log", "uvicorn.log"]}.get(kind, [f"{kind}.log"])
    truth = folder / f"{kind}.json"
    if not truth.exists() or abs(json.loads(truth.read_text())["bytes"] - size) > size // 10:
        subprocess.run([sys.executable, HERE / "generate.py", folder, "--kind", kind, "--bytes", str(size)], check=True)
    files = [folder / file for file in files]
    for file in files:  # Into the page cache.
        with open(file, "rb") as opened:
            while opened.read(1 << 24):
                pass
    return files, Counter(json.loads(truth.read_text()))


def of_mtail(output):
    counts = Counter()
    for name, labels, value in re.findall(r"^(\w+)\{(.*)\} (\S+)$", output, re.M):
        text = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        text.pop("prog", None)
        suffix = next(iter(text.values()), None)
        key = {"levels": suffix, "classes": f"{suffix}xx", "tasks": f"task_{suffix}", "task_ms": f"task_{suffix}_ms"}
        counts[key.get(name, name)] = int(float(value))
    return counts


def of_ours(output):
    tally = json.loads(output)["tally"]
    counts = Counter(dict(zip(LEVELS, tally["levels"])))
    for row in tally["access"]["requests"]:
        for status, count in zip(STATUSES, row):
            counts[f"{status}xx"] += count
    counts["slow"] = sum(tally["access"]["times"]["counts"][SLOW:])
    rules = tally["rules"].get("rules", tally["rules"])
    for name, rule in rules.items():
        counts[name] = rule["matches"]
        for share in rule.get("shares", []):
            if name == "task" and share["text"] and share.get("values"):
                counts[f"task_{share['text']}"] = share["matches"]
                counts[f"task_{share['text']}_ms"] = round(share["values"][0]["sum"])
    return counts


def same(truth, found, who, wanted):
    """Complains about each count that is not the truth."""
    wrong = [f"{key}: {found[key]} instead of {truth[key]}" for key in sorted(wanted) if found[key] != truth[key]]
    for line in wrong:
        say(f"  {who}: {line}")
    return not wrong


class Bench:
    def __init__(self, args):
        self.args = args
        self.program = args.program or ours()
        self.mtail = None if args.without_mtail else mtail()
        self.faults = 0

    def ours(self, source, counted, files, times=1):
        return Run(self.args.core, [self.program, HERE / source, counted, times, *files])

    def theirs(self, program, files):
        command = [self.mtail, "-progs", HERE / program, "-logs", ",".join(map(str, files)), "-one_shot", "-one_shot_format", "prometheus"]
        return Run(self.args.core, command, {"GOMAXPROCS": "1"})

    def row(self, name, runs, size, base=None):
        seconds = statistics.median(run.seconds for run in runs)
        ratio = f"{base / seconds:6.1f} x" if base else ""
        memory = max(run.memory for run in runs) / 1e6
        say(f"| {name:34} | {size / seconds / 1e6:8.0f} | {seconds:7.3f} | {memory:6.1f} | {ratio:>8} |")
        return seconds

    def head(self, title):
        say(f"\n## {title}\n\n| {'':34} |     MB/s |   s CPU | RSS MB |  x mtail |\n|---|---:|---:|---:|---:|")

    def scale(self, files, size, base):
        several = range(self.args.runs)
        self.row("wc -l", [Run(self.args.core, ["wc", "-l", *files]) for _ in several], size, base)
        self.row("grep -c ERROR", [Run(self.args.core, ["grep", "-c", "ERROR", *files]) for _ in several], size, base)

    def beside(self, title, name, counted, kind, wanted):
        """A workload for both, by turns, so that what disturbs one disturbs the other."""
        files, truth = data(self.args.folder, kind, self.args.bytes)
        size = truth["bytes"]
        self.head(f"{title}: {kind}, {size / 1e6:.0f} MB, {truth['lines']:,} lines")
        mine, theirs = [], []
        for turn in range(self.args.runs):
            mine.append(self.ours(f"{name}.yml", counted, files))
            if self.mtail and turn < self.args.mtail_runs:
                theirs.append(self.theirs(f"{name}.mtail", files))
        base = self.row("mtail 3.2.24", theirs, size) if theirs else None
        self.row("stack-exporter", mine, size, base)
        self.scale(files, size, base)
        wanted = {key for key in truth if re.match(wanted, key)}
        checks = [same(truth, of_ours(mine[0].output), "stack-exporter", wanted)]
        if theirs:
            found = of_mtail(theirs[0].output)
            checks.append(same(truth, found, "mtail", wanted))
            # What the generator does not know must at least be the same for both.
            checks.append(same(found, of_ours(mine[0].output), "stack-exporter beside mtail", set(found)))
            wanted |= set(found)
        say(f"counts {'equal to the truth' if all(checks) else 'DIFFER'}: {len(wanted)} of them")
        self.faults += not all(checks)

    def storm(self):
        files, truth = data(self.args.folder, "storm", self.args.bytes)
        self.head("storm: every line an error, with fingerprints")
        runs = [self.ours("storm.yml", "levels,errors", files) for _ in range(self.args.runs)]
        self.row("stack-exporter", runs, truth["bytes"])
        tally = json.loads(runs[0].output)["tally"]
        right = tally["levels"][3] == truth["ERROR"] and tally["errors"]["total"] == truth["ERROR"]
        say(f"events {'equal to the truth' if right else 'DIFFER'}: {tally['errors']['total']:,}")
        self.faults += not right

    def backlog(self):
        files, truth = data(self.args.folder, "mixed", self.args.bytes)
        times = max(1, self.args.backlog // truth["bytes"])
        self.head(f"backlog: {times * truth['bytes'] / 1e9:.1f} GB as one file")
        for count in [1, times]:
            run = self.ours("dense.yml", "levels,access,errors", files, count)
            self.row(f"stack-exporter, {count} x", [run], count * truth["bytes"])


class Exporter:
    """The real program with a source of many files."""

    PORT = 10192

    def __init__(self, program, folder, count):
        self.folder = folder / "quiet"
        self.folder.mkdir(parents=True, exist_ok=True)
        for index in range(count):
            (self.folder / f"{index}.log").write_text("2024-01-01 12:00:00,123 [INFO] app: quiet\n" * 10)
        config = folder / "quiet.yml"
        config.write_text(f"docker: {{ enabled: false }}\nlogs: {{ quiet: {{ files: ['{self.folder}/*.log'] }} }}\n")
        command = [program, "--config.file", config, "--web.listen-address", f"127.0.0.1:{self.PORT}"]
        env = {**os.environ, "STATE_DIRECTORY": str(folder / "state")}
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen([str(part) for part in command], env=env, **quiet)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def lines(self):
        """The lines of level info, or nothing while there is no series."""
        import urllib.request

        text = urllib.request.urlopen(f"http://127.0.0.1:{self.PORT}/metrics", timeout=5).read().decode()
        found = re.search(r'^stack_log_lines_total\{[^}]*level="info"[^}]*\} (\S+)', text, re.M)
        return float(found[1]) if found else None

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def begin(self):
        self.until(lambda: self.lines() is not None)
        time.sleep(5)

    def share(self, seconds):
        """Processor time while nobody asks."""
        before, begin = self.cpu(), time.monotonic()
        time.sleep(seconds)
        share = (self.cpu() - before) / (time.monotonic() - begin)
        tick = 100 / os.sysconf("SC_CLK_TCK") / seconds
        return f"{share * 100:.2f} % of a core over {seconds} s (a tick of the kernel is {tick:.2f} %)"

    def until(self, what, deadline=60):
        end = time.monotonic() + deadline
        while time.monotonic() < end:
            assert self.process.poll() is None, "the exporter has ended"
            try:
                if what():
                    return
            except OSError:
                pass
            time.sleep(0.005)
        raise TimeoutError("the exporter did not get there")


def quiet(program, folder, seconds):
    say("\n## the real program, 1,000 quiet files")
    with Exporter(program, folder, 1000) as exporter:
        exporter.begin()
        say(f"CPU, nobody asks: {exporter.share(seconds)}")
        say(f"from write to metric: {latency(exporter, 50)}")
        with Chatty(exporter.folder / "0.log"):
            say(f"CPU while one file gets 200 lines a second: {exporter.share(seconds)}")
            say(f"from write to metric meanwhile: {latency(exporter, 50)}")
    say("\n## the real program, 10,000 quiet files")
    with Exporter(program, folder, 10_000) as exporter:
        exporter.begin()
        say(f"CPU, nobody asks: {exporter.share(seconds)}")


class Chatty:
    """A writer that is never silent, of lines that do not count where latency is measured."""

    def __init__(self, path):
        self.path, self.over = path, threading.Event()
        self.thread = threading.Thread(target=self.write)

    def write(self):
        with open(self.path, "a", encoding="ascii", buffering=1) as file:
            while not self.over.wait(0.005):
                file.write("2024-01-01 12:00:00,123 [DEBUG] app: chatty\n")

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def latency(exporter, turns):
    took = []
    for turn in range(turns):
        count = exporter.lines()
        with open(exporter.folder / f"{turn + 1}.log", "a", encoding="ascii") as file:
            file.write("2024-01-01 12:00:00,123 [INFO] app: written\n")
        begin = time.monotonic()
        exporter.until(lambda: exporter.lines() == count + 1, 10)
        took.append(time.monotonic() - begin)
        time.sleep(0.1 + turn % 20 * 0.037)
    return f"{statistics.median(took):.3f} s median, {max(took):.3f} s most, of {turns}"

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=CACHE / "bench-logs")
    parser.add_argument("--bytes", type=int, default=400_000_000)
    parser.add_argument("--backlog", type=int, default=10_000_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mtail-runs", type=int, default=3)
    parser.add_argument("--core", type=int, default=os.cpu_count() - 1)
    parser.add_argument("--only", choices=["dense", "sparse", "storm", "backlog", "quiet"])
    parser.add_argument("--program", help="the built benchmark, instead of building it")
    parser.add_argument("--without-mtail", action="store_true")
    parser.add_argument("--exporter", type=Path)
    args = parser.parse_args()
    chosen = lambda name: args.only in (None, name)
    faults = 0
    if args.only != "quiet":
        bench = Bench(args)
        if chosen("dense"):
            counts = r"[A-Z]+$|\dxx$|slow$|task_|rate_limit$|request$|broadcast$"
            for kind in ["mixed", "blocks", "apart"]:
                bench.beside("dense", "dense", "levels,access,errors", kind, counts)
        if chosen("sparse"):
            bench.beside("sparse", "sparse", "nothing", "mixed", r"rate_limit$|request$|broadcast$")
        if chosen("storm"):
            bench.storm()
        if chosen("backlog"):
            bench.backlog()
        faults = bench.faults
    if args.exporter and chosen("quiet"):
        quiet(args.exporter, args.folder, 60)
    sys.exit(1 if faults else 0)


main()
