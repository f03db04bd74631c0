//! Items that generated code uses. Hidden from the docs and not covered by semver.

#[cfg(not(feature = "schema"))]
mod no_schemas;
#[cfg(feature = "schema")]
mod schemas;

pub use std::future::Ready;
use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

pub use crate::__described as described;
pub use crate::error::call::{CallError, NotifyError};
#[cfg(feature = "schema")]
pub use crate::error::data_schema::{DataSchema, FieldSchema};
pub use crate::error::object::ErrorObject;
pub use crate::error::rpc_error::{ErrorInfo, RpcError};
#[cfg(feature = "schema")]
pub use crate::method::type_schemas::{MethodSchemas, ParamSchemas};
pub use crate::method::{
    Deprecated, MethodFlags, MethodInfo, MethodKind, ParamInfo, ServiceInfo, Stub,
};
pub use crate::peer::Peer;
pub use crate::peer::batch::Batch;
pub use crate::peer::call::Call;
pub use crate::peer::group::{Answers, Group};
pub use crate::peer::notify::Notify;
pub use crate::service::context::Context;
pub use crate::service::error_data::*;
pub use crate::service::failure_log::from_call;
pub use crate::service::handler::Handler;
pub use crate::service::namespace::{Name, Namespace, Prefix, Prefixed, Renamed};
pub use crate::service::params::{
    DefaultParam, Param, ParamList, SelectorParam, StreamParam, decode, decode_flattened,
    decode_flattened_with_token, decode_with_token,
};
pub use crate::service::progress::{NoProgress, Progress};
pub use crate::service::router_error::RouterError;
pub use crate::service::validate::{Validate, validated};
pub use crate::service::{Params, Service};
pub use crate::stream::{StreamErrorType, Streaming, Untyped};
#[cfg(feature = "schema")]
pub use crate::util::type_schema::TypeSchema;
pub use crate::wire::args::{
    Absence, ArgList, Argument, UnknownAbsence, Unsent, Value, always, by_name,
};
pub use crate::wire::request::Arguments;
pub use crate::wire::stream_ref::StreamId;
#[cfg(feature = "schema")]
pub use schemas::{
    Described, SchemaProbe, Undescribed, are_described, with_data_schema, with_param_schemas,
    with_schemas,
};

use serde::Serialize;

use crate::method::{Absent, SUBSCRIPTION, SubscriptionIds};
use crate::service::params::selected;
use crate::util::random::{new_id, quoted};
use crate::wire::request::Outgoing;

/// A target that the calls of a stub can be sent to.
#[diagnostic::on_unimplemented(
    message = "a stub cannot call over `{Self}`",
    label = "neither a `Peer`, nor a `&Batch`, nor a `Group`",
    note = "give the `Peer` itself: `client.peer()` of a `Client`, `cx.peer()` of a `&Context`, a clone of a `&Peer`"
)]
pub trait Target {}

impl Target for Peer {}

impl Target for &Batch {}

impl Target for Group {}

