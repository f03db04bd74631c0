//! The types that have names.

use serde_json::Value;

use super::exports::{Exports, GLOBALS};
use super::names::ty;
use super::text::Text;
use super::types;
use crate::schema::model::Model;

pub(super) fn write(model: &Model, text: &mut Text, exports: &mut Exports) {
    for (name, schema) in &model.definitions {
        let own = ty(name);
        exports.export(&own, format!("the type `{name}`"));
        if GLOBALS.contains(&&*own) {
            exports.export(&own, "a type of JavaScript".to_owned());
        }
        text.blank();
        text.docs(&[schema.get("description").and_then(Value::as_str).unwrap_or_default()]);
        let is_interface = schema.as_object().filter(|schema| {
            let combines = ["oneOf", "anyOf", "allOf", "$ref", "enum", "const"];
            schema.contains_key("properties")
                && !combines.iter().any(|key| schema.contains_key(*key))
        });
        match is_interface {
            Some(schema) => text.block(&format!("export interface {own} {{"), "}", |text| {
                for property in types::properties(schema) {
                    text.docs(&[property.docs()]);
                    text.line(&format!("{};", property.line()));
                }
            }),
            None => text.union(&format!("export type {own} ="), &types::members(schema)),
        }
    }
}
