#!/usr/bin/env python3
"""What probes cost, beside blackbox_exporter on the same server in the same run.

    cargo build --release && python3 benches/probes.py target/release/stack-exporter

Needs nginx and prometheus-blackbox-exporter. Three figures: CPU per HTTP probe of both, CPU and memory
of 100 declared probes read every 15 s against the same exporter without any, and idle memory.
"""

import concurrent.futures
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

WEB, OURS, THEIRS = 10193, 10194, 10195
PROBES = 100
ROUNDS = 10
EVERY = 15
SCRAPES = 12
TICK = os.sysconf("SC_CLK_TCK")


def cpu(pid):
    """Seconds of CPU so far."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1]) * 1024


def get(url):
    return urllib.request.urlopen(url, timeout=10).read()


def start(command, url):
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, **quiet)
    for _ in range(200):
        try:
            get(url)
            return process
        except OSError:
            assert process.poll() is None, f"{command[0]} has ended"
            time.sleep(0.05)
    raise SystemExit(f"{command[0]} does not answer")


def on_demand(process, port, module):
    """Milliseconds of CPU for one probe, of 1000 at 20 a time, several rounds."""
    target = f"http://127.0.0.1:{port}/probe?module={module}&target=http://127.0.0.1:{WEB}/"
    costs = []
    # At most 16 readings on demand at a time; the workers wait for their turn.
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        for round_ in range(ROUNDS):
            before = cpu(process.pid)
            # A query of its own each, or equal requests would share one reading.
            urls = [f"{target}%3Fn={round_}x{n}" for n in range(1000)]
            answers = list(pool.map(get, urls))
            assert all(b"probe_success" in answer for answer in answers)
            costs.append((cpu(process.pid) - before) * 1000 / len(urls))
    return statistics.median(costs), resident(process.pid)


def declared(binary, folder, count):
    """Share of a core, and resident bytes, with so many probes read every 15 s."""
    config = os.path.join(folder, f"declared{count}.yml")
    with open(config, "w", encoding="utf-8") as file:
        file.write("docker: { enabled: false }\nhost: { enabled: false }\nprobes:\n" if count else "host: { enabled: false }\ndocker: { enabled: false }\n")
        for n in range(count):
            file.write(f"  p{n}: {{ url: 'http://127.0.0.1:{WEB}/?n={n}' }}\n")
    command = [binary, "--config.file", config, "--web.listen-address", f"127.0.0.1:{OURS}", "--storage.path", os.path.join(folder, f"state{count}")]
    process = start(command, f"http://127.0.0.1:{OURS}/-/ready")
    metrics = f"http://127.0.0.1:{OURS}/metrics"
    get(metrics)
    before, begun = cpu(process.pid), time.monotonic()
    for _ in range(SCRAPES):
        time.sleep(EVERY)
        get(metrics)
    share = (cpu(process.pid) - before) / (time.monotonic() - begun)
    memory = resident(process.pid)
    process.terminate()
    process.wait()
    return share, memory


def main():
    binary = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        nginx = os.path.join(folder, "nginx.conf")
        with open(nginx, "w", encoding="utf-8") as file:
            file.write(
                f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}} http {{ access_log off;"
                f" client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;"
                f" uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;"
                f" server {{ listen 127.0.0.1:{WEB}; location / {{ return 200 fine; }} }} }}"
            )
        modules = os.path.join(folder, "blackbox.yml")
        with open(modules, "w", encoding="utf-8") as file:
            file.write("modules:\n  http: { prober: http, http: { preferred_ip_protocol: ip4 } }\n")
        ours = os.path.join(folder, "ours.yml")
        with open(ours, "w", encoding="utf-8") as file:
            file.write("docker: { enabled: false }\nhost: { enabled: false }\nmodules: { http: { kind: http } }\n")
            file.write(f"web: {{ probe_allow: ['127.0.0.1:{WEB}'] }}\n")
        running = [start(["nginx", "-c", nginx, "-e", f"{folder}/error.log"], f"http://127.0.0.1:{WEB}/")]
        try:
            theirs = start(["prometheus-blackbox-exporter", f"--config.file={modules}", f"--web.listen-address=127.0.0.1:{THEIRS}", "--log.level=error"], f"http://127.0.0.1:{THEIRS}/-/healthy")
            running.append(theirs)
            own = start([binary, "--config.file", ours, "--web.listen-address", f"127.0.0.1:{OURS}", "--storage.path", f"{folder}/state"], f"http://127.0.0.1:{OURS}/-/ready")
            running.append(own)
            for name, process, port in [("blackbox_exporter", theirs, THEIRS), ("stack-exporter", own, OURS)]:
                cost, memory = on_demand(process, port, "http")
                print(f"{name:18} {cost:.3f} ms of CPU a probe on demand, {memory / 1e6:.1f} MB")
            own.terminate()
            own.wait()
            without = declared(binary, folder, 0)
            share, memory = declared(binary, folder, PROBES)
            print(f"{PROBES} probes every {EVERY} s: {(share - without[0]) * 100:.2f} % of a core and {(memory - without[1]) / 1e6:.1f} MB more than none ({without[0] * 100:.2f} %, {without[1] / 1e6:.1f} MB)")
            print(f"a declared probe: {(share - without[0]) * EVERY / PROBES * 1000:.3f} ms of CPU, the scrape included")
        finally:
            for process in running:
                process.terminate()


main()
