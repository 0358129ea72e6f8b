#!/usr/bin/env bash
# Installs Monlight in a fresh Debian and goes through its life there: install, smoke test, first error, kill -9,
# backup, restore, upgrade, one that fails, uninstall. Where podman and runc are, Debian is booted with its own systemd,
# so that the units are what runs; else it is a chroot, and without-systemd.sh starts the services as the units' users.
# Its network is its own. Needs root, debootstrap and a Debian mirror.
#
#   MONLIGHT_BIN   the binaries (target/release)
#   DEBIAN_ROOT    a root made before, which is used again; else a new one is made, and removed at the end
#   DEBIAN_MIRROR  http://deb.debian.org/debian
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "run it as root: it makes a Debian" >&2; exit 1; }
bin=${MONLIGHT_BIN:-target/release}
work=$(mktemp -d)
root=${DEBIAN_ROOT:-$work/debian}
engine=(podman --root "$work/containers" --runroot "$work/run" --storage-driver vfs --runtime runc)
is_booted=

finish() {
    [ -z "$is_booted" ] || "${engine[@]}" rm --force --time 10 monlight-try >/dev/null 2>&1 || true
    ! mountpoint -q "$root/proc" || umount "$root/proc"
    ! mountpoint -q "$root/dev" || umount "$root/dev"
    rm -rf "$work"
}
trap finish EXIT

if [ ! -d "$root/etc" ]; then
    command -v debootstrap >/dev/null || { echo "missing: debootstrap (apt-get install debootstrap)" >&2; exit 1; }
    debootstrap --variant=minbase --include=curl,systemd,systemd-sysv,dbus,iproute2 bookworm "$root" \
        "${DEBIAN_MIRROR:-http://deb.debian.org/debian}" >/dev/null
fi
# A release as it is unpacked.
rm -rf "$root/root/monlight" "$root/opt/new"
mkdir -p "$root/root/monlight/bin" "$root/opt/new"
for service in error-tracker log-viewer metrics-collector browser-relay; do
    strip -o "$root/root/monlight/bin/$service" "$bin/$service" 2>/dev/null || cp "$bin/$service" "$root/root/monlight/bin/"
done
cp -r deploy "$root/root/monlight/"

cat >"$root/root/walk.sh" <<'WALK'
set -euo pipefail
cd /root/monlight
lib=/usr/local/lib/monlight
. deploy/lib.sh
if [ -d /run/systemd/system ]; then
    control() { systemctl "$1" "monlight-$2"; }
    pid_of() { systemctl show --property MainPID --value "monlight-$1"; }
else
    export MONLIGHT_CONTROL=$lib/deploy/without-systemd.sh
    control() { $MONLIGHT_CONTROL "$@"; }
    pid_of() { cut -d ' ' -f 1 "/var/lib/monlight/$1.pid"; }
fi
all() { for service in "${services[@]}"; do control "$1" "$service"; done; }
key() { cat "/etc/monlight/$1.key"; }

deploy/uninstall.sh --purge >/dev/null
echo "== install"
deploy/install.sh | sed '/login.link/d; /^$/d'
[ -d /run/systemd/system ] || all start
trap 'all stop || true' EXIT
for service in "${services[@]}"; do wait_ready "$service"; done
for service in "${services[@]}"; do
    pid=$(pid_of "$service")
    echo "$service: user $(stat -c %U "/proc/$pid"), capabilities $(sed -n 's/^CapEff:\t//p' "/proc/$pid/status"), system calls filtered: $(sed -n 's/^Seccomp:\t//p' "/proc/$pid/status")"
done
echo "== smoke test"
$lib/deploy/smoke-test.sh | tail -n 1
echo "== first error, with the key that apps get"
curl -sS http://127.0.0.1:5010/api/errors -H "X-API-Key: $(key apps)" -H "Content-Type: application/json" \
    -d '{"project": "shop", "exception_type": "HelloError", "message": "my first error", "traceback": "File \"hello.py\", line 1, in <module>"}'
