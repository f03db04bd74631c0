//! How messages are told apart.

/// How messages are told apart in a stream of bytes. Both ends must use the same framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Framing {
    /// One JSON text a line: the Model Context Protocol, the Agent Client Protocol and most tools. A line ends with
    /// `\n`, or `\r\n`. Empty lines mean nothing. The default.
    ///
    /// A message that has line ends between its tokens leaves with spaces in their place.
    #[default]
    Lines,
    /// Each message behind a head with its length in bytes, `Content-Length: 42`: language servers, debug adapters and
    /// build servers. The head may also have a `Content-Type`, which must not name another charset than UTF-8, and
    /// nothing else.
    ContentLength,
}
