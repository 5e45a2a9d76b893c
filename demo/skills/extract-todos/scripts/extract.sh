#!/bin/sh
# Lists open to-do items of text files as `file:line: item`.
set -eu

[ "$#" -gt 0 ] || set -- .
for path in "$@"; do
    if [ ! -e "$path" ]; then
        echo "extract-todos: '$path' does not exist" >&2
        exit 1
    fi
done

list=${OUT_DIR:-/tmp}/todos.md
items=${TMPDIR:-/tmp}/items

find "$@" -name '.?*' -prune -o -type f -size -1024k \
    \( -name '*.md' -o -name '*.txt' -o -name '*.rs' -o -name '*.py' -o -name '*.sh' -o -name '*.js' -o -name '*.ts' \) \
    -exec awk '
        function item(text) {
            sub(/^[ \t]+/, "", text); sub(/[ \t\r]+$/, "", text)
            name = FILENAME; sub(/^\.\//, "", name)
            printf "%s:%d: %s\n", name, FNR, text
        }
        /^[ \t]*[-*+] \[ \] / { text = $0; sub(/^[ \t]*[-*+] \[ \] /, "", text); item(text); next }
        /(TODO|FIXME):/ { text = $0; sub(/^.*(TODO|FIXME):/, "", text); item(text) }
    ' {} + | sort -t : -k 1,1 -k 2,2n >"$items"

cat "$items"
total=$(wc -l <"$items" | tr -d ' ')
echo "$total open"
{
    echo "# Open items"
    echo
    sed 's/^/- [ ] /' "$items"
} >"$list"
