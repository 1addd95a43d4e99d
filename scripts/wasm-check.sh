#!/usr/bin/env bash
# Builds everything that a runtime is made of for wasm32v1-none: no operating system, no `std`, no clock, no threads.
# A crate that reaches for one of them does not compile here. See docs of the target: only `core` and `alloc` exist.
#
# Two toolchains can do it, and the first one found is used:
#   1. the Rust in PATH, when `rustup target add wasm32v1-none` has been run;
#   2. Debian's (rustc-web, cargo-web, rust-web-src, lld), which builds `core` and `alloc` from its own sources.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

TARGET=wasm32v1-none
BASE=$(dirname "${CARGO_TARGET_DIR:-$HOME/.cache/basalt/build}")
export CARGO_TARGET_DIR=$BASE/wasm

# Every crate in runtime/ and pallets/ but the executor, which runs on threads and belongs to the node.
packages=()
for manifest in runtime/Cargo.toml runtime/*/Cargo.toml pallets/*/Cargo.toml; do
    [ "$manifest" = runtime/executor/Cargo.toml ] && continue
    packages+=(-p "$(sed -n 's/^name *= *"\(.*\)"/\1/p' "$manifest" | head -1)")
done

# Not optimised: this asks whether it compiles, and how fast it would run is not measured here.
args=(build --locked --target "$TARGET" --config 'profile.dev.opt-level=0' --config 'profile.dev.package."*".opt-level=0'
    --config 'profile.dev.debug=false' --config 'profile.dev.incremental=false' "${packages[@]}" "$@")

if [ -d "$(rustc --print sysroot)/lib/rustlib/$TARGET/lib" ]; then
    echo "wasm: $((${#packages[@]} / 2)) crates with $(rustc --version), target from rustup" >&2
    exec cargo "${args[@]}"
elif [ -f /usr/lib/rustlib/src/rust/library/core/Cargo.toml ] && command -v wasm-ld >/dev/null; then
    echo "wasm: $((${#packages[@]} / 2)) crates with Debian's $(/usr/bin/rustc --version), core built from source" >&2
    # RUSTC_BOOTSTRAP: `-Z build-std` is a nightly flag. It is used for this check only, never for what we ship.
    RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_WASM32V1_NONE_LINKER=wasm-ld \
        exec /usr/bin/cargo "${args[@]}" -Z build-std=core,alloc
else
    echo "wasm: no toolchain for $TARGET. Please run: scripts/setup.sh test" >&2
    exit 1
fi
