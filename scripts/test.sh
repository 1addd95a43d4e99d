#!/usr/bin/env bash
# Runs every check, in stages, cheapest first, and stops at the first that fails. CI runs exactly this.
#
#   scripts/test.sh              all stages
#   scripts/test.sh fmt lint     only these
#   scripts/test.sh nightly      random blocks for minutes: not one of all
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$HOME/.cache/basalt/build}
BASE=$(dirname "$CARGO_TARGET_DIR")
ALL=(setup fmt tidy build contracts lint test shuttle doc wasm js subxt)

stage_setup() { scripts/setup.sh test; }
stage_fmt() {
    cargo fmt --all --check
    cargo fmt --check --manifest-path tests/clients/subxt/Cargo.toml -- --config-path "$PWD"
    cargo fmt --check --all --manifest-path contracts/examples/Cargo.toml -- --config-path "$PWD"
}
stage_tidy() { cargo run -q --locked -p xtask -- tidy; }
stage_build() { make --no-print-directory build; }
# Before the tests, for those on nodes use what this builds.
stage_contracts() { scripts/contracts.sh test; }
stage_lint() { cargo clippy -q --locked --workspace --all-targets -- -D warnings; }
stage_test() { cargo test --locked --workspace --no-fail-fast; }
# The parallel executor with its timing permuted on purpose. The flag is part of how every crate is built, hence a target
# folder of its own; less optimised, because compiling takes longer than running.
stage_shuttle() {
    CARGO_TARGET_DIR=$BASE/shuttle RUSTFLAGS='--cfg shuttle' cargo test --locked -p basalt-executor --lib \
        --config profile.dev.opt-level=1 --config 'profile.dev.package."*".opt-level=1' timing
}
# The same tests with many more cases. Counts the blocks of the composed runtime that all modes agreed on.
stage_nightly() {
    local log least=10000 blocks
    log=$(mktemp)
    PROPTEST_CASES=${PROPTEST_CASES:-1500} cargo test --locked -p basalt-test-kit --test it -- \
        random conflicts --nocapture --test-threads=1 | tee "$log"
    blocks=$(grep -o '[0-9]* blocks compared' "$log" | cut -d' ' -f1 | sort -n | tail -1)
    rm -f "$log"
    [ "${blocks:-0}" -ge "$least" ] || { echo "only ${blocks:-0} blocks were compared, not $least" >&2; return 1; }
    PROPTEST_CASES=${PROPTEST_CASES:-1500} cargo test --locked -p basalt-executor --lib
    SHUTTLE_SCHEDULES=${SHUTTLE_SCHEDULES:-20000} stage_shuttle
    printf '%s blocks of the composed runtime compared in all modes\n' "$blocks"
}
# With --examples for the reason that the Makefile gives: without it, `cargo doc` would compile RocksDB once more.
stage_doc() {
    RUSTDOCFLAGS='-D warnings' cargo doc -q --locked --workspace --no-deps --document-private-items --lib --bins --examples
}
stage_wasm() { scripts/wasm-check.sh; }
stage_js() { (cd tests/clients/js && npm test --silent); }
stage_subxt() {
    CARGO_TARGET_DIR=$BASE/subxt cargo test --locked --manifest-path tests/clients/subxt/Cargo.toml
}

# Tests that start nodes (tests/e2e, tests/clients) take the binary from here, instead of each building its own.
export BASALT_BIN=$CARGO_TARGET_DIR/debug/basalt

if [ $# = 0 ]; then set -- "${ALL[@]}"; fi
started=$SECONDS
summary=()
trap 'echo; echo "stopped during stage ${stage:-?}"; exit 130' INT TERM
for stage in "$@"; do
    declare -F "stage_$stage" >/dev/null || { echo "no stage $stage; there are: ${ALL[*]}" >&2; exit 2; }
    printf '\n[%s +%4ds] ==> %s\n' "$(date +%H:%M:%S)" $((SECONDS - started)) "$stage"
    from=$SECONDS
    # Not `if stage_…` nor `stage_… || …`: in a condition, `set -e` would be off inside the stage.
    set +e
    ( set -e; "stage_$stage" )
    rc=$?
    set -e
    summary+=("$(printf '%-6s %5ds' "$stage" $((SECONDS - from)))")
    if [ "$rc" != 0 ]; then
        printf '\n[%s +%4ds] FAILED in stage %s (exit %s). Again, only this: scripts/test.sh %s\n' \
            "$(date +%H:%M:%S)" $((SECONDS - started)) "$stage" "$rc" "$stage" >&2
        exit "$rc"
    fi
done

# RocksDB takes most of a cold build: more than one copy in one target directory means that cargo was led to
# build it again, by a selection of packages that turns on other features in its build script's dependencies.
copies=$(find "$CARGO_TARGET_DIR/debug/build" -maxdepth 1 -name 'librocksdb-sys-*' -exec test -d {}/out \; -print 2>/dev/null | wc -l)
[ "$copies" -le 1 ] || echo "note: RocksDB was compiled $copies times into $CARGO_TARGET_DIR"

printf '\nAll stages passed in %d s:\n' $((SECONDS - started))
printf '  %s\n' "${summary[@]}"
