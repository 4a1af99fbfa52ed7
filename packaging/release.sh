#!/bin/sh
# Makes what is shipped, for the machine that it runs on:
#
#     packaging/release.sh [--into DIR] [--binary FILE] [--no-image]
#
# a Debian package, an archive, a list of all libraries (SBOM, CycloneDX), SHA256SUMS of these, and the
# image where Docker is. DIR is target/packages by default; --binary takes a program that is built
# already. Needs: Rust, a C compiler, git, dpkg, Python 3.
#
# The same commit gives the same bytes with the same compiler and C library: times are the commit's, names
# are sorted, and no path of the building machine gets in.
set -eu
# What is packed has the rights that are said here, whoever builds.
umask 022
export LC_ALL=C TZ=UTC

cd "$(dirname "$0")/.."
into=target/packages binary='' image=yes
while [ $# -gt 0 ]; do
    case $1 in
    --into) into=$2 && shift 2 ;;
    --binary) binary=$2 && shift 2 ;;
    --no-image) image=no && shift ;;
    *) echo "release.sh: $1 is no option: --into DIR, --binary FILE, --no-image" >&2 && exit 2 ;;
    esac
done

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
arch=$(dpkg --print-architecture)
name=stack-exporter-$version-linux-$arch
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || stat -c %Y Cargo.toml)}
export SOURCE_DATE_EPOCH

if [ -z "$binary" ]; then
    RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=cargo" \
        cargo build --locked --profile dist --bin stack-exporter
    binary=target/dist/stack-exporter
fi
binary=$(realpath "$binary")

mkdir -p "$into"
into=$(realpath "$into")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What the program says of itself has nothing of who builds it.
say() { env -i PATH="$PATH" "$binary" "$@"; }

# What both forms have, as the archive has it.
archive=$work/$name
mkdir -p "$archive/man" "$archive/completions" "$archive/docs"
install -m 755 "$binary" "$archive/stack-exporter"
say man --into "$archive/man" >/dev/null
for shell in bash zsh fish; do
    say completions "$shell" >"$archive/completions/stack-exporter.$shell"
done
say bundle --into "$archive/bundle" >/dev/null
cp -r docs/*.md docs/page.png docs/how-to docs/runbooks "$archive/docs/"
cp -r examples README.md CHANGELOG.md ARCHITECTURE.md CONTRIBUTING.md LICENSE-APACHE LICENSE-MIT "$archive/"
cp packaging/stack-exporter.default packaging/stack.yml "$archive/"
# By hand it is installed beside the packages of the system.
sed 's#/usr/bin/stack-exporter#/usr/local/bin/stack-exporter#' packaging/stack-exporter.service \
    >"$archive/stack-exporter.service"
chmod -R u=rwX,go=rX "$archive"

packaging/deb.sh "$archive" "$version" "$arch" "$into/stack-exporter_${version}_$arch.deb"
tar -C "$work" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -cf - "$name" |
    gzip -9n >"$into/$name.tar.gz"
python3 packaging/sbom.py >"$into/stack-exporter-$version.cdx.json"
(cd "$into" && sha256sum "stack-exporter_${version}_$arch.deb" "$name.tar.gz" \
    "stack-exporter-$version.cdx.json" >SHA256SUMS)
ls -l "$into"

if [ "$image" = no ]; then
    echo "release.sh: no image, as asked for"
elif docker version >/dev/null 2>&1; then
    docker build --tag "stack-exporter:$version" .
else
    echo "release.sh: no image was made: no Docker Engine answers here (docker version)" >&2
    exit 1
fi
