//! The references between schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Key, Way};

/// Replaces each reference by what `to` returns for it, if that is anything.
pub(crate) fn rewrite(schema: &mut Value, to: &impl Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && let Some(new) = to(reference)
            {
                *reference = new;
            }
            members.values_mut().for_each(|value| rewrite(value, to));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, to)),
        _ => {}
    }
}

/// Returns the schema without the way of its references, and the names that it refers to.
pub(super) fn local(schema: &Value) -> (Value, BTreeSet<String>) {
    let mut local = schema.clone();
    let names = std::cell::RefCell::new(BTreeSet::new());
    rewrite(&mut local, &|reference| {
        let Key { name, .. } = target(reference)?;
        names.borrow_mut().insert(name.clone());
        Some(name)
    });
    (local, names.into_inner())
}

/// Returns what a reference refers to, if it is one that schemars made.
pub(super) fn target(reference: &str) -> Option<Key> {
    [Way::Read, Way::Written].into_iter().find_map(|way| {
        let name = decoded(reference.strip_prefix(way.prefix())?)?;
        Some(Key { name, way })
    })
}

/// Decodes a name in a JSON pointer (RFC 6901, sections 4 and 6).
fn decoded(name: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    Some(String::from_utf8(bytes).ok()?.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_reference_tells_the_way_and_the_name() {
        let Key { way, name } = target("#/written/Gr%C3%B6%C3%9Fe~1a~01").unwrap();
        assert_eq!((way, &*name), (Way::Written, "Größe/a~1"));
        assert!(target("#/other/A").is_none() && target("#/read/%zz").is_none());
    }

    #[test]
    fn a_schema_without_its_way_tells_what_it_refers_to() {
        let schema = json!({"anyOf": [{"$ref": "#/read/A"}, {"items": {"$ref": "#/read/B"}}]});
        let (local, names) = local(&schema);
        assert_eq!(local, json!({"anyOf": [{"$ref": "A"}, {"items": {"$ref": "B"}}]}));
        assert!(names.into_iter().eq(["A", "B"]));
    }
}
