#!/usr/bin/env bash
# Writes docs/configuration.md from what the four services say of themselves: `configuration.sh` in place,
# `configuration.sh -` to standard output. MONLIGHT_BIN says where the binaries are.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${MONLIGHT_BIN:-target/debug}

page() {
    cat <<'HEAD'
# Configuration

<!-- Made by scripts/configuration.sh from `--help`; a test holds it against the binaries. -->

Settings are environment variables, read once at the start.
Each `NAME` can be given as `NAME_FILE` too, the path of a file that holds the value: for secrets of Docker, Kubernetes and systemd.
A value that cannot be is an error at the start, with all others that there are; a name that is nearly right is a warning.

```sh
error-tracker check-config   # every setting in force and where it came from, secrets masked
error-tracker doctor         # whether all that they name is there
```

What a service is told on the command line is one command:

HEAD
    echo '```text'
    "$bin/error-tracker" --help | sed -n '/^Usage:/,/^Environment/p' | sed '/^Environment/d' | sed '$d' | sed 's/error-tracker/<service>/'
    echo '```'
    for service in error-tracker log-viewer metrics-collector browser-relay; do
        printf '\n## %s\n\n```text\n' "$service"
        "$bin/$service" --help | sed -n '/^Environment variables:/,/^Each variable/p' | sed '1d;/^Each variable/d' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
        echo '```'
    done
}

case ${1:-} in
-) page ;;
'') page >docs/configuration.md.new && mv docs/configuration.md.new docs/configuration.md ;;
*) echo "usage: $0 [-]" >&2 && exit 2 ;;
esac
