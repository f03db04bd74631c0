//! What the names in messages call: found by the router, judged by the protocol.

/// What a name calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// The method of this number.
    Method(usize),
    /// The same, but a request starts only when all that came before it has ended.
    Ordered(usize),
    /// The end of a subscription.
    Unsubscribe,
    /// Nothing, if nobody takes it: an item of a subscription that has the name of one of ours.
    Item,
    /// Nothing of ours: so the method of this number, which serves such.
    Fallback(usize),
}
