//! What a decoder says of a value that does not fit, in bounded words that name no type of ours.

use crate::error::Excerpt;

/// At most this much is said of one mistake: a value that does not fit may be a megabyte long.
pub(crate) const LONGEST: usize = 300;

/// How serde calls our types, and what that is in JSON. The names of types are ours to know.
const KINDS: &[(&str, &str)] = &[
    ("internally tagged enum ", "an object with a tag"),
    ("adjacently tagged enum ", "an object with a tag"),
    ("newtype struct ", "its value"),
    ("tuple struct ", "an array"),
    ("unit struct ", "null"),
    ("struct variant ", "an object"),
    ("tuple variant ", "an array"),
    ("untagged enum ", "it"),
    ("struct ", "an object"),
    ("enum ", "one of its variants"),
];

/// Why a text is not what it should be. Says neither where in a slice that the other end never saw,
/// nor the name of a Rust type.
pub(crate) fn explain(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let message = message.rsplit_once(" at line ").map_or(&*message, |(why, _)| why);
    shortened(&without_type_name(message))
}

fn without_type_name(message: &str) -> String {
    // What serde expected comes last, after whatever it found.
    let Some(start) = ["expected ", "variant of "]
        .iter()
        .filter_map(|before| message.rfind(before).map(|at| at + before.len()))
        .max()
    else {
        return message.to_owned();
    };
    let (before, expected) = message.split_at(start);
    for (kind, plain) in KINDS {
        if let Some(rest) = expected.strip_prefix(kind) {
            let name_ends = rest.find([' ', ',']).unwrap_or(rest.len());
            return format!("{before}{plain}{}", &rest[name_ends..]);
        }
    }
    message.to_owned()
}

fn shortened(message: &str) -> String {
    if message.len() <= LONGEST {
        return message.to_owned();
    }
    // What was expected stands at the end, and is worth more than the middle of what was found.
    let tail = message.len() - LONGEST / 2;
    let tail = (tail..).find(|at| message.is_char_boundary(*at)).unwrap_or(message.len());
    format!("{}{}", Excerpt(message), &message[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    fn complaint<T: for<'de> Deserialize<'de>>(json: &str) -> String {
        explain(&serde_json::from_str::<T>(json).err().expect("it does not fit"))
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct SecretName {
        x: u8,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only read")]
    struct SecretPair(u8, u8);

    #[derive(Debug, Deserialize)]
    enum SecretChoice {
        A,
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    enum SecretUnion {
        #[expect(dead_code, reason = "only read")]
        A(u8),
    }

    #[test]
    fn no_type_of_ours_is_named() {
        assert_eq!(complaint::<SecretName>("1"), "invalid type: integer `1`, expected an object");
        assert_eq!(complaint::<SecretName>("{}"), "missing field `x`");
        assert_eq!(
            complaint::<SecretPair>("[1]"),
            "invalid length 1, expected an array with 2 elements"
        );
        assert_eq!(complaint::<SecretChoice>("1"), "expected value");
        assert_eq!(complaint::<SecretChoice>("\"B\""), "unknown variant `B`, expected `A`");
        assert_eq!(complaint::<SecretUnion>("\"B\""), "data did not match any variant of it");
    }

    #[test]
    fn a_long_value_is_not_repeated() {
        let why = complaint::<u8>(&format!("\"{}\"", "ä".repeat(100_000)));
        assert!(why.len() < 400, "{} bytes", why.len());
        assert!(why.starts_with("invalid type: string") && why.ends_with("expected u8"), "{why}");
    }
}
