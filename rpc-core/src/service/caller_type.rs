//! The type of caller that a service asks for.

use std::any::{Any, TypeId, type_name};
use std::fmt;

use crate::method::MethodInfo;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::router_error::RouterError;
use crate::service::{Params, Service};

/// A type of [callers](crate::Context::caller): the one that a service asks for, or the one that a server gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallerType {
    id: TypeId,
    name: &'static str,
}

impl CallerType {
    /// The type `T`.
    pub fn of<T: Any + Send + Sync>() -> Self {
        Self { id: TypeId::of::<T>(), name: type_name::<T>() }
    }

    /// Returns the name of the type, for people: the compiler does not promise that it stays the same.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl fmt::Display for CallerType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// A service that says which type of caller it asks for. Made by [`Service::requires_caller`].
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

    fn call(&self, method: usize, cx: &Context, params: Params<'_>) -> Handler {
        self.service.call(method, cx, params)
    }
}

/// The type that two services on one connection ask for together.
///
/// # Errors
/// Each asks for another type: a connection has one caller.
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

/// Checks that what is set as the caller is what `services` ask for.
///
/// # Panics
/// They ask for another type: each method would find no caller, and nobody would know why.
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
