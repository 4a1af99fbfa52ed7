"""A Docker Engine of our own for measurements and recordings: nothing of it is left at the end. Not a program."""

import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

INSIDE = "STACK_EXPORTER_BENCH_INSIDE"
IMAGE = "busybox:bench"

class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("docker", timeout=120)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Api:
    """What is asked of an Engine; also of one that somebody else has started."""

    def __init__(self, socket):
        self.socket = socket

    def request(self, method, path, body=None):
        connection = Unix(self.socket)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else None
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        try:
            connection.request(method, path, raw, {"Content-Type": kind})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {text.decode(errors='replace')}")
        return text

    def json(self, method, path, body=None):
        return json.loads(self.request(method, path, body) or "null")

    def import_image(self):
        repository, tag = IMAGE.split(":")
        self.request("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}", image())

    def run(self, name, body):
        """Creates and starts a container; its id."""
        created = self.json("POST", f"/containers/create?name={name}", {"Image": IMAGE} | body)["Id"]
        self.request("POST", f"/containers/{created}/start")
        return created


class Engine(Api):
    """To be used with `with`; `binaries` are folders with another dockerd and containerd than those of the machine."""

    def __init__(self, binaries=()):
        folder = self.folder = Path(tempfile.mkdtemp(prefix="stack-exporter-bench-"))
        super().__init__(folder / "docker.sock")
        self.exec_root = folder / "exec"
        self.group = f"/{folder.name}"
        config = folder / "daemon.json"
        config.write_text("{}")
        flags = {
            "data-root": folder / "data",
            "exec-root": self.exec_root,
            "pidfile": folder / "docker.pid",
            "host": f"unix://{self.socket}",
            "config-file": config,
            "cgroup-parent": self.group,
            "exec-opt": "native.cgroupdriver=cgroupfs",
            "iptables": "false",
            "ip6tables": "false",
        }
        env = dict(os.environ, PATH=os.pathsep.join([*binaries, os.environ["PATH"], "/usr/sbin:/sbin"]))
        command = ["dockerd", *(f"--{name}={value}" for name, value in flags.items())]
        with open(folder / "dockerd.log", "wb") as log:
            # A session of its own: Ctrl-C is for us, not for the Engine.
            quiet = {"stdout": log, "stderr": log, "start_new_session": True}
            self.process = subprocess.Popen(command, env=env, executable=shutil.which("dockerd", path=env["PATH"]), **quiet)

    def __enter__(self):
        try:
            self.ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def ready(self):
        def answers():
            if self.process.poll() is not None:
                raise RuntimeError("dockerd has ended:\n" + read(self.folder / "dockerd.log")[-3000:])
            try:
                return self.request("GET", "/_ping") == b"OK"
            except OSError:
                return False

        until("dockerd", 60, answers)
        self.import_image()

    def pids(self):
        """`dockerd`, its `containerd` and the shims; the containers' own processes are not among them."""
        exec_root = str(self.exec_root).encode()
        names = {"dockerd", "containerd", "containerd-shim"}
        return [pid for pid, name, line in processes() if name in names and exec_root in line]

    def stop(self):
        """Kills all at once: an orderly end waits 10 s for every container that ignores SIGTERM."""
        for pid in self.pids():
            kill(pid)
        self.process.wait()
        roots = [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]
        ours = [root / self.group[1:] for root in roots if (root / self.group[1:]).is_dir()]

        def gone():
            # Groups vanish while we look: os.walk passes over them.
            for top in ours:
                for group, _, _ in os.walk(top, topdown=False):
                    for pid in read(Path(group, "cgroup.procs")).split():
                        kill(int(pid))
                    try:
                        os.rmdir(group)
                    except OSError:
                        pass
            return not any(top.exists() for top in ours)

        until("the end of the containers", 60, gone)
        mounted = re.findall(rf"^\S+ ({self.folder}\S*)", read(Path("/proc/self/mounts")), re.M)
        for point in reversed(mounted):
            subprocess.run(["umount", "--lazy", point], check=False)
        shutil.rmtree(self.folder, ignore_errors=True)


def image():
    """A tar with a static busybox and nothing else."""
    program = shutil.which("busybox")
    assert program, "no busybox: apt install busybox-static"
    with io.BytesIO() as out:
        with tarfile.open(fileobj=out, mode="w") as tar:
            tar.add(program, "bin/busybox")
            for name in ("sh", "sleep", "dd", "true", "cat", "test", "rm"):
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        return out.getvalue()


def cpu(pids):
    """CPU seconds of processes, threads that have ended included, in nanoseconds' resolution: the kernel's own clock
    of each process (clock_getcpuclockid(3)), as utime and stime count 10 ms."""
    total = 0.0
    for pid in pids:
        try:
            total += time.clock_gettime((~pid << 3) | 2)
        except OSError:
            say(f"process {pid} has ended during a window")
    return total


def memory(pid):
    found = re.search(r"^VmRSS:\s+(\d+) kB", read(Path(f"/proc/{pid}/status")), re.M)
    return int(found[1]) * 1024 if found else 0


def processes():
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            yield int(folder.name), (folder / "comm").read_text().strip(), (folder / "cmdline").read_bytes()
        except OSError:
            continue


def read(path):
    try:
        return path.read_text()
    except OSError:
        return ""


def kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def until(what, seconds, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.25)


def say(text):
    print(f"# {time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def isolate():
    """Goes on in network and mount namespaces of its own: bridges, mounts and sockets end with the last process."""
    if os.environ.get(INSIDE):
        # Another `containerd` of the machine must not be taken for ours.
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    assert os.geteuid() == 0, "only root can start an Engine"
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
