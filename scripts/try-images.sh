#!/usr/bin/env bash
# Makes the four images as deploy/Dockerfile does, and runs them under podman as deploy/compose.yml does: read-only,
# without capabilities, with its memory limit; then walks the smoke test inside their network, which nobody else is in.
# Needs root, buildah, podman and runc (Debian packages); no Docker.
#
#   PROFILE        release, or quick, which is built in a third of the time
#   MEMORY_LIMIT   of each (30m)
set -euo pipefail
cd "$(dirname "$0")/.."
for needed in buildah podman runc nsenter; do
    command -v "$needed" >/dev/null || { echo "missing: $needed (apt-get install buildah podman runc)" >&2; exit 1; }
done

services=(error-tracker log-viewer metrics-collector browser-relay)
work=$(mktemp -d)
# Storage of its own, which goes at the end. runc, as crun knows no hybrid cgroups.
store=(--root "$work/root" --runroot "$work/run" --storage-driver vfs)
engine=(podman "${store[@]}" --runtime runc)
finish() {
    "${engine[@]}" rm --force --time 10 "${services[@]}" >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT

printf 'FROM scratch\n%s\n' "$(sed -n '/^FROM scratch/,$p' deploy/Dockerfile | sed '1d; s/^COPY --from=build \(--chown=[0-9:]*\) \/image\//COPY \1 /')" >"$work/Dockerfile"
cp deploy/make-secrets.sh deploy/secrets.env.example "$work/"
"$work/make-secrets.sh" >/dev/null
value() { sed -n "s/^$1=//p" "$work/secrets.env"; }

deploy/image.sh "$work/image"
# Podman's own health checks are timers of systemd; here they are asked by hand.
port=5010
network=none
for service in "${services[@]}"; do
    buildah "${store[@]}" build --isolation chroot --quiet --format docker --build-arg SERVICE="$service" \
        --file "$work/Dockerfile" --tag "monlight/$service" "$work/image" >/dev/null
    given=(--env LISTEN_ADDR="127.0.0.1:$port" --env SESSION_SECRET="$(value SESSION_SECRET)" --env API_KEYS_FILE=/keys.toml)
    as=(--cap-drop ALL)
    case $service in
        browser-relay)
            given+=(--env ADMIN_API_KEY="$(value RELAY_ADMIN_API_KEY)")
            other=5010
            for name in ERROR_TRACKER LOG_VIEWER METRICS_COLLECTOR; do
                given+=(--env "${name}_URL=http://127.0.0.1:$other" --env "${name}_API_KEY=$(value INGEST_KEY)")
                other=$((other + 1))
            done
            ;;
        log-viewer)
            given+=(--env API_KEY="$(value API_KEY)")
            as+=(--user 0:0 --cap-add DAC_OVERRIDE)
            ;;
        *) given+=(--env API_KEY="$(value API_KEY)") ;;
    esac
    "${engine[@]}" run --detach --quiet --no-healthcheck --name "$service" --network "$network" --read-only "${as[@]}" \
        --security-opt no-new-privileges --memory "${MEMORY_LIMIT:-30m}" --ulimit nofile=1024:4096 --ulimit nproc=1000:2000 \
        --volume "$service:/data" --volume "$work/keys.toml:/keys.toml:ro" "${given[@]}" "monlight/$service" >/dev/null
    network=container:${services[0]}
    port=$((port + 1))
done
for service in "${services[@]}"; do
    for _ in $(seq 100); do
        "${engine[@]}" exec "$service" /service --healthcheck >/dev/null 2>&1 && break
        sleep 0.2
    done
    "${engine[@]}" exec "$service" /service --healthcheck || { "${engine[@]}" logs "$service" | tail -n 5; exit 1; }
    pid=$("${engine[@]}" inspect --format '{{.State.Pid}}' "$service")
    echo "$service: healthy, user $(sed -n 's/^Uid:\t\([0-9]*\).*/\1/p' "/proc/$pid/status"), capabilities $(sed -n 's/^CapEff:\t//p' "/proc/$pid/status"), $("${engine[@]}" image inspect --format '{{.Size}}' "monlight/$service") bytes"
done
first=$("${engine[@]}" inspect --format '{{.State.Pid}}' "${services[0]}")
API_KEY=$(value API_KEY) ADMIN_API_KEY=$(value RELAY_ADMIN_API_KEY) nsenter --net --target "$first" deploy/smoke-test.sh | grep -Ev '^ok'
for service in "${services[@]}"; do
    echo "$service: backup by the binary: $("${engine[@]}" exec "$service" /service backup /data/copy.db | head -n 1)"
    pid=$("${engine[@]}" inspect --format '{{.State.Pid}}' "$service")
    echo "$service: $(sed -n 's/^VmHWM:\t *//p' "/proc/$pid/status") at most"
done
for service in "${services[@]}"; do
    "${engine[@]}" stop --time 15 "$service" >/dev/null
    echo "$service: SIGTERM, exit code $("${engine[@]}" inspect --format '{{.State.ExitCode}}' "$service")"
done
