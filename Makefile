# Everything a person or CI runs here. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

ALTHING_CACHE ?= $(HOME)/.cache/althing
export CARGO_TARGET_DIR ?= $(ALTHING_CACHE)/target
BIN := $(CARGO_TARGET_DIR)/debug
SAMPLE ?= deploy/samples/four-agencies

.PHONY: help up down status doctor test e2e cluster cluster-down bench sim torture fmt clippy deny audit docs

help: ## This list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

up: ## Build and start the sample consortium on this machine
	@scripts/setup.sh build
	@echo '=== building (the first time takes a while: RocksDB is compiled)'
	@cargo build --workspace --bins
	@$(BIN)/althing up -f $(SAMPLE)

down: ## Stop it; keys and ledgers stay
	@if [ -x $(BIN)/althing ]; then $(BIN)/althing down; else echo 'nothing was built here, so nothing runs'; fi

status: ## Nodes, groups and heights of what runs
	@$(BIN)/althing status

doctor: ## What is wrong with what runs, why, and what to do
	@$(BIN)/althing doctor

test: ## Everything CI runs
	@scripts/test.sh

e2e: ## The end-to-end cases; CASE=name runs those with that in their name, KIND=local|install|cluster those of a kind
	@scripts/e2e.sh $(KIND) $(CASE)

cluster: ## A Kubernetes cluster on this machine, with the project's images; needs root
	@scripts/setup.sh build
	@scripts/setup.sh cluster
	@scripts/images.sh
	@cargo build --workspace --bins
	@$(BIN)/althing-cluster up
	@$(BIN)/althing-cluster load

cluster-down: ## Stop it; nothing of it stays
	@if [ -x $(BIN)/althing-cluster ]; then $(BIN)/althing-cluster down; else echo 'nothing was built here, so nothing runs'; fi

bench: ## The figures of bench/README.md, each with its command; PART=throughput|latency|idle|memory|restart|editions|crypto|peers|scale
	@scripts/setup.sh build
	@scripts/setup.sh clients
	@case '$(or $(PART),all)' in all|crypto) scripts/setup.sh sm-peers ;; esac
	@case '$(or $(PART),all)' in all|peers) scripts/setup.sh peers ;; scale) scripts/setup.sh cluster; scripts/setup.sh scale ;; esac
	@cargo build --workspace --bins
	@$(BIN)/althing-bench $(or $(PART),all) $(BENCH_ARGS)
	@case '$(or $(PART),all)' in all|crypto) cargo build --workspace --example handshake_cost && $(BIN)/examples/handshake_cost ;; esac

sim: ## The consensus simulator over many seeds; SEEDS=20000
	@cargo build --workspace --bins
	@$(BIN)/althing-sim --seeds 0..$(or $(SEEDS),20000)

torture: ## 50 rounds of kill -9 of random nodes under load; ROUNDS=50
	@scripts/setup.sh build
	@cargo build --workspace --bins
	@ALTHING_TORTURE_ROUNDS=$(or $(ROUNDS),50) cargo test --workspace --test local -- --nocapture \
		no_acknowledged_transaction_is_lost

fmt: ## Formatting is as rustfmt wants it
	@cargo fmt --all --check

clippy: ## Lints, as errors
	@cargo clippy --workspace --all-targets -- -D warnings

docs: ## The documentation of every crate, broken links as errors
	@RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps

deny: ## Licences, banned crates and sources of dependencies
	@scripts/setup.sh checks
	@scripts/supply_chain.sh deny

audit: ## Known vulnerabilities of dependencies
	@scripts/setup.sh checks
	@scripts/supply_chain.sh audit
