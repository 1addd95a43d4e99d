# Everything one needs, in two commands: `make run` and `make test`.
# Builds go to CARGO_TARGET_DIR, by default outside the clone, so that clones share one build of RocksDB.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/basalt/build
SHELL := /bin/bash
BIN := $(CARGO_TARGET_DIR)/debug/basalt

# `--workspace --examples` resolves features as `cargo test --workspace` does. With `-p basalt-node` some features
# of RocksDB's build dependencies differ, and RocksDB, most of a cold build, would be compiled once for each.
BUILD := cargo build --locked --workspace --examples --bin

.PHONY: help run dev build contracts test nightly lint bench bench-peers
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: ## build, and start four validators; more flags: make run ARGS="--validators 6"
	@scripts/setup.sh build
	@$(BUILD) basalt
	@exec "$(BIN)" localnet $(ARGS)

dev: ## build, and start a development chain of one node; more flags: make dev ARGS="--rpc-port 9955"
	@scripts/setup.sh build
	@$(BUILD) basalt
	@exec "$(BIN)" --dev $(ARGS)

build: ## build, and print the path of the binary as the last line
	@scripts/setup.sh build
	@$(BUILD) basalt
	@echo "$(BIN)"

contracts: ## build the example contracts to .wasm, .json and .contract
	@scripts/setup.sh contracts
	@scripts/contracts.sh

test: ## run every check: format, lints, tests, permuted timing, docs, Wasm, client libraries
	@scripts/test.sh

nightly: ## compare ten thousand random blocks and more in all execution modes: takes minutes
	@scripts/setup.sh build
	@scripts/test.sh nightly

lint: ## run format, clippy and tidy only
	@scripts/setup.sh build
	@scripts/test.sh fmt tidy lint

bench: ## measure whole paths, in process; more flags: make bench ARGS="--help"
	@scripts/setup.sh build
	@$(BUILD) basalt-bench
	@exec "$(CARGO_TARGET_DIR)/debug/basalt-bench" $(ARGS)

bench-peers: ## measure FRAME and revm beside us, in turns (first build: many minutes); more flags: ARGS="--help"
	@scripts/setup.sh build
	@$(BUILD) basalt-bench
	@CARGO_TARGET_DIR=$(dir $(CARGO_TARGET_DIR))peers cargo build --locked --release --manifest-path tests/peers/Cargo.toml
	@exec "$(dir $(CARGO_TARGET_DIR))peers/release/basalt-peers" --bench "$(CARGO_TARGET_DIR)/debug/basalt-bench" $(ARGS)
