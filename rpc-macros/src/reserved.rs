//! The names that belong to the protocol: the one list of them, which `rpc-core` reads by a macro.

/// What the protocol sends and takes in `$/`. All other names there are an application's own, such as `$/setTrace` of
/// the Language Server Protocol. `$/ack` is kept free for what is to come.
pub(crate) const NAMES: [&str; 9] = [
    "$/ack",
    "$/cancelRequest",
    "$/credit",
    "$/goaway",
    "$/hello",
    "$/item",
    "$/ping",
    "$/progress",
    "$/stop",
];

/// The specification (section 4) keeps all names that begin so.
pub(crate) const PREFIX: &str = "rpc.";

/// Whether the name of a method belongs to the protocol.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with(PREFIX) || NAMES.contains(&name)
}

/// Why names in [`NAMES`] are reserved.
pub(crate) fn names_told() -> String {
    let names = NAMES.map(|name| format!("`{name}`")).join(", ");
    format!("{names} belong to the protocol, other names in `$/` are free")
}

/// Why names with the [`PREFIX`] are.
pub(crate) fn prefix_told() -> String {
    format!("names that begin with `{PREFIX}` belong to the protocol")
}
