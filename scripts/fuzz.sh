#!/usr/bin/env bash
# Runs every fuzz test for FUZZTIME (default 10s) each.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rn --include='*_test.go' -E '^func Fuzz[A-Za-z0-9_]+\(' shared functions cmd |
	sed -E 's|^(.*)/[^/]+_test.go:[0-9]+:func (Fuzz[A-Za-z0-9_]+)\(.*|\1 \2|' | sort -u |
	while read -r dir name; do
		echo "== $dir $name"
		(cd "$dir" && go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime 5x .)
	done
