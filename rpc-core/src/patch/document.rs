//! A JSON value that patches change.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::diff::diff;
use super::parts::{elements, members};
use super::pointer::{index, tokens};
use crate::util::excerpt::Excerpt;
use crate::wire::scan::{DISGUISED, PRIVATE, Scanner};

/// The deepest nesting of a document, as in serde_json.
const DEPTH: usize = 127;

/// What a part counts for beside its text, in bytes.
const PART: usize = 64;

/// A value as JSON text. A part becomes a tree, level by level, when a patch names something inside the part.
#[derive(Debug)]
pub(crate) struct Document {
    root: Node,
    /// What all parts count for.
    size: usize,
    limit: usize,
}

#[derive(Debug)]
enum Node {
    Text(Box<str>),
    Array(Vec<Node>),
    Object(BTreeMap<Box<str>, Node>),
}

/// The reason why a patch cannot be applied.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unfit(String);

impl Unfit {
    pub(crate) fn of(why: &str) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unfit {}

fn unfit<T>(why: impl Into<String>) -> Result<T, Unfit> {
    Err(Unfit(why.into()))
}

/// An operation of RFC 6902, section 4.
#[derive(Deserialize)]
struct Operation<'a> {
    #[serde(borrow)]
    op: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, default)]
    from: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
}

/// Tells a `null` from a member that is absent.
fn present<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(value).map(Some)
}

impl Document {
    /// Creates a document of JSON text that counts for at most `limit` bytes, now and after each operation.
    ///
    /// # Errors
    /// The text is longer.
    pub(crate) fn new(text: &str, limit: usize) -> Result<Self, Unfit> {
        let root = Node::of(text);
        let document = Self { size: root.size(), root, limit };
        document.fits().map(|()| document)
    }

    /// Writes the value as JSON text at the end of `out`.
    pub(crate) fn write(&self, out: &mut String) {
        self.root.write(out);
    }

    /// Applies the operations of a patch, which is JSON text, in their order.
    ///
    /// # Errors
    /// An operation is invalid, does not fit the value, or makes the document too large or too deep. The operations
    /// before have been applied.
    pub(crate) fn apply(&mut self, patch: &str) -> Result<(), Unfit> {
        let operations: Vec<Operation<'_>> =
            serde_json::from_str(patch).or_else(|_| unfit("a patch is an array of operations"))?;
        operations.iter().try_for_each(|operation| {
            self.apply_one(operation).map_err(|Unfit(why)| {
                let path = Excerpt(&operation.path);
                Unfit(format!("the operation at `{path}` of a patch: {why}"))
            })
        })
    }

    fn apply_one(&mut self, operation: &Operation<'_>) -> Result<(), Unfit> {
        let path = Pointer::read(&operation.path)?;
        let value = || operation.value.map(RawValue::get).ok_or(Unfit("no `value`".into()));
        let from = || match &operation.from {
            Some(from) => Pointer::read(from),
            None => unfit("no `from`"),
        };
        match &*operation.op {
            "add" => self.add(&path, value()?),
            "replace" => self.replace(&path, value()?),
            "remove" => self.remove(&path).map(drop),
            "copy" => {
                let text = self.find(&from()?)?.text();
                self.add(&path, &text)
            }
            "move" => {
                let text = self.remove(&from()?)?.text();
                self.add(&path, &text)
            }
            "test" => {
                let (here, value) = (self.find(&path)?.text(), value()?);
                // Numbers are compared by their spelling.
                diff(&here, value, 1).map_or_else(|| unfit("the value is another one"), |_| Ok(()))
            }
            _ => unfit("no operation of JSON Patch"),
        }
    }

