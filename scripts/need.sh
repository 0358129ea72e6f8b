#!/usr/bin/env bash
# Makes sure that what the tests need is there: `need.sh python`, `need.sh client`, `need.sh node`, `need.sh chromium`, `need.sh mount`,
# `need.sh charts`, `need.sh sdk`, `need.sh proxies`, `need.sh shellcheck`, `need.sh faketime`.
# Installs Debian packages where it may (root); else says in one line what is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

# package NAME...: installs Debian packages, or says that they are missing.
package() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        { apt-get install -y -qq --no-install-recommends "$@" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends "$@"; }; } >/dev/null 2>&1 \
            || { echo "missing: $* (apt-get install $* failed)" >&2; return 1; }
    else
        echo "missing: $* (as root: apt-get install $*)" >&2
        return 1
    fi
}

python() {
    command -v python3 >/dev/null || package python3 python3-venv
    [ -x .venv/bin/python ] && [ .venv/ready -nt tests/clients/requirements.txt ] && return
    python3 -m venv .venv 2>/dev/null || { package python3-venv && python3 -m venv .venv; }
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
    touch .venv/ready
}

# An environment of its own, since the tests of `tests/clients` have the published package of the same name.
client() (
    cd clients/python
    [ -x .venv/bin/python ] && [ .venv/ready -nt requirements.txt ] && return
    python3 -m venv .venv 2>/dev/null || { package python3-venv && python3 -m venv .venv; }
    .venv/bin/pip install --quiet --disable-pip-version-check -r requirements.txt
    touch .venv/ready
)

node() {
    command -v npm >/dev/null || package nodejs npm
    [ e2e/node_modules/.package-lock.json -nt e2e/package-lock.json ] && return
    npm ci --prefix e2e --ignore-scripts --no-audit --no-fund --loglevel=error
}

# The chart library, which the next build embeds. It is not needed: without it pages show tables.
charts() {
    [ shared/ui/node_modules/.package-lock.json -nt shared/ui/package-lock.json ] && return
    command -v npm >/dev/null || { echo "npm is missing, so the pages show tables in place of charts"; return; }
    npm ci --prefix shared/ui --ignore-scripts --no-audit --no-fund --loglevel=error \
        || echo "npm could not fetch uPlot, so the pages show tables in place of charts"
}

# The SDK, which the next build of the relay embeds. Without npm the relay's /sdk/ is empty.
sdk() {
    command -v npm >/dev/null || { echo "npm is missing, so the relay has no /sdk/"; return; }
    if [ ! clients/js/node_modules/.package-lock.json -nt clients/js/package-lock.json ]; then
        npm ci --prefix clients/js --ignore-scripts --no-audit --no-fund --loglevel=error \
            || { echo "npm could not fetch what the SDK is built of, so the relay has no /sdk/"; return; }
    fi
    # The licences are written last.
    local built=clients/js/dist/THIRD-PARTY-LICENSES.txt
    if [ -z "$(find clients/js/src clients/js/build.mjs clients/js/package-lock.json -newer "$built" 2>&1 | head -n 1)" ]; then return; fi
    npm run --silent build --prefix clients/js
}

chromium() {
    command -v chromium >/dev/null || package chromium fonts-dejavu-core
}

# Debian's caddy and nginx, for the journeys through them. Unpacked, not installed: an installed one would start at once.
proxies() {
    local folder=target/proxies name
    for name in caddy nginx; do
        if command -v "$name" >/dev/null || [ -n "$(find "$folder" -path "*bin/$name" 2>/dev/null)" ]; then continue; fi
        mkdir -p "$folder"
        (cd "$folder" && { apt-get download -qq "$name" || { apt-get update -qq && apt-get download -qq "$name"; }; } >/dev/null 2>&1 \
            && dpkg-deb -x "$name"_*.deb . && rm "$name"_*.deb) \
            || echo "missing: $name (Debian's package), so no journey goes through it"
    done
}

# For the power-cut test; without it that test says so and is skipped.
mount() {
    command -v xfs_io >/dev/null || package xfsprogs || true
}

# For the test of a clock that jumps; without it that test says so and is skipped.
faketime() {
    type -P faketime >/dev/null || package faketime || true
}

# Without it `make check` says so and leaves the shell scripts unread.
shellcheck() {
    type -P shellcheck >/dev/null || package shellcheck || true
}

for what in "$@"; do "$what"; done
