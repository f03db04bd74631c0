//! The files that decide are free of tasks, clocks, locks and sockets: anyone can test them with
//! plain values, and put them on another runtime.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which every file is sans-io, and sans-io files elsewhere.
const PURE: &[&str] = &[
    "binary.rs",
    "connection/keepalive.rs",
    "error",
    "limits.rs",
    "method.rs",
    "protocol",
    "protocol.rs",
    "service/error_data.rs",
    "service/idempotency/table",
    "service/idempotency/table.rs",
    "service/params",
    "service/params.rs",
    "service/router_error.rs",
    "service/validate.rs",
    "transport/websocket/fragments.rs",
    "transport/websocket/frames.rs",
    "transport/websocket/incoming.rs",
    "util/escaped.rs",
    "wire",
    "wire.rs",
];

/// What makes a file impure. Tests may use all of it.
const IMPURE: &[&str] =
    &["tokio::", ".await", "Mutex", "Instant", "async ", "std::net", "Atomic", "tracing::"];

#[test]
fn the_pure_files_are_pure() {
    for place in PURE {
        for file in files(&source().join(place)) {
            for (number, line) in code(&file) {
                for word in IMPURE {
                    assert!(!line.contains(word), "{}:{number}: `{word}`", file.display());
                }
            }
        }
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The Rust files at `path`: the file itself, or all in the folder.
fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The lines of a file that are neither comments nor its tests, with their numbers.
fn code(file: &Path) -> Vec<(usize, String)> {
    let name = file.file_name().unwrap().to_str().unwrap();
    if ["tests.rs", "properties.rs"].contains(&name) {
        return Vec::new();
    }
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().enumerate().map(|(number, text)| (number + 1, line(text))).collect()
}
