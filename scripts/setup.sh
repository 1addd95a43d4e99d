#!/usr/bin/env bash
# Installs what a build or a test run needs and this machine lacks; says nothing when all is there.
#
#   scripts/setup.sh build       what `make run` needs: Rust, a C++ compiler, libclang (RocksDB is C++, bindgen reads its headers)
#   scripts/setup.sh contracts   the same, and what contracts are built with: a Wasm target or the sources of `core`, wasm-opt
#   scripts/setup.sh test        the same, and what `make test` needs besides: Node.js and npm with @polkadot/api
#
# Only Debian packages, only with apt, only what is missing. Nothing is ever removed or downgraded.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RUST_MIN=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml | head -1)
NODE_MIN=18

say() { printf 'setup: %s\n' "$@" >&2; }
fail() { printf 'setup: %s\n' "$@" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# Is version $1 at least $2?
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -1)" = "$2" ]; }

# Where bindgen (clang-sys) looks too; LIBCLANG_PATH overrides it there as here.
have_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null && return 0
    compgen -G '/usr/lib/*/libclang*.so*' >/dev/null && return 0
    compgen -G '/usr/local/lib/libclang*.so*' >/dev/null
}

# Can Debian's own toolchain build `core` for Wasm? It ships the sources of the very compiler that it installs.
have_debian_wasm() {
    [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && have wasm-ld &&
        [ -f /usr/lib/rustlib/src/rust/library/core/Cargo.toml ] &&
        at_least "$(/usr/bin/rustc --version | cut -d' ' -f2)" "$RUST_MIN"
}

have_rustup_wasm() {
    [ -d "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/wasm32v1-none/lib" ]
}

have_rustup_sources() {
    [ -f "$(rustc --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/core/Cargo.toml" ]
}

# apt_install PACKAGE…: as root, through sudo, or not at all (then it says what to run and fails).
apt_install() {
    local as_root=()
    if ! have apt-get; then
        say "not a Debian system: please install the equivalents of: $*"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if have sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            say "missing: $*, and no way to become root to install it" "please run as root: apt-get install $*"
            return 1
        fi
    fi
    say "installing by apt: $* (a few minutes on a slow line)"
    apt_run() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" </dev/null >&2; }
    apt_try() { apt_run install -y --no-install-recommends --no-remove "$@"; }
    # A fresh machine has no package lists, an old one stale ones: so refresh them once, and only if needed.
    apt_try "$@" || { say "refreshing the package lists"; apt_run update && apt_try "$@"; } ||
        { say "apt could not install: $*" "please run, and see what it says: apt-get install $*"; return 1; }
}

setup_build() {
    local missing=()
    have cargo || fail "Rust is missing. Install it from https://rustup.rs (or apt-get install rustc-web cargo-web), then run this again."
    local rust; rust=$(rustc --version | cut -d' ' -f2)
    at_least "${rust%%-*}" "$RUST_MIN" || fail "Rust $rust is too old, $RUST_MIN is needed. Please run: rustup update stable"
    have c++ || missing+=(g++)
    have clang || missing+=(clang)
    have_libclang || missing+=(libclang-dev)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" || exit 1
}

setup_node() {
    local missing=()
    have node || missing+=(nodejs)
    have npm || missing+=(npm)
    [ ${#missing[@]} = 0 ] || apt_install "${missing[@]}" || exit 1
    local node; node=$(node --version)
    at_least "${node#v}" "$NODE_MIN" || fail "Node.js $node is too old for the client tests, $NODE_MIN is needed."
    # npm keeps a copy of the lock file of what it installed: newer than ours means up to date.
    local js=tests/clients/js
    if ! [ "$js/node_modules/.package-lock.json" -nt "$js/package-lock.json" ]; then
        say "installing @polkadot/api and what it needs from the npm registry (155 MB)"
        npm ci --prefix "$js" --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2 ||
            fail "npm could not install the client libraries; see above. The rest of Basalt builds without them."
        touch "$js/node_modules/.package-lock.json"
    fi
}

setup_wasm() {
    if have_rustup_wasm || have_debian_wasm; then return; fi
    if have rustup; then
        say "asking rustup for the target wasm32v1-none"
        timeout 120 rustup target add wasm32v1-none </dev/null >&2 && return
        say "rustup could not get it; falling back to Debian's own toolchain, next to yours"
    fi
    apt_install rustc-web cargo-web rust-web-src lld || exit 1
    have_debian_wasm ||
        fail "Debian's Rust here is $(/usr/bin/rustc --version 2>&1 | cut -d' ' -f2), $RUST_MIN is needed for the Wasm check." \
            "Please run, with a network that reaches static.rust-lang.org: rustup target add wasm32v1-none"
}

# Contracts need what the Wasm check needs, and are a fifth smaller with `core` compiled from its sources and with wasm-opt:
# so both are asked for, and their lack is no failure.
setup_contracts() {
    setup_wasm
    if have rustup && ! have_rustup_sources; then
        say "asking rustup for the sources of core"
        timeout 120 rustup component add rust-src </dev/null >&2 ||
            say "rustup could not get them: contracts will be bigger than they need to be"
    fi
    have wasm-opt || apt_install binaryen ||
        say "without wasm-opt (Debian: binaryen), contracts will be bigger than they need to be"
}

case "${1:-}" in
build) setup_build ;;
contracts)
    setup_build
    setup_contracts
    ;;
test)
    setup_build
    setup_node
    setup_contracts
    ;;
*) fail "usage: scripts/setup.sh build|contracts|test" ;;
esac
