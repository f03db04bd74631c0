//! Types, numbers, texts and single values.

use serde_json::{Value, json};

use super::{Misfit, Schema, kind};

/// The members that the other files compare, and those that are compared here.
const KNOWN: [&str; 22] = [
    "$ref",
    "type",
    "enum",
    "const",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "pattern",
    "contentEncoding",
    "items",
    "additionalItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "allOf",
];

/// Returns a schema for each type, or for each value, if the schema lists several.
pub(super) fn parts(schema: Schema<'_>) -> Option<Vec<Value>> {
    if let Some(Value::Array(values)) = schema.get("enum") {
        return (values.len() > 1)
            .then(|| values.iter().map(|value| json!({"const": value})).collect());
    }
    let Some(Value::Array(types)) = schema.get("type") else { return None };
    let of_type = |ty: &Value| {
        let mut part = schema.schema.clone();
        part["type"] = ty.clone();
        part
    };
    (types.len() > 1).then(|| types.iter().map(of_type).collect())
}

/// Returns the first reason why a value may not fit, apart from what is in it.
pub(super) fn misfit(written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
    if let Some(allowed) = values(read) {
        let comes = values(written);
        let Some(comes) = comes else {
            return Some(Misfit::new(format!(
                "{} comes, and only {} is read",
                kind(written),
                kind(read)
            )));
        };
        let other = comes.iter().find(|value| !allowed.contains(value))?;
        return Some(Misfit::new(format!("`{other}` comes, and only {} is read", kind(read))));
    }
    let comes = types(written);
    if let Some(allowed) = types(read) {
        let is_read = |ty: &String| {
            allowed.contains(ty) || ty == "integer" && allowed.iter().any(|ty| ty == "number")
        };
        match &comes {
            None => {
                return Some(Misfit::new(format!(
                    "any type may come, and only {} is read",
                    kind(read)
                )));
            }
            Some(comes) => {
                if let Some(ty) = comes.iter().find(|ty| !is_read(ty)) {
                    return Some(Misfit::new(format!(
                        "`{ty}` may come, and only {} is read",
                        kind(read)
                    )));
                }
            }
        }
    }
    let may_be = |name: &str| comes.as_ref().is_none_or(|types| types.iter().any(|ty| ty == name));
    let numbers = (may_be("integer") || may_be("number")).then(|| number(written, read)).flatten();
    let texts = || may_be("string").then(|| text(written, read)).flatten();
    numbers.or_else(texts).or_else(|| incomparable(written, read))
}

/// Returns the values that a schema lists.
fn values(schema: Schema<'_>) -> Option<Vec<&Value>> {
    match (schema.get("const"), schema.get("enum")) {
        (Some(value), _) => Some(vec![value]),
        (None, Some(Value::Array(values))) => Some(values.iter().collect()),
        (None, _) => None,
    }
}

/// Returns the types of values, if the schema tells them.
fn types(schema: Schema<'_>) -> Option<Vec<String>> {
    if let Some(values) = values(schema) {
        return Some(values.into_iter().map(|value| type_of(value).to_owned()).collect());
    }
    match schema.get("type")? {
        Value::String(ty) => Some(vec![ty.clone()]),
        Value::Array(types) => types.iter().map(|ty| ty.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The least and the greatest value.
struct Range {
    least: f64,
    greatest: f64,
}

fn range(schema: Schema<'_>) -> Range {
    let format = schema.get("format").and_then(Value::as_str).unwrap_or_default();
    let bits = |bits: i32| 2_f64.powi(bits);
    let (least, greatest) = match format {
        "int8" => (-bits(7), bits(7) - 1.0),
        "int16" => (-bits(15), bits(15) - 1.0),
        "int32" => (-bits(31), bits(31) - 1.0),
        "int64" | "int" => (-bits(63), bits(63)),
        "int128" => (-bits(127), bits(127)),
        "uint8" => (0.0, bits(8) - 1.0),
        "uint16" => (0.0, bits(16) - 1.0),
        "uint32" => (0.0, bits(32) - 1.0),
        "uint64" | "uint" => (0.0, bits(64)),
        "uint128" => (0.0, bits(128)),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let bound =
        |names: [&'static str; 2]| names.into_iter().filter_map(|name| schema.get(name)?.as_f64());
    let value = values(schema).and_then(|values| values.first()?.as_f64());
    Range {
        least: bound(["minimum", "exclusiveMinimum"]).chain(value).fold(least, f64::max),
        greatest: bound(["maximum", "exclusiveMaximum"]).chain(value).fold(greatest, f64::min),
    }
}

fn number(written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
    let (comes, allowed) = (range(written), range(read));
    if comes.least < allowed.least {
        return Some(Misfit::new(format!(
            "less than {} may come, which is not read",
            allowed.least
        )));
    }
    if comes.greatest > allowed.greatest {
        return Some(Misfit::new(format!(
            "more than {} may come, which is not read",
            allowed.greatest
        )));
    }
    None
}

fn text(written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
    for name in ["format", "pattern", "contentEncoding"] {
        if let Some(rule) = read.get(name)
            && types(read).is_none_or(|types| types.iter().any(|ty| ty == "string"))
            && written.get(name) != Some(rule)
        {
            return Some(Misfit::new(format!(
                "other texts than those of the `{name}` {rule} may come"
            )));
        }
    }
    let length = |schema: Schema<'_>, name| schema.get(name).and_then(Value::as_u64);
    let least = length(read, "minLength").unwrap_or(0);
    if length(written, "minLength").unwrap_or(0) < least {
        return Some(Misfit::new(format!("a text of less than {least} characters may come")));
    }
    let most = length(read, "maxLength")?;
    length(written, "maxLength")
        .is_none_or(|longest| longest > most)
        .then(|| Misfit::new(format!("a text of more than {most} characters may come")))
}

/// Returns a misfit if the reader has a rule that is not compared anywhere, unless the writer has the same.
fn incomparable(written: Schema<'_>, read: Schema<'_>) -> Option<Misfit> {
    let differs = |(name, rule): &(&String, &Value)| {
        !KNOWN.contains(&&***name) && written.get(name) != Some(*rule)
    };
    let (name, _) = read.rules().find(differs)?;
    Some(Misfit::new(format!("the rule `{name}` differs, and cannot be compared")))
}