echo
echo "== which cannot read: $(curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:5010/api/errors -H "X-API-Key: $(key apps)")"
if [ -d /run/systemd/system ]; then
    echo "== kill -9"
    systemctl kill --signal KILL monlight-error-tracker
    until systemctl is-active --quiet monlight-error-tracker && is_ready error-tracker; do sleep 0.2; done
    echo "it runs again"
    echo "== a log that only the superuser may read"
    mkdir -p -m 710 /var/lib/docker/containers/abc
    echo '{"Name": "/shop"}' >/var/lib/docker/containers/abc/config.v2.json
    echo '{"log": "hello from docker\n", "stream": "stdout", "time": "'"$(date -u +%FT%TZ)"'"}' >/var/lib/docker/containers/abc/abc-json.log
    chmod 600 /var/lib/docker/containers/abc/*
    until curl -sS "http://127.0.0.1:5011/api/logs?container=shop" -H "X-API-Key: $(key api)" | grep -o 'hello from docker'; do sleep 0.2; done
    echo "== the nightly backup"
    systemctl start monlight-backup
    systemctl show --property Result monlight-backup
else
    echo "== backup"
    $lib/deploy/backup.sh | grep -E 'verified|backup:'
fi
echo "== restore"
$lib/deploy/restore.sh /var/backups/monlight/2* | grep -E '^restored'
curl -sS http://127.0.0.1:5010/api/errors -H "X-API-Key: $(key api)" | grep -o '"message": *"[^"]*"'
echo "== upgrade, and one that fails"
for service in "${services[@]}"; do { cat "bin/$service"; echo; } >"/opt/new/$service"; done
mv /opt/new/browser-relay /opt/new/real
printf '#!/bin/sh\n[ $# -gt 0 ] || exit 1\nexec /opt/new/real "$@"\n' >/opt/new/browser-relay
chmod 755 /opt/new/*
$lib/deploy/upgrade.sh --bin /opt/new || echo "exit code $?"
$lib/deploy/smoke-test.sh | tail -n 1
echo "== install again leaves all as it is"
sha256sum /etc/monlight/* >/root/sums
deploy/install.sh >/root/said
sha256sum --quiet --check /root/sums && echo "settings and keys are the same"
echo "== uninstall"
all stop
trap - EXIT
$lib/deploy/uninstall.sh
ls /etc/monlight | tr '\n' ' '
echo
deploy/uninstall.sh --purge
ls -d /etc/monlight /var/lib/monlight /var/backups/monlight /usr/local/lib/monlight 2>/dev/null | grep . || echo "nothing is left"
getent passwd | grep monlight || echo "no user is left"
WALK

if command -v podman >/dev/null && command -v runc >/dev/null; then
    is_booted=1
    "${engine[@]}" run --detach --quiet --name monlight-try --systemd=always --network none --privileged \
        --ulimit nofile=1024:4096 --ulimit nproc=1000:2000 --rootfs "$root" /sbin/init >/dev/null
    for _ in $(seq 50); do
        "${engine[@]}" exec monlight-try systemctl is-system-running --quiet 2>/dev/null && break
        sleep 0.2
    done
    echo "Debian $(cat "$root/etc/debian_version"), systemd: $("${engine[@]}" exec monlight-try systemctl is-system-running || true)"
    "${engine[@]}" exec monlight-try bash /root/walk.sh
else
    echo "Debian $(cat "$root/etc/debian_version") in a chroot: podman and runc are needed to boot it"
    mountpoint -q "$root/dev" || mount --bind /dev "$root/dev"
    unshare --net --pid --fork bash -c "ip link set lo up; mount -t proc proc '$root/proc'; chroot '$root' /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin bash /root/walk.sh; code=\$?; umount '$root/proc'; exit \$code"
fi
