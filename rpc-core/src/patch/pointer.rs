//! JSON Pointers (RFC 6901).

use std::borrow::Cow;
use std::fmt::Write;

/// The path to a part of a value, as the pointer stands in a JSON string.
#[derive(Default)]
pub(super) struct Path {
    text: String,
}

impl Path {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Goes on to a member. Returns what leads back.
    pub(super) fn enter_member(&mut self, name: &str) -> Outside {
        let outside = Outside(self.text.len());
        self.text.push('/');
        push_name(name, &mut self.text);
        outside
    }

    /// Goes on to an element. Returns what leads back.
    pub(super) fn enter_element(&mut self, index: usize) -> Outside {
        let outside = Outside(self.text.len());
        write!(self.text, "/{index}").expect("a string takes every text");
        outside
    }

    pub(super) fn leave(&mut self, Outside(end): Outside) {
        self.text.truncate(end);
    }
}

/// The length of the path to the value around a part.
#[must_use]
pub(super) struct Outside(usize);

fn push_name(name: &str, out: &mut String) {
    let is_plain = |byte: u8| !matches!(byte, 0..=0x1f | b'"' | b'\\' | b'~' | b'/');
    if name.bytes().all(is_plain) {
        out.push_str(name);
        return;
    }
    let token = name.replace('~', "~0").replace('/', "~1");
    let quoted = serde_json::to_string(&token).expect("a string is always JSON");
    out.push_str(&quoted[1..quoted.len() - 1]);
}

/// Returns the tokens of a pointer, which `~` no longer escapes; `None` if the text is no pointer.
pub(super) fn tokens(pointer: &str) -> Option<impl Iterator<Item = Cow<'_, str>>> {
    let is_escaped = |(at, _)| matches!(pointer.as_bytes().get(at + 1), Some(b'0' | b'1'));
    let is_pointer = pointer.is_empty() || pointer.starts_with('/');
    let is_valid = is_pointer && pointer.match_indices('~').all(is_escaped);
    is_valid.then(|| pointer.split('/').skip(1).map(unescaped))
}

fn unescaped(token: &str) -> Cow<'_, str> {
    if !token.contains('~') {
        return token.into();
    }
    token.replace("~1", "/").replace("~0", "~").into()
}

/// Returns the index that a token names in an array.
pub(super) fn index(token: &str) -> Option<usize> {
    let is_canonical =
        token == "0" || token.starts_with(|first: char| ('1'..='9').contains(&first));
    token.parse().ok().filter(|_| is_canonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pointer: &str) -> Option<Vec<String>> {
        Some(tokens(pointer)?.map(Cow::into_owned).collect())
    }

    #[test]
    fn a_pointer_is_read_as_it_was_written() {
        for name in ["a", "", "a/b", "m~n", "~1", "\"\\\n", "é", "/", "~"] {
            let mut path = Path::default();
            let _ = (path.enter_member(name), path.enter_element(7));
            let text = format!("\"{}\"", path.as_str());
            let pointer: String = serde_json::from_str(&text).unwrap();
            assert_eq!(read(&pointer), Some(vec![name.to_owned(), "7".to_owned()]), "{text}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(read("/"), Some(vec![String::new()]));
        for wrong in ["a", "#/a", "/~", "/~2", "/a~"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_index_has_one_spelling() {
        assert_eq!((index("0"), index("10")), (Some(0), Some(10)));
        for wrong in ["", "-", "00", "01", "+1", "-1", "1.0", " 1", "99999999999999999999999"] {
            assert_eq!(index(wrong), None, "{wrong}");
        }
    }
}
