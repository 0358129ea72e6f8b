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
# Where a page is first in the site, or an index of its folder, links have to follow: mdbook's own renaming of README.md
# leaves those to it as they were. `\x01` keeps a link that is rewritten already from being rewritten again.
one_folder_higher() { sed -E 's#\]\(\.\./#](\x01#g; s#\]\(([^\x01:)]+)\)#](docs/\1)#g; s#\x01##g' "$1"; }
one_folder_higher docs/SUMMARY.md | sed 's#(docs/README\.md)#(index.md)#' >"$source/SUMMARY.md"
one_folder_higher docs/README.md >"$source/index.md"
rm "$source/docs/README.md" "$source/README.md"
find "$source" -name README.md | while read -r file; do mv "$file" "${file%README.md}index.md"; done
find "$source" -name '*.md' -print0 | xargs -0 sed -E -i 's#\]\(([^):]*)README\.md#](\1index.md#g'
# What the summary does not name is part of the site all the same.
{
    printf '\n# Decisions\n\n'
    for file in docs/decisions/*.md; do printf -- '- [%s](%s)\n' "$(sed -n 's/^# *//p;q' "$file")" "$file"; done
} >>"$source/SUMMARY.md"
mdbook build "$source" --dest-dir "$PWD/target/book"
