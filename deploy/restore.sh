#!/usr/bin/env bash
# Puts a backup back: stops each service, has its binary check the copy and put it in place, starts it, waits until it
# would store a write. What was there is kept beside it. If a copy is refused, the service goes on with what it had.
#
#   usage: restore.sh [--check] FOLDER [SERVICE...]     all that the folder holds, if none is named
#
#   --check            only looks the copies over: checksums, decryption, integrity
#   AGE_IDENTITY       the file of the age key that opens it; gpg asks its own agent
#
# Settings and keys (settings.tar) are not touched: unpack that by hand where they are lost.
set -euo pipefail
umask 077
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

only_check=
[ "${1:-}" != --check ] || { only_check=1; shift; }
[ $# -gt 0 ] || fail "which backup? The newest: $(find "$backups" -mindepth 1 -maxdepth 1 -type d -name '[0-9]*Z' 2>/dev/null | sort | tail -n 1)"
folder=$1
shift
[ -f "$folder/SHA256SUMS" ] || fail "$folder is no backup: it has no SHA256SUMS"
(cd "$folder" && sha256sum --quiet --check SHA256SUMS) || fail "$folder is not as it was made"

# held SERVICE: whether the folder has a copy of it.
held() { compgen -G "$folder/$1.db*" >/dev/null; }

chosen=("$@")
if [ $# -eq 0 ]; then
    for service in "${services[@]}"; do ! held "$service" || chosen+=("$service"); done
fi
for service in "${chosen[@]}"; do
    is_service "$service" || fail "no such service: $service"
    held "$service" || fail "$folder holds no copy of $service"
done

work=$(mktemp -d "${TMPDIR:-/var/tmp}/monlight-restore-XXXXXX")
trap 'rm -rf "$work"' EXIT

# opened SERVICE: prints the path of its copy, decrypted if need be.
opened() {
    local copy=$folder/$1.db
    if [ -f "$copy.age" ]; then
        [ -n "${AGE_IDENTITY:-}" ] || fail "the copy is encrypted: name the file of its key in AGE_IDENTITY"
        age --decrypt --identity "$AGE_IDENTITY" --output "$work/$1.db" "$copy.age" || fail "cannot decrypt $copy.age"
        copy=$work/$1.db
    elif [ -f "$copy.gpg" ]; then
        gpg --batch --quiet --output "$work/$1.db" --decrypt "$copy.gpg" || fail "cannot decrypt $copy.gpg"
        copy=$work/$1.db
    fi
    say "$copy"
}

# look_over SERVICE COPY: integrity, without touching the database.
look_over() { (with_settings "$1" DATABASE_PATH="$2" -- "$lib/$1" check-database); }

failed=()
for service in "${chosen[@]}"; do
    say "== $service"
    copy=$(opened "$service")
    look_over "$service" "$copy" || { failed+=("$service"); continue; }
    [ -z "$only_check" ] || continue
    control stop "$service" || true
    call "$service" restore "$copy" || failed+=("$service")
    control start "$service" || true
    wait_ready "$service" || { failed+=("$service"); say "$service is not ready"; }
    rm -f "$work/$service.db"
done
[ ${#failed[@]} -eq 0 ] || fail "not restored: ${failed[*]}"
if [ -n "$only_check" ]; then say "whole: ${chosen[*]}"; else say "restored and ready: ${chosen[*]}"; fi
