//! Items of streams that this end sends: of one stream, or the same for many streams.

use serde::Serialize;

use crate::error::object::ErrorObject;
use crate::util::bounded_writer::BoundedWriter;
use crate::util::sync::Arc;

/// An item of a stream that this end sends.
pub(super) enum Emitted<T> {
    Own(T),
    /// The same item for many streams.
    Shared(Arc<dyn Published<T>>),
}

/// An item that was written as JSON once, for all streams that send it. Without the type of the item, so that a stream
/// of items which threads cannot share can be sent to another thread all the same.
pub(super) trait Published<T>: Send + Sync {
    fn value(&self) -> &T;

    fn json(&self) -> &str;
}

impl<T> Emitted<T> {
    pub(super) fn value(&self) -> &T {
        match self {
            Self::Own(value) => value,
            Self::Shared(published) => published.value(),
        }
    }
}

impl<T: Serialize> Emitted<T> {
    /// Writes the item as JSON at the end of `out`.
    pub(super) fn write(&self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        match self {
            Self::Own(value) => super::json::write(out, value),
            Self::Shared(published) => super::json::write_raw(out, published.json()),
        }
    }
}
