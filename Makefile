# `make help` lists the targets. Unless a target says otherwise, it only needs Go.
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)
RACE := $(shell go env CGO_ENABLED | grep -q 1 && command -v $$(go env CC) >/dev/null && echo -race)
# SQLite is C translated to Go with its own locks, and the race detector would make it ten times slower. The pattern names
# only that package: excluding a package that shares generic code with others would hide their locks from the detector.
RACE += $(if $(RACE),-gcflags='modernc.org/sqlite/lib=-race=false -d=checkptr=0')
NATS_SERVER := github.com/nats-io/nats-server/v2
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
# Without service discovery, which would be most of the build. The first build takes minutes.
PROMTOOL := go run -tags remove_all_sd github.com/prometheus/prometheus/cmd/promtool@v0.316.0
GOVULNCHECK := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help build dashboard browser node pictures day nats-server demo test faults cluster partitions trace compose check alerts openapi vulnerabilities fuzz bench docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/orderfold
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.buildVersion=$(VERSION)" -o bin/orderfold ./cmd/orderfold

nats-server: ## build bin/nats-server in the version named in go.mod
	GOBIN=$(CURDIR)/bin CGO_ENABLED=0 go install -trimpath $(NATS_SERVER)@$$(go list -m -f '{{.Version}}' $(NATS_SERVER))

demo: build ## run everything with a simulated platform; stop with Ctrl-C (make demo ARGS='--orders 500')
	@exec bin/orderfold demo $(ARGS)

test: ## run all tests, with the race detector where there is a C compiler
	go test $(RACE) -parallel 6 -timeout 30m ./... # more than the processors, because most tests wait for a disk or another process

faults: ## kill, pause, disconnect, fill and damage a running service, and count losses (make faults ARGS='-rounds 100 -seed 7')
	go test -tags faults ./cmd/orderfold -run '^TestFault' -count 1 -timeout 30m -v -rounds 50 $(ARGS)

cluster: ## kill and stop servers of a log with three replicas, and measure how long nothing is stored
	go test -tags cluster ./cmd/orderfold -run '^TestCluster' -count 1 -timeout 20m -v -rounds 50 $(ARGS)

partitions: ## disconnect each part of a cluster from the network, and slow a disk down; needs root, iproute2 and strace
	go test -tags cluster ./cmd/orderfold -run '^TestPartition|^TestSlowDisk' -count 1 -timeout 20m -v $(ARGS)

trace: build ## trace system calls to show that the log is synced before an answer 200; needs strace
	.ci/trace bin/orderfold

compose: build nats-server ## run docker-compose.yml; as root, install and start Debian's container engine if there is none
	.ci/compose

check: ## formatting, vet (with all tags, and for 32 bits), staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	go vet -tags browser,cluster,compose,faults,node ./...
	GOARCH=386 go vet ./...
	$(STATICCHECK) -tags browser,cluster,faults ./...

alerts: ## check and test the alert rules in docs/ with promtool
	$(PROMTOOL) check rules --lint all --lint-fatal docs/alerts.yml
	$(PROMTOOL) test rules docs/alerts_test.yml

openapi: ## check docs/openapi.json with Redocly and Spectral; needs Node and npm
	@.ci/openapi

vulnerabilities: ## search for known vulnerabilities, if their database can be reached
	$(GOVULNCHECK) ./...

fuzz: ## fuzz each target for ten seconds
	@go list ./... | while read -r p; do \
	  go test -list '^Fuzz' $$p | grep '^Fuzz' | while read -r f; do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done || exit 1; done

bench: build ## measure the service, rebuilding and reading, then run the Go benchmarks
	bin/orderfold bench serve
	bin/orderfold bench freshness
	bin/orderfold bench stream
	bin/orderfold bench feed
	bin/orderfold bench history
	bin/orderfold bench export
	bin/orderfold bench ingest
	bin/orderfold bench rebuild
	bin/orderfold bench read
	go test -run '^$$' -bench . -benchmem ./...

docs: ## regenerate the generated parts of docs/
	go test ./api -run TestGenerated -update
	go test ./cmd/orderfold -run TestGenerated -update

dashboard: ## build api/dashboard/dist from its sources; needs Node and npm
	go run ./api/dashboard/build types
	cd api/dashboard && npm ci --ignore-scripts --no-audit --no-fund --loglevel error && npx tsc --noEmit
	go run ./api/dashboard/build bundle

browser: ## test the dashboard in a real Chromium; needs Chromium, Node and npm
	cd api/dashboard && npm ci --ignore-scripts --no-audit --no-fund --loglevel error
	go test -tags browser ./api/dashboard/browser -count 1 -timeout 30m $(ARGS)

node: ## run the Node consumer in docs/stream.md; needs Node and npm
	go test -tags node ./cmd/orderfold -run InNode -count 1 -v

pictures: ## retake the pictures in the README; needs the same as browser
	PICTURES=$(CURDIR)/bin/pictures $(MAKE) browser ARGS='-run TestEveryScreen'
	cp bin/pictures/blotter-panel-light.png docs/blotter.png
	cp bin/pictures/order-light.png docs/order.png

day: build ## measure the dashboard under load: ten minutes of 1,000 changes a second, a million orders, twenty readers; needs the same as browser
	DAY_LENGTH=10m DAY_ORDERS=1000000 DAY_FOLDER=$(CURDIR)/bin/day $(MAKE) browser ARGS='-v -run "UnderAThousandChanges|FirstScreenInHalfASecond"'
	bin/orderfold bench stream --readers 20 --interval 250

clean: ## remove what was built
	rm -rf bin
