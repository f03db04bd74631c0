//! Types of JSON Schemas.

use serde_json::{Map, Value};

use super::bytes::{self, BYTES};
use super::integers;
use super::names::{property, string, ty};
use super::text::Member;
use crate::schema::model::DEFINITIONS;

/// Returns the type of a schema.
pub(super) fn of(schema: &Value) -> String {
    join(&members(schema))
}

/// Returns the members of the union that a schema is: mostly one.
pub(super) fn members(schema: &Value) -> Vec<Member> {
    let Value::Object(schema) = schema else {
        let ty = if *schema == Value::Bool(false) { "never" } else { "unknown" };
        return vec![plain(ty.to_owned())];
    };
    let mut all: Vec<Vec<Member>> = Vec::new();
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        all.push(vec![plain(ty(reference.strip_prefix(DEFINITIONS).unwrap_or(reference)))]);
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        all.push(members(part));
    }
    for union in ["oneOf", "anyOf"] {
        if let Some(parts) = schema.get(union).and_then(Value::as_array) {
            all.push(unite(parts));
        }
    }
    if let Some(value) = schema.get("const") {
        all.push(vec![plain(literal(value))]);
    } else if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        all.push(values.iter().map(|value| plain(literal(value))).collect());
    } else {
        let own = own(schema, !all.is_empty());
        all.extend((!own.is_empty()).then_some(own));
    }
    match all.len() {
        0 => vec![plain("unknown".to_owned())],
        1 => all.remove(0),
        _ => vec![plain(intersect(&all))],
    }
}

/// Returns the members of a union, each with what is said of it.
fn unite(parts: &[Value]) -> Vec<Member> {
    let mut united: Vec<Member> = Vec::new();
    for part in parts {
        let docs = part.get("description").and_then(Value::as_str).unwrap_or_default();
        let mut of_part = members(part);
        if let [only] = &mut *of_part {
            docs.clone_into(&mut only.docs);
        }
        for member in of_part {
            if !united.iter().any(|known| known.ty == member.ty) {
                united.push(member);
            }
        }
    }
    united
}

/// Returns what the keywords for one kind of value say. An object of which nothing is known says nothing `beside` others.
fn own(schema: &Map<String, Value>, beside: bool) -> Vec<Member> {
    let kinds: Vec<&str> = match schema.get("type") {
        Some(Value::String(kind)) => vec![kind],
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
        _ if schema.contains_key("properties") => vec!["object"],
        _ if schema.contains_key("items") => vec!["array"],
        _ => Vec::new(),
    };
    let says_more =
        ["properties", "additionalProperties"].iter().any(|key| schema.contains_key(*key));
    let kinds = kinds.into_iter().filter(|kind| *kind != "object" || says_more || !beside);
    let of_kind = |kind| match kind {
        "integer" if integers::is_long(schema) => vec!["number".to_owned(), "bigint".to_owned()],
        "integer" | "number" => vec!["number".to_owned()],
        "array" => vec![array(schema)],
        "object" => vec![object(schema)],
        "string" if bytes::are_text(schema) => vec![BYTES.to_owned()],
        "string" | "boolean" | "null" => vec![kind.to_owned()],
        _ => vec!["unknown".to_owned()],
    };
    kinds.flat_map(of_kind).map(plain).collect()
}

fn array(schema: &Map<String, Value>) -> String {
    match schema.get("items") {
        Some(Value::Array(items)) => {
            let items: Vec<_> = items.iter().map(of).collect();
            format!("[{}]", items.join(", "))
        }
        Some(items) => {
            let item = members(items);
            let is_tight = item.len() == 1 && !item[0].ty.contains(" & ");
            if is_tight { format!("{}[]", item[0].ty) } else { format!("({})[]", join(&item)) }
        }
        None => "unknown[]".to_owned(),
    }
}

/// Returns an object on one line.
fn object(schema: &Map<String, Value>) -> String {
    let members: Vec<_> = properties(schema).map(|member| member.line()).collect();
    match (members.is_empty(), schema.get("additionalProperties")) {
        (true, Some(Value::Bool(false))) => "Record<string, never>".to_owned(),
        (true, Some(others)) => format!("Record<string, {}>", of(others)),
        (true, None) => "Record<string, unknown>".to_owned(),
        (false, _) => format!("{{ {} }}", members.join("; ")),
    }
}

