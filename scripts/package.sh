#!/usr/bin/env bash
# Makes dist/<function>.zip of each function: exactly what is uploaded.
# docs/packaging.md says what is in it.
set -euo pipefail
cd "$(dirname "$0")/.."
go run ./cmd/pack package "${1:-dist}"
