//! The contract of `Protocol` names each method that the rest of the crate may call.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn the_contract_names_every_method() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let contract = fs::read_to_string(source.join("protocol.rs")).unwrap();
    let contract: String = contract.lines().filter(|line| line.starts_with("///")).collect();
    let mut files = vec![source.join("protocol.rs")];
    files.extend(files_of(&source.join("protocol")));
    let unnamed: Vec<_> = files
        .iter()
        .flat_map(|file| methods(&fs::read_to_string(file).unwrap()))
        .filter(|method| {
            !contract.contains(&format!("`{method}`"))
                && !contract.contains(&format!("Self::{method})"))
        })
        .collect();
    assert!(unnamed.is_empty(), "name these in the doc of `Protocol`: {unnamed:?}");
}

/// The Rust files of a folder, without those of its folders.
fn files_of(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    for inner in ["receive", "session"] {
        if folder.join(inner).is_dir() {
            files.extend(files_of(&folder.join(inner)));
        }
    }
    files
}

/// The `pub(crate)` methods of the `impl` blocks of `Protocol` in a file.
fn methods(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        match line {
            "impl<W> Protocol<W> {" => is_inside = true,
            "}" => is_inside = false,
            _ => {}
        }
        if let Some(rest) = line.strip_prefix("    pub(crate) fn ")
            && is_inside
        {
            found.push(rest.split(['(', '<']).next().unwrap().to_owned());
        }
    }
    found
}
