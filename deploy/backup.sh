#!/usr/bin/env bash
# Backs up every service while it runs: whole, verified copies, made by the binaries themselves, and the settings.
#
#   usage: backup.sh [SERVICE...]          all that are installed, if none is named
#
#   MONLIGHT_BACKUPS   where to (/var/backups/monlight); each run makes a folder named for its time
#   KEEP_BACKUPS       so many are kept, the newest (14); older ones go after this one succeeded
#   AGE_RECIPIENT      an age key (age1…) or GPG_RECIPIENT a gpg key: files are encrypted for it
#   RCLONE_REMOTE      such as s3:bucket/monlight: the folder is copied there too, if rclone is installed
#
# Exit code 0 only if every copy was made, read back, and put where it was to go.
set -euo pipefail
umask 077
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

keep=${KEEP_BACKUPS:-14}
[[ $keep =~ ^[1-9][0-9]*$ ]] || fail "KEEP_BACKUPS is '$keep': it must be a number from 1"
[ $# -gt 0 ] || mapfile -t < <(installed)
chosen=("${@:-${MAPFILE[@]}}")
[ -n "${chosen[0]:-}" ] || fail "nothing to back up: no service has settings in $etc"
for service in "${chosen[@]}"; do is_service "$service" || fail "no such service: $service"; done

# seal FILE: encrypts it in place if asked to.
seal() {
    if [ -n "${AGE_RECIPIENT:-}" ]; then
        age --recipient "$AGE_RECIPIENT" --output "$1.age" "$1" && rm "$1"
    elif [ -n "${GPG_RECIPIENT:-}" ]; then
        gpg --batch --quiet --trust-model always --recipient "$GPG_RECIPIENT" --output "$1.gpg" --encrypt "$1" && rm "$1"
    fi
}

mkdir -p "$backups"
exec 9>"$backups/.lock"
flock --nonblock 9 || fail "another backup is running"
# A run that was cut off leaves one; it is of no use.
rm -rf "$backups"/.unfinished-*
draft=$(mktemp -d "$backups/.unfinished-XXXXXX")
trap 'rm -rf "$draft"' EXIT

for service in "${chosen[@]}"; do
    say "== $service"
    call "$service" backup "$draft/$service.db" | tee "$draft/$service.rows"
    call "$service" --version >"$draft/$service.version"
    seal "$draft/$service.db" || fail "cannot encrypt the copy of $service"
done
# Keys are needed to read what comes back: the log of who may, and the relay's way to the others.
tar -C "$etc" -cf "$draft/settings.tar" .
seal "$draft/settings.tar" || fail "cannot encrypt the settings"
(cd "$draft" && sha256sum -- * >SHA256SUMS)
sync -f "$draft"

name=$(date -u +%Y%m%dT%H%M%SZ)
while [ -e "$backups/$name" ]; do
    sleep 0.2
    name=$(date -u +%Y%m%dT%H%M%SZ)
done
mv "$draft" "$backups/$name"
sync -f "$backups"
say "backup: $backups/$name ($(du -sh "$backups/$name" | cut -f1))"

if [ -n "${RCLONE_REMOTE:-}" ]; then
    command -v rclone >/dev/null || fail "the backup is made, but rclone is not installed, so nothing went to $RCLONE_REMOTE"
    rclone copy "$backups/$name" "$RCLONE_REMOTE/$name" || fail "the backup is made, but could not be copied to $RCLONE_REMOTE"
    rclone check --one-way "$backups/$name" "$RCLONE_REMOTE/$name" || fail "the copy at $RCLONE_REMOTE/$name is not the same"
    say "copied to $RCLONE_REMOTE/$name"
fi

# Names sort by time; only folders that this script names are touched.
mapfile -t old < <(find "$backups" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*T[0-9]*Z' | sort -r | tail -n +$((keep + 1)))
for folder in ${old[0]+"${old[@]}"}; do
    rm -rf "$folder"
    say "removed, being older than the newest $keep: $folder"
done
