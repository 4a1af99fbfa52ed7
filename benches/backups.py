#!/usr/bin/env python3
"""What reading backups in full costs beside `gzip -t` and `zstd -t`, and what a folder of 1,000 files costs a look.

    cargo build --release && python3 benches/backups.py target/release/stack-exporter [megabytes]

CPU time of the process, as the kernel counts it in hundredths of a second: what the exporter takes without
a file to read is measured first and taken off.
"""

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

URL = "http://127.0.0.1:10192/metrics"
TICK = os.sysconf("SC_CLK_TCK")
RUNS = 3
LOOKS = 60


def cpu(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Exporter:
    def __init__(self, binary, backups):
        self.folder = tempfile.TemporaryDirectory()
        config = os.path.join(self.folder.name, "config.yml")
        with open(config, "w", encoding="utf-8") as file:
            file.write("docker: { enabled: false }\nhost: { enabled: false }\n" + backups)
        state = os.path.join(self.folder.name, "state")
        command = [binary, "--config.file", config, "--storage.path", state]
        command += ["--web.listen-address", "127.0.0.1:10192"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, env={"PATH": os.environ["PATH"]}, **quiet)

    def value(self, name):
        try:
            text = urllib.request.urlopen(URL, timeout=5).read().decode()
        except OSError:
            assert self.process.poll() is None, "the exporter has ended"
            return None
        lines = (line for line in text.splitlines() if line.startswith(name + "{"))
        return next((float(line.rsplit(" ", 1)[1]) for line in lines), None)

    def until(self, name, wanted):
        while self.value(name) != wanted:
            time.sleep(0.1)

    def end(self):
        spent = cpu(self.process.pid)
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()
        return spent


def dump(path, megabytes):
    """Rows as of pg_dump: numbers, words, dates."""
    pick = random.Random(1)
    words = [f"w{pick.randrange(10**6)}" for _ in range(20_000)]
    with open(path, "w", encoding="ascii") as file:
        file.write("--\n-- PostgreSQL database dump\n--\n\n")
        row = 0
        while file.tell() < megabytes * 1_000_000:
            for _ in range(10_000):
                row += 1
                text = " ".join(pick.choice(words) for _ in range(3))
                file.write(f"{row}\t{text}\t{pick.randrange(10**6)}\t2026-0{1 + row % 9}-1{row % 10}\n")
        file.write("--\n-- PostgreSQL database dump complete\n--\n\n")


def spent_by(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def in_full(binary, path, verify):
    text = f"backups:\n  x: {{ files: [{path}], refresh: 1s{verify} }}\n"
    exporter = Exporter(binary, text)
    if verify:
        exporter.until("stack_backup_verified_generations", 1.0)
    else:
        exporter.until("stack_backup_generations", 1.0)
    return exporter.end()


def main():
    binary, megabytes = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 500
    with tempfile.TemporaryDirectory() as folder:
        plain = os.path.join(folder, "a.sql")
        dump(plain, megabytes)
        for program, ending in [("gzip", "gz"), ("zstd", "zst")]:
            packed = f"{plain}.{ending}"
            with open(packed, "wb") as out:
                subprocess.run([program, "-q", "-c", plain], stdout=out, check=True)
            old = time.time() - 3600
            os.utime(packed, (old, old))
            theirs = statistics.median(spent_by([program, "-q", "-t", packed]) for _ in range(RUNS))
            idle = statistics.median(in_full(binary, packed, "") for _ in range(RUNS))
            verify = ", verify: { speed: 10GB }"
            ours = statistics.median(in_full(binary, packed, verify) for _ in range(RUNS)) - idle
            size = os.path.getsize(packed) / 1e6
            print(f"{program}  {size:.0f} MB  {program} -t {theirs:.2f} s  here {ours:.2f} s  {ours / theirs:.2f} times")
            os.unlink(packed)
        os.unlink(plain)
        many = os.path.join(folder, "many")
        os.mkdir(many)
        for number in range(1000):
            path = os.path.join(many, f"backup_{number:04}.sql.gz")
            with open(path, "wb") as file:
                file.write(subprocess.run(["gzip", "-c"], input=b"x", stdout=subprocess.PIPE, check=True).stdout)
            os.utime(path, (old - 86400 * (number + 1), old - 86400 * (number + 1)))
        spent = []
        for files in (f"{many}/none_*", f"{many}/backup_*"):
            exporter = Exporter(binary, f"backups:\n  x: {{ files: [\"{files}\"], refresh: 1s }}\n")
            while exporter.value("stack_backup_present") is None:
                time.sleep(0.1)
            time.sleep(10)
            begun = cpu(exporter.process.pid)
            time.sleep(LOOKS)
            spent.append((cpu(exporter.process.pid) - begun) / LOOKS)
            exporter.end()
        print(f"1,000 files, a look: {spent[1] * 1000:.2f} ms of CPU; the same folder without one that matches: {spent[0] * 1000:.2f} ms")


main()
