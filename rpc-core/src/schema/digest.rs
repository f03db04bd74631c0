//! A short text that is the same for the same service, whichever end makes it.

use serde_json::{Map, Value, json};

use super::model::{Model, ServiceModel};

/// Returns the digest of a service: of its names, of the order of its params, and of its schemas. Documentation is no
/// part of it.
///
/// `model` has this service alone, without its unstable methods, made by the end that serves it. So other services have no part in the names of the
/// definitions.
pub(super) fn of(model: &Model, service: &ServiceModel) -> String {
    let mut said = json!({"methods": service.methods, "definitions": model.definitions});
    strip(&mut said);
    said.sort_all_objects();
    format!("{:032x}", fnv1a(said.to_string().as_bytes()))
}

/// Removes what is for people. A member of an object may have the name `description` or `docs` as well: the value is
/// no text then.
pub(super) fn strip(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["description", "title", "docs", "rustType", "ident", "deprecated", "since"]
            {
                remove_text(members, name);
            }
            members.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

fn remove_text(members: &mut Map<String, Value>, name: &str) {
    let is_deprecation = |value: &Value| name == "deprecated" && value.get("type").is_none();
    if members.get(name).is_some_and(|value| value.is_string() || is_deprecation(value)) {
        members.remove(name);
    }
}

/// FNV-1a of 128 bits. Nobody gains by a collision, and the digest is the same in each version of Rust.
fn fnv1a(bytes: &[u8]) -> u128 {
    const BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    bytes.iter().fold(BASIS, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vectors of the draft that describes FNV.
    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a(b"a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }

    #[test]
    fn only_text_for_people_is_removed() {
        let mut value = json!({
            "docs": "about", "name": "m", "deprecated": {"note": "n"},
            "schema": {"description": "about", "properties": {"docs": {"type": "string"}, "deprecated": {"type": "null"}}},
        });
        strip(&mut value);
        let kept =
            json!({"properties": {"docs": {"type": "string"}, "deprecated": {"type": "null"}}});
        assert_eq!(value, json!({"name": "m", "schema": kept}));
    }
}
