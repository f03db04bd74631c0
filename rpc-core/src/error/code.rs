//! The codes of errors: those of section 5.1 of the specification, and those of this framework.

/// The codes with a reserved meaning: the codes of the specification (section 5.1), and the codes of this framework.
/// An error with a code of this framework carries `data.kind`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ErrorCode;

impl ErrorCode {
    /// The message is not JSON.
    pub const PARSE: i64 = -32700;
    /// The message is JSON, but not a request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// The method does not exist.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The params do not fit the method. If the error tells which param and why, `data.kind` is `invalid_params`, and
    /// [`violations`](crate::ErrorObject::violations) returns the rest.
    pub const INVALID_PARAMS: i64 = -32602;
    /// An internal error of the peer.
    pub const INTERNAL: i64 = -32603;
    /// The caller cancelled the request; `data.kind` is `cancelled`.
    pub const CANCELLED: i64 = -32800;
    /// The connection has too many subscriptions; `data.kind` is `too_many_subscriptions`.
    pub const TOO_MANY_SUBSCRIPTIONS: i64 = -32006;
    /// The message nests too deep or holds too many values; `data.kind` is `too_complex`.
    pub const TOO_COMPLEX: i64 = -32007;
    /// The answer is larger than an answer may be; `data.kind` is `answer_too_big`.
    pub const ANSWER_TOO_BIG: i64 = -32008;
    /// The request was not executed, and it is safe to try again; `data.kind` is `busy`.
    pub const BUSY: i64 = -32009;
    /// The batch has too many members, and none of them has run. `data.kind` is `batch_too_big`, `data.max` is the
    /// most members that a batch may have.
    pub const BATCH_TOO_BIG: i64 = -32010;
    /// The answer does not fit into the answer of its batch; `data.kind` is `answer_too_big`.
    pub const BATCH_ANSWER_TOO_BIG: i64 = -32011;
    /// The deadline has passed; `data.kind` is `deadline`.
    pub const DEADLINE: i64 = -32012;
    /// The caller may not call this method; `data.kind` is `not_authorized`.
    pub const NOT_AUTHORIZED: i64 = -32013;
    /// The request was stopped while it ran, because the connection is closed on purpose (shutdown, kick, expired
    /// login). The request may have run. `data.kind` is `interrupted`, `data.closeCode` is the code of the close that
    /// follows.
    pub const INTERRUPTED: i64 = -32014;
    /// An earlier call under the same idempotency key has run, or may have run, and its answer is not stored any
    /// more. `data.kind` is `answer_forgotten`.
    pub const ANSWER_FORGOTTEN: i64 = -32015;

    /// Returns whether `code` is reserved for the specification and this framework: -32768 to -32000, and -32800.
    pub const fn is_reserved(code: i64) -> bool {
        code == Self::CANCELLED || (code >= -32768 && code <= -32000)
    }
}

#[test]
fn reserved_codes_are_the_range_and_the_cancellation() {
    for code in [-32768, -32000, -32603, -32800] {
        assert!(ErrorCode::is_reserved(code), "{code}");
    }
    for code in [-32769, -31999, -32801, 0, 1001] {
        assert!(!ErrorCode::is_reserved(code), "{code}");
    }
}
