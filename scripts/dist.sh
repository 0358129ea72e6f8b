#!/usr/bin/env bash
# A release as it is handed out: dist/monlight-linux-ARCH.tar.gz with static binaries of all four services, the scripts
# of deploy/, licence, changelog and what each binary is built of (CycloneDX); beside it the sums of all.
#
#   PROFILE   release, or quick, which is built in a third of the time
set -euo pipefail
cd "$(dirname "$0")/.."

name=monlight-linux-$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/$name/bin" "$work/$name/sbom" dist
deploy/image.sh "$work/image"
for service in error-tracker log-viewer metrics-collector browser-relay; do
    mv "$work/image/$service/service" "$work/$name/bin/$service"
    python3 scripts/sbom.py "$service" >"$work/$name/sbom/$service.cdx.json"
done
git ls-files deploy | while read -r file; do install -D -m "$([ -x "$file" ] && echo 755 || echo 644)" "$file" "$work/$name/$file"; done
cp LICENSE CHANGELOG.md "$work/$name/"
python3 scripts/release.py versions >"$work/$name/VERSIONS"
(cd "$work/$name" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum >SHA256SUMS)
# The same files make the same archive: sorted, of nobody, dated by the commit.
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$(git log -1 --format=%ct)" -cf - "$name" | gzip -n >"dist/$name.tar.gz"
(cd dist && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
ls -l dist | tail -n +2
