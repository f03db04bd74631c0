//! How much work a piece of JSON asks for, before anything is built from it.
//!
//! A megabyte of `[{"":0},…]` becomes eighty of decoded values, so bytes alone bound nothing.

/// What a valid JSON text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Complexity {
    /// How deep arrays and objects nest; a lone number has depth 0.
    pub(crate) depth: usize,
    /// How many values and member names there are.
    pub(crate) tokens: usize,
}

/// Measures `json`, which must be valid.
pub(crate) fn measure(json: &str) -> Complexity {
    let bytes = json.as_bytes();
    let mut found = Complexity::default();
    let mut open = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'[' | b'{' => {
                open += 1;
                found.tokens += 1;
                found.depth = found.depth.max(open);
            }
            b']' | b'}' => open -= 1,
            b'"' => {
                found.tokens += 1;
                at = after_string(bytes, at);
            }
            b',' | b':' | b' ' | b'\n' | b'\r' | b'\t' => {}
            _ => {
                found.tokens += 1;
                at = after_scalar(bytes, at);
            }
        }
    }
    found
}

/// The end of the string whose opening quote is before `at`. Long strings are what large messages
/// are made of, so they are crossed in strides.
fn after_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(skip) = memchr::memchr2(b'"', b'\\', &bytes[at..]) {
        at += skip + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        at += 1; // whatever is escaped
    }
    bytes.len()
}

fn after_scalar(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let end = |byte: &u8| matches!(byte, b',' | b']' | b'}' | b' ' | b'\n' | b'\r' | b'\t');
    at + rest.iter().position(end).unwrap_or(rest.len())
}

#[test]
fn values_and_names_are_counted() {
    for (json, depth, tokens) in [
        ("1", 0, 1),
        ("[]", 1, 1),
        ("[1, -2.5e3,true ,null]", 1, 5),
        (r#"{"a":{"b":[0]}}"#, 3, 6),
        (r#"["]]]\"[[[", "\\"]"#, 1, 3),
        (r#"[{"":0},{"":0}]"#, 2, 7),
    ] {
        assert_eq!(measure(json), Complexity { depth, tokens }, "{json}");
    }
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(measure(&deep), Complexity { depth: 1000, tokens: 1000 });
}
