#!/bin/sh
# Gets a peer to be measured beside us and prints the path of its program:
#     sh benches/peers.sh cadvisor-0.38    Debian 11's package: all of the real program
#     sh benches/peers.sh cadvisor-0.60    built with Go from its library, see benches/cadvisor.go
# Everything lies in ${XDG_CACHE_HOME:-$HOME/.cache}/stack-exporter/; what is there is not fetched again.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stack-exporter
mkdir -p "$cache"

case ${1:-} in
cadvisor-0.38)
    "$here/../.ci/unpack" bullseye "$cache/cadvisor-0.38" cadvisor
    echo "$cache/cadvisor-0.38/usr/bin/cadvisor"
    ;;
cadvisor-0.60)
    version=v0.60.6
    program=$cache/cadvisor-$version/cadvisor
    if [ ! -x "$program" ]; then
        mkdir -p "$cache/cadvisor-$version"
        cd "$cache/cadvisor-$version"
        cp "$here/cadvisor.go" main.go
        rm -f go.mod go.sum
        {
            go mod init cadvisor
            go get "github.com/google/cadvisor@$version" "github.com/google/cadvisor/lib@$version"
            CGO_ENABLED=0 go build -mod=mod -ldflags "-s -w" -o cadvisor .
        } >&2
    fi
    echo "$program"
    ;;
*)
    sed -n 's/^#     //p' "$0" >&2
    exit 2
    ;;
esac
