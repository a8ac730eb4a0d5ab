# make test is what must pass before a change is shared; CONTRIBUTING.md tells the rest.
# Every target covers all modules of go.work unless it says otherwise.

.DEFAULT_GOAL := help
.PHONY: help demo test conformance bench lint fuzz soak cover cross rename

help: ## this list
	@sed -nE 's/^([a-z]+): .*## (.*)/  make \1 \t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## what ZeroMQ is for, in one terminal, in under a minute
	@go run ./examples/wordcount $(ARGS)

test: ## everything that must hold, in timed parts; installs what it needs on Debian
	@bash scripts/test.sh

conformance: ## libzmq's checklist under every driver; writes docs/conformance.md
	@go run ./conformance/report $(ARGS)

bench: ## this library beside libzmq, interleaved; writes docs/benchmarks.md; ARGS go to the program
	@bash scripts/setup.sh bench
	@cd bench && go run . $(ARGS)

lint: ## golangci-lint, or staticcheck, vet and gofumpt
	@bash scripts/lint.sh

fuzz: ## every fuzz target for FUZZTIME=10m of CPU; FUZZ=regexp chooses
	@FUZZTIME="$(FUZZTIME)" FUZZ="$(FUZZ)" bash scripts/fuzz.sh

soak: ## long loads (SOAK=10m each) and COUNT=20 runs under the race detector
	@SOAK="$(SOAK)" COUNT="$(COUNT)" bash scripts/soak.sh

cover: ## how much of each package of the library is tested
	@bash scripts/cover.sh

cross: ## build for every system and processor that Go and this library know
	@bash scripts/cross.sh all

rename: ## give the module another path: MODULE=example.com/x/zeromux
	@bash scripts/rename.sh "$(MODULE)"
