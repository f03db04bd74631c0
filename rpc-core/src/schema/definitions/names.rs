//! The names of definitions.

mod readable;

use std::collections::{BTreeMap, BTreeSet};

use super::Key;
use super::refs::target;

/// The names of all types, by the name that a generator has given to each. A generator numbers types: its `Page2` is
/// another `Page`, or the `Page` of another type.
pub(super) struct Names(BTreeMap<Key, NamedType>);

struct NamedType {
    /// The name of the definition.
    name: String,
    /// The full name, if it is known.
    id: Option<String>,
}

impl Names {
    /// Finds a name for each type, of which `types` has the full name as far as that is known.
    ///
    /// # Errors
    /// Returns a line for each name that two types have.
    pub(super) fn new(types: BTreeMap<Key, Option<String>>) -> Result<Self, Vec<String>> {
        let known: BTreeSet<String> = types.values().flatten().cloned().collect();
        let named = types.into_iter().map(|(key, id)| {
            // A name that the program has chosen for each instance of a generic type has `{T}` in its id.
            let described = id.as_deref().filter(|id| !id.contains('{'));
            let name = described.map(|id| readable::name(id, &known));
            let name = name.unwrap_or_else(|| key.name.clone());
            (key, NamedType { name, id })
        });
        let names = Self(named.collect());
        let clashes = names.clashes();
        if clashes.is_empty() { Ok(names) } else { Err(clashes) }
    }

    /// Returns the name of a type both ways, and its way.
    pub(super) fn own(&self, key: &Key) -> Option<Key> {
        Some(Key { name: self.0.get(key)?.name.clone(), way: key.way })
    }

    /// Returns the names of a generator.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// Returns a line for each name that two types have, the same way or both ways.
    fn clashes(&self) -> Vec<String> {
        let mut first = BTreeMap::new();
        let mut lines = BTreeSet::new();
        for (key, ty) in &self.0 {
            let Some((other_key, other)) = first.insert(&ty.name, (key, ty)) else { continue };
            let is_same = ty.id == other.id && key.way != other_key.way;
            if !is_same {
                let mut ids = [&other.id, &ty.id].map(|id| id.as_deref().unwrap_or("?"));
                ids.sort_unstable();
                lines.insert(line(&ty.name, ids));
            }
        }
        lines.into_iter().collect()
    }
}

/// Returns the new form of a reference.
pub(super) fn resolve(names: &BTreeMap<Key, String>, reference: &str) -> Option<String> {
    Some(format!("#/definitions/{}", names.get(&target(reference)?)?))
}

/// Returns a line for each name that only a suffix makes the same.
pub(super) fn clashes_of_suffixes(
    names: &BTreeMap<Key, String>,
    same: &BTreeSet<String>,
) -> Vec<String> {
    let mut taken: BTreeMap<&str, &Key> = BTreeMap::new();
    let mut lines = Vec::new();
    for (key, name) in names {
        let Some(other) = taken.insert(name, key) else { continue };
        if other.name != key.name || !same.contains(&key.name) {
            lines.push(line(name, [&other.name, &key.name]));
        }
    }
    lines
}

fn line(name: &str, [first, second]: [&str; 2]) -> String {
    format!(
        "two types are named `{name}`: `{first}` and `{second}`: give one another name, by \
         `#[schemars(rename = \"…\")]`"
    )
}
