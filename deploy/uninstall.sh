#!/usr/bin/env bash
# Stops the services and takes away units, binaries and scripts. Settings, keys, data and backups stay,
# so that install.sh goes on where they were; --purge takes those too, and the users.
#
#   usage: uninstall.sh [--purge]
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ "$(id -u)" = 0 ] || fail "run it as root"
purge=
case ${1:-} in
    '') ;;
    --purge) purge=1 ;;
    *) fail "unknown argument: $1" ;;
esac

units=(monlight-backup.timer monlight-backup.service)
for service in "${services[@]}"; do units+=("monlight-$service.service"); done
if [ -d /run/systemd/system ]; then
    systemctl --quiet disable --now "${units[@]}" 2>/dev/null || true
fi
for unit in "${units[@]}"; do rm -rf "/etc/systemd/system/$unit" "/etc/systemd/system/$unit.d"; done
[ ! -d /run/systemd/system ] || systemctl daemon-reload
for service in "${services[@]}"; do rm -f "$lib/$service" "$lib/$service".{previous,replaced,backup,new}; done
rm -rf "$lib/deploy"
rmdir "$lib" 2>/dev/null || true

if [ -z "$purge" ]; then
    say "Gone: units and binaries. Kept: $etc, $state and $backups; --purge takes those too."
    exit
fi
for service in "${services[@]}"; do
    rm -rf "${state:?}/$service" "$state/$service".{pid,log} "$etc/$service.env"
    ! getent passwd "monlight-$service" >/dev/null || userdel "monlight-$service"
    ! getent group "monlight-$service" >/dev/null || groupdel "monlight-$service"
done
rm -f "$etc"/{api,apps,relay,scrape}.key "$etc"/{session.secret,keys.toml,backup.conf}
rmdir "$etc" "$state" 2>/dev/null || true
rm -rf "$backups"
! getent group monlight >/dev/null || groupdel monlight
say "Gone: everything, data and backups included."
