#!/usr/bin/env bash
# Builds the command citasync and a binary per function, started as Google's
# image starts them: PORT=8080 FUNCTION_TARGET=webhook dist/bin/webhook
set -euo pipefail
cd "$(dirname "$0")/.."
go run ./cmd/pack build "${1:-dist/bin}"
