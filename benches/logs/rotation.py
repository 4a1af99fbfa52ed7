#!/usr/bin/env python3
"""Twenty ways in which log files change, with the true count of lines beside what mtail and we have counted:

    cargo build --release && python3 benches/logs/rotation.py target/release/stack-exporter [--case rename]

Every program runs with its own settings and clock, as a user would run it; between two steps of a case both have
time to look. What is to happen between two looks happens without a pause.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "stack-exporter"
LOOK = 2.5  # Both look at least every second.
LAST = 5.0


def lines(count):
    return b"".join(b"line %05d of the program\n" % number for number in range(count))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Program:
    """A program that counts the lines of one pattern in a folder."""

    def __init__(self, binary, folder, pattern):
        self.binary, self.folder, self.pattern = binary, folder, pattern
        self.port = free_port()
        self.start()

    def start(self):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        command, env = self.command()
        self.process = subprocess.Popen([str(part) for part in command], env={**os.environ, **env}, **quiet)
        end = time.monotonic() + 30
        while True:
            try:
                self.read()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError(f"{self.binary} does not run") from None
                time.sleep(0.05)
        time.sleep(LOOK)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def read(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return answer.read().decode()

    def count(self):
        found = re.search(self.METRIC, self.read(), re.M)
        return int(float(found[1])) if found else 0


class Mtail(Program):
    METRIC = r"^lines\{[^}]*\} (\S+)"

    def command(self):
        program = self.folder / "lines.mtail"
        program.write_text("counter lines\n/line/ {\n  lines++\n}\n")
        flags = ["-address", "127.0.0.1", "-port", self.port, "-progs", program, "-logs", self.folder / self.pattern]
        return [self.binary, *flags], {}


class Ours(Program):
    METRIC = r'^stack_log_matches_total\{[^}]*rule="line"[^}]*\} (\S+)'

    def command(self):
        config = self.folder / "config.yml"
        pattern = self.folder / self.pattern
        config.write_text(
            f"docker: {{ enabled: false }}\nlogs: {{ app: {{ files: ['{pattern}'], rules: {{ line: {{ literal: line }} }} }} }}\n"
        )
        flags = ["--config.file", config, "--web.listen-address", f"127.0.0.1:{self.port}"]
        return [self.binary, *flags], {"STATE_DIRECTORY": str(self.folder / "state")}


class Case:
    """A folder with files, and a program that reads them."""

    def __init__(self, folder, program):
        self.folder, self.program = folder, program

    def at(self, name):
        return self.folder / name

    def open(self, name):
        return open(self.at(name), "ab", buffering=0)

    def add(self, name, count):
        self.at(name).parent.mkdir(parents=True, exist_ok=True)
        with self.open(name) as file:
            file.write(lines(count))

    def look(self):
        time.sleep(LOOK)


# Each yields at the place where the program starts: what is there before it does not count.
def rename(c):
    "rename and create"
    c.add("app.log", 0)
    yield 200
    c.add("app.log", 100)
    c.look()
    c.at("app.log").rename(c.at("app.log.1"))
    c.add("app.log", 100)


def old_writer(c):
    "rename and create, the writer goes on in the old file for a while"
    old = c.open("app.log")
    yield 200
    old.write(lines(100))
    c.look()
    c.at("app.log").rename(c.at("app.log.1"))
    c.add("app.log", 0)
    time.sleep(1)
    old.write(lines(50))
    c.add("app.log", 50)


def three(c):
    "three rotations between two looks"
    c.add("app.log", 0)
    yield 400
    c.add("app.log", 100)
    c.look()
    for _ in range(3):
        for number in [3, 2, 1]:
            if c.at(f"app.log.{number}").exists():
                c.at(f"app.log.{number}").rename(c.at(f"app.log.{number + 1}"))
        c.at("app.log").rename(c.at("app.log.1"))
        c.add("app.log", 100)


def copytruncate(c, second):
    c.add("app.log", 0)
    yield 100 + second
    c.add("app.log", 100)
    c.look()
    shutil.copy(c.at("app.log"), c.at("app.log.1"))
    os.truncate(c.at("app.log"), 0)
    # Other lines than before, or nobody could tell.
    with c.open("app.log") as file:
        file.write(lines(second).replace(b"of the", b"by one"))


def copy_shorter(c):
    "copied and truncated, then shorter"
    return copytruncate(c, 50)


def copy_equal(c):
    "copied and truncated, then as long at once"
    return copytruncate(c, 100)


def copy_longer(c):
    "copied and truncated, then longer at once"
    return copytruncate(c, 150)


def restart(c):
    "restart, with lines written meanwhile"
    c.add("app.log", 0)
    yield 210
    c.add("app.log", 100)
    c.look()
    c.program.stop()
    c.add("app.log", 100)
    c.program.start()
    c.add("app.log", 10)


def deleted(c):
    "deleted, the writer goes on"
    file = c.open("app.log")
    yield 130
    file.write(lines(100))
    c.look()
    c.at("app.log").unlink()
    time.sleep(1)
    file.write(lines(30))


def recreated(c):
    "deleted and created again"
    c.add("app.log", 0)
    yield 130
    c.add("app.log", 100)
    c.look()
    c.at("app.log").unlink()
    c.add("app.log", 30)


def dated(c):
    "a new file each day, `app_*.log`"
    c.add("app_2024-01-01.log", 0)
    yield 200
    c.add("app_2024-01-01.log", 100)
    c.look()
    c.add("app_2024-01-02.log", 100)


def later(c):
    "a folder that appears later, `*/app.log`"
    yield 20
    c.look()
    c.add("day/app.log", 10)
    c.look()
    c.add("day/app.log", 10)


def partial(c):
    "a line that is finished later"
    file = c.open("app.log")
    yield 11
    file.write(lines(10) + b"line with")
    c.look()
    file.write(b" an end\n")


def also_old(c):
    "the pattern matches rotated files too, `app.log*`"
    c.add("app.log", 0)
    yield 200
    c.add("app.log", 100)
    c.look()
    c.at("app.log").rename(c.at("app.log.1"))
    c.add("app.log", 100)


def link(c):
    "a symbolic link that is switched"
    c.add("one", 0)
    c.at("app.log").symlink_to("one")
    yield 200
    c.add("one", 100)
    c.look()
    c.add("two", 0)
    c.at("next").symlink_to("two")
    c.at("next").rename(c.at("app.log"))
    c.look()
    c.add("two", 100)


def hole(c):
    "truncated under a writer that keeps its place: a hole"
    file = open(c.at("app.log"), "wb", buffering=0)
    yield 60
    file.write(lines(10))
    c.look()
    os.truncate(c.at("app.log"), 0)
    c.look()
    file.write(lines(50))


def long(c):
    "a line of 5 MB"
    c.add("app.log", 0)
    yield 11
    with c.open("app.log") as file:
        file.write(b"line " + b"x" * 5_000_000 + b"\n" + lines(10))


def invalid(c):
    "bytes that are no UTF-8"
    c.add("app.log", 0)
    yield 3
    with c.open("app.log") as file:
        file.write(b"line \xff\xfe\n" * 3)


def crlf(c):
    "lines that end as on Windows"
    c.add("app.log", 0)
    yield 10
    with c.open("app.log") as file:
        file.write(lines(10).replace(b"\n", b"\r\n"))


def partial_rename(c):
    "a line that is finished after a rename"
    old = c.open("app.log")
    yield 11
    old.write(b"line with")
    c.look()
    c.at("app.log").rename(c.at("app.log.1"))
    old.write(b" an end\n")
    c.add("app.log", 10)


def around(c):
    "lines before, during and after a rename"
    old = c.open("app.log")
    yield 150
    old.write(lines(100))
    c.at("app.log").rename(c.at("app.log.1"))
    old.write(lines(20))
    c.add("app.log", 30)


PATTERNS = {dated: "app_*.log", later: "*/app.log", also_old: "app.log*"}
CASES = [rename, old_writer, three, copy_shorter, copy_equal, copy_longer, restart, deleted, recreated, dated, later,
         partial, also_old, link, hole, long, invalid, crlf, partial_rename, around]


def play(case, program, binary):
    """The true count and what the program has found."""
    with tempfile.TemporaryDirectory(prefix="rotation-") as folder:
        played = Case(Path(folder), None)
        steps = case(played)
        truth = next(steps)
        played.program = program(binary, Path(folder), PATTERNS.get(case, "app.log"))
        try:
            for _ in steps:
                pass
            time.sleep(LAST)
            return truth, played.program.count()
        finally:
            played.program.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("exporter", type=Path)
    parser.add_argument("--case")
    parser.add_argument("--at-once", type=int, default=6)
    args = parser.parse_args()
    subprocess.run([ROOT / ".ci/unpack", "sid", CACHE / "mtail", "mtail"], check=True)
    programs = [(Mtail, CACHE / "mtail/usr/bin/mtail"), (Ours, args.exporter.resolve())]
    cases = [case for case in CASES if args.case in (None, case.__name__)]
    with ThreadPoolExecutor(args.at_once) as pool:
        found = [[pool.submit(play, case, *program) for program in programs] for case in cases]
        print("| case | lines | mtail 3.2.24 | stack-exporter |\n|---|---:|---:|---:|")
        wrong = [0, 0]
        for case, runs in zip(cases, found):
            counts = [run.result() for run in runs]
            truth = counts[0][0]
            shown = [str(count) if count == truth else f"**{count}**" for _, count in counts]
            wrong = [sum + (count != truth) for sum, (_, count) in zip(wrong, counts)]
            print(f"| {case.__doc__} | {truth} | {shown[0]} | {shown[1]} |", flush=True)
    print(f"\nwrong: mtail {wrong[0]}, stack-exporter {wrong[1]} of {len(cases)}")
    sys.exit(1 if wrong[1] else 0)


main()
