//! Fuzzes `rpc_core_fuzz::websocket`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rpc_core_fuzz::websocket::check(input));
