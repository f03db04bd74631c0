//! Integers that a `number` of JavaScript cannot hold.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::schema::model::{
    CallModel, ErrorModel, MethodModel, Model, StreamModel, SubscriptionModel,
};

/// The largest integer up to which a `number` holds all.
const SAFE: f64 = 9_007_199_254_740_991.0;

/// The formats of integers that may be larger.
const LONG: &[&str] = &["int", "uint", "int64", "uint64", "int128", "uint128"];

/// Returns whether a schema of an integer allows more than a `number` holds.
pub(super) fn is_long(schema: &Map<String, Value>) -> bool {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let bound =
        |names: [&str; 2]| names.iter().find_map(|name| schema.get(*name).and_then(Value::as_f64));
    let is_above = bound(["maximum", "exclusiveMaximum"]).is_none_or(|most| most > SAFE);
    let is_below = bound(["minimum", "exclusiveMinimum"]).is_none_or(|least| least < -SAFE);
    LONG.contains(&format) && (is_above || is_below)
}

/// Returns whether a value of a schema may have such an integer anywhere.
fn has_long(model: &Model, schema: &Value, seen: &mut BTreeSet<String>) -> bool {
    match schema {
        Value::Object(members) => {
            if let Some(definition) = model.definition(schema) {
                let is_new = seen.insert(definition.name.to_owned());
                return is_new && has_long(model, definition.schema, seen);
            }
            is_long(members) || members.values().any(|value| has_long(model, value, seen))
        }
        Value::Array(items) => items.iter().any(|item| has_long(model, item, seen)),
        _ => false,
    }
}

/// Returns whether a method has such integers on the wire.
pub(super) fn of_method(model: &Model, method: &MethodModel) -> bool {
    let has = |schema: &Value| has_long(model, schema, &mut BTreeSet::new());
    let in_errors =
        |errors: &[ErrorModel]| errors.iter().filter_map(|error| error.data.as_ref()).any(has);
    let in_answer = match &method.call {
        CallModel::Request { result } => has(result),
        CallModel::Notification => false,
        CallModel::Subscription(SubscriptionModel {
            items: StreamModel { schema, errors },
            ..
        }) => has(schema) || in_errors(errors),
    };
    let in_params =
        method.params.iter().any(|param| has(&param.schema) || in_errors(&param.errors));
    in_answer || in_params || in_errors(&method.errors) || method.progress.as_ref().is_some_and(has)
}

/// Returns a line for each method with such integers.
pub(super) fn notes(model: &Model) -> Vec<String> {
    let methods = model.services.iter().flat_map(|service| &service.methods);
    let long = methods.filter(|method| of_method(model, method));
    let note = |method: &MethodModel| {
        format!(
            "`{}` has 64-bit integers: those that a `number` cannot hold are `bigint`; \
             `#[schemars(range(…))]` within 2^53 makes them `number`",
            method.name
        )
    };
    long.map(note).collect()
}
