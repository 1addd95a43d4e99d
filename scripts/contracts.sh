#!/usr/bin/env bash
# Builds every contract in contracts/examples, to NAME.wasm, NAME.json (metadata) and NAME.contract (both):
#
#   scripts/contracts.sh         build them
#   scripts/contracts.sh test    build them and run their unit tests
#
# They go to `contracts/out` beside CARGO_TARGET_DIR, where tests on nodes look for them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/basalt/build}
WORK=$(dirname "$CARGO_TARGET_DIR")/contracts

# With the features that `cargo test --workspace` resolves to, so that nothing compiles twice (see the Makefile).
cargo build -q --locked --workspace --examples --bin basalt
"$CARGO_TARGET_DIR/debug/examples/build_all" contracts/examples "$WORK/out" "$WORK"

if [ "${1:-}" = test ]; then
    # The stand-in for XCM is no member of the workspace, and has no tests.
    CARGO_TARGET_DIR=$WORK/std cargo test --quiet --locked --workspace --no-fail-fast \
        --manifest-path contracts/examples/Cargo.toml
fi