/// Calls a method with its arguments.
pub fn call<T, E, P>(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Call<T, E, P> {
    Call::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// Makes the result of a call `None` if the other end has no such method.
pub fn optional<T, E, P>(call: Call<Option<T>, E, P>) -> Call<Option<T>, E, P> {
    call.optional()
}

/// Creates a notification with its arguments.
pub fn notify(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Notify {
    Notify::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// Sends a notification without a wait, or fails.
pub fn try_notify(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Result<(), NotifyError> {
    notify(peer, method, args).try_now()
}

/// Calls a subscription method; `unsubscribe` is the method that ends the subscription.
pub fn subscribe<T, S, E, P>(
    peer: &Peer,
    method: Name<'_>,
    unsubscribe: Name<'_>,
    args: impl Arguments,
) -> Call<Streaming<T, S>, E, P> {
    Call::subscribe(peer.shared.clone(), outgoing(peer, method, &args), unsubscribe.into_cow())
}

/// Removes the error type of a stream that a method returns.
pub fn untyped<T, S>(stream: Streaming<T, S>) -> Streaming<T> {
    stream.typed()
}

/// The streams among the params of a call that is being created.
#[derive(Default)]
pub struct Streams(crate::peer::pending_call::Streams);

impl Streams {
    /// Creates an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stream. Returns the reference that represents the stream in the params.
    pub fn add<T: Serialize + Send + 'static, E>(&mut self, stream: Streaming<T, E>) -> StreamId {
        let id = new_id();
        self.0.push((quoted(&id), stream.into_items()));
        StreamId { id }
    }

    /// Adds the streams to the call.
    pub fn go_with<T, E, P>(self, call: Call<T, E, P>) -> Call<T, E, P> {
        call.with_streams(self.0)
    }
}

/// Returns the kind of a subscription. `item` is the method of the notifications that carry the items, `unsubscribe`
/// the method that ends the subscription. `numbers` is whether the ids are numbers. `id_member` is the member that
/// holds the id, by default `subscription`.
pub const fn subscription_kind(
    item: &'static str,
    unsubscribe: &'static str,
    numbers: bool,
    id_member: Option<&'static str>,
) -> MethodKind {
    let ids = if numbers { SubscriptionIds::Numbers } else { SubscriptionIds::Strings };
    let id_member = match id_member {
        Some(name) => name,
        None => SUBSCRIPTION,
    };
    MethodKind::of_constants(item, unsubscribe, ids, id_member)
}

/// Marks a parameter as optional: if it is left out and `is_none` returns true, it is decoded as `None`.
pub const fn optional_param(param: ParamInfo, is_none: fn() -> bool) -> ParamInfo {
    param.with_absent(Absent::None(is_none))
}

/// Gives a parameter a default value; `json` returns the JSON text of the value.
pub const fn default_param(param: ParamInfo, json: fn() -> Option<String>) -> ParamInfo {
    param.with_absent(Absent::Default(json))
}

/// A function that starts a method of an implementation.
pub type Start<S> = fn(&Arc<S>, &Context, Params<'_>) -> Handler;

/// Starts the method that the first param selects.
pub fn select<S: ?Sized>(
    choices: &[(&str, Start<S>)],
    service: &Arc<S>,
    cx: &Context,
    params: Params<'_>,
) -> Handler {
    match selected(choices.iter().map(|(selector, _)| *selector), params.as_str()) {
        Ok(index) => (choices[index].1)(service, cx, params),
        Err(error) => Handler::error(error),
    }
}

/// Creates the progress reporter of a method. `token` is the progress token among the params, if there is one.
pub fn progress<P>(cx: &Context, token: Option<Box<str>>) -> Progress<P> {
    Progress::new(cx, token)
}

/// Queues a call in a batch.
pub fn batch_call<T, E, P>(batch: &Batch, method: Name<'_>, args: impl Arguments) -> Call<T, E, P> {
    batch.queue_call(method.message(&args, batch.limit()))
}

/// Queues a notification in a batch.
pub fn batch_notify(
    batch: &Batch,
    method: Name<'_>,
    args: impl Arguments,
) -> Result<(), NotifyError> {
    batch.queue_notification(method.message(&args, batch.limit()))
}

/// Sends a notification to all members of a group, before the future is polled.
pub fn group_notify(
    group: &Group,
    method: Name<'_>,
    args: impl Arguments,
) -> Ready<Result<usize, NotifyError>> {
    ready(group.push(method.message(&args, usize::MAX)))
}

/// Calls all members of a group.
pub fn group_call<T, E>(group: &Group, method: Name<'_>, args: impl Arguments) -> Answers<T, E> {
    group.call_all(method.message(&args, usize::MAX))
}

fn outgoing(peer: &Peer, method: Name<'_>, args: &impl Arguments) -> Result<Outgoing, String> {
    method.message(args, peer.shared.config.limits.message_out)
}

/// The two type arguments of a `Result`, also behind an alias such as `io::Result<T>`.
pub trait IsResult {
    /// The success type.
    type Ok;
    /// The error type.
    type Err;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// Detects whether a concrete type is a `Result`, also behind an alias.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// `true`: the compiler prefers an inherent constant to a constant of a trait.
    pub const IS_RESULT: bool = true;
}

/// The constant of a [`Probe`] for every other type.
pub trait IsResultFallback {
    /// `false`: the type is no `Result`.
    const IS_RESULT: bool = false;
}

impl<T> IsResultFallback for Probe<T> {}
