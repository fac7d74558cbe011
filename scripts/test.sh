#!/usr/bin/env bash
# Runs every test of every module. What this machine lacks is installed if it
# may be, and otherwise named at the end; with REQUIRE_ALL=1 a missing tool is
# a failure.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=()
for mod in shared functions/* cmd/citasync; do packages+=("./$mod/..."); done

# Some tests wait for a lease to end: several of them wait side by side.
# The race detector needs a C compiler.
race=(-race)
lacking=()
if [ "$(go env CGO_ENABLED)" != 1 ] || ! command -v "$(go env CC)" >/dev/null; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		apt-get update -q && apt-get install -qy gcc libc6-dev
	fi
	if ! command -v "$(go env CC)" >/dev/null; then
		race=()
		lacking+=("a C compiler: the tests ran without the race detector")
	fi
fi

status=0
go test "${race[@]}" -shuffle=on -count=1 -parallel 8 "${packages[@]}" || status=$?

for l in "${lacking[@]}"; do echo "NOT RUN for want of $l"; done
if [ "${#lacking[@]}" -gt 0 ] && [ "${REQUIRE_ALL:-}" = 1 ]; then
	echo "REQUIRE_ALL=1: what is lacking is a failure" >&2
	exit 1
fi
exit "$status"
