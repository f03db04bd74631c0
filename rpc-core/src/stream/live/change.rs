//! The items of a live value on the wire.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// An item of a stream that shows how a value changes: the whole value, or what is to change in the value before.
///
/// A method that returns [`Live::subscribe`](crate::Live::subscribe) declares a `Streaming<Change<T>>`. The caller makes
/// a [`Watch`](crate::Watch) of the stream, which gives each value. On the wire an item is `{"value":…}` or
/// `{"patch":[…]}`, a JSON Patch of RFC 6902.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(description = DESCRIPTION))]
pub enum Change<T> {
    /// The whole value.
    Value(T),
    /// What is to change in the value that the receiver has.
    Patch(JsonPatch),
}

/// What documents for other languages say of a change.
#[cfg(feature = "schema")]
const DESCRIPTION: &str =
    "How a value changes: the whole value, or a JSON Patch (RFC 6902) on the value before.";

/// A JSON Patch (RFC 6902).
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonPatch(Box<RawValue>);

impl JsonPatch {
    /// Returns the JSON text.
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for JsonPatch {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonPatch".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A JSON Patch (RFC 6902).",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "op": { "enum": ["add", "remove", "replace", "move", "copy", "test"] },
                    "path": { "type": "string" },
                    "from": { "type": "string" },
                    "value": true
                },
                "required": ["op", "path"]
            }
        })
    }
}

impl fmt::Debug for JsonPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.get())
    }
}
