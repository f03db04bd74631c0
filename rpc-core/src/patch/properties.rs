//! Random values and random changes: a patch makes the new value of the old one, here and by a foreign library, however
//! many versions were skipped.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Document, Log, Operations, diff};

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        name().prop_map(Value::from),
        // Long enough that a change beside the text is worth an operation of its own.
        Just("x".repeat(90).into()),
        Just("y".repeat(90).into()),
    ];
    scalar.prop_recursive(4, 40, 6, |inside| {
        prop_oneof![
            vec(inside.clone(), 0..6).prop_map(Value::from),
            vec((name(), inside), 0..6)
                .prop_map(|members| members.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("0"), Just("1"), Just("a/b"), Just("~"), Just("\"\\\n")]
        .prop_map(str::to_owned)
}

/// A change somewhere in a value.
#[derive(Debug, Clone)]
enum Change {
    Set(Value),
    Insert(usize, Value),
    Remove(usize),
    Slide(Value),
}

fn change() -> impl Strategy<Value = (Vec<usize>, Change)> {
    let change = prop_oneof![
        4 => value().prop_map(Change::Set),
        2 => (0..6usize, value()).prop_map(|(at, value)| Change::Insert(at, value)),
        2 => (0..6usize).prop_map(Change::Remove),
        1 => value().prop_map(Change::Slide),
    ];
    (vec(0..6usize, 0..4), change)
}

fn make(value: &mut Value, path: &[usize], change: &Change) {
    let inside = path.split_first().and_then(|(first, rest)| {
        let inside = match value {
            Value::Array(elements) => elements.get_mut(*first),
            Value::Object(members) => members.values_mut().nth(*first),
            _ => None,
        };
        Some((inside?, rest))
    });
    if let Some((inside, rest)) = inside {
        return make(inside, rest, change);
    }
    match (value, change.clone()) {
        (value, Change::Set(new)) => *value = new,
        (Value::Array(elements), Change::Insert(at, new)) => {
            elements.insert(at.min(elements.len()), new)
        }
        (Value::Object(members), Change::Insert(at, new)) => {
            _ = members.insert(at.to_string(), new)
        }
        (Value::Array(elements), Change::Remove(at)) if at < elements.len() => {
            _ = elements.remove(at)
        }
        (Value::Object(members), Change::Remove(at)) => {
            let name = members.keys().nth(at).cloned();
            name.map(|name| members.remove(&name));
        }
        (Value::Array(elements), Change::Slide(new)) => {
            elements.push(new);
            elements.remove(0);
        }
        _ => {}
    }
}

/// Applies a patch by this crate and by the crate `json-patch`.
fn applied(old: &str, operations: &str) -> [Value; 2] {
    let patch = format!("[{operations}]");
    let mut document = Document::new(old, 1 << 20).unwrap();
    document.apply(&patch).unwrap();
    let mut text = String::new();
    document.write(&mut text);
    let mut value: Value = serde_json::from_str(old).unwrap();
    let patch: json_patch::Patch = serde_json::from_str(&patch).unwrap();
    json_patch::patch(&mut value, &patch).unwrap();
    [serde_json::from_str(&text).unwrap(), value]
}

proptest! {
    #[test]
    fn a_patch_makes_one_value_of_another(old in value(), new in value()) {
        let (old_text, new_text) = (old.to_string(), new.to_string());
        let operations = diff(&old_text, &new_text, usize::MAX).unwrap();
        prop_assert_eq!(operations.text().is_empty(), old == new);
        prop_assert_eq!(applied(&old_text, operations.text()), [new.clone(), new]);
    }

    /// A receiver that was at any version gets to the last one.
    #[test]
    fn versions_may_be_skipped(start in value(), changes in vec(change(), 1..12), limit in 0..400usize) {
        let (mut value, mut log, mut versions) = (start.clone(), Log::default(), vec![start]);
        for (path, change) in &changes {
            let old = value.to_string();
            make(&mut value, path, change);
            log.push(diff(&old, &value.to_string(), usize::MAX), limit);
            versions.push(value.clone());
        }
        for (version, seen) in versions.iter().enumerate() {
            match log.since(version as u64) {
                Some(operations) => {
                    let expected = [value.clone(), value.clone()];
                    prop_assert_eq!(applied(&seen.to_string(), &operations), expected, "from {}", version);
                }
                None => prop_assert!(version < changes.len(), "the last version needs nothing"),
            }
        }
        prop_assert_eq!(log.since(changes.len() as u64 + 1), None);
    }

    /// What a foreign library writes is understood.
    #[test]
    fn a_foreign_patch_is_applied(old in value(), new in value()) {
        let patch = serde_json::to_string(&json_patch::diff(&old, &new)).unwrap();
        let mut document = Document::new(&old.to_string(), 1 << 20).unwrap();
        document.apply(&patch).unwrap();
        let mut text = String::new();
        document.write(&mut text);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), new);
    }

    /// No patch takes a document beyond its limits, or makes anything panic.
    #[test]
    fn a_wrong_patch_is_refused(
        old in value(),
        operations in vec(("(add|remove|replace|move|copy|test)", "(/[ab01-]){0,3}", "(/[ab01-]){0,3}", value()), 0..8),
    ) {
        let operations: Vec<_> = operations.into_iter().map(|(op, path, from, value)| {
            json!({"op": op, "path": path, "from": from, "value": value})
        }).collect();
        let mut document = Document::new(&old.to_string(), 4096).unwrap();
        if document.apply(&Value::from(operations).to_string()).is_ok() {
            let mut text = String::new();
            document.write(&mut text);
            prop_assert!(text.len() <= 4096);
            prop_assert!(serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}

#[test]
fn what_a_later_change_makes_void_is_left_out() {
    let mut log = Log::default();
    let long = "z".repeat(200);
    let texts = [
        format!(r#"{{"a":1,"b":{{"x":1,"y":1,"z":"{long}"}},"z":"{long}"}}"#),
        format!(r#"{{"a":2,"b":{{"x":2,"y":1,"z":"{long}"}},"z":"{long}"}}"#),
        format!(r#"{{"a":3,"b":{{"x":2,"y":2,"z":"{long}"}},"z":"{long}"}}"#),
        format!(r#"{{"a":3,"b":7,"z":"{long}"}}"#),
    ];
    for pair in texts.windows(2) {
        log.push(diff(&pair[0], &pair[1], usize::MAX), usize::MAX);
    }
    let expected = r#"{"op":"add","path":"/a","value":3},{"op":"add","path":"/b","value":7}"#;
    assert_eq!(log.since(0).as_deref(), Some(expected));
    assert_eq!(log.since(3).as_deref(), Some(""));
}

#[test]
fn a_log_is_not_longer_than_its_limit() {
    let mut log = Log::default();
    let change = || diff("1", "2", usize::MAX);
    let bytes = change().as_ref().map_or(0, |change: &Operations| change.text().len());
    (0..5).for_each(|_| log.push(change(), 2 * bytes));
    assert!(log.since(3).is_some() && log.since(2).is_none());
    log.push(None, 2 * bytes);
    assert!(log.since(5).is_none() && log.since(6).is_some());
}
