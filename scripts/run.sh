#!/usr/bin/env bash
# Starts all four services on loopback with keys made at first use; Ctrl-C stops them cleanly.
# MONLIGHT_DATA (./data) holds databases, keys and logs; MONLIGHT_PORT (5010) is the first of four ports;
# MONLIGHT_BIN (target/quick) holds the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

data=${MONLIGHT_DATA:-data}
port=${MONLIGHT_PORT:-5010}
bin=${MONLIGHT_BIN:-target/quick}
services=(error-tracker log-viewer metrics-collector browser-relay)
databases=(errors.db logs.db metrics.db relay.db)
pages=(ERROR_TRACKER_PAGE LOG_VIEWER_PAGE METRICS_COLLECTOR_PAGE BROWSER_RELAY_PAGE)
pids=()

umask 077
mkdir -p "$data"

# make_secret FILE PREFIX: 256 random bits, once.
make_secret() {
    [ -s "$1" ] && return
    printf '%s%s\n' "$2" "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')" >"$1.new"
    mv "$1.new" "$1"
}

stop() {
    trap '' INT TERM
    [ ${#pids[@]} -eq 0 ] || kill -TERM "${pids[@]}" 2>/dev/null || true
    local failed=0
    for pid in "${pids[@]}"; do wait "$pid" || failed=1; done
    [ "$failed" = 0 ] && echo "All four services stopped cleanly."
    return "$failed"
}

# fail SERVICE: shows why it did not start, stops the others.
fail() {
    echo "$1 did not start. The end of $data/$1.log:" >&2
    tail -n 5 "$data/$1.log" >&2
    stop || true
    exit 1
}

make_secret "$data/api.key" mk_
make_secret "$data/session.secret" ''
export API_KEY_FILE="$data/api.key" ADMIN_API_KEY_FILE="$data/api.key" SESSION_SECRET_FILE="$data/session.secret"
unset API_KEY ADMIN_API_KEY SESSION_SECRET DATABASE_PATH LISTEN_ADDR
# The pages that one tries it with are on this machine, and no noise here.
export NOISE_FILTERS="${NOISE_FILTERS:-browser_extension,script_error,resize_observer,bot}"
# So that a whole day of the demo is taken.
export RETENTION_RAW="${RETENTION_RAW:-26}"
# The stack watches itself, unless there are targets already.
if [ -z "${SCRAPE_TARGETS:-}${SCRAPE_TARGETS_FILE:-}" ]; then
    for i in "${!services[@]}"; do
        SCRAPE_TARGETS+="${services[$i]}=http://127.0.0.1:$((port + i))/metrics "
    done
    SCRAPE_TARGETS=$(tr ' ' ',' <<<"${SCRAPE_TARGETS% }")
    export SCRAPE_TARGETS SCRAPE_TOKEN_FILE="$data/api.key"
fi

trap 'stop; exit $?' INT TERM
for i in "${!services[@]}"; do
    pages_env=()
    for j in "${!services[@]}"; do
        [ "$i" = "$j" ] || pages_env+=("${pages[$j]}=http://127.0.0.1:$((port + j))/")
    done
    # The log viewer follows the stack's own output: rotated here, so that it loses nothing of the last run.
    [ -s "$data/${services[$i]}.log" ] && mv "$data/${services[$i]}.log" "$data/${services[$i]}.log.1"
    # The relay forwards to the other three, and takes no key for sending: browsers show a DSN.
    [ "${services[$i]}" != browser-relay ] || pages_env=(
        --unset=API_KEY_FILE "${pages_env[@]}"
        "ERROR_TRACKER_URL=http://127.0.0.1:$port" "ERROR_TRACKER_API_KEY_FILE=$data/api.key"
        "LOG_VIEWER_URL=http://127.0.0.1:$((port + 1))" "LOG_VIEWER_API_KEY_FILE=$data/api.key"
        "METRICS_COLLECTOR_URL=http://127.0.0.1:$((port + 2))" "METRICS_COLLECTOR_API_KEY_FILE=$data/api.key"
    )
    env "${pages_env[@]}" LISTEN_ADDR="127.0.0.1:$((port + i))" DATABASE_PATH="$data/${databases[$i]}" \
        LOG_FILES="${LOG_FILES-$(cd "$data" && pwd)/*.log}" \
        "$bin/${services[$i]}" >"$data/${services[$i]}.log" 2>&1 &
    pids+=($!)
done
for i in "${!services[@]}"; do
    until LISTEN_ADDR="127.0.0.1:$((port + i))" "$bin/${services[$i]}" --healthcheck 2>/dev/null; do
        kill -0 "${pids[$i]}" 2>/dev/null || fail "${services[$i]}"
        sleep 0.1
    done
    # Somebody else may hold the port and answer in its place.
    kill -0 "${pids[$i]}" 2>/dev/null || fail "${services[$i]}"
done
link=$(LISTEN_ADDR="127.0.0.1:$port" "$bin/error-tracker" login-link)

cat <<TEXT

Monlight is running.

  Errors    http://127.0.0.1:$port
  Logs      http://127.0.0.1:$((port + 1))
  Metrics   http://127.0.0.1:$((port + 2))
  Browser   http://127.0.0.1:$((port + 3))

Sign in once for all four, by this link within the hour:

  $link

or any time with the API key (kept in $data/api.key):

  $(cat "$data/api.key")

Send a first error, then look at the Errors page:

  curl http://127.0.0.1:$port/api/errors \\
    -H "X-API-Key: $(cat "$data/api.key")" \\
    -H "Content-Type: application/json" \\
    -d '{"project": "shop", "exception_type": "HelloError", "message": "my first error",
         "traceback": "File \\"hello.py\\", line 1, in <module>"}'

or a first metric, then look at the Metrics page:

  curl http://127.0.0.1:$((port + 2))/api/metrics \\
    -H "X-API-Key: $(cat "$data/api.key")" \\
    -d '[{"name": "orders_total", "type": "counter", "value": 1, "project": "shop"}]'

Logs of the services themselves are in $data/*.log. Ctrl-C stops all four.
TEXT

# Ends when one of them ends, or by the trap.
wait -n "${pids[@]}" || true
for i in "${!services[@]}"; do
    kill -0 "${pids[$i]}" 2>/dev/null || { echo "${services[$i]} ended:" >&2; tail -n 5 "$data/${services[$i]}.log" >&2; }
done
stop || true
exit 1
