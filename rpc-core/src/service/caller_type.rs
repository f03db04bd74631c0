//! The type of the callers that a service requires.

use std::any::{Any, TypeId, type_name};
use std::fmt;

use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;
#[cfg(feature = "schema")]
use crate::service::offers::Offers;
use crate::service::router_error::RouterError;
use crate::service::{Params, Service};

/// A type of [callers](crate::Context::caller): the type that a service requires, or the type that a server sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerType {
    id: TypeId,
    name: &'static str,
}

impl CallerType {
    /// Returns the description of the type `T`.
    pub fn of<T: Any + Send + Sync>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// Returns the name of the type, for people. The compiler does not promise that the name stays the same.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for CallerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A service that declares the type of its callers. Made by [`Service::requires_caller`].
#[derive(Debug)]
#[must_use = "a service does nothing until it is offered"]
pub struct RequiresCaller<S> {
    service: S,
    caller: CallerType,
}

impl<S: Service> RequiresCaller<S> {
    pub(crate) fn new<T: Any + Send + Sync>(service: S) -> Self {
        Self { service, caller: CallerType::of::<T>() }
    }
}

impl<S: Service> Service for RequiresCaller<S> {
    fn methods(&self) -> &[MethodInfo] {
        self.service.methods()
    }

    fn check(&self) -> Result<(), RouterError> {
        self.service.check()?;
        join(self.service.caller_type(), Some(self.caller)).map(drop)
    }

    fn caller_type(&self) -> Option<CallerType> {
        Some(self.caller)
    }

    #[cfg(feature = "schema")]
    fn offers(&self, reader: Option<&Context>) -> Option<&Offers> {
        self.service.offers(reader)
    }

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        self.service.call(method, cx, params)
    }
}

/// Joins the types that two services on one connection require.
///
/// # Errors
/// Returns an error if the types differ, because a connection has one caller.
pub(crate) fn join(
    one: Option<CallerType>,
    other: Option<CallerType>,
) -> Result<Option<CallerType>, RouterError> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(RouterError::new(format!(
            "one service asks for callers of the type `{one}`, another for `{other}`, and a connection has one caller: \
             let both ask for the same type, such as an enum of the two"
        ))),
        _ => Ok(one.or(other)),
    }
}

/// Checks that a caller of the type `T` is the caller that `services` require.
///
/// # Panics
/// Panics if they require another type. Without this check each method would find no caller, for no visible reason.
#[track_caller]
pub(crate) fn expect<T: Any + Send + Sync>(services: &impl Service) {
    let given = CallerType::of::<T>();
    if let Some(asked) = services.caller_type()
        && asked != given
    {
        panic!(
            "a service asks for callers of the type `{asked}`, and is given `{given}`: set a caller of that type"
        );
    }
}
