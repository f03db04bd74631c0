//! The public names of a crate, as its source files have them, against the list that was agreed on.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Compares the public names of the crate in the folder `root` with its file `public-names.txt`.
///
/// # Panics
/// If there is a difference, and the environment does not have `PUBLIC_NAMES=overwrite`: then the file is written
/// anew.
pub(crate) fn check(root: &str) {
    let root = Path::new(root);
    let mut names = BTreeSet::new();
    collect(&root.join("src/lib.rs"), "", &root.join("src"), &mut names);
    assert!(!names.is_empty(), "{}: no public name was found", root.display());
    let list = root.join("public-names.txt");
    if std::env::var_os("PUBLIC_NAMES").is_some_and(|value| value == "overwrite") {
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        fs::write(&list, text).unwrap();
        return;
    }
    let agreed = fs::read_to_string(&list).unwrap_or_default();
    let agreed: BTreeSet<String> = agreed.lines().map(str::to_owned).collect();
    let line = |sign, name: &String| format!("{sign} {name}\n");
    let added = names.difference(&agreed).map(|name| line('+', name));
    let removed = agreed.difference(&names).map(|name| line('-', name));
    let difference: String = added.chain(removed).collect();
    assert!(
        difference.is_empty(),
        "the public names changed:\n{difference}If users are to see that, write the list anew with \
         `PUBLIC_NAMES=overwrite cargo test -p {} --test public_names`, and commit it.",
        root.file_name().unwrap().display()
    );
}

/// Adds what is public in `file`, whose items are in the module `path` and whose modules lie in `folder`.
fn collect(file: &Path, path: &str, folder: &Path, names: &mut BTreeSet<String>) {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let (mut is_hidden, mut condition) = (false, String::new());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("//") {
            continue;
        }
        if line.starts_with("#[") {
            is_hidden |= line == "#[doc(hidden)]";
            if let Some(cfg) = line.strip_prefix("#[cfg(") {
                condition = format!(" if {}", cfg.trim_end_matches(")]"));
            }
            continue;
        }
        let (hidden, condition) = (std::mem::take(&mut is_hidden), std::mem::take(&mut condition));
        let Some(item) = line.strip_prefix("pub ").filter(|_| !hidden) else { continue };
        let mut add = |name: &str| names.insert(format!("{path}{name}{condition}"));
        if let Some(uses) = item.strip_prefix("use ") {
            let mut uses = uses.to_owned();
            while !uses.ends_with(';') {
                uses.push_str(lines.next().expect("a `use` ends with `;`").trim());
            }
            for name in used(uses.trim_end_matches(';')) {
                add(&name);
            }
            continue;
        }
        let name = declared(item).unwrap_or_else(|| panic!("{}: `{line}`", file.display()));
        add(name);
        if item.starts_with("mod ") && item.ends_with(';') {
            let (file, inner) = (folder.join(format!("{name}.rs")), folder.join(name));
            collect(&file, &format!("{path}{name}::"), &inner, names);
        }
    }
}

/// The name of an item that is declared where it is public.
fn declared(item: &str) -> Option<&str> {
    const KINDS: &[&str] = &["struct", "enum", "trait", "type", "mod", "fn", "static", "union"];
    let mut words =
        item.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| !w.is_empty());
    while let Some(word) = words.next() {
        if KINDS.contains(&word) {
            return words.next();
        }
        if word == "const" {
            return words.next().filter(|word| *word != "fn").or_else(|| words.next());
        }
        if word != "async" && word != "unsafe" {
            return None;
        }
    }
    None
}

/// The names that a `use` brings.
fn used(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(brace) = tree.find('{') else {
        let name = tree.rsplit(" as ").next().unwrap().rsplit("::").next().unwrap();
        assert!(name != "*", "`{tree}`: write each name, so that this list has it");
        return vec![name.to_owned()];
    };
    let inside = tree[brace + 1..].strip_suffix('}').expect("braces are closed");
    let (mut depth, mut start, mut names) = (0, 0, Vec::new());
    for (at, c) in inside.char_indices().chain([(inside.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inside[start..at].trim().is_empty() {
                    names.extend(used(&inside[start..at]));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    names
}
