//! Fuzzes `rpc_core_fuzz::ids`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rpc_core_fuzz::ids::check(input));
