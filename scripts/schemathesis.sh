#!/usr/bin/env bash
# Holds each running service against its own /openapi.json: schemathesis sends what the document allows and
# what it does not, and wants an answer that the document describes. MONLIGHT_BIN holds the binaries,
# EXAMPLES (50) says how much is tried of each operation.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${MONLIGHT_BIN:-target/debug}
key=mk_schemathesis_0123456789abcdefghijklmnop
work=$(mktemp -d)
pid=
finish() { [ -z "$pid" ] || kill -TERM "$pid" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap finish EXIT

# A mail server is named, else the test mail is refused with the 503 of the contract; nobody listens there.
export API_KEY=$key ADMIN_API_KEY=$key LISTEN_ADDR=127.0.0.1:0 RATE_LIMIT=0 TRUSTED_PROXIES=127.0.0.1 \
    SMTP_HOST=127.0.0.1 SMTP_PORT=1 ALERT_EMAILS=ops@example.com
export PYTHONPATH=scripts PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=schemathesis_hooks

for service in error-tracker log-viewer metrics-collector browser-relay; do
    DATABASE_PATH="$work/$service.db" "$bin/$service" 2>"$work/log" >/dev/null &
    pid=$!
    until address=$(grep -om1 'http://127[0-9.:]*' "$work/log"); do
        kill -0 "$pid" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
        sleep 0.1
    done
    # One worker: hypothesis changes the recursion limit, and while another thread parses Python's own source,
    # CPython 3.11 ends that with "AST constructor recursion depth mismatch".
    .venv/bin/schemathesis --config-file scripts/schemathesis.toml run "$address/openapi.json" \
        -n "${EXAMPLES:-50}" -w 1 --seed 1 -H "X-API-Key: $key" --no-color >"$work/report" 2>&1 \
        || { cat "$work/report"; tail -n 20 "$work/log"; exit 1; }
    echo "schemathesis, $service: $(grep -E 'generated' "$work/report" | tail -n 1), $(tail -n 1 "$work/report" | tr -d "=")"
    kill -TERM "$pid" && wait "$pid"
    pid=
done
