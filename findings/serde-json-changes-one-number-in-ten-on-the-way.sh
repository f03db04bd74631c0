#!/usr/bin/env bash
# crate serde_json 1.0.154 at both ends, with its default features; then with its feature `float_roundtrip`.
#
# One would guess: f64 to JSON and back between two Rust programs is exact: the writer prints the shortest digits
# that name the number, the reader is as exact as `str::parse`.
#
# What is: the writer is exact (`str::parse` of what it writes gives every number back), but the reader is not: by default it
# is off by one in the last place for about a tenth of evenly spread numbers between 0 and 1, a tenth of coordinates between -180 and 180, and
# three tenths of all doubles; amounts with two decimals are exact, which is why tests do not notice. So `==`, a hash of, or a signature over what a
# peer sent fails now and then. And relays can add up: 20 hops through programs that only pass a value on move
# about one double of all sizes in fourteen by more than one place (coordinates stay where the first hop put them). With the feature `float_roundtrip` (off by default, for speed) nothing changes; any crate
# of a program can turn it on for all the others, so the numbers a program reads may depend on an unrelated dependency.
#
# For users of anything on serde_json: turn `float_roundtrip` on in one's own Cargo.toml where the exact number matters, compare with a
# tolerance where it does not, and pass foreign values on as `RawValue`, not as `Value`.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT; cd "$dir"
export CARGO_TARGET_DIR=$dir/target
mkdir -p src
cat > src/main.rs <<'RUST'
use serde_json::Value;

fn back(text: &str) -> f64 {
    serde_json::from_str(text).unwrap()
}

fn main() {
    let exact = std::env::args().nth(1).unwrap() == "exact";
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut right = true;
    let mut check = |what: &str, seen: u32, low: u32, high: u32| {
        println!("  {what}: {seen}");
        right &= if exact { seen == 0 } else { (low..=high).contains(&seen) };
    };
    let unit = |bits: u64| (bits >> 11) as f64 / (1_u64 << 53) as f64;
    type Make = fn(u64, fn(u64) -> f64) -> f64;
    let kinds: [(&str, Make, u32, u32); 4] = [
        ("amounts with two decimals", |bits, _| (bits % 10_000_000) as f64 / 100.0, 0, 0),
        ("numbers between 0 and 1", |bits, unit| unit(bits), 8_000, 13_000),
        ("coordinates between -180 and 180", |bits, unit| unit(bits) * 360.0 - 180.0, 8_000, 15_000),
        ("doubles of all sizes", |bits, _| f64::from_bits(bits & !(1 << 62)), 15_000, 40_000),
    ];
    for (what, make, low, high) in kinds {
        let (mut changed, mut in_a_value, mut by_std) = (0, 0, 0);
        for _ in 0..100_000 {
            let number = make(random(), unit);
            let text = serde_json::to_string(&number).unwrap();
            changed += u32::from(back(&text) != number);
            in_a_value += u32::from(serde_json::from_str::<Value>(&text).unwrap().as_f64() != Some(number));
            by_std += u32::from(text.parse::<f64>().unwrap() != number);
        }
        check(&format!("of 100,000 {what} changed by one trip"), changed, low, high);
        check("    ... read as a `Value`", in_a_value, low, high);
        check("    ... read by str::parse instead", by_std, 0, 0);
    }
    let mut far = 0;
    for _ in 0..20_000 {
        let number = f64::from_bits(random() & !(1 << 62));
        let mut passed_on = number;
        for _ in 0..20 {
            passed_on = back(&serde_json::to_string(&passed_on).unwrap());
        }
        far += u32::from(passed_on.to_bits().abs_diff(number.to_bits()) > 1);
    }
    check("of 20,000 doubles of all sizes moved by more than one place in 20 trips", far, 700, 3_000);
    std::process::exit(i32::from(!right));
}
RUST
result=0
for features in '' '"float_roundtrip"'; do
  cat > Cargo.toml <<TOML
[package]
name = "trial"
version = "0.0.0"
edition = "2021"
[dependencies]
serde_json = { version = "=1.0.154", features = [$features] }
TOML
  cargo fetch --quiet || { echo "could not fetch the crates"; exit 2; }
  cargo build --quiet || { echo "could not build with the crates"; exit 2; }
  echo "serde_json 1.0.154, features beyond the default ones: ${features:-none}"
  target/debug/trial "$([ -z "$features" ] && echo default || echo exact)" || { echo "CHANGED"; result=1; }
done
exit $result
