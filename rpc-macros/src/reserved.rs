//! The names that belong to the protocol. `rpc-core` reads the same list through a macro.

/// The protocol's names that begin with `$/`. All other names with `$/` are free for applications, such as
/// `$/setTrace` of the Language Server Protocol.
pub(crate) const NAMES: [&str; 11] = [
    "$/ack",
    "$/cancelRequest",
    "$/credit",
    "$/goaway",
    "$/hello",
    "$/item",
    "$/mute",
    "$/ping",
    "$/progress",
    "$/stop",
    "$/throttle",
];

/// The specification (section 4) reserves all names with this prefix.
pub(crate) const PREFIX: &str = "rpc.";

/// Returns whether the name of a method belongs to the protocol.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(PREFIX) || NAMES.contains(&name)
}

/// Returns the reason why names in [`NAMES`] are reserved.
pub(crate) fn names_reason() -> String {
    let names = NAMES.map(|name| format!("`{name}`")).join(", ");
    format!("{names} belong to the protocol, other names in `$/` are free")
}

/// Returns the reason why names with the [`PREFIX`] are reserved.
pub(crate) fn prefix_reason() -> String {
    format!("names that begin with `{PREFIX}` belong to the protocol")
}
