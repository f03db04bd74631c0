//! The full names of the types behind definitions.
//!
//! A generator gives a second type with the name `User` the name `User2`, and does not say so. It shows which type has
//! which name by its `Debug` alone. If a later version of schemars shows something else, definitions keep the numbers:
//! see the test.

use std::collections::BTreeMap;

use schemars::SchemaGenerator;

/// Returns the full name of the type of each definition, by the name of the definition. The definitions themselves must
/// have been taken, because their texts would be searched as well.
pub(super) fn of(generator: &SchemaGenerator) -> BTreeMap<String, String> {
    let shown = format!("{generator:?}");
    let Some((_, mut rest)) = shown.split_once("schema_id_to_name: {") else {
        return BTreeMap::new();
    };
    let mut ids = BTreeMap::new();
    while let Some(entry) = rest.strip_prefix("SchemaUid(") {
        let Some(pair) = pair(entry) else { break };
        ids.insert(pair.name, pair.id);
        rest = pair.rest;
    }
    ids
}

struct Pair<'a> {
    id: String,
    name: String,
    rest: &'a str,
}

/// Reads `"a::User", Deserialize): "User", `.
fn pair(text: &str) -> Option<Pair<'_>> {
    let (id, rest) = quoted(text)?;
    let (_, rest) = rest.split_once("): ")?;
    let (name, rest) = quoted(rest)?;
    Some(Pair { id, name, rest: rest.trim_start_matches([',', ' ']) })
}

/// Reads a text in quotes, as `Debug` shows it. Returns the text, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('"')?;
    let mut read = String::new();
    let mut chars = text.char_indices();
    while let Some((index, char)) = chars.next() {
        match char {
            '"' => return Some((read, &text[index + 1..])),
            '\\' => read.push(chars.next()?.1),
            char => read.push(char),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use schemars::{JsonSchema, SchemaGenerator};

    use super::*;

    #[derive(JsonSchema)]
    struct User {
        #[expect(dead_code, reason = "only its schema is made")]
        name: String,
    }

    #[derive(JsonSchema)]
    struct Page<T> {
        #[expect(dead_code, reason = "only its schema is made")]
        rows: Vec<T>,
    }

    /// This version of schemars shows what is read here.
    #[test]
    fn the_full_name_of_each_type_is_known() {
        let mut generator = SchemaGenerator::default();
        generator.subschema_for::<Page<User>>();
        generator.take_definitions(false);
        let ids = of(&generator);
        let here = module_path!();
        assert_eq!(ids["User"], format!("{here}::User"));
        assert_eq!(ids["Page"], format!("{here}::Page<{here}::User>"));
        assert_eq!(ids.len(), 2);
    }

    #[test]
    fn quotes_in_a_name_are_no_end() {
        assert_eq!(quoted(r#""a\"b\\", rest"#), Some((r#"a"b\"#.to_owned(), ", rest")));
        assert_eq!(quoted(r#""a"#), None);
    }
}
