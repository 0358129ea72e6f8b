#!/usr/bin/env bash
# Brings services to new binaries, one by one: tries the new one's settings, stops the service, backs its database up,
# swaps the binary, starts it, and waits until it would store a write. If it would not, the old one is put back and
# started by itself: with the database as it is if it can read that, else with the backup made a moment before.
#
#   usage: upgrade.sh [--bin FOLDER] [SERVICE...]    all that are installed, if none is named
#          upgrade.sh --back [--lose-newer] [SERVICE...]
#
#   --bin FOLDER    where the new binaries are (../bin in a release, else target/release)
#   --back          back to the binaries of before the last upgrade
#   --lose-newer    with --back: where the old binary cannot read the database of today, take the backup of then;
#                   what was stored since stays in the file that is put aside
#   READY_SECONDS   how long a service may take to get ready (60); a long migration needs more
#
# Exit code 0: all are new. 1: one was not, and is as it was before; those before it are new, those after it old.
set -euo pipefail
umask 022
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

patience=${READY_SECONDS:-60}
bin='' back='' lose_newer=''
while [ $# -gt 0 ]; do
    case $1 in
        --bin) bin=${2:?--bin needs a folder} && shift 2 ;;
        --back) back=1 && shift ;;
        --lose-newer) lose_newer=1 && shift ;;
        -*) fail "unknown option: $1" ;;
        *) break ;;
    esac
done
[ $# -gt 0 ] || mapfile -t < <(installed)
chosen=("${@:-${MAPFILE[@]}}")
[ -n "${chosen[0]:-}" ] || fail "nothing to upgrade: no service has settings in $etc"
for service in "${chosen[@]}"; do is_service "$service" || fail "no such service: $service"; done

version() { timeout 10 "$1" --version 2>/dev/null | cut -d ' ' -f 2; }

# runs SERVICE [SECONDS]: starts it and waits.
runs() { control start "$1" && wait_ready "$1" "${2:-60}"; }

# back_up SERVICE: of the stopped service, so that nothing is stored after it. Prints the file.
back_up() {
    local folder
    folder=$(env -u AGE_RECIPIENT -u GPG_RECIPIENT -u RCLONE_REMOTE MONLIGHT_BACKUPS="$backups/upgrades" KEEP_BACKUPS=12 \
        "$(dirname "${BASH_SOURCE[0]}")/backup.sh" "$1" | sed -n 's/^backup: \(.*\) (.*/\1/p')
    [ -f "$folder/$1.db" ] && say "$folder/$1.db"
}

# restored SERVICE COPY: by the binary in place, or, if that is too old to know how, by the other one.
restored() {
    local code=0
    call "$1" restore "$2" || code=$?
    [ "$code" != 2 ] || { call_binary "$lib/$1.replaced" "$1" restore "$2" && code=0; }
    return "$code"
}

# swap_back SERVICE: the binary of before. The one that it replaces is kept as `.replaced`.
swap_back() {
    put_binary "$lib/$1" "$lib/$1.replaced"
    put_binary "$lib/$1.previous" "$lib/$1"
}

# roll_back SERVICE COPY: as it was before. The backup is taken only where the old binary refuses the database.
roll_back() {
    say "$1: rolling back to $(version "$lib/$1.previous")"
    control stop "$1" || true
    swap_back "$1"
    if runs "$1"; then
        say "$1: rolled back, the database as it is"
        return
    fi
    control stop "$1" || true
    restored "$1" "$2" >/dev/null && runs "$1" || fail "$1 does not start any more; its backup is $2"
    say "$1: rolled back, with the backup of a moment ago"
}

# upgrade SERVICE
upgrade() {
    local service=$1 new=$bin/$1 copy
    [ -x "$new" ] || fail "$bin has no $service"
    if cmp -s "$new" "$lib/$service"; then
        say "$service: $(version "$new") is in place already"
        return
    fi
    limit=20 call_binary "$new" "$service" check-config >/dev/null || fail "$service: the new binary does not take its settings; nothing was changed"
    say "$service: $(version "$lib/$service") -> $(version "$new")"
    control stop "$service"
    if ! copy=$(back_up "$service"); then
        runs "$service" || fail "$service: cannot be backed up, and does not start any more"
        fail "$service: cannot be backed up, so it goes on as it was"
    fi
    put_binary "$lib/$service" "$lib/$service.previous"
    say "$copy" >"$lib/$service.backup"
    put_binary "$new" "$lib/$service"
    if runs "$service" "$patience"; then
        say "$service: ready"
        return
    fi
    say "$service: the new one did not get ready" >&2
    roll_back "$service" "$copy"
    fail "$service was not upgraded"
}

# go_back SERVICE
go_back() {
    local service=$1 copy
    [ -x "$lib/$service.previous" ] || fail "$service: there is no binary of before"
    copy=$(cat "$lib/$service.backup" 2>/dev/null || true)
    say "$service: $(version "$lib/$service") -> $(version "$lib/$service.previous")"
    control stop "$service"
    swap_back "$service"
    if runs "$service"; then
        say "$service: ready, the database as it is"
        return
    fi
    control stop "$service" || true
    if [ -z "$lose_newer" ]; then
        put_binary "$lib/$service.replaced" "$lib/$service"
        runs "$service" || fail "$service does not start any more"
        fail "$service: the old binary does not start with the database of today, so the new one runs again; --lose-newer takes the backup $copy"
    fi
    [ -f "$copy" ] || fail "$service: its backup is gone: ${copy:-none was made}"
    restored "$service" "$copy" && runs "$service" || fail "$service does not start with its backup $copy"
    say "$service: ready, with its backup $copy"
}

if [ -n "$back" ]; then
    for service in "${chosen[@]}"; do go_back "$service"; done
    say "back: ${chosen[*]}"
else
    bin=${bin:-$(find_binaries)}
    for service in "${chosen[@]}"; do upgrade "$service"; done
    say "upgraded and ready: ${chosen[*]}"
fi
