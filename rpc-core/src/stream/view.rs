//! What one taker sees of what many are sent.

/// What a taker may see of an event of a [`Topic`](crate::Topic), or of the value of a [`Live`](crate::Live). A function
/// of the program decides at the publishing end, for each taker; see [`Topic::subscribe_as`](crate::Topic::subscribe_as)
/// and [`Live::subscribe_as`](crate::Live::subscribe_as).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View<T> {
    /// All of it. What is sent was serialised once for all takers that see all of it.
    All,
    /// This instead. It is serialised for this taker.
    Part(T),
    /// Nothing.
    Hidden,
}

/// Decides what a taker sees.
pub(super) type Viewer<T> = Box<dyn FnMut(&T) -> View<T> + Send>;
