#!/usr/bin/env bash
# Starts and stops services where no systemd runs: a container, a chroot, a test. Nothing starts them again when they
# end. The other scripts call it where MONLIGHT_CONTROL names it; log and process id lie beside the databases' folders.
#
#   usage: without-systemd.sh start|stop|is-active SERVICE
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

[ $# = 2 ] || fail "usage: without-systemd.sh start|stop|is-active SERVICE"
verb=$1 service=$2
is_service "$service" || fail "no such service: $service"
pid_file=$state/$service.pid

# began PID: when it was started, in ticks; the number alone may be another's by now. Nothing if it has ended, also
# where nobody waited for it and it is still listed, as a zombie.
began() {
    local stat
    { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
    # What follows the name, which may hold anything.
    read -ra stat <<<"${stat##*) }"
    [ "${stat[0]}" = Z ] || echo "${stat[19]}"
}

is_active() {
    local pid ticks
    read -r pid ticks 2>/dev/null <"$pid_file" && [ -n "$ticks" ] && [ "$(began "$pid")" = "$ticks" ]
}

start() {
    local as=()
    ! is_active || return 0
    # As the unit says, where install.sh made that user and folder.
    if [ "$(id -u)" = 0 ] && [ "$(stat -c %U "$state/$service" 2>/dev/null)" = "monlight-$service" ]; then
        as=(setpriv --reuid "monlight-$service" --regid "monlight-$service" --init-groups --no-new-privs
            --bounding-set -all --inh-caps -all)
    fi
    cd /
    with_settings "$service" -- setsid ${as[0]+"${as[@]}"} "$lib/$service" </dev/null >>"$state/$service.log" 2>&1 &
    echo "$! $(began $!)" >"$pid_file"
}

stop() {
    is_active || return 0
    kill -TERM "$(cut -d ' ' -f 1 "$pid_file")"
    while is_active; do sleep 0.05; done
}

case $verb in
    start) start ;;
    stop) stop ;;
    is-active) is_active ;;
    *) fail "no such verb: $verb" ;;
esac
