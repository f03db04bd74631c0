//! What generated code may reach; hidden from the docs, promised to nobody.

use std::marker::PhantomData;

pub use crate::args::ArgList;
pub use crate::call::Call;
pub use crate::call_error::NotifyError;
pub use crate::context::Context;
pub use crate::error::{ErrorInfo, ErrorObject, RpcError};
pub use crate::error_data::*;
pub use crate::notify::Notify;
pub use crate::params::{DefaultParam, Param, ParamList, decode};
pub use crate::peer::Peer;
pub use crate::service::{
    Handler, MethodFlags, MethodInfo, MethodKind, ParamInfo, Params, Service,
};

use crate::outgoing::Outgoing;

/// A call of a method that takes its arguments by position.
pub fn call<T, E>(peer: &Peer, method: &'static str, args: impl ArgList) -> Call<T, E> {
    Call::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// A notification whose arguments go by position.
pub fn notify(peer: &Peer, method: &'static str, args: impl ArgList) -> Notify {
    Notify::new(peer.shared.clone(), outgoing(peer, method, &args))
}

/// A notification that enters at once or not at all.
pub fn try_notify(
    peer: &Peer,
    method: &'static str,
    args: impl ArgList,
) -> Result<(), NotifyError> {
    notify(peer, method, args).try_now()
}

fn outgoing(peer: &Peer, method: &str, args: &impl ArgList) -> Result<Outgoing, String> {
    Outgoing::with_args(method, args, peer.shared.setup.limits.message_out)
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
