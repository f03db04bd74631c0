//! The members of a batch are answered as they would be one by one, in their order.

use serde_json::value::RawValue;

use crate::far::answers;

/// Each line that is JSON is a member.
pub fn check(input: &[u8]) {
    let members: Vec<&str> = crate::text(input)
        .lines()
        .filter_map(|line| serde_json::from_str::<&RawValue>(line).ok())
        .map(RawValue::get)
        // A member that is an array is no batch; and some change what comes behind them.
        .filter(|member| {
            !member.starts_with('[') && !member.contains("$/") && !member.contains('\\')
        })
        .filter(|member| !["ticks", "back", "timeoutMs"].iter().any(|name| member.contains(name)))
        .take(100)
        .collect();
    if members.is_empty() || has_twice(&members) {
        return;
    }
    let batch = format!("[{}]", members.join(","));
    crate::paused(async {
        let single = answers(members.iter().copied()).await;
        let together = answers([&*batch]).await;
        let expected = match &single[..] {
            [] => Vec::new(),
            some => vec![format!("[{}]", some.join(","))],
        };
        assert_eq!(together, expected, "{batch}");
    });
}

/// Whether a member stands twice: its id may then be in flight when it comes again.
fn has_twice(members: &[&str]) -> bool {
    let id = |member: &str| {
        let value: Option<serde_json::Value> = serde_json::from_str(member).ok();
        value.and_then(|value| value.get("id").cloned())
    };
    let mut ids: Vec<_> = members.iter().filter_map(|member| id(member)).collect();
    let count = ids.len();
    ids.sort_by_key(ToString::to_string);
    ids.dedup();
    ids.len() < count
}
