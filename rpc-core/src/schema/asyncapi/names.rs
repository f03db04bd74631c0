//! The names of operations and messages, which AsyncAPI restricts to letters, digits, `.`, `-` and `_`.

use std::collections::BTreeSet;

use crate::schema::model::{CallModel, End, MethodModel};

/// The names that are in use.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Returns a name for a method that no other method has.
    pub(super) fn of(&mut self, method: &MethodModel, served_by: End) -> String {
        let selector = match &method.call {
            CallModel::Subscription(subscription) => subscription.selector.as_deref(),
            CallModel::Request { .. } | CallModel::Notification => None,
        };
        let mut name = clean(&method.name);
        if let Some(selector) = selector {
            name = format!("{name}.{}", clean(selector));
        }
        if self.0.contains(&name) {
            name = format!("{served_by}.{name}");
        }
        // Names that differ only in characters that are not allowed.
        while !self.0.insert(name.clone()) {
            name.push('_');
        }
        name
    }
}

/// Returns a name without characters that are not allowed.
pub(super) fn clean(name: &str) -> String {
    let is_allowed = |char: &char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_');
    name.chars().map(|char| if is_allowed(&char) { char } else { '_' }).collect()
}
