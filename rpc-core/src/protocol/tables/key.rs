//! What names a served call.

/// Names one served call; never two, though `index` is used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Key {
    pub(crate) index: usize,
    pub(crate) serial: u64,
}
