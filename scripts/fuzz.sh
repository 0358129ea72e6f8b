#!/usr/bin/env bash
# Runs each fuzz target for SECONDS_EACH (60), seeded from real inputs. Needs nightly Rust and cargo-fuzz.
set -euo pipefail
cd "$(dirname "$0")/../fuzz"
command -v cargo-fuzz >/dev/null || { echo "missing: cargo-fuzz (cargo install cargo-fuzz --locked)" >&2; exit 1; }
./seed.sh
for target in $(cargo +nightly fuzz list); do
    echo "== $target"
    cargo +nightly fuzz run "$target" -- -max_total_time="${SECONDS_EACH:-60}" -rss_limit_mb=1024 -print_final_stats=1 2>&1 | tail -n 12
done
