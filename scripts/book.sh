#!/usr/bin/env bash
# Makes a static site of docs/, the READMEs and the decisions in target/book (needs mdbook: cargo install mdbook --locked).
# The pages lie as they do in the tree, so that their links hold on both.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v mdbook >/dev/null || { echo "missing: mdbook (cargo install mdbook --locked)" >&2; exit 1; }
source=target/book-source
rm -rf "$source" target/book
mkdir -p "$source"
git ls-files '*.md' 'docs/decisions/*' '*/openapi.json' LICENSE | grep -v '^docs/SUMMARY.md$' | xargs cp --parents -t "$source"
cp docs/book.toml "$source"
# Links of the summary are those of docs/; here it stands one folder higher.
sed -E 's#\]\(\.\./#](\x01#; s#\]\(([^\x01)])#](docs/\1#; s#\x01##' docs/SUMMARY.md >"$source/SUMMARY.md"
# What the summary does not name is part of the site all the same.
{
    printf '\n# Decisions\n\n'
    for file in docs/decisions/*.md; do printf -- '- [%s](%s)\n' "$(sed -n 's/^# *//p;q' "$file")" "$file"; done
} >>"$source/SUMMARY.md"
mdbook build "$source" --dest-dir "$PWD/target/book"