/// A member of an object.
pub(super) struct Property<'a> {
    name: &'a str,
    is_required: bool,
    schema: &'a Value,
}

/// Returns the members of an object, in the order of the schema.
pub(super) fn properties(schema: &Map<String, Value>) -> impl Iterator<Item = Property<'_>> {
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        move |name: &str| required.is_some_and(|names| names.iter().any(|known| known == name));
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(move |(name, schema)| Property { name, is_required: is_required(name), schema })
}

impl Property<'_> {
    /// Returns the member as TypeScript writes it, without a semicolon.
    pub(super) fn line(&self) -> String {
        let mark = if self.is_required { "" } else { "?" };
        format!("{}{mark}: {}", property(self.name), of(self.schema))
    }

    /// Returns what is said of the member.
    pub(super) fn docs(&self) -> &str {
        self.schema.get("description").and_then(Value::as_str).unwrap_or_default()
    }
}

fn plain(ty: String) -> Member {
    Member { ty, docs: String::new() }
}

fn join(members: &[Member]) -> String {
    members.iter().map(|member| &*member.ty).collect::<Vec<_>>().join(" | ")
}

fn intersect(all: &[Vec<Member>]) -> String {
    let parts = all.iter().map(|union| match union.len() {
        1 => join(union),
        _ => format!("({})", join(union)),
    });
    parts.collect::<Vec<_>>().join(" & ")
}

/// Returns a value as a literal type.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(literal).collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let member = |(name, value): (&String, &Value)| {
                format!("{}: {}", property(name), literal(value))
            };
            format!("{{ {} }}", members.iter().map(member).collect::<Vec<_>>().join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_form_of_schema_has_its_type() {
        for (schema, expected) in [
            (json!(true), "unknown"),
            (json!(false), "never"),
            (json!({}), "unknown"),
            (json!({"type": "string", "contentEncoding": "base64"}), "Bytes"),
            (json!({"type": ["string", "null"], "contentEncoding": "base64"}), "Bytes | null"),
            (json!({"type": "string", "contentEncoding": "base16"}), "string"),
            (json!({"type": ["string", "null"]}), "string | null"),
            (json!({"type": "integer", "format": "int32"}), "number"),
            (json!({"type": "integer", "format": "uint64"}), "number | bigint"),
            (json!({"type": "array", "items": {"type": "boolean"}}), "boolean[]"),
            (json!({"type": "array", "items": {"type": ["string", "null"]}}), "(string | null)[]"),
            (
                json!({"type": "array", "items": [{"type": "string"}, true], "minItems": 2}),
                "[string, unknown]",
            ),
            (json!({"type": "array"}), "unknown[]"),
            (
                json!({"type": "object", "additionalProperties": {"type": "number"}}),
                "Record<string, number>",
            ),
            (json!({"type": "object"}), "Record<string, unknown>"),
            (
                json!({"type": "object", "properties": {"a": {"type": "null"}, "b-c": {"$ref": "#/definitions/B"}}, "required": ["a"]}),
                "{ a: null; \"b-c\"?: B }",
            ),
            (json!({"enum": ["a", 1, null]}), "\"a\" | 1 | null"),
            (json!({"const": "x", "type": "string"}), "\"x\""),
            (json!({"anyOf": [{"$ref": "#/definitions/A"}, {"type": "null"}]}), "A | null"),
            (json!({"anyOf": [{"type": "string"}, {"type": "string"}]}), "string"),
            (json!({"allOf": [{"$ref": "#/definitions/A"}], "description": "x"}), "A"),
            (
                json!({"type": "object", "oneOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]}),
                "A | B",
            ),
            (
                json!({"properties": {"a": true}, "oneOf": [{"$ref": "#/definitions/A"}, {"$ref": "#/definitions/B"}]}),
                "(A | B) & { a?: unknown }",
            ),
        ] {
            assert_eq!(of(&schema), expected, "{schema}");
        }
    }
}
