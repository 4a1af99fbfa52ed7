#!/bin/sh
# Tries a Debian package as an administrator would, and leaves nothing behind:
#
#     packaging/try.sh FILE.deb [ROOT]
#
# installs it, runs it, upgrades it, rolls it back, removes it and purges it, in a throwaway copy of this
# machine (a layer over /, as root) or of ROOT, such as debootstrap makes one. What a step has to show is said
# beside it; the first that does not show it ends this with code 1.
set -eu

if [ "${TRY_INSIDE:-}" != yes ]; then
    # Mounts of a namespace of its own go with it, however this ends.
    exec env TRY_INSIDE=yes unshare --mount --propagation private --fork --pid --kill-child "$0" "$@"
fi

deb=$(realpath "$1") lower=${2:-/}
work=$(mktemp -d)
trap 'umount -R -l "$work" 2>/dev/null || :; rmdir "$work"' EXIT
mount -t tmpfs none "$work"
mkdir "$work/upper" "$work/work" "$work/root"
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$work/upper,workdir=$work/work" "$work/root"
root=$work/root
# No systemd runs in it: /run is its own.
mount -t tmpfs none "$root/run"
mount -t proc none "$root/proc"
mount --bind /dev "$root/dev"

step=start
must() { # must WHAT COMMAND...: the command succeeds
    what=$1 && shift
    "$@" || {
        echo "try.sh: $step: $what: not so" >&2
        exit 1
    }
}
inside() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
quiet() { inside "$@" >"$work/said" 2>&1 || {
    cat "$work/said" >&2
    return 1
}; }
wanted=/etc/systemd/system/multi-user.target.wants/stack-exporter.service
enabled() { [ -L "$root$wanted" ]; }
has() { [ -e "$root$1" ]; }
gone() { [ ! -e "$root$1" ]; }
state() { inside dpkg-query -W -f '${db:Status-Status}' stack-exporter 2>/dev/null || echo none; }
is() { [ "$1" = "$2" ] || {
    echo "try.sh: $1 is not $2" >&2
    return 1
}; }
owned() { is "$(inside stat -c '%a %U %G' "$1")" "$2"; }
settings=/etc/default/stack-exporter config=/etc/stack-exporter/stack.yml

step=install
cp "$deb" "$root/tmp/first.deb"
must "it installs" quiet dpkg -i /tmp/first.deb
version=$(inside dpkg-query -W -f '${Version}' stack-exporter)
must "dpkg finds every file as it was packed" quiet dpkg --verify stack-exporter
must "it has a user without a shell" is "$(inside getent passwd stack-exporter | cut -d: -f7)" /usr/sbin/nologin
must "passwords have a folder that others cannot enter" \
    owned /etc/stack-exporter/secrets "750 root stack-exporter"
must "the service starts with the machine" enabled
must "the configuration as shipped has no mistake" quiet stack-exporter config check --config.file "$config"
for file in /usr/share/man/man1/stack-exporter.1.gz /usr/share/bash-completion/completions/stack-exporter \
    /usr/share/stack-exporter/alerts/host.rules.yml /usr/share/stack-exporter/dashboards/overview.json \
    /usr/share/doc/stack-exporter/docs/how-to/without-docker.md /usr/share/doc/stack-exporter/copyright; do
    must "$file is there" [ -s "$root$file" ]
done

# What the unit would start, as whom it would start it: settings from the file, state in its folder.
step=run
echo "host: { thresholds: { disk: { critical: 97% } } }" >>"$root$config"
inside install -d -m 700 -o stack-exporter -g stack-exporter /var/lib/stack-exporter
serve=$(sed -n 's/^ExecStart=//p' "$root/usr/lib/systemd/system/stack-exporter.service")
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
inside sh -c "set -a; . $settings; STATE_DIRECTORY=/var/lib/stack-exporter \
    STACK_EXPORTER_WEB_LISTEN_ADDRESS=127.0.0.1:$port; exec setpriv --reuid=stack-exporter \
    --regid=stack-exporter --clear-groups $serve" >"$work/log" 2>&1 &
server=$!
metrics() { python3 -c 'import sys, urllib.request as r
print(r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=10).read().decode())' \
    "http://127.0.0.1:$port/metrics" 2>/dev/null; }
tries=0
until metrics | grep -q 'stack_threshold.*signal="disk".* 0.97'; do
    tries=$((tries + 1))
    must "it serves the threshold of its file within a minute: $(cat "$work/log")" [ $tries -lt 300 ]
    sleep 0.2
done
kill "$server"
wait "$server" 2>/dev/null || :

step=upgrade
inside dpkg-deb -R /tmp/first.deb /tmp/next
sed -i 's/^Version: .*/&+next/' "$root/tmp/next/DEBIAN/control"
# Shipped otherwise than before, and untouched: the new one comes. Changed by hand: that stays, and the
# new one lies beside it.
echo "# next" >>"$root/tmp/next$settings"
echo "# next" >>"$root/tmp/next$config"
inside dpkg-deb --root-owner-group -Znone --build /tmp/next /tmp/next.deb >/dev/null
rm -r "$root/tmp/next"
# As `systemctl disable` does.
rm "$root$wanted"
must "it upgrades without a question" quiet dpkg --force-confold -i /tmp/next.deb
must "the version is the next" is "$(inside dpkg-query -W -f '${Version}' stack-exporter)" "$version+next"
must "what was changed by hand is kept" grep -q 97% "$root$config"
must "the new one lies beside it" grep -q "# next" "$root$config.dpkg-dist"
must "what nobody touched is new" grep -q "# next" "$root$settings"
must "a service that was switched off stays off" eval '! enabled'

step="roll back"
must "the old one comes back without a question" quiet dpkg --force-confold -i /tmp/first.deb
must "the version is the old one" is "$(inside dpkg-query -W -f '${Version}' stack-exporter)" "$version"
must "what was changed by hand is kept" grep -q 97% "$root$config"

step=remove
echo password >"$root/etc/stack-exporter/secrets/postgres"
must "it goes" quiet dpkg --remove stack-exporter
must "its program and unit are gone" \
    eval 'gone /usr/bin/stack-exporter && gone /usr/lib/systemd/system/stack-exporter.service'
must "configuration and state stay" eval 'has "$config" && has "$settings" && has /var/lib/stack-exporter'
must "dpkg knows of them" is "$(state)" config-files

step=purge
must "it is purged" quiet dpkg --purge stack-exporter
must "configuration and state are gone" \
    eval 'gone "$config" && gone "$settings" && gone /var/lib/stack-exporter'
must "a password that somebody put there stays" has /etc/stack-exporter/secrets/postgres
inside rm -r /etc/stack-exporter
# The layer has all that differs from before: whiteouts are what was deleted.
left=$(cd "$work/upper" && find . ! -type d ! -type c -path '*stack-exporter*')
must "nothing of it is left: $left" [ -z "$left" ]
echo "installed, run, upgraded, rolled back, removed, purged"
