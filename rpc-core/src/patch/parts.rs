//! The parts of an object and of an array, as JSON text.

use std::borrow::Cow;

use crate::wire::scan::Scanner;

/// A member of an object.
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: &'a str,
}

/// Returns the members of an object in their order; `None` if the text is no object.
pub(super) fn members(object: &str) -> Option<Vec<Member<'_>>> {
    let mut scanner = Scanner::new(object);
    let mut members = Vec::new();
    scanner.take(b'{').then_some(())?;
    while !scanner.take(b'}') {
        let name = name(scanner.name()?)?;
        let (value, _) = scanner.value()?;
        members.push(Member { name, value });
        scanner.take(b',');
    }
    Some(members)
}

/// Returns the name whose JSON text this is.
fn name(quoted: &str) -> Option<Cow<'_, str>> {
    if quoted.contains('\\') {
        return serde_json::from_str(quoted).ok().map(Cow::Owned);
    }
    Some(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
}

/// Returns the elements of an array in their order; `None` if the text is no array.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let mut scanner = Scanner::new(array);
    let mut elements = Vec::new();
    scanner.take(b'[').then_some(())?;
    while !scanner.take(b']') {
        let (value, _) = scanner.value()?;
        elements.push(value);
        scanner.take(b',');
    }
    Some(elements)
}
