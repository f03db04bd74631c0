//! How far a call has come, as its handler reports it.

use std::fmt;
use std::marker::PhantomData;

use bytes::BytesMut;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer;
use crate::context::Context;
use crate::handlers::caught;
use crate::seldom::Seldom;
use crate::service::Limited;

/// Reports how far a call has come, to a caller who asked for that with
/// [`on_progress`](crate::Call::on_progress).
///
/// As a parameter of a method in a `#[service]` it is not among the parameters of the stub; without a
/// trait it comes from [`Context::progress`]. A plain caller asks with a token: `progressToken` beside
/// the params or in their `_meta`, `workDoneToken` (LSP) or this parameter's own name among params
/// that go by name; and is sent `$/progress` with that `token` and a `value`.
///
/// Reports arrive in order, and all before the answer. While the caller reads too slowly, the latest
/// one waits and takes the place of the one before. Clones report for the same call; what is reported
/// after its answer goes nowhere.
pub struct Progress<P> {
    /// Of a caller who asked.
    asked: Option<Asked>,
    value: PhantomData<fn(P)>,
}

#[derive(Clone)]
struct Asked {
    cx: Context,
    /// As JSON text.
    token: Box<str>,
}

impl<P> Progress<P> {
    /// With a token of its own, as JSON text, or the one that came beside the params.
    pub(crate) fn new(cx: &Context, token: Option<Box<str>>) -> Self {
        let token = token.or_else(|| cx.progress_token().map(Box::from));
        Self { asked: token.map(|token| Asked { cx: cx.clone(), token }), value: PhantomData }
    }

    /// Whether the caller asked: what is dear to find out need not be, otherwise.
    pub fn is_wanted(&self) -> bool {
        self.asked.is_some()
    }
}

impl<P: Serialize> Progress<P> {
    /// Reports how far the call has come. Never waits, and does nothing if nobody asked.
    ///
    /// A value that cannot be written as JSON, or is larger than `message_out` of the
    /// [`Limits`](crate::Limits), is left out, logged, and counted as
    /// [dropped](crate::Counters::dropped).
    pub fn report(&self, value: &P) {
        let Some(Asked { cx, token }) = &self.asked else { return };
        let mut message = BytesMut::with_capacity(128);
        answer::write_progress_head(token, &mut message);
        let limit = cx.shared().setup.limits.message_out;
        // Code of the user's: not under the lock.
        let written = caught(|| Limited::new(&mut message, limit, 2).json(value));
        cx.shared().with(|state| match written {
            Ok(()) => {
                answer::write_progress_tail(&mut message);
                state.protocol.report(cx.key(), message.freeze());
            }
            Err(error) => {
                static SELDOM: Seldom = Seldom::new();
                if let Some(left_out) = SELDOM.may_say() {
                    tracing::warn!(left_out, method = cx.method(), %error, "a report of progress is left out");
                }
                state.protocol.counters.dropped += 1;
            }
        });
    }
}

impl<P> Clone for Progress<P> {
    fn clone(&self) -> Self {
        Self { asked: self.asked.clone(), value: PhantomData }
    }
}

impl<P> fmt::Debug for Progress<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress").field("is_wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}

/// The `P` of a [`Call`](crate::Call) whose method declares no progress. Without a trait nothing is
/// known of that, so such a call takes a listener for reports of any type.
#[derive(Debug, Clone, Copy)]
pub struct NoProgress(());

/// Which reports a call can bring: those of the type that its method declares.
pub trait Reports<V> {}

impl<V: DeserializeOwned> Reports<V> for V {}
impl<V: DeserializeOwned> Reports<V> for NoProgress {}
