//! An OpenRPC document without its unstable methods.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

/// The member of a method that only peers are served that ask for unstable methods.
const UNSTABLE: &str = "x-unstable";

/// The method of a client that has the name of another method of the server.
const OF_CLIENT: &str = "x-implemented-by-client";

/// Where a document keeps schemas with names.
const SCHEMAS: &str = "#/components/schemas/";

/// Returns a document without unstable methods, and without schemas that only those need. `None` if there are no
/// unstable methods.
pub(super) fn document(document: &Value) -> Option<Value> {
    let methods = document.get("methods")?.as_array()?;
    let is_unstable = |method: &Value| is_unstable(method) || is_unstable(&method[OF_CLIENT]);
    if !methods.iter().any(is_unstable) {
        return None;
    }
    let mut stable = document.clone();
    stable["methods"] = methods.iter().filter_map(method).collect();
    let schemas = stable.get_mut("components").and_then(|it| it.get_mut("schemas"));
    if let Some(Value::Object(all)) = schemas.map(Value::take) {
        stable["components"]["schemas"] = needed(&stable, all).into();
    }
    Some(stable)
}

fn is_unstable(method: &Value) -> bool {
    method[UNSTABLE] == true
}

/// Returns what is left of a method.
fn method(method: &Value) -> Option<Value> {
    let of_client = method.get(OF_CLIENT).filter(|it| !is_unstable(it));
    if is_unstable(method) {
        let mut of_client = of_client?.clone();
        of_client["x-implemented-by"] = json!(["client"]);
        return Some(of_client);
    }
    let mut stable = method.clone();
    if let (Some(members), None) = (stable.as_object_mut(), of_client) {
        members.remove(OF_CLIENT);
    }
    Some(stable)
}

/// Returns those of the schemas that a document refers to.
fn needed(document: &Value, mut all: Map<String, Value>) -> Map<String, Value> {
    let (mut names, mut needed) = (BTreeSet::new(), Map::new());
    add_names(document, &mut names);
    while let Some(name) = names.pop_first() {
        if let Some(schema) = all.remove(&name) {
            add_names(&schema, &mut names);
            needed.insert(name, schema);
        }
    }
    needed.sort_keys();
    needed
}

/// Adds the names of the schemas that a value refers to.
fn add_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            let reference = members.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|reference| reference.strip_prefix(SCHEMAS));
            names.extend(name.map(str::to_owned));
            members.values().for_each(|value| add_names(value, names));
        }
        Value::Array(items) => items.iter().for_each(|item| add_names(item, names)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refers(name: &str) -> Value {
        json!({"$ref": format!("{SCHEMAS}{name}")})
    }

    #[test]
    fn a_document_without_unstable_methods_is_shown_as_it_is() {
        assert_eq!(document(&json!({"methods": [{"name": "a"}]})), None);
        assert_eq!(document(&json!({"methods": 1})), None);
        assert_eq!(document(&json!(1)), None);
    }

    #[test]
    fn schemas_that_only_unstable_methods_need_go_with_them() {
        let schemas = json!({
            "A": {"items": refers("Shared")}, "Shared": {}, "B": {"items": refers("Deep")}, "Deep": {},
        });
        let whole = json!({
            "methods": [
                {"name": "a", "result": refers("A")},
                {"name": "b", "result": refers("B"), "x-unstable": true},
            ],
            "components": {"schemas": schemas},
        });
        let stable = document(&whole).unwrap();
        assert_eq!(stable["methods"], json!([{"name": "a", "result": refers("A")}]));
        let kept: Vec<_> = stable["components"]["schemas"].as_object().unwrap().keys().collect();
        assert_eq!(kept, ["A", "Shared"]);
    }

    #[test]
    fn each_end_has_a_method_of_this_name_of_its_own() {
        let of_both = |server: bool, client: bool| {
            json!({"methods": [{
                "name": "m", "summary": "server", "x-unstable": server, "x-implemented-by": ["server"],
                "x-implemented-by-client": {"name": "m", "summary": "client", "x-unstable": client},
            }]})
        };
        let stable = |server, client| document(&of_both(server, client)).unwrap()["methods"].take();
        assert_eq!(document(&of_both(false, false)), None);
        assert_eq!(stable(true, true), json!([]));
        let of_client = &stable(true, false)[0];
        let by = json!(["client"]);
        assert_eq!(
            (&of_client["summary"], &of_client["x-implemented-by"]),
            (&json!("client"), &by)
        );
        let of_server = &stable(false, true)[0];
        assert_eq!(of_server["summary"], "server");
        assert_eq!(of_server.get("x-implemented-by-client"), None);
    }
}
