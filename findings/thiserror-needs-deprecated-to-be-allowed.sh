#!/usr/bin/env bash
# crate thiserror 2.0.21 (and 2.0.0, and 1.0.69) with the lint `deprecated` of rustc; serde 1.0.229 beside it.
#
# One would guess: `#![forbid(deprecated)]` is a promise about one's own code, and a crate in which nothing is deprecated
# compiles with it; above all with derives whose code is marked `#[automatically_derived]`, which lints mostly pass by.
#
# What is: `#[derive(thiserror::Error)]` emits `#[allow(deprecated)]` whether or not anything in the type is deprecated. An `allow` under a `forbid`
# is not a warning but error E0453 ("allow(deprecated) incompatible with previous forbid"), and it points at the word
# `thiserror::Error`. Nothing but `deny` instead of `forbid` helps. `derive(Serialize, Deserialize)` compiles under the same `forbid`,
# so that "derives are fine" holds until the first error type.
#
# For whoever writes macros: an `allow` in what a macro emits shuts out crates that forbid that lint; emit it only where it is needed.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
export CARGO_TARGET_DIR=$dir/target
failed=0
try() { # name, dependency, lint level, derives, variant: prints what the compiler said
  rm -rf crate; mkdir -p crate/src
  printf '[package]\nname = "trial"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n%s\n' "$2" > crate/Cargo.toml
  printf '#![%s(deprecated)]\n#[derive(Debug, %s)]\npub enum E { %s }\n' "$3" "$4" "$5" > crate/src/lib.rs
  (cd crate; cargo fetch --quiet) || { echo "could not fetch $2"; exit 2; }
  if (cd crate; cargo check --quiet --offline) 2> said; then seen=compiles; else seen=$(grep -m1 -o '^error\[E[0-9]*\].*' said || echo "another error: $(head -3 said)"); fi
  echo "$1, $3(deprecated): $seen"
}
expect() { [ "$seen" = "$1" ] || { echo "CHANGED: expected $1"; failed=1; }; }
no='error[E0453]: allow(deprecated) incompatible with previous forbid'
rustc --version
for version in 2.0.21 2.0.0 1.0.69; do
  try "thiserror $version" "thiserror = \"=$version\"" forbid thiserror::Error '#[error("full")] Full'; expect "$no"
done
try "thiserror 2.0.21" 'thiserror = "=2.0.21"' deny thiserror::Error '#[error("full")] Full'; expect compiles
try "serde 1.0.229" 'serde = { version = "=1.0.229", features = ["derive"] }' forbid "serde::Serialize, serde::Deserialize" 'Full'; expect compiles
exit $failed