    fn add(&mut self, path: &Pointer<'_>, value: &str) -> Result<(), Unfit> {
        let Some((last, parents)) = path.tokens.split_last() else {
            return self.replace(path, value);
        };
        let new = path.node(value)?;
        let Self { root, size, .. } = self;
        *size += new.size();
        match root.descend(parents, size)?.expand(size)? {
            Node::Object(members) => {
                *size += last.len();
                if let Some(replaced) = members.insert((&**last).into(), new) {
                    *size -= replaced.size() + last.len();
                }
            }
            Node::Array(elements) => {
                let end = elements.len();
                let index = if *last == "-" { Some(end) } else { index(last) };
                let Some(index) = index.filter(|index| *index <= end) else {
                    return unfit("no such place in the array");
                };
                elements.insert(index, new);
            }
            Node::Text(_) => return unfit("neither an array nor an object is there"),
        }
        self.fits()
    }

    fn replace(&mut self, path: &Pointer<'_>, value: &str) -> Result<(), Unfit> {
        let new = path.node(value)?;
        let Self { root, size, .. } = self;
        *size += new.size();
        let replaced = std::mem::replace(root.descend(&path.tokens, size)?, new);
        self.size -= replaced.size();
        self.fits()
    }

    fn remove(&mut self, path: &Pointer<'_>) -> Result<Node, Unfit> {
        let Some((last, parents)) = path.tokens.split_last() else {
            return unfit("the whole value cannot be removed");
        };
        let Self { root, size, .. } = self;
        let (removed, name) = match root.descend(parents, size)?.expand(size)? {
            Node::Object(members) => (members.remove(&**last), last.len()),
            Node::Array(elements) => {
                let index = index(last).filter(|index| *index < elements.len());
                (index.map(|index| elements.remove(index)), 0)
            }
            Node::Text(_) => (None, 0),
        };
        let Some(removed) = removed else { return unfit("nothing is there") };
        *size -= removed.size() + name;
        Ok(removed)
    }

    fn find(&mut self, path: &Pointer<'_>) -> Result<&Node, Unfit> {
        self.root.descend(&path.tokens, &mut self.size).map(|node| &*node)
    }

    fn fits(&self) -> Result<(), Unfit> {
        if self.size > self.limit {
            return unfit(format!("the value counts for more than {} bytes", self.limit));
        }
        Ok(())
    }
}

/// A path into a document.
struct Pointer<'a> {
    tokens: Vec<Cow<'a, str>>,
}

impl<'a> Pointer<'a> {
    fn read(pointer: &'a str) -> Result<Self, Unfit> {
        let Some(tokens) = tokens(pointer) else { return unfit("the path is no JSON Pointer") };
        let tokens: Vec<_> = tokens.collect();
        if tokens.len() > DEPTH {
            return unfit(TOO_DEEP);
        }
        if tokens.iter().any(|token| token.starts_with(PRIVATE)) {
            return unfit(DISGUISED);
        }
        Ok(Self { tokens })
    }

    /// Returns the node of a value that is put at this path.
    fn node(&self, value: &str) -> Result<Node, Unfit> {
        let scanned = Scanner::new(value).value();
        let Some((value, complexity)) = scanned else { return unfit("the value is no JSON") };
        if complexity.depth + self.tokens.len() > DEPTH {
            return unfit(TOO_DEEP);
        }
        Ok(Node::of(value))
    }
}

const TOO_DEEP: &str = "the value would nest deeper than 127";

impl Node {
    /// Returns what the node counts for.
    fn size(&self) -> usize {
        PART + match self {
            Self::Text(text) => text.len(),
            Self::Array(elements) => elements.iter().map(Self::size).sum(),
            Self::Object(members) => members.iter().map(|(name, it)| name.len() + it.size()).sum(),
        }
    }

