#!/usr/bin/env bash
# Installs all four services on a Debian-like host, with keys made here, and starts them under systemd.
# Run again, it brings units and scripts up to date and leaves settings, keys and data as they are.
#
#   usage: install.sh [--bin FOLDER] [--no-start]
#
#   --bin FOLDER   where the binaries are (../bin in a release, else target/release: run `make build`)
#   --no-start     only puts everything in place
#
# Where systemd does not run (a container, a chroot) everything is put in place as well, and it says how to start.
set -euo pipefail
umask 022
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

bin='' start=1
while [ $# -gt 0 ]; do
    case $1 in
        --bin) bin=${2:?--bin needs a folder} && shift 2 ;;
        --no-start) start='' && shift ;;
        *) fail "unknown argument: $1" ;;
    esac
done
[ "$(id -u)" = 0 ] || fail "run it as root: it makes users and writes to /etc"
for needed in useradd groupadd getent install sha256sum base64; do
    command -v "$needed" >/dev/null || fail "missing: $needed"
done
bin=${bin:-$(find_binaries)}
for service in "${services[@]}"; do
    [ -x "$bin/$service" ] || fail "no $service in $bin"
    "$bin/$service" --version >/dev/null || fail "$bin/$service does not run on this machine"
done

# A user for each, so that none can read what is another's; the group may read what all share.
make_users() {
    local service
    getent group monlight >/dev/null || groupadd --system monlight
    for service in "${services[@]}"; do
        getent group "monlight-$service" >/dev/null || groupadd --system "monlight-$service"
        getent passwd "monlight-$service" >/dev/null || useradd --system --gid "monlight-$service" --groups monlight \
            --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin "monlight-$service"
    done
}

make_folders() {
    local service
    install -d -m 750 -o root -g monlight "$etc"
    install -d -m 755 "$state" "$lib"
    install -d -m 700 "$backups"
    for service in "${services[@]}"; do
        install -d -m 700 -o "monlight-$service" -g "monlight-$service" "$state/$service"
    done
}

# make_key FILE GROUP PREFIX: 256 random bits, once; that group may read it.
make_key() {
    [ ! -s "$etc/$1" ] || return 0
    (umask 077 && printf '%s%s\n' "$3" "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')" >"$etc/$1.new")
    chgrp "$2" "$etc/$1.new"
    chmod 640 "$etc/$1.new"
    mv "$etc/$1.new" "$etc/$1"
}

# listed NAME SCOPE FILE: an entry of keys.toml, by its hash.
listed() {
    printf '\n[[keys]]\nname = "%s"\nhash = "sha256:%s"\nscopes = ["%s"]\n' \
        "$1" "$(tr -d '\n' <"$etc/$3" | sha256sum | cut -d ' ' -f 1)" "$2"
}

make_keys() {
    make_key api.key monlight mk_
    make_key session.secret monlight ''
    make_key apps.key root mk_
    make_key relay.key monlight-browser-relay mk_
    make_key scrape.key monlight-metrics-collector mk_
    [ ! -e "$etc/keys.toml" ] || return 0
    {
        echo "# Keys beside api.key, read again when this changes. Scopes: ingest, read, admin."
        listed apps ingest apps.key
        listed browser-relay ingest relay.key
        listed metrics-collector read scrape.key
    } >"$etc/keys.toml"
    chgrp monlight "$etc/keys.toml"
    chmod 640 "$etc/keys.toml"
}

# variable SERVICE: its name in variables, ERROR_TRACKER.
variable() { tr a-z- A-Z_ <<<"$1"; }

