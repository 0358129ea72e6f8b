#!/usr/bin/env bash
# Holds each running service against its own /openapi.json: schemathesis sends what the document allows and
# what it does not, and wants an answer that the document describes. MONLIGHT_BIN holds the binaries,
# EXAMPLES (30) says how much is tried of each operation. Two services at a time: each takes one core.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${MONLIGHT_BIN:-target/debug}
key=mk_schemathesis_0123456789abcdefghijklmnop
work=$(mktemp -d)
# shellcheck disable=SC2046
finish() { kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

# A mail server is named, else the test mail is refused with the 503 of the contract; nobody listens there.
export API_KEY=$key ADMIN_API_KEY=$key LISTEN_ADDR=127.0.0.1:0 RATE_LIMIT=0 VANTAGE_RATE_LIMIT=0 TRUSTED_PROXIES=127.0.0.1 \
    SMTP_HOST=127.0.0.1 SMTP_PORT=1 ALERT_EMAILS=ops@example.com
export PYTHONPATH=scripts PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks

# check SERVICE: starts it, has it tried, stops it. In a shell of its own, whose end is the service's as well.
check() {
    local service=$1 log=$work/$1.log report=$work/$1.report address
    DATABASE_PATH="$work/$service.db" "$bin/$service" 2>"$log" >/dev/null &
    pid=$!
    trap 'kill -TERM "$pid" 2>/dev/null || true' EXIT
    until address=$(grep -om1 'http://127[0-9.:]*' "$log"); do
        kill -0 "$pid" 2>/dev/null || { cat "$log" >&2; return 1; }
        sleep 0.1
    done
    # One worker: hypothesis changes the recursion limit, and while another thread parses Python's own source,
    # CPython 3.11 ends that with "AST constructor recursion depth mismatch".
    .venv/bin/schemathesis --config-file scripts/schemathesis.toml run "$address/openapi.json" \
        -n "${EXAMPLES:-30}" -w 1 --seed 1 -H "X-API-Key: $key" --no-color >"$report" 2>&1 \
        || { cat "$report"; tail -n 20 "$log"; return 1; }
    echo "schemathesis, $service: $(grep -E 'generated' "$report" | tail -n 1), $(tail -n 1 "$report" | tr -d "=")"
    kill -TERM "$pid" && wait "$pid"
}

# One after the other of `$@`, the exit code of the first that fails.
check_all() { for service in "$@"; do (check "$service") || return; done; }

check_all error-tracker browser-relay &
first=$!
check_all log-viewer metrics-collector &
second=$!
failed=0
wait "$first" || failed=1
wait "$second" || failed=1
exit "$failed"
