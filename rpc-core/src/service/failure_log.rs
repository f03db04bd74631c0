//! Logs details of a failure that its caller does not get: the method, the peer, and the cause.
//!
//! The cause of an internal error is known where the error is created. The method and the peer are known to the
//! thread that runs the method ([`current`]). So the error does not have to carry them, and they cannot reach the
//! wire. Nothing here repeats a value of params or of a result.

use std::borrow::Cow;

use crate::error::call::CallError;
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;
use crate::method::MethodInfo;
use crate::peer::slot::Shared;
use crate::service::Service;
use crate::service::current;
use crate::util::catch;
use crate::util::chain::Chain;
use crate::util::escaped::Escaped;
use crate::util::excerpt::start;
use crate::util::log_throttle::LogThrottleEach;

/// The most bytes of a cause that are logged.
const LONGEST: usize = 300;

/// Converts the failure of a call that a handler made into the answer of the handler. An error of the peer is passed
/// on as it is. Any other failure becomes -32603, which reveals nothing about the inside of this program. The log
/// then holds the cause, with the served method and peer. The level is `warn` once in ten seconds for each method,
/// otherwise `debug`.
impl<E: RpcError> From<CallError<E>> for ErrorObject {
    fn from(error: CallError<E>) -> Self {
        match error.into_method() {
            Ok(error) => error.to_error_object(),
            Err(CallError::Remote(error)) => error,
            Err(cause) => {
                call_failed(&cause);
                Self::internal()
            }
        }
    }
}

/// Returns the typed error of a method that a handler has called, for conversion into the handler's own error type.
/// Any other failure is logged, because the caller does not learn it.
pub fn from_call<E>(error: CallError<E>) -> Result<E, CallError> {
    error.into_method().inspect_err(call_failed)
}

/// Logs the reason why a handler cannot answer as it should.
#[cold]
fn call_failed(cause: &CallError) {
    const WHAT: &str = "a call that the handler made has failed";
    static THROTTLE: LogThrottleEach<String> = LogThrottleEach::new();
    let (peer, method) = served();
    let (peer, method) = (peer.as_deref(), method.as_deref());
    let cause = match cause {
        CallError::Decode(why) => {
            &CallError::Decode(without_value(why.message()).into_owned().into())
        }
        // What this end expects is no secret. A value that does not fit may be a password.
        CallError::Remote(error) if error.code == ErrorCode::INVALID_PARAMS => {
            &CallError::Remote(ErrorObject::invalid_params(without_value(&error.message)))
        }
        cause => cause,
    };
    let cause = start(Chain(cause), LONGEST);
    // Either end can cause this log line at will.
    match THROTTLE.allow(method.unwrap_or_default().to_owned()) {
        Some(left_out) => tracing::warn!(left_out, peer, method, cause, "{WHAT}"),
        None => tracing::debug!(peer, method, cause, "{WHAT}"),
    }
}

/// Logs a panic in code that runs for a connection, after the panic was caught.
#[cold]
pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) {
    let (peer, method) = served();
    let (peer, method) = (peer.as_deref(), method.as_deref());
    tracing::debug!(peer, method, cause = catch::text(payload), "panicked");
}

/// Logs params that do not fit: the parameter and the reason.
#[cold]
pub(crate) fn refused(shared: &Shared, method: usize, error: &ErrorObject) {
    if error.code == ErrorCode::INVALID_PARAMS {
        let method = &shared.config.services.methods()[method];
        let (param, why) = unfit(method, error);
        tracing::debug!(peer = %shared.id, method = &*method.name, param, why = &*why, "params refused");
    }
}

/// Logs a notification that ended with an error, because no answer tells it.
#[cold]
pub(crate) fn failed(shared: &Shared, method: usize, error: &ErrorObject) {
    let method = &shared.config.services.methods()[method];
    let refused = (error.code == ErrorCode::INVALID_PARAMS).then(|| unfit(method, error));
    let (param, why) = refused.map_or((None, None), |(param, why)| (param, Some(why)));
    let (peer, method, why) = (&*shared.id, &*method.name, why.as_deref());
    tracing::debug!(peer, method, code = error.code, param, why, "notification failed");
}