    /// Returns the part at these tokens. The parts around the part are trees then, and `size` tells what all count for.
    fn descend(&mut self, tokens: &[Cow<'_, str>], size: &mut usize) -> Result<&mut Self, Unfit> {
        tokens.iter().try_fold(self, |node, token| {
            let inside = match node.expand(size)? {
                Self::Object(members) => members.get_mut(&**token),
                Self::Array(elements) => index(token).and_then(|index| elements.get_mut(index)),
                Self::Text(_) => None,
            };
            inside.ok_or_else(|| Unfit("nothing is there".into()))
        })
    }

    /// Makes a tree of the text of an array or an object, and changes `size` by what the tree counts for in addition.
    fn expand(&mut self, size: &mut usize) -> Result<&mut Self, Unfit> {
        if let Self::Text(text) = self {
            let tree = match text.as_bytes().first() {
                Some(b'{') => object(text),
                Some(b'[') => array(text),
                _ => return Ok(self),
            };
            let Some(tree) = tree else { return unfit("the value is no JSON") };
            *size += tree.size();
            *size -= std::mem::replace(self, tree).size();
        }
        Ok(self)
    }

    fn of(text: &str) -> Self {
        Self::Text(text.into())
    }

    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    element.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    out.push_str(&serde_json::to_string(name).expect("a string is always JSON"));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Returns the tree of an object. Of members with the same name the last one counts.
fn object(text: &str) -> Option<Node> {
    let members = members(text)?.into_iter();
    Some(Node::Object(members.map(|member| (member.name.into(), Node::of(member.value))).collect()))
}

/// Returns the tree of an array.
fn array(text: &str) -> Option<Node> {
    Some(Node::Array(elements(text)?.into_iter().map(Node::of).collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// What all implementations of a watcher make of the same patches.
    const VECTORS: &str = include_str!("../../tests/patches.json");

    fn applied(text: &str, patch: &str) -> Result<Value, String> {
        let mut document = Document::new(text, 1 << 20).map_err(|error| error.0)?;
        document.apply(patch).map_err(|error| error.0)?;
        assert_eq!(document.size, document.root.size(), "what the parts count for is known");
        Ok(serde_json::from_str(&document.root.text()).unwrap())
    }

    #[test]
    fn a_patch_does_what_the_vectors_say() {
        #[derive(Deserialize)]
        struct Vector {
            about: String,
            value: Box<RawValue>,
            patch: Box<RawValue>,
            #[serde(default)]
            refused: bool,
            #[serde(default)]
            result: Value,
        }
        for vector in serde_json::from_str::<Vec<Vector>>(VECTORS).unwrap() {
            let Vector { about, value, patch, refused, result } = vector;
            match applied(value.get(), patch.get()) {
                Ok(value) => assert!(!refused && value == result, "{about}: {value}"),
                Err(why) => assert!(refused, "{about}: {why}"),
            }
        }
    }

    #[test]
    fn a_name_that_serde_json_reads_as_a_marker_is_refused() {
        let patch = r#"[{"op":"add","path":"/$serde_json::private::RawValue","value":"1"}]"#;
        assert!(applied("{}", patch).unwrap_err().ends_with(DISGUISED));
    }

    #[test]
    fn a_document_does_not_grow_beyond_its_limit() {
        let mut document = Document::new(r#"["xxxxxxxxxxxxxxxx"]"#, 10_000).unwrap();
        let double = r#"[{"op":"copy","from":"","path":"/-"}]"#;
        let refused = (0..40).find(|_| document.apply(double).is_err());
        assert!(refused.is_some_and(|count| count < 10), "refused after {refused:?}");
        assert!(document.size <= 2 * 10_000, "refused at {}", document.size);
        assert!(Document::new("[1,2,3]", 70).is_err());
    }

    #[test]
    fn a_document_does_not_grow_deeper_than_its_limit() {
        let mut document = Document::new("{}", 1 << 20).unwrap();
        let deeper = r#"[{"op":"copy","from":"","path":"/a"}]"#;
        assert_eq!((1..1000).find(|_| document.apply(deeper).is_err()), Some(DEPTH));
        let mut text = String::new();
        document.write(&mut text);
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        document.apply(r#"[{"op":"move","from":"/a/a/a","path":"/b"}]"#).unwrap();
        let deeper = r#"[{"op":"move","from":"/b","path":"/a/a/b"}]"#;
        document.apply(deeper).unwrap();
        let long = format!(r#"[{{"op":"remove","path":"{}"}}]"#, "/a".repeat(DEPTH + 1));
        assert!(document.apply(&long).is_err());
    }
}
