//! The table of all files at the end of the crate's page says what each file says of itself.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

const TABLE: &str = "docs/files.md";

/// Update the table with `FILE_TABLE=overwrite cargo test -p rpc-core --test file_table`.
#[test]
fn the_table_of_files_is_complete() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    find(&root.join("src"), &mut files);
    files.sort();
    let mut table = "| file | what is in it |\n|---|---|\n".to_owned();
    for file in files {
        let name = file.strip_prefix(root.join("src")).unwrap().display().to_string();
        let text = fs::read_to_string(&file).unwrap();
        writeln!(table, "| `{name}` | {} |", first_sentence(&text, &name)).unwrap();
    }
    let path = root.join(TABLE);
    if std::env::var("FILE_TABLE").as_deref() == Ok("overwrite") {
        fs::write(&path, &table).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    let differs =
        table.lines().zip(kept.lines().chain(std::iter::repeat(""))).find(|(a, b)| a != b);
    assert!(
        kept == table,
        "`{TABLE}` is not up to date ({differs:?}): run this test with `FILE_TABLE=overwrite`"
    );
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            find(&path, files);
        } else if name.ends_with(".rs") && !["tests.rs", "properties.rs"].contains(&&*name) {
            files.push(path);
        }
    }
}

/// The first sentence of the doc of a module, without links.
fn first_sentence(text: &str, name: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let paragraph: Vec<_> = lines.map(str::trim).take_while(|line| !line.is_empty()).collect();
    let paragraph = paragraph.join(" ");
    assert!(!paragraph.is_empty(), "`{name}` does not begin with what is in it");
    let end = paragraph.find(". ").unwrap_or(paragraph.trim_end_matches(['.', ':']).len());
    without_links(&paragraph[..end])
}

/// Leaves the text of each link.
fn without_links(text: &str) -> String {
    let (mut plain, mut rest) = (String::new(), text);
    while let Some((before, link)) = rest.split_once('[') {
        let (label, after) = link.split_once(']').unwrap_or((link, ""));
        plain.push_str(before);
        plain.push_str(label);
        rest = match after.strip_prefix('(') {
            Some(target) => target.split_once(')').map_or("", |(_, after)| after),
            None => after,
        };
    }
    plain + rest
}
