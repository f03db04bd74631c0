//! A readable name for a type: `PageOfUser` for `a::Page<b::User>`.

use std::collections::BTreeSet;

/// Returns the name of a type by its full name. `known` has the full names of other types, because the arguments of a
/// generic type stand in its full name without anything between them.
pub(super) fn name(id: &str, known: &BTreeSet<String>) -> String {
    if let Some((base, arguments)) = generic(id) {
        let base = last_segment(base);
        let names = split(arguments, known).map(|arguments| {
            let names = arguments.into_iter().map(|argument| capitalized(&name(argument, known)));
            names.collect::<Vec<_>>().join("And")
        });
        // An argument that is nowhere else: all words of the path, so that the name stays unique.
        let names = names.unwrap_or_else(|| words(arguments));
        return format!("{base}Of{names}");
    }
    match id.strip_prefix('[').and_then(|id| id.strip_suffix(']')) {
        Some(item) => format!("ListOf{}", capitalized(&name(item, known))),
        None if id.starts_with('(') => format!("TupleOf{}", words(id)),
        None => last_segment(id).to_owned(),
    }
}

/// Splits `a::Page<b::User>` into `a::Page` and `b::User`.
fn generic(id: &str) -> Option<(&str, &str)> {
    let (base, rest) = id.split_once('<')?;
    let is_path = base.chars().all(|char| char.is_alphanumeric() || matches!(char, '_' | ':'));
    Some((base, rest.strip_suffix('>')?)).filter(|_| is_path)
}

fn last_segment(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

/// Splits full names that stand side by side.
fn split<'a>(text: &'a str, known: &BTreeSet<String>) -> Option<Vec<&'a str>> {
    let text = text.trim_start_matches([',', ' ']);
    if text.is_empty() {
        return Some(Vec::new());
    }
    let of_known = known.iter().map(String::as_str).chain(PRIMITIVES);
    let mut lengths: Vec<_> =
        of_known.filter(|id| text.starts_with(id)).map(str::len).chain(composite(text)).collect();
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    lengths.into_iter().find_map(|length| {
        let (first, rest) = text.split_at(length);
        let mut all = vec![first];
        all.extend(split(rest, known)?);
        Some(all)
    })
}

/// What schemars calls types that have no name.
const PRIMITIVES: [&str; 21] = [
    "string",
    "boolean",
    "null",
    "float",
    "double",
    "int",
    "int8",
    "int16",
    "int32",
    "int64",
    "int128",
    "uint",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "uint128",
    "AnyValue",
    "Base64",
    "Character",
    "Number",
];

/// Returns the length of a list, a tuple, or a generic type of the standard library at the start of a text.
fn composite(text: &str) -> Option<usize> {
    let start = text.find(['[', '(', '<'])?;
    if !text[..start].chars().all(char::is_alphanumeric) {
        return None;
    }
    let mut depth = 0;
    for (index, char) in text.char_indices().skip_while(|(index, _)| *index < start) {
        match char {
            '[' | '(' | '<' => depth += 1,
            ']' | ')' | '>' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(index + char.len_utf8());
        }
    }
    None
}

/// Returns all words of a text as one.
fn words(text: &str) -> String {
    text.split(|char: char| !char.is_alphanumeric()).map(capitalized).collect()
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(id: &str, expected: &str) {
        let known = ["a::A", "a::Ab", "b::C", "a::Page<b::C>"].map(str::to_owned);
        assert_eq!(name(id, &BTreeSet::from(known)), expected);
    }

    #[test]
    fn the_name_of_a_generic_type_is_one_word() {
        check("a::User", "User");
        check("my_type", "my_type");
        check("a::Page<b::C>", "PageOfC");
        check("a::Page<a::Page<b::C>>", "PageOfPageOfC");
        check("a::Page<[b::C]>", "PageOfListOfC");
        check("Range<uint32>", "RangeOfUint32");
        check("a::Grid<3>", "GridOf3");
    }

    /// schemars writes arguments without anything between them.
    #[test]
    fn several_arguments_are_told_apart() {
        check("a::Pair<a::Ab::C>", "PairOfAAndC");
        check("a::Pair<a::Abuint8>", "PairOfAbAndUint8");
        check("a::Pair<Option<b::C>string>", "PairOfOptionOfCAndString");
        check("a::Pair<x::Hiddena::A>", "PairOfXHiddenaA");
    }
}
