# Everything here needs Go and nothing else. `make help` lists the targets.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
RACE := $(shell go env CGO_ENABLED | grep -q 1 && command -v $$(go env CC) >/dev/null && echo -race)
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Without service discovery, which would be most of it. The first build takes minutes, the next none.
PROMTOOL := go run -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool@v0.316.0
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help build demo test faults trace check alerts vulnerabilities fuzz bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/orderfold
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.buildVersion=$(VERSION)" -o bin/orderfold ./cmd/orderfold

demo: build ## run everything with a simulated platform; stop with Ctrl-C (make demo ARGS='--orders 500')
	@exec bin/orderfold demo $(ARGS)

test: ## run all tests, with the race detector where there is a C compiler
	go test $(RACE) ./...

faults: ## kill, pause, cut off, fill and damage a running service, and count (make faults ARGS='-rounds 100 -seed 7')
	go test ./cmd/orderfold -run '^TestFault' -count 1 -timeout 30m -v -rounds 50 $(ARGS)

trace: build ## show by its system calls that the log is synced before an answer 200; needs strace
	.ci/trace bin/orderfold

check: ## formatting, vet, staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet ./...
	$(STATICCHECK) ./...

alerts: ## check and test the alert rules in docs/ with promtool
	$(PROMTOOL) check rules --lint all --lint-fatal docs/alerts.yml
	$(PROMTOOL) test rules docs/alerts_test.yml

vulnerabilities: ## look known vulnerabilities up, if their database can be reached
	$(GOVULNCHECK) ./...

fuzz: ## fuzz each target for ten seconds
	@go list ./... | while read -r p; do \
	  go test -list '^Fuzz' $$p | grep '^Fuzz' | while read -r f; do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done || exit 1; done

bench: build ## measure ingest, rebuilding and reading, then run the Go benchmarks
	bin/orderfold bench ingest
	bin/orderfold bench rebuild
	bin/orderfold bench read
	go test -run '^$$' -bench . -benchmem ./...

docs: ## write the generated parts of docs/ anew
	go test ./api -run TestGenerated -update
	go test ./cmd/orderfold -run TestGenerated -update

clean: ## remove what was built
	rm -rf bin
