#!/bin/sh
# Counts lines, words and characters of files, or of standard input.
set -eu

count() { # NAME < TEXT
    awk -v name="$1" '{ words += NF; chars += length($0) + 1 }
        END { printf "%d,%d,%d,%s\n", NR, words, chars, name }'
}

failed=0
counts=${OUT_DIR:-/tmp}/counts.csv
echo "lines,words,characters,file" >"$counts"

if [ "$#" -eq 0 ]; then
    count "(input)" >>"$counts"
else
    for path in "$@"; do
        if [ -f "$path" ] && [ -r "$path" ]; then
            count "$path" <"$path" >>"$counts"
        else
            echo "word-count: cannot read '$path'" >&2
            failed=1
        fi
    done
fi

awk -F, 'NR == 1 { printf "%8s %8s %10s  %s\n", $1, $2, $3, $4; next }
    { name = $0; sub(/^[^,]*,[^,]*,[^,]*,/, "", name)
      printf "%8d %8d %10d  %s\n", $1, $2, $3, name
      lines += $1; words += $2; chars += $3; rows++ }
    END { if (rows > 1) printf "%8d %8d %10d  total\n", lines, words, chars }' "$counts"
exit "$failed"
