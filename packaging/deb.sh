#!/bin/sh
# Puts the parts that release.sh has laid out into a Debian package:
#
#     packaging/deb.sh PARTS VERSION ARCHITECTURE FILE
#
# By dpkg-deb alone, for it is on every Debian machine and needs nothing that has to be built before.
set -eu

parts=$1 version=$2 arch=$3 file=$4
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
share=$root/usr/share
doc=$share/doc/stack-exporter

put() { install -D -m "$1" "$2" "$root$3"; }
put 755 "$parts/stack-exporter" /usr/bin/stack-exporter
put 644 "$here/stack-exporter.service" /usr/lib/systemd/system/stack-exporter.service
put 644 "$here/stack-exporter.default" /etc/default/stack-exporter
put 644 "$here/stack.yml" /etc/stack-exporter/stack.yml
put 644 "$parts/completions/stack-exporter.bash" /usr/share/bash-completion/completions/stack-exporter
put 644 "$parts/completions/stack-exporter.zsh" /usr/share/zsh/vendor-completions/_stack-exporter
put 644 "$parts/completions/stack-exporter.fish" /usr/share/fish/vendor_completions.d/stack-exporter.fish
mkdir -p "$share/man/man1" "$doc" "$share/stack-exporter"
cp "$parts"/man/*.1 "$share/man/man1/"
cp -r "$parts/bundle/." "$share/stack-exporter/"
cp -r "$parts/docs" "$parts/examples" "$parts/README.md" "$doc/"
cp "$parts/CHANGELOG.md" "$doc/changelog"
gzip -9n "$doc/changelog" "$share"/man/man1/*.1
{
    echo "stack-exporter may be used under the MIT licence or the Apache licence 2.0, as you choose."
    echo "The second is /usr/share/common-licenses/Apache-2.0. The first:"
    echo
    cat "$parts/LICENSE-MIT"
} >"$doc/copyright"

# The newest symbol of the C library that the program uses is the oldest library that it runs with.
libc=$(objdump -T "$root/usr/bin/stack-exporter" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
[ -n "$libc" ] || {
    echo "deb.sh: the program names no version of the C library: is it built for $arch?" >&2
    exit 1
}
mkdir "$root/DEBIAN"
install -m 755 "$here/debian/postinst" "$here/debian/prerm" "$here/debian/postrm" "$root/DEBIAN/"
printf '%s\n' /etc/default/stack-exporter /etc/stack-exporter/stack.yml >"$root/DEBIAN/conffiles"
(cd "$root" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$root/DEBIAN/md5sums"
cat >"$root/DEBIAN/control" <<END
Package: stack-exporter
Version: $version
Architecture: $arch
Maintainer: ${DEBFULLNAME:-stack-exporter} <${DEBEMAIL:-stack-exporter@localhost}>
Installed-Size: $(du -ks --apparent-size --exclude=DEBIAN "$root" | cut -f 1)
Depends: libc6 (>= ${libc#GLIBC_}), libgcc-s1, passwd, init-system-helpers
Suggests: prometheus, prometheus-alertmanager
Section: net
Priority: optional
Description: Prometheus exporter for a small self-hosted stack
 One process that watches containers, PostgreSQL, NATS, queues, web pages,
 processes, units, logs, files, backups and the host, tells Prometheus, and
 shows on a page of its own what is wrong and what to type.
 .
 Alert rules and dashboards lie in /usr/share/stack-exporter.
END
chmod -R u=rwX,go=rX "$root"
chmod 755 "$root"/DEBIAN/p*
dpkg-deb --root-owner-group --build "$root" "$file" >/dev/null
