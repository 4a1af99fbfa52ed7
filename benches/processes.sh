#!/bin/sh
# Processes of a machine, beside process-exporter, in one run:
#     sh benches/processes.sh target/release/stack-exporter [processes] [scrapes]
# Starts so many sleepers, both exporters over the same ten groups (one has all of them, and then one of
# them none), and prints for each: time of a scrape (median and 95th percentile), CPU time a scrape by
# its own `stat`, resident memory. The package prometheus-process-exporter has the other one.
set -eu

binary=$(readlink -f "${1:?the program}")
count=${2:-1177}
scrapes=${3:-40}
dir=$(mktemp -d)
started=
end() {
    # shellcheck disable=SC2086 # a list of numbers
    [ -z "$started" ] || kill $started 2>/dev/null || :
    rm -rf "$dir"
}
trap end EXIT INT TERM

bash -c "for i in \$(seq $count); do sleep 3600 & done; trap 'kill \$(jobs -p)' TERM; wait" &
started="$started $!"

# Groups: $1 is what the first of ten is known by.
configure() {
    {
        printf 'docker: { enabled: false }\nhost: { enabled: false }\nprocesses:\n  groups:\n'
        printf '    first: { cmdline: "%s" }\n' "$1"
        for n in 1 2 3 4 5 6 7 8 9; do printf '    other%s: { cmdline: "^/opt/other%s/" }\n' $n $n; done
    } >"$dir/ours.yml"
    {
        printf 'process_names:\n  - { name: first, cmdline: ["%s"] }\n' "$1"
        for n in 1 2 3 4 5 6 7 8 9; do printf '  - { name: other%s, cmdline: ["^/opt/other%s/"] }\n' $n $n; done
    } >"$dir/theirs.yml"
}

# measure <name> <port> <command...>
measure() {
    name=$1 port=$2
    shift 2
    "$@" >"$dir/log" 2>&1 &
    pid=$!
    python3 - "$name" "$port" "$pid" "$scrapes" <<'PYTHON'
import os, sys, time, urllib.request
name, port, pid, scrapes = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
def scrape():
    begun = time.monotonic()
    body = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20).read().decode()
    return time.monotonic() - begun, body
def cpu():
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
for _ in range(200):
    try:
        scrape()
        break
    except OSError:
        time.sleep(0.1)
# What is new is looked at again for half a minute: it is the steady state that is measured.
until = time.monotonic() + 33
while time.monotonic() < until:
    scrape()
    time.sleep(1.1)
times, before = [], cpu()
for _ in range(scrapes):
    took, body = scrape()
    times.append(took)
    # Each scrape is to be a reading: what is younger than a second is shown again.
    time.sleep(1.05)
used = (cpu() - before) / scrapes
times.sort()
procs = [line for line in body.splitlines() if line.startswith("namedprocess_namegroup_num_procs") and "first" in line]
memory = [line for line in open(f"/proc/{pid}/status") if line.startswith(("VmRSS", "VmHWM"))]
print(f"{name:16} median {1e3 * times[len(times) // 2]:7.1f} ms, p95 {1e3 * times[int(len(times) * 0.95)]:7.1f} ms, "
      f"CPU {1e3 * used:7.1f} ms a scrape, {' '.join(' '.join(line.split()) for line in memory)}; {procs}")
PYTHON
    kill "$pid"
    wait "$pid" 2>/dev/null || :
}

both() {
    echo "$count processes, ten groups, $1"
    configure "$2"
    measure stack-exporter 19341 "$binary" --config.file "$dir/ours.yml" --web.listen-address 127.0.0.1:19341 --storage.path "$dir/state"
    measure process-exporter 19342 prometheus-process-exporter -config.path "$dir/theirs.yml" -web.listen-address 127.0.0.1:19342
    measure "  without more" 19342 prometheus-process-exporter -config.path "$dir/theirs.yml" -threads=false -gather-smaps=false -web.listen-address 127.0.0.1:19342
}

both "the first of them has all" '^sleep 3600'
both "none of them has any" '^/opt/first/'
