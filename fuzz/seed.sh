#!/bin/sh
# Fills corpus/<target>/ with the fixtures of the room each target tests. Run again whenever fixtures change.
set -eu
cd "$(dirname "$0")"

# seed <target> <file>…
seed() {
    target=$1
    shift
    mkdir -p "corpus/$target"
    cp "$@" "corpus/$target/"
}

seed stacktrace ../shared/stacktrace/fixtures/*.txt
seed error_report seeds/error_report/*
seed search_query seeds/search_query/*
seed docker_line seeds/docker_line/*
seed joiner ../log-viewer/src/domain/lines_table.txt ../log-viewer/src/domain/joining_table.txt ../shared/stacktrace/fixtures/*.txt
seed source_map seeds/source_map/*
seed browser ../shared/stacktrace/fixtures/*.txt seeds/browser/*
seed log_query seeds/log_query/*
seed metrics_json seeds/metrics_json/*
seed exposition seeds/exposition/*
seed scrub ../shared/stacktrace/fixtures/*.txt seeds/error_report/* seeds/scrub/*
seed credentials seeds/credentials/*
python3 door_seeds.py corpus
seed malti_body seeds/malti_body/*
seed vantage_body seeds/vantage_body/*
seed vql seeds/vql/*