/// Returns the peer and the method that this thread serves at the moment, as far as they are known.
fn served() -> (Option<String>, Option<String>) {
    let Some((shared, method)) = current::origin() else { return (None, None) };
    let method = method.map(|method| shared.config.services.name(method).to_owned());
    (Some(String::from(&*shared.id)), method)
}

/// Returns the first parameter that does not fit, if the method declares its name, and the reason.
fn unfit(method: &MethodInfo, error: &ErrorObject) -> (Option<&'static str>, String) {
    let violation = error.violations().and_then(|mut all| (!all.is_empty()).then(|| all.remove(0)));
    let Some(violation) = violation else {
        return (None, without_value(&error.message).into_owned());
    };
    let name = violation.path.split(['.', '[']).next().unwrap_or_default();
    let param = method.params.iter().find(|param| param.name == name);
    (param.map(|param| param.name), without_value(&violation.message).into_owned())
}

/// Beginnings of decoder messages that repeat no value.
const PLAIN: &[&str] = &[
    "missing ",
    "is missing",
    "duplicate field ",
    "given twice",
    "takes ",
    "invalid length ",
    "data did not match any variant",
    "EOF while parsing",
    "expected value",
    "trailing ",
    "number out of range",
    "recursion limit",
    "a subscription, where a result",
    "a result, where a subscription",
    "neither ",
    "both ",
];

/// Returns a decoder message without the value that does not fit, because that value may be a password.
fn without_value(why: &str) -> Cow<'_, str> {
    if PLAIN.iter().any(|plain| why.starts_with(plain)) {
        return Escaped(why).to_string().into();
    }
    // The words for the expected value come last. They are this end's own words.
    let expected = why.rfind(", expected ").map_or("", |at| &why[at..]);
    let (kind, found) = match why.split_once(": ") {
        Some((kind @ ("invalid type" | "invalid value"), found)) => (kind, found),
        _ => match why.split_once(" `") {
            Some((kind @ ("unknown variant" | "unknown field"), _)) => {
                return format!("{kind}{}", Escaped(expected)).into();
            }
            Some((kind @ "unknown parameter", _)) => return kind.into(),
            _ => return "it does not fit".into(),
        },
    };
    let what = found.split(['"', '`', ',']).next().unwrap_or_default().trim();
    format!("{kind}: {}{}", Escaped(what), Escaped(expected)).into()
}

#[test]
fn what_does_not_fit_is_described_and_not_repeated() {
    for (why, told) in [
        ("invalid type: string \"secret\", expected u32", "invalid type: string, expected u32"),
        (
            "invalid type: string \"a, expected b\", expected u8",
            "invalid type: string, expected u8",
        ),
        ("invalid value: integer `4711`, expected u8", "invalid value: integer, expected u8"),
        ("invalid type: null, expected a string", "invalid type: null, expected a string"),
        ("invalid type: map, expected u8", "invalid type: map, expected u8"),
        ("unknown variant `secret`, expected `A`", "unknown variant, expected `A`"),
        ("unknown field `secret`, expected `a` or `b`", "unknown field, expected `a` or `b`"),
        ("unknown field `secret`, there are no fields", "unknown field"),
        ("unknown parameter `secret`", "unknown parameter"),
        ("missing field `x`", "missing field `x`"),
        ("missing \nforged", r"missing \nforged"),
        ("takes 2 params (a, b), got 3", "takes 2 params (a, b), got 3"),
        ("`secret` is no colour", "it does not fit"),
        ("secret: too short", "it does not fit"),
        ("", "it does not fit"),
    ] {
        assert_eq!(without_value(why), told, "{why}");
    }
}
