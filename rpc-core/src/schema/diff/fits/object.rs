//! Members of objects, and items of arrays.

use serde_json::{Map, Value};

use super::{Comparison, Misfit, Schema};

/// Returns the first reason why an object may not fit.
pub(super) fn misfit(
    comparison: &mut Comparison,
    written: Schema<'_>,
    read: Schema<'_>,
) -> Option<Misfit> {
    if !may_be(written, "object") {
        return None;
    }
    if let Some(name) = required(read).find(|name| !required(written).any(|other| other == *name)) {
        let is_known = properties(written).is_some_and(|members| members.contains_key(name));
        let how = if is_known { "may be missing" } else { "is missing" };
        return Some(Misfit::new(format!("the member `{name}` {how}, and is required")));
    }
    for (name, member) in properties(written).into_iter().flatten() {
        let rule = properties(read).and_then(|members| members.get(name));
        let Some(rule) = rule.or_else(|| read.get("additionalProperties")) else { continue };
        if rule == &Value::Bool(false) {
            return Some(Misfit::new(format!("the member `{name}` is unknown, and refused")));
        }
        if let Some(misfit) = comparison.compare(written.at(member), read.at(rule)) {
            return Some(misfit.under(&format!(".{name}")));
        }
    }
    let rule = read.get("additionalProperties").filter(|rule| **rule != Value::Bool(true))?;
    match written.get("additionalProperties") {
        Some(Value::Bool(false)) => None,
        Some(more) if rule != &Value::Bool(false) => {
            comparison.compare(written.at(more), read.at(rule)).map(|misfit| misfit.under(".*"))
        }
        // A type whose members are listed writes no others.
        None if properties(written).is_some() => None,
        _ => Some(Misfit::new("members of any name may come, and are refused")),
    }
}

/// Returns the first reason why an array may not fit.
pub(super) fn array_misfit(
    comparison: &mut Comparison,
    written: Schema<'_>,
    read: Schema<'_>,
) -> Option<Misfit> {
    if !may_be(written, "array") {
        return None;
    }
    let count = |schema: Schema<'_>, name| schema.get(name).and_then(Value::as_u64);
    let least = count(read, "minItems").unwrap_or(0);
    if count(written, "minItems").unwrap_or(0) < least {
        return Some(Misfit::new(format!("fewer than {least} items may come")));
    }
    if let Some(most) = count(read, "maxItems")
        && count(written, "maxItems").is_none_or(|longest| longest > most)
    {
        return Some(Misfit::new(format!("more than {most} items may come")));
    }
    let is_set = |schema: Schema<'_>| schema.get("uniqueItems") == Some(&Value::Bool(true));
    if is_set(read) && !is_set(written) {
        return Some(Misfit::new("an item may come twice"));
    }
    match (written.get("items"), read.get("items")) {
        (_, None) => None,
        (Some(Value::Array(items)), Some(Value::Array(rules))) => {
            let pairs = items.iter().zip(rules).enumerate();
            of_pairs(comparison, written, read, pairs)
        }
        (Some(Value::Array(items)), Some(rule)) => {
            let pairs = items.iter().map(|item| (item, rule)).enumerate();
            of_pairs(comparison, written, read, pairs)
        }
        (Some(item), Some(Value::Array(rules))) => {
            let pairs = rules.iter().map(|rule| (item, rule)).enumerate();
            of_pairs(comparison, written, read, pairs)
        }
        (Some(item), Some(rule)) => {
            comparison.compare(written.at(item), read.at(rule)).map(|misfit| misfit.under("[]"))
        }
        (None, Some(rule)) => comparison
            .compare(written.at(&Value::Bool(true)), read.at(rule))
            .map(|misfit| misfit.under("[]")),
    }
}

fn of_pairs<'a>(
    comparison: &mut Comparison,
    written: Schema<'a>,
    read: Schema<'a>,
    mut pairs: impl Iterator<Item = (usize, (&'a Value, &'a Value))>,
) -> Option<Misfit> {
    pairs.find_map(|(index, (item, rule))| {
        let misfit = comparison.compare(written.at(item), read.at(rule))?;
        Some(misfit.under(&format!("[{index}]")))
    })
}

fn may_be(schema: Schema<'_>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(ty)) => ty == name,
        Some(Value::Array(types)) => types.iter().any(|ty| ty == name),
        _ => schema.get("const").is_none() && schema.get("enum").is_none(),
    }
}

fn properties(schema: Schema<'_>) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

fn required(schema: Schema<'_>) -> impl Iterator<Item = &str> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str)
}
