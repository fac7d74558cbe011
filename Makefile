# make run          serve everything on this machine
# make emulate      the same as deployed: a process per function, on emulators
# make test         every test there is
# make build        the command and a program per function, in dist/bin
# make package      an upload per function, in dist
# make lint         what CI checks before the tests
# make terraform    check the deployment without Google
# make fuzz         every fuzz test, for ten seconds each
# make screenshots  a picture of every page and state of the panel, in shots
# make bench        figures of load and of scale, in about half an hour

modules := shared $(sort $(wildcard functions/*)) $(sort $(wildcard cmd/*))
golangci := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.PHONY: run emulate test build package lint terraform fuzz screenshots bench

run:
	go run ./cmd/citasync serve $(ARGS)

emulate: build
	@exec dist/bin/citasync emulate --bin dist/bin $(if $(ADDR),--addr $(ADDR)) $(ARGS)

test:
	@bash scripts/test.sh

build:
	@bash scripts/build.sh

package:
	@bash scripts/package.sh

lint:
	@test -z "$$(gofmt -l $(modules))" || { gofmt -l $(modules); exit 1; }
	go vet $(addsuffix /...,$(addprefix ./,$(modules)))
	$(golangci) run $(addsuffix /...,$(addprefix ./,$(modules)))

terraform:
	@bash scripts/terraform.sh

fuzz:
	@bash scripts/fuzz.sh

screenshots:
	SCREENSHOTS=$(abspath $(or $(DIR),shots)) go test -count=1 -timeout 30m ./cmd/acceptance/browser

bench:
	@bash scripts/bench.sh $(ARGS)
