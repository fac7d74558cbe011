#!/usr/bin/env bash
# Measures the programs under load and maintain with much in the store, prints
# tables and writes dist/bench.json. docs/scale.md says how to read them. The
# arguments go to cmd/bench: -only events, for example.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/build.sh
go build -trimpath -buildvcs=false -o dist/bench/ ./cmd/bench ./cmd/bench/plain
case " $* " in
*" -only "*) ;;
*) go test -count=1 -v -run '^TestBackfill$' ./cmd/citasync/internal/local | grep -E '^(---|ok|FAIL)|backfill_test.go' ;;
esac
exec dist/bench/bench "$@"
