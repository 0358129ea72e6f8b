# shellcheck shell=bash disable=SC2034
# What the scripts of this folder share; sourced, not run. It knows where things lie, how a service's binary is called
# with its settings, and who starts and stops services: systemd, or the program that MONLIGHT_CONTROL names.

services=(error-tracker log-viewer metrics-collector browser-relay)

# Settings of each service (NAME.env) and keys.
etc=${MONLIGHT_ETC:-/etc/monlight}
# A folder for each service's database.
state=${MONLIGHT_STATE:-/var/lib/monlight}
# A folder for each backup, named for its time.
backups=${MONLIGHT_BACKUPS:-/var/backups/monlight}
# The binaries.
lib=${MONLIGHT_LIB:-/usr/local/lib/monlight}

say() { printf '%s\n' "$*"; }
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# is_service NAME
is_service() { [[ " ${services[*]} " == *" $1 "* ]]; }

# installed: the services that have settings here, one a line.
installed() {
    local service
    for service in "${services[@]}"; do
        [ ! -f "$etc/$service.env" ] || say "$service"
    done
}

# settings SERVICE: its NAME=VALUE lines, as systemd reads an EnvironmentFile.
settings() {
    sed -n -E 's/^[[:space:]]*([A-Z_]+)=(.*)$/\1=\2/p' "$etc/$1.env" |
        sed -E "s/^([A-Z_]+)=\"(.*)\"[[:space:]]*\$/\1=\2/; s/^([A-Z_]+)='(.*)'[[:space:]]*\$/\1=\2/"
}

# setting SERVICE NAME: that one's value, nothing if it is not set.
setting() { settings "$1" | sed -n "s/^$2=//p" | tail -n 1; }

# with_settings SERVICE [NAME=VALUE...] -- COMMAND...: becomes the command, with the service's settings, these, and no
# others. `env` would show passwords in the list of processes for a moment.
with_settings() {
    local lines name
    mapfile -t lines < <(settings "$1")
    shift
    while [ "$1" != -- ]; do lines+=("$1") && shift; done
    shift
    for name in $(compgen -e); do [ "$name" = PATH ] || unset -v "$name"; done
    [ ${#lines[@]} -eq 0 ] || export "${lines[@]}"
    exec "$@"
}

# call_binary FILE SERVICE ARGUMENT...: a binary with the service's settings; for `limit` seconds, if set.
call_binary() {
    local file=$1 service=$2
    shift 2
    (with_settings "$service" -- ${limit:+timeout "$limit"} "$file" "$@")
}

# find_binaries: where new binaries are: beside these scripts in a release, or as `make build` leaves them.
find_binaries() {
    local here folder
    here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    for folder in "$here/bin" "$here/target/release"; do
        [ ! -x "$folder/${services[0]}" ] || { say "$folder"; return; }
    done
    fail "no binaries in $here/bin or $here/target/release: run make build, or name their folder with --bin"
}

# put_binary FROM TO: all at once, so that nobody ever starts half of one.
put_binary() { install -m 755 "$1" "$2.new" && mv -f "$2.new" "$2"; }

# call SERVICE ARGUMENT...: the installed binary.
call() { call_binary "$lib/$1" "$@"; }

# control start|stop|is-active SERVICE
control() {
    if [ -n "${MONLIGHT_CONTROL:-}" ]; then
        "$MONLIGHT_CONTROL" "$1" "$2"
    elif [ -d /run/systemd/system ]; then
        systemctl --quiet "$1" "monlight-$2.service"
    else
        fail "systemd does not run here: name a program in MONLIGHT_CONTROL that is called with start, stop or is-active and a service"
    fi
}

# is_ready SERVICE: a write would be stored. Binaries of before 0.2 only know how to ask whether it is alive.
is_ready() {
    local code=0
    limit=10 call "$1" ready 2>/dev/null || code=$?
    [ "$code" != 2 ] || limit=10 call "$1" --healthcheck 2>/dev/null || return 1
    [ "$code" = 0 ] || [ "$code" = 2 ]
}

# wait_ready SERVICE [SECONDS]: until it is. Fails at once if the service has ended.
wait_ready() {
    local service=$1 deadline=$((SECONDS + ${2:-60}))
    until is_ready "$service"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        control is-active "$service" || return 1
        sleep 0.2
    done
}
