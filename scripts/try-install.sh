#!/usr/bin/env bash
# Installs Monlight in a fresh Debian and goes through its life there: start, smoke test, first error, backup, restore,
# upgrade, uninstall. In a chroot made by debootstrap, with a network of its own; systemd does not run in it, so the
# services are started as the units' users by without-systemd.sh. Needs root, debootstrap and a Debian mirror.
#
#   MONLIGHT_BIN   the binaries (target/release)
#   DEBIAN_ROOT    a chroot made before, which is used as it is; else a new one is made, and removed at the end
#   DEBIAN_MIRROR  http://deb.debian.org/debian
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "run it as root: it makes a chroot" >&2; exit 1; }
bin=${MONLIGHT_BIN:-target/release}

root=${DEBIAN_ROOT:-}
finish() {
    umount "$root/dev" "$root/proc" 2>/dev/null || true
    # Never below something that is still mounted.
    [ -n "${DEBIAN_ROOT:-}" ] || mountpoint -q "$root/dev" || rm -rf "$root"
}
if [ -z "$root" ]; then
    command -v debootstrap >/dev/null || { echo "missing: debootstrap (apt-get install debootstrap)" >&2; exit 1; }
    root=$(mktemp -d)
    trap finish EXIT
    debootstrap --variant=minbase --include=curl bookworm "$root" "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >/dev/null
fi
trap finish EXIT
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"

# A release as it is unpacked.
rm -rf "$root/root/monlight"
mkdir -p "$root/root/monlight/bin"
for service in error-tracker log-viewer metrics-collector browser-relay; do
    strip -o "$root/root/monlight/bin/$service" "$bin/$service" 2>/dev/null || cp "$bin/$service" "$root/root/monlight/bin/"
done
cp -r deploy "$root/root/monlight/"

cat >"$root/root/walk.sh" <<'WALK'
set -euo pipefail
cd /root/monlight
lib=/usr/local/lib/monlight
export MONLIGHT_CONTROL=$lib/deploy/without-systemd.sh
services="error-tracker log-viewer metrics-collector browser-relay"
deploy/uninstall.sh --purge >/dev/null
echo "== install"
deploy/install.sh
echo "== start"
for service in $services; do $MONLIGHT_CONTROL start "$service"; done
trap 'for service in $services; do $MONLIGHT_CONTROL stop "$service" || true; done' EXIT
(. $lib/deploy/lib.sh; for service in $services; do wait_ready "$service"; done)
for service in $services; do
    pid=$(cat /var/lib/monlight/$service.pid)
    echo "$service: $(stat -c %U /proc/$pid), capabilities $(sed -n 's/^CapEff:\t//p' /proc/$pid/status)"
done
echo "== smoke test"
$lib/deploy/smoke-test.sh | tail -n 1
echo "== first error, with the key that apps get"
curl -sS http://127.0.0.1:5010/api/errors -H "X-API-Key: $(cat /etc/monlight/apps.key)" -H "Content-Type: application/json" \
    -d '{"project": "shop", "exception_type": "HelloError", "message": "my first error", "traceback": "File \"hello.py\", line 1, in <module>"}'
echo
echo "== which cannot read"
curl -sS -o /dev/null -w '%{http_code}\n' http://127.0.0.1:5010/api/errors -H "X-API-Key: $(cat /etc/monlight/apps.key)"
echo "== backup and restore"
$lib/deploy/backup.sh | grep -E 'verified|backup:'
$lib/deploy/restore.sh /var/backups/monlight/2* | grep -E '^(restored|the database before)'
curl -sS http://127.0.0.1:5010/api/errors -H "X-API-Key: $(cat /etc/monlight/api.key)" | grep -o '"message": *"[^"]*"'
echo "== upgrade, and one that fails"
for service in $services; do printf '#!/bin/sh\nexec %s "$@"\n' "/root/monlight/bin/$service" >/root/$service; chmod +x /root/$service; done
mkdir -p /root/new && mv /root/error-tracker /root/log-viewer /root/metrics-collector /root/browser-relay /root/new/
printf '#!/bin/sh\n[ $# -gt 0 ] || exit 1\nexec /root/monlight/bin/browser-relay "$@"\n' >/root/new/browser-relay
chmod 755 /root && chmod -R a+rX /root/monlight
$lib/deploy/upgrade.sh --bin /root/new || echo "exit code $?"
$lib/deploy/smoke-test.sh | tail -n 1
echo "== install again leaves all as it is"
sha256sum /etc/monlight/* >/root/sums
deploy/install.sh >/root/said
sha256sum --quiet --check /root/sums && echo "settings and keys are the same"
echo "== uninstall"
for service in $services; do $MONLIGHT_CONTROL stop "$service"; done
trap - EXIT
$lib/deploy/uninstall.sh
ls /etc/monlight | tr '\n' ' '; echo
deploy/uninstall.sh --purge
ls -d /etc/monlight /var/lib/monlight /var/backups/monlight /usr/local/lib/monlight 2>/dev/null | grep . || echo "nothing is left"
getent passwd | grep monlight || echo "no user is left"
WALK
unshare --net --pid --fork bash -c "ip link set lo up 2>/dev/null || ifconfig lo up; mount -t proc proc '$root/proc'; chroot '$root' bash /root/walk.sh; code=\$?; umount '$root/proc'; exit \$code"
