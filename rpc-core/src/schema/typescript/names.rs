//! Names as TypeScript writes them.

/// Words that cannot name a variable in a module.
const RESERVED: &[&str] = &[
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Members that a class of a client has already.
const OF_CLASSES: &[&str] = &["constructor"];

/// Returns a name in camel case: `whoIs` for `who_is`.
pub(super) fn camel(name: &str) -> String {
    let pascal = pascal(name);
    let mut chars = pascal.chars();
    let first = chars.next().into_iter().flat_map(char::to_lowercase);
    let camel: String = first.chain(chars).collect();
    if camel.starts_with(|first: char| first.is_ascii_digit()) || camel.is_empty() {
        format!("_{camel}")
    } else {
        camel
    }
}

/// Returns a name in Pascal case: `WhoIs` for `who_is`.
pub(super) fn pascal(name: &str) -> String {
    name.split(|c: char| !c.is_alphanumeric() && c != '$').map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

/// Returns the name of a variable. `options` and `context` are names that the module gives itself.
pub(super) fn variable(name: &str) -> String {
    let camel = camel(name);
    let is_taken = RESERVED.contains(&&*camel) || ["options", "context"].contains(&&*camel);
    if is_taken { camel + "_" } else { camel }
}

/// Returns the name of a method of a class or an interface.
pub(super) fn member(name: &str) -> String {
    let camel = camel(name);
    if OF_CLASSES.contains(&&*camel) { camel + "_" } else { camel }
}

/// Returns the name of a type: a definition's name is one, but for what no identifier can have.
pub(super) fn ty(name: &str) -> String {
    let is_identifier = is_identifier(name) && !RESERVED.contains(&name);
    if is_identifier { name.to_owned() } else { format!("_{}", pascal(name)) }
}

/// Returns the name of a member of an object, as it is on the wire.
pub(super) fn property(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { string(name) }
}

/// Returns a text as a literal.
pub(super) fn string(text: &str) -> String {
    serde_json::to_string(text).expect("any text can be written")
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_alphabetic() || "_$".contains(first))
        && chars.all(|c| c.is_alphanumeric() || "_$".contains(c))
}

#[test]
fn names_are_those_of_the_language() {
    assert_eq!(
        ["who_is", "eth_getBlock", "2d", "ping"].map(camel),
        ["whoIs", "ethGetBlock", "_2d", "ping"]
    );
    assert_eq!(["new", "room_name", "options"].map(variable), ["new_", "roomName", "options_"]);
    assert_eq!(["constructor", "delete"].map(member), ["constructor_", "delete"]);
    assert_eq!(["User", "a-b", "default"].map(ty), ["User", "_AB", "_Default"]);
    assert_eq!(["a", "a-b", "1"].map(property), ["a", "\"a-b\"", "\"1\""]);
}
