#!/usr/bin/env bash
# Makes secrets.env, for compose.yml, of secrets.env.example with keys filled in, and keys.toml beside it.
# Neither is ever written over.
set -euo pipefail
umask 077
cd "$(dirname "${BASH_SOURCE[0]}")"

[ ! -e secrets.env ] && [ ! -e keys.toml ] || { echo "secrets.env or keys.toml is there already: nothing was changed" >&2; exit 1; }
key() { printf '%s%s' "$1" "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n')"; }
ingest=$(key mk_)
# `sed` reads its program from a pipe, so that no key is in the list of processes.
sed -f <(printf 's/^API_KEY=$/&%s/; s/^RELAY_ADMIN_API_KEY=$/&%s/; s/^INGEST_KEY=$/&%s/; s/^SESSION_SECRET=$/&%s/\n' \
    "$(key mk_)" "$(key mk_)" "$ingest" "$(key '')") secrets.env.example >secrets.env.new
# A hash of 256 random bits is no secret; the services in their containers are other users.
cat >keys.toml <<TOML
# Keys beside API_KEY, read again when this changes. Scopes: ingest, read, admin.
[[keys]]
name = "ingest"
hash = "sha256:$(printf '%s' "$ingest" | sha256sum | cut -d ' ' -f 1)"
scopes = ["ingest"]
TOML
chmod 644 keys.toml
mv secrets.env.new secrets.env
echo "Made secrets.env and keys.toml. Start: docker compose --env-file secrets.env up -d"
