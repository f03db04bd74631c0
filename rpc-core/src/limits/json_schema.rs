//! The JSON Schema of limits.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::Limits;

impl JsonSchema for Limits {
    fn schema_name() -> Cow<'static, str> {
        "Limits".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let written = serde_json::to_value(Self::server()).ok();
        let fields = written.as_ref().and_then(Value::as_object).into_iter().flatten();
        let properties: Map<_, _> = fields
            .map(|(name, value)| {
                let schema = match value {
                    Value::String(_) => json!({"type": "string"}),
                    _ => json!({"type": "integer", "format": "uint", "minimum": 0}),
                };
                (name.clone(), schema)
            })
            .collect();
        // A field that is left out has the value of a server.
        let is_written = generator.contract().is_serialize();
        let required: Vec<_> = properties.keys().filter(|_| is_written).cloned().collect();
        let mut schema = json_schema!({
            "description": "What a connection may use. Durations are text such as `500ms` or `20s`.",
            "type": "object",
            "properties": properties,
            "additionalProperties": false,
        });
        if is_written {
            schema.insert("required".into(), required.into());
        }
        schema
    }
}
