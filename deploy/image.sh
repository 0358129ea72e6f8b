#!/usr/bin/env bash
# Makes what is in the services' container images: one static binary, certificates, a folder for the data; nothing else.
# The Dockerfile runs it; it can be run by hand, and a folder tried with chroot.
#
#   usage: image.sh FOLDER     makes FOLDER/SERVICE for all four
#
#   PROFILE   release, or quick, which is built in a third of the time
#
# Needs Rust with the musl target of this machine (added by rustup if missing), musl-gcc (Debian: musl-tools) and strip
# (binutils).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. deploy/lib.sh

[ $# = 1 ] || fail "usage: image.sh FOLDER"
folder=$1 profile=${PROFILE:-release}
target=$(uname -m)-unknown-linux-musl

command -v musl-gcc >/dev/null || fail "missing: musl-gcc (apt-get install musl-tools)"
[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] || rustup target add "$target" ||
    fail "missing: Rust's standard library for $target (rustup target add $target)"
scripts/need.sh charts sdk
# For SQLite and other C. Rust links with its own start-up code: musl-gcc's makes programs that crash at once.
export "CC_${target//-/_}=musl-gcc"
# Smaller, where nothing is lost by it (docs/decisions/0027-static-binaries.md): nothing is unwound through C, since a
# panic of ours stops before it, and zstd's slow compressors are used for nothing but pages' files.
flags=-fno-asynchronous-unwind-tables
for way in GREEDY LAZY LAZY2 BTLAZY2 BTOPT BTULTRA; do flags+=" -DZSTD_EXCLUDE_${way}_BLOCK_COMPRESSOR"; done
export "CFLAGS_${target//-/_}=$flags"
# The two largest; both take in far more than one server sends them.
small=()
for service in log-viewer metrics-collector; do small+=(--config "profile.release.package.$service.opt-level='s'"); done
# Ours around SQLite is in all four, and waits for the disk.
small+=(--config "profile.release.package.sqlite.opt-level='s'")
# All at once: what they share is compiled once.
chosen=()
for service in "${services[@]}"; do chosen+=(-p "$service"); done
"${CARGO:-cargo}" build --quiet --profile "$profile" --target "$target" "${small[@]}" "${chosen[@]}" --bins

for service in "${services[@]}"; do
    binary=${CARGO_TARGET_DIR:-target}/$target/$profile/$service
    # Cargo leaves the symbols in those that were given a setting here.
    strip "$binary"
    # `ldd` has other words, and another exit code, for programs that can be loaded anywhere.
    ldd "$binary" 2>&1 | grep -Eq 'statically linked|not a dynamic executable' || fail "$binary is not static"
    install -D -m 755 "$binary" "$folder/$service/service"
    # For webhooks and mail over TLS.
    install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$folder/$service/etc/ssl/certs/ca-certificates.crt"
    # A new volume takes over whose folder it is.
    install -d -m 700 "$folder/$service/data"
    [ "$(id -u)" != 0 ] || chown 10001:10001 "$folder/$service/data"
    say "$folder/$service: $("$folder/$service/service" --version | cut -d ' ' -f 2), $(stat -c %s "$binary") bytes, static"
done
