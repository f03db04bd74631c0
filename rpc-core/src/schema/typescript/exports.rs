//! The names that a module imports and exports.

use std::collections::{BTreeMap, BTreeSet};

/// The names of a module.
#[derive(Default)]
pub(super) struct Exports {
    /// What is imported and runs.
    pub(super) values: BTreeSet<&'static str>,
    /// What is imported as a type only.
    pub(super) types: BTreeSet<&'static str>,
    /// What each exported name is, for the error.
    own: BTreeMap<String, Vec<String>>,
    /// What the runtime cannot do.
    refused: Vec<String>,
}

impl Exports {
    /// Imports something that runs.
    pub(super) fn uses(&mut self, value: &'static str) {
        self.values.insert(value);
    }

    /// Imports a type.
    pub(super) fn uses_type(&mut self, ty: &'static str) {
        self.types.insert(ty);
    }

    /// Notes a name that the module exports, and what has the name.
    pub(super) fn export(&mut self, name: &str, what: String) {
        self.own.entry(name.to_owned()).or_default().push(what);
    }

    /// Notes that the runtime cannot do something.
    pub(super) fn refuse(&mut self, why: String) {
        self.refused.push(why);
    }

    /// Returns a line for each reason why the module cannot be.
    pub(super) fn mistakes(&self) -> Vec<String> {
        let mut mistakes = self.refused.clone();
        for (name, what) in &self.own {
            if what.len() > 1 {
                mistakes.push(format!("`{name}` would be {}", what.join(" and ")));
            } else if self.values.contains(&**name) || self.types.contains(&**name) {
                mistakes.push(format!("`{name}` would be {} and a name of the runtime", what[0]));
            }
        }
        mistakes
    }
}

/// Globals that the module itself names.
pub(super) const GLOBALS: [&str; 3] = ["AsyncIterable", "Promise", "Record"];
