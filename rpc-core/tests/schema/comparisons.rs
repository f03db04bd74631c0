//! Comparisons that each implementation makes alike: the TypeScript peer plays the same file.
//!
//! After a change of what is found: `GOLDEN=overwrite cargo test -p rpc-core --features schema --test schema
//! comparisons`, and read the difference.

use std::path::Path;

use rpc_core::schema::{End, Model, Pair};
use serde_json::{Value, json};

use crate::documents::check_file;

const FILE: &str = "tests/schema/comparisons.json";

fn model(methods: &Value, definitions: &Value) -> Model {
    let service = json!({
        "name": "S", "separator": ".", "servedBy": "server", "digest": "", "methods": methods,
    });
    let model = json!({"end": "server", "services": [service], "definitions": definitions});
    Model::from_json(&model.to_string()).unwrap()
}

#[test]
fn each_comparison_finds_what_was_agreed_on() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE)).unwrap();
    let mut file: Value = serde_json::from_str(&text).unwrap();
    let definitions = file["definitions"].clone();
    for comparison in file["comparisons"].as_array_mut().unwrap() {
        let caller = model(&json!([comparison["called"]]), &definitions);
        let callee = model(&comparison["offered"], &definitions);
        let changes = caller.diff(&callee).changes.into_iter();
        let changes = changes.filter(|it| (it.pair, it.caller) == (Pair::OldClient, End::Client));
        let found = changes.map(|it| json!({"breaks": it.breaks, "text": it.text}));
        comparison["changes"] = found.collect();
    }
    // serde_json keeps the order of members if any crate of the program asks it to.
    file.sort_all_objects();
    check_file(Path::new(FILE), &written(&file));
}

/// Writes the file, with a line for each comparison.
fn written(file: &Value) -> String {
    let lines: Vec<_> =
        file["comparisons"].as_array().unwrap().iter().map(|it| format!("    {it}")).collect();
    format!(
        "{{\n  \"about\": {},\n  \"definitions\": {},\n  \"comparisons\": [\n{}\n  ]\n}}\n",
        file["about"],
        file["definitions"],
        lines.join(",\n")
    )
}
