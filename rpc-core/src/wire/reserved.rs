//! The names that belong to the protocol, and that no service may offer. The macros refuse the same list of names.

const RESERVED: ([&str; 11], &str, &str, &str) = rpc_macros::reserved_names!();

/// Returns whether a name belongs to the protocol.
pub(crate) fn is_reserved(name: &str) -> bool {
    let (names, _, prefix, _) = RESERVED;
    name.starts_with(prefix) || names.contains(&name)
}

/// Returns the reason why no service may offer this name, if it belongs to the protocol.
pub(crate) fn refusal(name: &str) -> Option<String> {
    let (names, names_reason, prefix, prefix_reason) = RESERVED;
    let why = if name.starts_with(prefix) {
        prefix_reason
    } else if names.contains(&name) {
        names_reason
    } else {
        return None;
    };
    Some(format!("`{name}` is reserved: {why}"))
}

#[test]
fn what_the_protocol_has_is_reserved_and_nothing_else_in_its_place() {
    let (names, ..) = RESERVED;
    for name in names {
        let refusal = refusal(name).unwrap();
        assert!(
            name.starts_with("$/") && names.iter().all(|name| refusal.contains(name)),
            "{refusal}"
        );
    }
    let refused = refusal("rpc.discover").unwrap();
    assert!(refused.ends_with("names that begin with `rpc.` belong to the protocol"), "{refused}");
    for free in ["$/setTrace", "$/logTrace", "$/", "$/ping2", "rpc_methods", "rpc", "Rpc.x"] {
        assert_eq!(refusal(free), None);
    }
}
