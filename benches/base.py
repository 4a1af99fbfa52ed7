#!/usr/bin/env python3
"""What the exporter costs with no target but the host: memory, time to the first answer, size.

    cargo build --profile dist && python3 benches/base.py target/dist/stack-exporter
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

URL = "http://127.0.0.1:10191/metrics"
RUNS = 5
SCRAPES = 20


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def measure(binary):
    """Resident bytes after some scrapes, and milliseconds to the first answer."""
    config = tempfile.NamedTemporaryFile("w", suffix=".yml")
    config.write("docker: { enabled: false }\n")
    config.flush()
    command = [binary, "--config.file", config.name, "--web.listen-address", "127.0.0.1:10191"]
    started = time.perf_counter()
    env = {"PATH": os.environ["PATH"]}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with config, subprocess.Popen(command, env=env, **quiet) as process:
        while True:
            try:
                urllib.request.urlopen(URL, timeout=2).read()
                break
            except OSError:
                assert process.poll() is None, "the exporter has ended"
        first = (time.perf_counter() - started) * 1000
        for _ in range(SCRAPES):
            time.sleep(0.2)
            urllib.request.urlopen(URL, timeout=2).read()
        memory = resident(process.pid)
        process.terminate()
    return memory, first


def main():
    binary = sys.argv[1]
    memory, first = zip(*(measure(binary) for _ in range(RUNS)))
    print(f"binary        {os.path.getsize(binary) / 1e6:.1f} MB")
    print(f"resident      {statistics.median(memory) / 1e6:.1f} MB median, {max(memory) / 1e6:.1f} MB most, of {RUNS} starts")
    print(f"first answer  {statistics.median(first):.1f} ms median, {max(first):.1f} ms most")


main()
