//! Every seed, and so every crash that became one, passes its check without a fuzzer.

use std::fs;
use std::path::Path;

use rpc_core_fuzz::{batches, connection, envelope, ids, streams, websocket};

fn pass(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let seeds: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!seeds.is_empty());
    for seed in seeds {
        println!("{}", seed.display());
        check(&fs::read(seed).unwrap());
    }
}

#[test]
fn envelopes() {
    pass("envelope", envelope::check);
}

#[test]
fn ids() {
    pass("ids", ids::check);
}

#[test]
fn batches() {
    pass("batches", batches::check);
}

#[test]
fn streams() {
    pass("streams", streams::check);
}

#[test]
fn connections() {
    pass("connection", connection::check);
}

#[test]
fn websockets() {
    pass("websocket", websocket::check);
}
