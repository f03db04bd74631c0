//! The codes of errors (section 5.1 of the specification, and our own).

/// The codes with a meaning of their own: those of the specification (section 5.1) and ours, which
/// carry `data.kind`.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ErrorCode;

impl ErrorCode {
    /// Not JSON.
    pub const PARSE: i64 = -32700;
    /// JSON, but not a request.
    pub const INVALID_REQUEST: i64 = -32600;
    /// No such method.
    pub const METHOD_NOT_FOUND: i64 = -32601;
    /// The parameters do not fit the method; where it is known which and why, `data.kind` is
    /// `invalid_params`, and [`violations`](crate::ErrorObject::violations) reads the rest.
    pub const INVALID_PARAMS: i64 = -32602;
    /// The other end failed inside.
    pub const INTERNAL: i64 = -32603;
    /// Cancelled by the caller; `data.kind` is `cancelled`.
    pub const CANCELLED: i64 = -32800;
    /// The connection has too many subscriptions; `data.kind` is `too_many_subscriptions`.
    pub const TOO_MANY_SUBSCRIPTIONS: i64 = -32006;
    /// The message nests or counts too much; `data.kind` is `too_complex`.
    pub const TOO_COMPLEX: i64 = -32007;
    /// The answer exceeds what may be sent; `data.kind` is `answer_too_big`.
    pub const ANSWER_TOO_BIG: i64 = -32008;
    /// Not executed, safe to try again; `data.kind` is `busy`.
    pub const BUSY: i64 = -32009;
    /// The batch has too many members, and none of them has run; `data.kind` is `batch_too_big`, `data.max` is the
    /// number of members that a batch may have.
    pub const BATCH_TOO_BIG: i64 = -32010;
    /// The answer does not fit into that of its batch any more; `data.kind` is `answer_too_big`.
    pub const BATCH_ANSWER_TOO_BIG: i64 = -32011;
    /// The deadline ran out; `data.kind` is `deadline`.
    pub const DEADLINE: i64 = -32012;
    /// The caller may not call this method; `data.kind` is `not_authorized`.
    pub const NOT_AUTHORIZED: i64 = -32013;
    /// The request was stopped while it ran, because the connection is closed on purpose (shutdown, kick, expiry),
    /// so it may have run; `data.kind` is `interrupted`, `data.closeCode` is the code of the close that follows.
    pub const INTERRUPTED: i64 = -32014;
    /// An earlier call under the same idempotency key has run, or may have, and its answer is not kept any more;
    /// `data.kind` is `answer_forgotten`.
    pub const ANSWER_FORGOTTEN: i64 = -32015;

    /// Whether `code` is kept for the specification and for us: -32768 to -32000, and -32800.
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
