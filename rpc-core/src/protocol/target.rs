//! What the method name of a message stands for: found by the router, judged by the protocol.

/// What a method name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The method with this number.
    Method(usize),
    /// The method with this number, whose requests start only when all earlier calls have ended.
    Ordered(usize),
    /// The method that ends a subscription.
    Unsubscribe,
    /// The name of items of a subscription of this end. An item for which no stream is open is ignored.
    Item,
    /// No method of this end: the fallback, which has this number, serves it.
    Fallback(usize),
}
