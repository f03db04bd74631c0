//! Methods that share a name, of which the first param selects one, as one method object.

use serde_json::{Value, json};

use super::Entry;
use super::method::{self, descriptor, selector, set_errors, stream_of};
use crate::schema::document::{description, set};
use crate::schema::model::{CallModel, ErrorModel, Model, ParamModel};

/// Returns the object of several methods with the same name. Its params after the selector are those of all methods
/// together; the member `x-selected` has the exact ones.
pub(super) fn object(model: &Model, entries: &[&Entry<'_>]) -> Value {
    let mut merged = method::object(model, *entries[0]);
    let selectors: Vec<_> = entries.iter().filter_map(|entry| selector(entry.method)).collect();
    let mut params =
        vec![json!({"name": "selector", "schema": {"enum": selectors}, "required": true})];
    let longest = entries.iter().map(|entry| entry.method.params.len()).max().unwrap_or(0);
    params.extend((0..longest).map(|index| param(entries, index)));
    merged["params"] = params.into();
    merged["paramStructure"] = "by-position".into();
    let members = merged.as_object_mut().expect("a method is an object");
    for name in ["summary", "description", "errors", "x-error-data", "x-subscription"] {
        members.remove(name);
    }
    merged["x-selected"] = entries
        .iter()
        .filter_map(|entry| Some((selector(entry.method)?.to_owned(), variant(entry)?)))
        .collect();
    set_errors(&mut merged, &errors(entries));
    merged
}

/// Returns the param at an index after the selector, which may be another one for each method.
fn param(entries: &[&Entry<'_>], index: usize) -> Value {
    let there: Vec<&ParamModel> =
        entries.iter().filter_map(|entry| entry.method.params.get(index)).collect();
    let mut schemas: Vec<&Value> = Vec::new();
    for param in &there {
        if !schemas.contains(&&param.schema) {
            schemas.push(&param.schema);
        }
    }
    let mut described = descriptor(there[0]);
    if let [_, _, ..] = &*schemas {
        described["schema"] = json!({"anyOf": schemas});
    }
    let is_required = there.len() == entries.len() && there.iter().all(|param| !param.optional);
    described["required"] = is_required.into();
    described
}

/// Returns what one value of the selector selects.
fn variant(Entry { method, .. }: &Entry<'_>) -> Option<Value> {
    let CallModel::Subscription(subscription) = &method.call else { return None };
    let params: Vec<_> = method.params.iter().map(descriptor).collect();
    let mut variant = json!({"params": params, "x-subscription": stream_of(subscription)});
    set(&mut variant, "description", description(&method.docs));
    set_errors(&mut variant, &method.errors);
    Some(variant)
}

/// Returns the errors of all methods, each code once.
fn errors(entries: &[&Entry<'_>]) -> Vec<ErrorModel> {
    let mut errors: Vec<ErrorModel> = Vec::new();
    for error in entries.iter().flat_map(|entry| &entry.method.errors) {
        if errors.iter().all(|known| known.code != error.code) {
            errors.push(error.clone());
        }
    }
    errors
}
