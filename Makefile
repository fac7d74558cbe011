# make run     serve everything on this machine
# make test    every test there is
# make build   the command, in dist/bin
# make lint    what CI checks before the tests

modules := shared $(sort $(wildcard functions/*)) cmd/citasync
golangci := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: run test build lint fuzz

run:
	go run ./cmd/citasync serve $(ARGS)

test:
	@bash scripts/test.sh

build:
	mkdir -p dist/bin
	go build -trimpath -o dist/bin/citasync ./cmd/citasync

lint:
	@test -z "$$(gofmt -l $(modules))" || { gofmt -l $(modules); exit 1; }
	go vet $(addsuffix /...,$(addprefix ./,$(modules)))
	$(golangci) run $(addsuffix /...,$(addprefix ./,$(modules)))

fuzz:
	@bash scripts/fuzz.sh
