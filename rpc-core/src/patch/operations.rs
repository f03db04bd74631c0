//! The operations of a patch, as JSON text.

use std::ops::Range;

/// Operations that this end writes, in the form that a live value sends: `{"patch":[…]}`.
#[derive(Debug, Default)]
pub(crate) struct Operations {
    /// The operations, with a comma between two of them.
    text: String,
    list: Vec<Operation>,
}

/// Where an operation stands in the text.
#[derive(Debug, Clone)]
struct Operation {
    kind: Kind,
    /// The whole operation.
    text: Range<usize>,
    /// The JSON Pointer as it stands in the text, without its quotes.
    path: Range<usize>,
}

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Sets a member of an object, whether or not the object has the member.
    Set,
    /// Sets an element of an array that has the element, or the whole value.
    Replace,
    /// Inserts an element into an array: the elements behind get other paths.
    Insert,
    /// Removes a member of an object.
    RemoveMember,
    /// Removes an element of an array: the elements behind get other paths.
    RemoveElement,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Set | Self::Insert => "add",
            Self::Replace => "replace",
            Self::RemoveMember | Self::RemoveElement => "remove",
        }
    }
}

/// An operation with its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named<'a> {
    pub(super) kind: Kind,
    pub(super) path: &'a str,
    pub(super) text: &'a str,
}

/// The end of the operations at some time.
#[derive(Clone, Copy)]
pub(super) struct End {
    text: usize,
    operations: usize,
}

impl End {
    /// Returns the bytes of text before.
    pub(super) fn text(self) -> usize {
        self.text
    }
}

impl Operations {
    /// Adds an operation. `path` is a JSON Pointer as it stands in a JSON string; `value` is JSON text.
    pub(super) fn push(&mut self, kind: Kind, path: &str, value: Option<&str>) {
        if !self.text.is_empty() {
            self.text.push(',');
        }
        let start = self.text.len();
        self.text.extend([r#"{"op":""#, kind.name(), r#"","path":""#]);
        let path_start = self.text.len();
        self.text.push_str(path);
        let path = path_start..self.text.len();
        self.text.push('"');
        if let Some(value) = value {
            self.text.extend([r#","value":"#, value]);
        }
        self.text.push('}');
        self.list.push(Operation { kind, text: start..self.text.len(), path });
    }

    /// Returns where the next operation will stand.
    pub(super) fn end(&self) -> End {
        End { text: self.text.len(), operations: self.list.len() }
    }

    /// Removes the operations that were added since then.
    pub(super) fn truncate(&mut self, end: End) {
        self.text.truncate(end.text);
        self.list.truncate(end.operations);
    }

    /// Returns the operations, with a comma between two of them.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Named<'_>> {
        self.list.iter().map(|operation| Named {
            kind: operation.kind,
            path: &self.text[operation.path.clone()],
            text: &self.text[operation.text.clone()],
        })
    }
}
