//! Bytes, which are base64 text in JSON, and may be bytes in a program.

use serde_json::{Map, Value};

use crate::schema::model::{CallModel, MethodModel, Model};

/// The type of the runtime for bytes: the text, or the bytes themselves.
pub(super) const BYTES: &str = "Bytes";

/// Returns whether a text stands for bytes.
pub(super) fn are_text(schema: &Map<String, Value>) -> bool {
    schema.get("contentEncoding").is_some_and(|encoding| encoding == "base64")
}

/// Returns whether a module of a model names the type of bytes.
pub(super) fn are_in(model: &Model) -> bool {
    let methods = model.services.iter().flat_map(|service| &service.methods);
    model.definitions.values().any(has) || methods.into_iter().any(are_in_method)
}

fn are_in_method(method: &MethodModel) -> bool {
    let answer = match &method.call {
        CallModel::Request { result } => Some(result),
        CallModel::Subscription(subscription) => Some(&subscription.items.schema),
        CallModel::Notification => None,
    };
    let params = method.params.iter().map(|param| &param.schema);
    let errors = method.errors.iter().filter_map(|error| error.data.as_ref());
    params.chain(answer).chain(errors).chain(&method.progress).any(has)
}

fn has(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => are_text(members) || members.values().any(has),
        Value::Array(items) => items.iter().any(has),
        _ => false,
    }
}
