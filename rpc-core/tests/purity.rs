//! The files that decide are free of tasks, clocks, locks and sockets: anyone can test them with
//! plain values, and put them on another runtime.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders in which every file is sans-io, and sans-io files elsewhere.
const PURE: &[&str] = &[
    "base64.rs",
    "connection/keepalive.rs",
    "error",
    "limits.rs",
    "method",
    "method.rs",
    "patch",
    "patch.rs",
    "peer/registry/away.rs",
    "peer/registry/away/ranking.rs",
    "protocol",
    "protocol.rs",
    "schema/asyncapi",
    "schema/asyncapi.rs",
    "schema/definitions",
    "schema/definitions.rs",
    "schema/diff",
    "schema/diff.rs",
    "schema/digest.rs",
    "schema/document.rs",
    "schema/model",
    "schema/model.rs",
    "schema/openrpc",
    "schema/openrpc.rs",
    "service/error_data.rs",
    "service/idempotency/table",
    "service/idempotency/table.rs",
    "service/params",
    "service/params.rs",
    "service/router_error.rs",
    "service/validate.rs",
    "transport/byte_stream/framing.rs",
    "transport/byte_stream/head.rs",
    "transport/byte_stream/lines.rs",
    "transport/sse",
    "transport/sse.rs",
    "transport/websocket/assembly.rs",
    "transport/websocket/header.rs",
    "transport/websocket/judge.rs",
    "transport/websocket/mask.rs",
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
    let is_in_tests = file.parent().is_some_and(|folder| folder.ends_with("tests"));
    if is_in_tests || ["tests.rs", "properties.rs"].contains(&name) {
        return Vec::new();
    }
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let line = |line: &str| line.split("//").next().unwrap_or_default().to_owned();
    text.lines().enumerate().map(|(number, text)| (number + 1, line(text))).collect()
}

/// The folders and files of the core from the ground up; those of one row may import each other.
const FLOORS: &[&[&str]] = &[
    &["util"],
    &["base64", "error", "limits"],
    &["method"],
    &["wire", "patch"],
    &["protocol"],
    &["transport"],
    // The symmetric API: a handler has a peer, and a peer has handlers.
    &["stream", "service", "layers", "peer"],
    &["connection"],
    // `__described` is a macro of `private`, which stands at the root because it is exported.
    &[
        "__described",
        "fuzz",
        "internal",
        "lib",
        "memory",
        "micro",
        "private",
        "schema",
        "types",
        "validate",
    ],
];

/// Public modules that are also floors: they show names of floors above them.
const PUBLIC: &[&str] = &["transport"];

/// What `wire` and `protocol` may use of `util`: nothing that waits, logs or reads a clock.
const PURE_TOOLS: &[&str] = &[
    "attachment",
    "base64_text",
    "direct",
    "escaped",
    "excerpt",
    "keyed_hash",
    "members",
    "missing",
    "sync",
];

#[test]
fn an_import_goes_down_the_floors() {
    for file in files(&source()) {
        let room = room(&file);
        for (number, path) in imports(&file) {
            let (from, to) = (floor(&room), floor(&path[0]));
            assert!(
                to <= from,
                "{}:{number}: `{}` is above `{room}`",
                file.display(),
                path.join("::")
            );
        }
    }
}

/// The files that make calls, from the ground up: within the symmetric API these import each other in this order.
const CALLS: &[&[&str]] = &[
    &["peer/pending_call", "peer/pending_notification"],
    &["layers"],
    &["peer/notify", "peer/call"],
    // A peer is a service of tower.
    &["peer/batch", "peer/group", "layers/tower"],
];

#[test]
fn what_makes_calls_imports_what_lies_under_it() {
    let floor = |path: &str| {
        let is_in = |room: &&str| {
            path.strip_prefix(*room).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
        };
        CALLS.iter().rposition(|rooms| rooms.iter().any(is_in))
    };
    let mut seen = [0; CALLS.len()];
    for file in files(&source()) {
        let within = file.strip_prefix(source()).unwrap().to_str().unwrap();
        let Some(from) = floor(within) else { continue };
        for (number, path) in imports(&file) {
            let Some(to) = floor(&path.join("/")) else { continue };
            seen[to] += 1;
            let path = path.join("::");
            assert!(to <= from, "{}:{number}: `{path}` is above `{within}`", file.display());
        }
    }
    let under = &seen[..CALLS.len() - 1];
    assert!(under.iter().all(|seen| *seen > 0), "{seen:?}: a floor that no file imports");
}

#[test]
fn the_pure_folders_use_pure_tools() {
    for file in files(&source()) {
        if !["wire", "patch", "protocol"].contains(&&*room(&file)) {
            continue;
        }
        for (number, path) in imports(&file) {
            let is_pure = path[0] != "util" || PURE_TOOLS.contains(&&*path[1]);
            assert!(is_pure, "{}:{number}: `{}` is not pure", file.display(), path.join("::"));
        }
    }
}

/// What makes a file depend on the clock, the timers and the tasks of a runtime or of the system.
const RUNTIME: &[&str] = &[
    "tokio::runtime",
    "tokio::select",
    "tokio::spawn",
    "tokio::task",
    "tokio::time",
    "tokio::{",
    "std::thread::sleep",
    "std::thread::spawn",
    "std::time::Instant",
    "std::time::SystemTime",
];

#[test]
fn one_folder_names_the_runtime() {
    for file in files(&source()) {
        if file.starts_with(source().join("util/runtime")) {
            continue;
        }
        for (number, line) in code(&file) {
            for word in RUNTIME {
                assert!(
                    !line.contains(word),
                    "{}:{number}: `{word}`: take it from `crate::util::runtime`",
                    file.display()
                );
            }
        }
    }
}

/// The folder of a file, or its own name at the root.
fn room(file: &Path) -> String {
    let within = file.strip_prefix(source()).unwrap();
    let first = within.components().next().unwrap().as_os_str().to_str().unwrap();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> usize {
    let floor = FLOORS.iter().position(|rooms| rooms.contains(&room));
    floor.unwrap_or_else(|| panic!("`{room}` is on no floor: give it one in this file"))
}

/// The paths in this crate that a file names, each with its line.
fn imports(file: &Path) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for (number, line) in code(file) {
        // The face of a public module: names that it shows to users, and that the file itself does not use.
        if line.starts_with("pub use crate::") && PUBLIC.contains(&&*room(file)) {
            continue;
        }
        for path in line.split("crate::").skip(1) {
            let end = path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
            let path = path[..end.unwrap_or(path.len())].split("::").map(str::to_owned);
            found.push((number, path.collect()));
        }
    }
    found
}
