//! Values of JSON, as TypeScript writes them.

use serde_json::{Map, Value};

use super::names::{property, string};
use super::text::Text;

/// Writes a value between two texts: on one line if it fits, else with a line for each part.
pub(super) fn write(open: &str, value: &Value, close: &str, text: &mut Text) {
    let line = format!("{open}{}{close}", inline(value));
    if text.fits(&line) {
        return text.line(&line);
    }
    match value {
        Value::Object(object) => text.block(&format!("{open}{{"), &format!("}}{close}"), |text| {
            members(object)
                .for_each(|it| write(&format!("{}: ", key(it.name)), it.value, ",", text));
        }),
        Value::Array(items) => text.block(&format!("{open}["), &format!("]{close}"), |text| {
            items.iter().for_each(|item| write("", item, ",", text));
        }),
        _ => text.line(&line),
    }
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "{}".to_owned(),
        Value::Object(object) => {
            let parts = members(object).map(|it| format!("{}: {}", key(it.name), inline(it.value)));
            format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::String(text) => string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

struct Member<'a> {
    name: &'a str,
    value: &'a Value,
}

/// Returns the members by their names, and first how the object itself is called. The map has the order of a program that
/// asks serde_json for it.
fn members(object: &Map<String, Value>) -> impl Iterator<Item = Member<'_>> {
    let mut members: Vec<_> = object.iter().map(|(name, value)| Member { name, value }).collect();
    members.sort_by_key(|member| (!["end", "name", "kind"].contains(&member.name), member.name));
    members.into_iter()
}

/// Returns the name of a member, in brackets if it would set the prototype.
fn key(name: &str) -> String {
    if name == "__proto__" { format!("[{}]", string(name)) } else { property(name) }
}

#[test]
fn a_value_is_on_one_line_if_it_fits() {
    let value = serde_json::json!({"of": [1, null], "name": "a", "b-c": {}, "__proto__": true});
    assert_eq!(inline(&value), r#"{ name: "a", ["__proto__"]: true, "b-c": {}, of: [1, null] }"#);
    let mut text = Text::default();
    write("x = ", &serde_json::json!({"long": "y".repeat(90), "b": [2]}), ";", &mut text);
    let expected = format!("x = {{\n  b: [2],\n  long: \"{}\",\n}};\n", "y".repeat(90));
    assert_eq!(text.finish(), expected);
}
