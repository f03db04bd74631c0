//! What the documents of OpenRPC and AsyncAPI have in common.

use serde_json::{Map, Value, json};

use super::definitions::refs::rewrite;
use super::model::{DEFINITIONS, ErrorModel, Model};

/// What a document says of the program as a whole.
///
/// ```
/// use rpc_core::schema::DocumentInfo;
///
/// let info = DocumentInfo::new("Chat", "1.2.0").description("Rooms to talk in.");
/// assert_eq!((&*info.title, &*info.version), ("Chat", "1.2.0"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DocumentInfo {
    /// The name of the program.
    pub title: String,
    /// The version of what the program offers. It is not the version of the document's format.
    pub version: String,
    /// More about the program, as Markdown.
    pub description: Option<String>,
}

impl DocumentInfo {
    /// Creates an info without a description.
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self { title: title.into(), version: version.into(), description: None }
    }

    /// Sets the description.
    #[must_use]
    pub fn description(mut self, markdown: impl Into<String>) -> Self {
        self.description = Some(markdown.into());
        self
    }

    pub(super) fn json(&self) -> Value {
        let mut info = json!({"title": self.title, "version": self.version});
        set(&mut info, "description", self.description.as_deref());
        info
    }
}

/// Where both formats keep schemas with names.
pub(super) const SCHEMAS: &str = "#/components/schemas/";

/// Makes a document's references of those of a model.
pub(super) fn refer_to_components(document: &mut Value) {
    rewrite(document, &|reference| {
        Some(format!("{SCHEMAS}{}", reference.strip_prefix(DEFINITIONS)?))
    });
}

/// Returns the schemas with names, without those that a document never refers to.
pub(super) fn components(model: &Model, document: &Value) -> Map<String, Value> {
    let mut used = Map::new();
    add_used(model, document, &mut used);
    used.sort_keys();
    used
}

fn add_used(model: &Model, value: &Value, used: &mut Map<String, Value>) {
    match value {
        Value::Object(members) => {
            if let Some(definition) = model.definition(value)
                && !used.contains_key(definition.name)
            {
                used.insert(definition.name.to_owned(), definition.schema.clone());
                add_used(model, definition.schema, used);
            }
            members.values().for_each(|value| add_used(model, value, used));
        }
        Value::Array(items) => items.iter().for_each(|item| add_used(model, item, used)),
        _ => {}
    }
}

/// Sets a member, if there is a value.
pub(super) fn set(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}

/// Returns the first sentence of a documentation, on one line.
pub(super) fn summary(docs: &str) -> Option<String> {
    let paragraph = docs.trim().split("\n\n").next().filter(|text| !text.is_empty())?;
    let line = paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    let end = line.find(". ").unwrap_or(line.len());
    Some(line[..end].trim_end_matches('.').to_owned())
}

/// Returns a documentation, if there is one.
pub(super) fn description(docs: &str) -> Option<&str> {
    Some(docs.trim()).filter(|docs| !docs.is_empty())
}

/// Returns what a document calls an error, because its message is known only when it happens.
pub(super) fn message(error: &ErrorModel) -> String {
    summary(&error.docs).unwrap_or_else(|| error.name.clone())
}

/// Adds a member to a schema. A reference has no other members in this dialect, so the reference moves into an `allOf`.
pub(super) fn with_member(schema: &Value, name: &str, value: Value) -> Value {
    let mut schema = match schema {
        Value::Object(members) if members.contains_key("$ref") => json!({"allOf": [schema]}),
        Value::Object(_) => schema.clone(),
        _ => json!({}),
    };
    schema[name] = value;
    schema
}

/// The schema of what stands among the params in place of a stream.
pub(super) fn stream_reference() -> Value {
    json!({
        "type": "object",
        "description": "The id of a stream, which the caller chooses and whose items the caller sends.",
        "properties": {"$stream": {"type": "string"}},
        "required": ["$stream"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_one_sentence() {
        assert_eq!(
            summary("Joins `room`,\nat once. Or not.\n\nMore."),
            Some("Joins `room`, at once".into())
        );
        assert_eq!((summary(""), summary("Adds.")), (None, Some("Adds".into())));
    }

    #[test]
    fn a_reference_keeps_no_other_members() {
        let schema = with_member(&json!({"$ref": "#/definitions/A"}), "default", json!(1));
        assert_eq!(schema, json!({"allOf": [{"$ref": "#/definitions/A"}], "default": 1}));
    }
}
