//! What generated code may reach; hidden from the docs, promised to nobody.

pub use std::future::Ready;
use std::future::ready;
use std::marker::PhantomData;
use std::sync::Arc;

pub use crate::error::call::{CallError, NotifyError};
pub use crate::error::object::ErrorObject;
pub use crate::error::rpc_error::{ErrorInfo, RpcError};
pub use crate::method::{MethodFlags, MethodInfo, MethodKind, ParamInfo, ServiceInfo};
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
pub use crate::wire::args::{
    Absence, ArgList, Argument, UnknownAbsence, Unsent, Value, always, by_name,
};
pub use crate::wire::request::Arguments;
pub use crate::wire::stream_ref::StreamId;

use serde::Serialize;

use crate::method::{Absent, SUBSCRIPTION, SubscriptionIds};
use crate::service::params::selected;
use crate::util::random::{new_id, quoted};
use crate::wire::request::Outgoing;

/// What a stub may be over.
#[diagnostic::on_unimplemented(
    message = "a stub cannot call over `{Self}`",
    label = "neither a `Peer`, nor a `&Batch`, nor a `Group`",
    note = "give the `Peer` itself: `client.peer()` of a `Client`, `cx.peer()` of a `&Context`, a clone of a `&Peer`"
)]
pub trait Target {}

impl Target for Peer {}

impl Target for &Batch {}

impl Target for Group {}

/// A call of a method that takes its arguments by position.
pub fn call<T, E, P>(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Call<T, E, P> {
    Call::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// A notification whose arguments go by position.
pub fn notify(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Notify {
    Notify::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// A notification that enters at once or not at all.
pub fn try_notify(peer: &Peer, method: Name<'_>, args: impl Arguments) -> Result<(), NotifyError> {
    notify(peer, method, args).try_now()
}

/// A call for a subscription, which `unsubscribe` ends.
pub fn subscribe<T, S, E, P>(
    peer: &Peer,
    method: Name<'_>,
    unsubscribe: Name<'_>,
    args: impl Arguments,
) -> Call<Streaming<T, S>, E, P> {
    Call::subscribe(peer.shared.clone(), outgoing(peer, method, &args), unsubscribe.into_cow())
}

/// What a method returns whose stream says which errors it ends with, as any other stream.
pub fn untyped<T, S>(stream: Streaming<T, S>) -> Streaming<T> {
    stream.typed()
}

/// The streams among the params of a call, while that is made.
#[derive(Default)]
pub struct Streams(crate::peer::pending_call::Streams);

impl Streams {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a stream; what stands for it in the params.
    pub fn add<T: Serialize + Send + 'static, E>(&mut self, stream: Streaming<T, E>) -> StreamId {
        let id = new_id();
        self.0.push((quoted(&id), stream.into_items()));
        StreamId { id }
    }

    /// The call with these streams.
    pub fn go_with<T, E, P>(self, call: Call<T, E, P>) -> Call<T, E, P> {
        call.with_streams(self.0)
    }
}

/// The kind of a subscription: the names of its items and of what ends it, whether its ids are numbers, and
/// the member that holds them, if that is not the usual one.
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

/// The parameter, which is read as `None` if it is left out and this returns true.
pub const fn optional_param(param: ParamInfo, is_none: fn() -> bool) -> ParamInfo {
    param.with_absent(Absent::None(is_none))
}

/// The parameter, which has a default; this returns its JSON.
pub const fn default_param(param: ParamInfo, json: fn() -> Option<String>) -> ParamInfo {
    param.with_absent(Absent::Default(json))
}

/// What starts a method of an implementation.
pub type Start<S> = fn(&Arc<S>, &Context, Params<'_>) -> Handler;

/// Starts the method that the first of the params picks.
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

/// What a method reports its progress with, under the token that was among its params, if there was
/// one.
pub fn progress<P>(cx: &Context, token: Option<Box<str>>) -> Progress<P> {
    Progress::new(cx, token)
}

/// A call that is queued in a batch.
pub fn batch_call<T, E, P>(batch: &Batch, method: Name<'_>, args: impl Arguments) -> Call<T, E, P> {
    batch.queue_call(method.message(&args, batch.limit()))
}

/// A notification that is queued in a batch.
pub fn batch_notify(
    batch: &Batch,
    method: Name<'_>,
    args: impl Arguments,
) -> Result<(), NotifyError> {
    batch.queue_notification(method.message(&args, batch.limit()))
}

/// A notification to all members of a group; it is sent when this is called.
pub fn group_notify(
    group: &Group,
    method: Name<'_>,
    args: impl Arguments,
) -> Ready<Result<usize, NotifyError>> {
    ready(group.push(method.message(&args, usize::MAX)))
}

/// A call of all members of a group.
pub fn group_call<T, E>(group: &Group, method: Name<'_>, args: impl Arguments) -> Answers<T, E> {
    group.call_all(method.message(&args, usize::MAX))
}

fn outgoing(peer: &Peer, method: Name<'_>, args: &impl Arguments) -> Result<Outgoing, String> {
    method.message(args, peer.shared.config.limits.message_out)
}

/// The two halves of a `Result`, also of one behind an alias with one argument.
pub trait IsResult {
    /// What it is if all went well.
    type Ok;
    /// What it is if not.
    type Err;
}

impl<T, E> IsResult for Result<T, E> {
    type Ok = T;
    type Err = E;
}

/// Tells whether a concrete type is a `Result`, whatever it is called.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is: an inherent constant is found before a trait's.
    pub const IS_RESULT: bool = true;
}

/// What a [`Probe`] says of anything else.
pub trait IsResultFallback {
    /// It is not.
    const IS_RESULT: bool = false;
}

impl<T> IsResultFallback for Probe<T> {}
