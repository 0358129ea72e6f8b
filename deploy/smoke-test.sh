#!/usr/bin/env bash
# Walks every main path of the four services on any running stack, and says of each whether it works.
#
#   usage: API_KEY_FILE=… smoke-test.sh [SERVICE...]     all four, if none is named
#
#   API_KEY, API_KEY_FILE    a key with the scope admin (/etc/monlight/api.key)
#   ADMIN_API_KEY(_FILE)     the relay's, if it has another
#   ERROR_TRACKER_URL, LOG_VIEWER_URL, METRICS_COLLECTOR_URL, BROWSER_RELAY_URL
#                            where they are (http://127.0.0.1:5010 to 5013); any path prefix is fine
#
# It tidies up: its error and its public key are deleted again; a log line and a sample of the project
# `smoke-test` stay until retention takes them. Exit code 0 if all is well, 1 if not. Needs curl.
set -uo pipefail
umask 077

tracker=${ERROR_TRACKER_URL:-http://127.0.0.1:5010}
viewer=${LOG_VIEWER_URL:-http://127.0.0.1:5011}
collector=${METRICS_COLLECTOR_URL:-http://127.0.0.1:5012}
relay=${BROWSER_RELAY_URL:-http://127.0.0.1:5013}
key=${API_KEY:-$(cat "${API_KEY_FILE:-/etc/monlight/api.key}" 2>/dev/null)}
relay_key=${ADMIN_API_KEY:-$(cat "${ADMIN_API_KEY_FILE:-/dev/null}" 2>/dev/null)}
relay_key=${relay_key:-$key}
[ -n "$key" ] || { echo "smoke-test.sh: no key: set API_KEY or API_KEY_FILE" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# In files, so that no key is in the list of processes.
printf 'X-API-Key: %s\n' "$key" >"$work/key"
printf 'X-API-Key: %s\n' "$relay_key" >"$work/relay-key"
marker="smoke$(date +%s)x$RANDOM"
: >"$work/body"
n_checks=0 n_failed=0 service='' status='' body=''

# ask METHOD URL [CURL OPTION...]: leaves the answer in `status`, `body` and the file `headers`.
ask() {
    local method=$1 url=$2
    shift 2
    status=$(curl --silent --show-error --max-time 20 --request "$method" --dump-header "$work/headers" \
        --output "$work/body" --write-out '%{http_code}' "$@" -- "$url" 2>"$work/problem") || status=000
    body=$(tr -d '\0' <"$work/body" 2>/dev/null)
    [ "$status" != 000 ] || body=$(cat "$work/problem")
}

# check WHAT CONDITION...: one line of the report.
check() {
    local what=$1
    shift
    n_checks=$((n_checks + 1))
    if "$@"; then
        printf 'ok    %-18s %s\n' "$service" "$what"
    else
        n_failed=$((n_failed + 1))
        printf 'FAIL  %-18s %s\n' "$service" "$what"
        printf '      %s\n' "answered $status: ${body:0:300}"
    fi
}

# Conditions about the last answer.
answered() { [[ " $1 " == *" $status "* ]]; }
says() { answered "$1" && [[ $body == *"$2"* ]]; }
has_header() { answered "$1" && grep -qi "^$2" "$work/headers"; }
# number NAME: the first number of that name in the body.
number() { grep -o "\"$1\": *[0-9]*" <<<"$body" | head -n 1 | grep -o '[0-9]*$'; }

# asked_until CONDITION... -- ASK ARGUMENTS...: asks again for up to 15 s until it holds.
asked_until() {
    local condition=() deadline=$((SECONDS + 15))
    while [ "$1" != -- ]; do condition+=("$1"); shift; done
    shift
    until ask "$@" && "${condition[@]}"; do
        # Nobody there: waiting helps nothing.
        [ "$status" != 000 ] && [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.2
    done
}

# common URL KEYFILE KEY: what all four have.
common() {
    local url=$1 keyfile=$2 secret=$3
    ask GET "$url/health"
    check "is alive" says 200 '"status"'
    ask GET "$url/ready"
    check "would store a write" says 200 ready
    ask GET "$url/metrics" -H @"$keyfile"
    check "tells its own figures" says 200 monlight_
    ask GET "$url/metrics"
    check "tells nothing without a key" answered 401
    ask GET "$url/openapi.json"
    check "describes its API" says 200 '"openapi"'
    ask GET "$url/"
    check "shows no page without signing in" answered "303 302 401"
    printf 'key=%s' "$secret" >"$work/form"
    rm -f "$work/cookies"
    ask POST "$url/login" -H 'Sec-Fetch-Site: same-origin' --data-binary @"$work/form" --cookie-jar "$work/cookies"
    check "signs in" answered "303 302"
    # Behind TLS the cookie is for TLS only; curl keeps to that.
    ask GET "$url/" --cookie "$work/cookies"
    check "shows its page" says 200 '</html>'
    check "allows no foreign script" has_header 200 "content-security-policy: .*default-src 'none'"
}

errors() {
    service=error-tracker
    common "$tracker" "$work/key" "$key"
    ask POST "$tracker/api/errors" -H 'X-API-Key: wrong' -d '{}'
    check "refuses a wrong key" answered 401
    local report='{"project": "smoke-test", "exception_type": "SmokeTest", "message": "'$marker'",
        "traceback": "File \"'$marker'.py\", line 1, in walk", "environment": "smoke-test"}'
    ask POST "$tracker/api/errors" -H @"$work/key" -H 'Content-Type: application/json' -d "$report"
    check "takes an error" says 201 '"id"'
    local id
    id=$(number id)
    ask POST "$tracker/api/errors" -H @"$work/key" -H 'Content-Type: application/json' -d "$report"
    check "counts the same error once more" says 200 '"count"'
    ask POST "$tracker/api/errors" -H @"$work/key" -H 'Content-Type: application/json' -d '{"project": 7}'
    check "says what is wrong with a report" says 400 '"detail"'
    ask GET "$tracker/api/errors/$id" -H @"$work/key"
    check "shows it with its trace" says 200 "$marker.py"
    check "found in the list" asked_until says 200 "$marker" -- \
        GET "$tracker/api/errors?project=smoke-test&search=$marker" -H @"$work/key"
    ask POST "$tracker/api/errors/$id/resolve" -H @"$work/key"
    check "resolves it" answered 200
    ask DELETE "$tracker/api/errors/$id" -H @"$work/key"
    check "deletes it" answered "200 204"
}

logs() {
    service=log-viewer
    common "$viewer" "$work/key" "$key"
    ask POST "$viewer/api/logs?container=smoke-test" -H @"$work/key" -H 'Content-Type: application/json' \
        -d '[{"message": "walking past '"$marker"'", "level": "WARNING"}]'
    check "takes a line" answered 200
    check "finds it by a word" asked_until says 200 "$marker" -- \
        GET "$viewer/api/logs?container=smoke-test&search=$marker" -H @"$work/key"
    local id
    id=$(number id)
    ask GET "$viewer/api/logs/${id:-0}/context" -H @"$work/key"
    check "shows what stood around it" says 200 "$marker"
    ask GET "$viewer/api/logs/histogram?container=smoke-test" -H @"$work/key"
    check "draws volume over time" answered 200
    ask GET "$viewer/api/containers" -H @"$work/key"
    check "lists where lines come from" says 200 smoke-test
    # From the entry before it, so that the line is told whenever the tail begins. It ends with the first match.
    status=stream
    exec 3< <(exec curl --silent --no-buffer --max-time 15 -H @"$work/key" -H "Last-Event-ID: $((${id:-1} - 1))" \
        "$viewer/api/logs/tail?container=smoke-test" 2>/dev/null)
    local tail=$!
    body=$(grep -m 1 "$marker" <&3)
    kill "$tail" 2>/dev/null
    exec 3<&-
    check "tells it live" test -n "$body"
}

metrics() {
    service=metrics-collector
    common "$collector" "$work/key" "$key"
    ask POST "$collector/api/metrics" -H @"$work/key" -H 'Content-Type: application/json' -d '[
        {"name": "smoke_test_total", "type": "counter", "value": 3, "project": "smoke-test", "labels": {"run": "'"$marker"'"}},
        {"name": "smoke_test_seconds", "type": "histogram", "value": 0.25, "project": "smoke-test"}]'
    check "takes samples" answered 202
    ask POST "$collector/api/metrics" -H @"$work/key" -H 'Content-Type: application/json' -d '[{"name": 1}]'
    check "says what is wrong with a sample" says 400 '"detail"'
    check "knows the name" asked_until says 200 smoke_test_total -- \
        GET "$collector/api/metrics/names?project=smoke-test" -H @"$work/key"
    check "answers a query" asked_until says 200 '"data"' -- \
        GET "$collector/api/metrics?name=smoke_test_seconds&project=smoke-test&period=1h" -H @"$work/key"
    check "with the value" says 200 0.25
    ask GET "$collector/api/metrics/csv?name=smoke_test_total&project=smoke-test&period=1h" -H @"$work/key"
    check "gives a table away" answered 200
    ask GET "$collector/api/dashboard?period=1h" -H @"$work/key"
    check "fills the dashboard" answered 200
}

browser() {
    service=browser-relay
    common "$relay" "$work/relay-key" "$relay_key"
    ask POST "$relay/api/dsn-keys" -H @"$work/relay-key" -H 'Content-Type: application/json' \
        -d '{"project": "smoke-test", "origins": ["https://smoke-test.example"]}'
    check "makes a public key" says 201 '"public_key"'
    local id public
    id=$(number id)
    public=$(grep -o '"public_key": *"[^"]*"' <<<"$body" | cut -d '"' -f 4)
    local page=(-H 'Origin: https://smoke-test.example' -H "X-Monlight-Key: $public" -H 'Content-Type: application/json')
    ask OPTIONS "$relay/api/browser/errors" -H 'Origin: https://smoke-test.example' \
        -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: x-monlight-key,content-type'
    check "lets that origin ask" has_header "200 204" 'access-control-allow-origin: https://smoke-test.example'
    ask POST "$relay/api/browser/errors" -H "X-Monlight-Key: $public" -H 'Origin: https://else.example' -d '{}'
    check "refuses another origin" answered 403
    ask POST "$relay/api/browser/errors" "${page[@]}" -d '{"type": "SmokeTest", "message": "browser '"$marker"'",
        "stack": "SmokeTest: '"$marker"'\n    at walk (https://smoke-test.example/'"$marker"'.js:1:1)"}'
    check "takes an error of a page" answered "200 201 202"
    ask POST "$relay/api/browser/metrics" "${page[@]}" \
        -d '{"metrics": [{"name": "web_vitals_lcp", "type": "histogram", "value": 1200}]}'
    check "takes metrics of a page" answered 202
    check "the error reached the tracker" asked_until says 200 "browser $marker" -- \
        GET "$tracker/api/errors?project=smoke-test&search=$marker" -H @"$work/key"
    ask DELETE "$tracker/api/errors/$(number id)" -H @"$work/key"
    check "the metric reached the collector" asked_until says 200 web_vitals_lcp -- \
        GET "$collector/api/metrics/names?project=smoke-test" -H @"$work/key"
    ask DELETE "$relay/api/dsn-keys/$id" -H @"$work/relay-key"
    check "takes the key back" answered "200 204"
    ask POST "$relay/api/browser/errors" "${page[@]}" -d '{}'
    check "and it is dead" answered 401
}

[ $# -gt 0 ] || set -- error-tracker log-viewer metrics-collector browser-relay
for chosen in "$@"; do
    case $chosen in
        error-tracker) errors ;;
        log-viewer) logs ;;
        metrics-collector) metrics ;;
        browser-relay) browser ;;
        *) echo "smoke-test.sh: no such service: $chosen" >&2; exit 2 ;;
    esac
done
printf '\n%d checks, %d failed\n' "$n_checks" "$n_failed"
[ "$n_failed" -eq 0 ]