# write_settings SERVICE PORT: once; from then on the file is the operator's.
write_settings() {
    local service=$1 port=$2 other other_port file=$etc/$1.env
    [ ! -e "$file" ] || return 0
    {
        echo "# Settings of $service; \`$lib/$service --help\` lists them all. \`systemctl restart monlight-$service\` reads them."
        echo "LISTEN_ADDR=127.0.0.1:$port"
        echo "DATABASE_PATH=$state/$service/$(database_name "$service")"
        if [ "$service" = browser-relay ]; then echo "ADMIN_API_KEY_FILE=$etc/api.key"; else echo "API_KEY_FILE=$etc/api.key"; fi
        echo "API_KEYS_FILE=$etc/keys.toml"
        echo "SESSION_SECRET_FILE=$etc/session.secret"
        other_port=5010
        for other in "${services[@]}"; do
            [ "$other" = "$service" ] || echo "$(variable "$other")_PAGE=http://127.0.0.1:$other_port/"
            if [ "$service" = browser-relay ] && [ "$other" != "$service" ]; then
                echo "$(variable "$other")_URL=http://127.0.0.1:$other_port"
                echo "$(variable "$other")_API_KEY_FILE=$etc/relay.key"
            fi
            other_port=$((other_port + 1))
        done
        if [ "$service" = metrics-collector ]; then
            echo "# The stack watches itself."
            echo "SCRAPE_TARGETS=error-tracker=http://127.0.0.1:5010/metrics,log-viewer=http://127.0.0.1:5011/metrics,metrics-collector=http://127.0.0.1:5012/metrics,browser-relay=http://127.0.0.1:5013/metrics"
            echo "SCRAPE_TOKEN_FILE=$etc/scrape.key"
        fi
        echo "# Behind a reverse proxy: where people reach it, and whose X-Forwarded-For counts."
        echo "#BASE_URL=https://mon.example.com/$service"
        echo "#TRUSTED_PROXIES=127.0.0.1"
        if [ "$service" = error-tracker ]; then
            echo "# Mail: who is told of new and returning errors."
            echo "#SMTP_HOST=mail.example.com"
            echo "#SMTP_FROM=monlight@example.com"
            echo "#ALERT_EMAILS=ops@example.com"
        fi
        if [ "$service" = log-viewer ]; then
            echo "# Plain files beside Docker's logs."
            echo "#LOG_FILES=shop=/var/log/shop/*.log"
        fi
    } >"$file.new"
    chgrp monlight "$file.new"
    chmod 640 "$file.new"
    mv "$file.new" "$file"
}

database_name() {
    case $1 in
        error-tracker) echo errors.db ;;
        log-viewer) echo logs.db ;;
        metrics-collector) echo metrics.db ;;
        browser-relay) echo relay.db ;;
    esac
}

make_users
make_folders
make_keys
port=5010
for service in "${services[@]}"; do
    write_settings "$service" "$port"
    port=$((port + 1))
    # A running one is upgraded with care, by upgrade.sh.
    [ -e "$lib/$service" ] || put_binary "$bin/$service" "$lib/$service"
    cmp -s "$bin/$service" "$lib/$service" || say "$service is installed already: upgrade.sh --bin $bin brings it to $("$bin/$service" --version | cut -d ' ' -f 2)"
done
install -d "$lib/deploy" /etc/systemd/system
for script in "$here"/*.sh; do
    [ "$here" = "$lib/deploy" ] || install -m 755 "$script" "$lib/deploy/${script##*/}"
done
[ "$here" = "$lib/deploy" ] || cp -r "$here/systemd" "$lib/deploy/"
install -m 644 "$here"/systemd/* /etc/systemd/system/
say "In place: binaries in $lib, settings and keys in $etc, data in $state."

if [ ! -d /run/systemd/system ]; then
    say "systemd does not run here, so nothing was started; the units are in /etc/systemd/system. By hand, for each service:"
    say "  $lib/deploy/without-systemd.sh start SERVICE"
    exit
fi
systemctl daemon-reload
[ -n "$start" ] || { say "Not started, as asked. Start: systemctl enable --now monlight-{error-tracker,log-viewer,metrics-collector,browser-relay} monlight-backup.timer"; exit; }
systemctl --quiet enable --now monlight-backup.timer
for service in "${services[@]}"; do systemctl --quiet enable --now "monlight-$service"; done
for service in "${services[@]}"; do
    wait_ready "$service" || fail "$service is not ready: journalctl -u monlight-$service"
done
cat <<TEXT

All four services run, and a backup is made every night into $backups.

  Errors    http://127.0.0.1:5010      Metrics   http://127.0.0.1:5012
  Logs      http://127.0.0.1:5011      Browser   http://127.0.0.1:5013

Sign in once for all, with the key in $etc/api.key or by this link within the hour:

  $(call error-tracker login-link)

Apps send with the key in $etc/apps.key, which can do nothing else.
Does all of it work? $lib/deploy/smoke-test.sh
TEXT
