//! Hands calls on to another peer, undecoded.
//!
//! ```text
//!  the caller                     this end                                 the other peer
//!     |  request (params as text)    |                                          |
//!     |----------------------------->| Handler: ForwardedCall                   |
//!     |                              |   the same text, an id of its own        |
//!     |                              |   rest of the deadline, trace, key ----->|
//!     |  $/progress (text)  <--------|<------------------------------ progress  |
//!     |  $/cancelRequest ----------->|  (the handler is dropped) ----> cancel   |
//!     |  result or error (text) <----|<----------------------- result or error  |
//!     |  items, $/credit  <--------->|<----------------------> items, $/credit  |
//! ```
//!
//! A call that is handed on is a served call on one connection and a call of this end on the other. So it has what
//! both have: limits, permits, layers, batches and statistics. What each of its parts costs in memory is bounded where
//! the part lies. A stream that is passed on is taken from the one connection only as fast as the other takes it.

use std::borrow::Cow;

use super::Router;
use crate::error::object::ErrorObject;
use crate::method::{MethodInfo, MethodKind};
use crate::peer::Peer;
use crate::protocol::target::Target;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::{Params, Service};
use crate::wire::reserved;

mod begin;
mod call;
mod plain_methods;

impl Router {
    /// Hands on requests and notifications of some names to another `peer`, undecoded. A `pattern` is a name
    /// (`tools/list`), the beginning of names and a star (`tools.*`, `eth_*`), or a star alone for all names.
    ///
    /// Params, results, the data of errors, items of streams and reports of progress are passed on as the text that
    /// they came as, and bytes beside a text as bytes if both ends carry them. The rest of the caller's deadline, the
    /// trace and an idempotency key go along, and a cancel does. A call without a deadline is given none. Members of a
    /// batch are handed on one by one.
    ///
    /// | what ends first | the caller sees | the other peer sees |
    /// |---|---|---|
    /// | the call is cancelled, or its deadline comes | -32800, -32012 | a cancel |
    /// | the caller's connection | its connection is closed | a cancel; its streams are stopped |
    /// | the other peer's connection, before the call was sent | -32009 (busy): not executed | nothing |
    /// | the other peer's connection, after that | -32014: may have run; a stream ends with it | its connection is closed |
    /// | the other peer's session, while this end reconnects | -32014: may have run; a stream has a gap, and goes on | its streams are made anew |
    ///
    /// While the session of the other peer has no link, calls wait until the session is up again, up to their deadlines.
    ///
    /// **Streams** both ways are passed on if both peers have said [`Hello`](crate::transport::Hello): an end that knows
    /// the extensions tells by its answer that a call has opened a stream. A slow receiver slows down the source, and
    /// at most one window of a stream waits here. A gap ends the stream of a plain receiver. If this end is the client of
    /// the other peer and its session is lost, it makes the streams
    /// [anew](crate::Streaming::resubscribe): the next item tells the receiver of a [gap](crate::StreamError::Gap) of one
    /// item, as the wire has no number for an unknown one. A stream whose call had streams among its params ends. The
    /// receiver's stream has an id of its own, under the names that the stream has at its source. A plain peer's subscriptions are not known
    /// as such: their ids and items are passed on as results and notifications, the latter by the services of the
    /// connection to that peer, if these hand them on.
    ///
    /// **Precedence.** A name that this router offers is served here. Otherwise the longest pattern that fits is used,
    /// and then the [fallback](Self::fallback). A pattern that is given twice is an error, and so is a star beside a
    /// fallback. A [notification fallback](Self::notification_fallback) takes the notifications that a star alone would
    /// hand on. The names in `rpc.` and those of the framework in `$/` are never handed on, so `rpc.discover` tells of
    /// the methods of this router only.
    ///
    /// **Idempotency keys.** This end keeps the answer to a call under a key, as for any method. The other peer is given
    /// the key together with the caller that it belongs to, since all callers share one connection there.
    ///
    /// **Loops.** A message that was handed on 16 times is answered -32601: the patterns of some ends form a loop.
    ///
    /// Statistics and metrics count the calls under the pattern. A peer that must log in and has not done so reaches no
    /// pattern.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Context, Router, memory};
    ///
    /// let tools = Router::new().method("tools.add", |_: Context, (a, b): (i64, i64)| async move { Ok(a + b) });
    /// let (tools, _) = memory::pair(Router::new(), tools);
    ///
    /// let front = Router::new().forward("tools.*", tools);
    /// let (peer, _) = memory::pair(Router::new(), front);
    /// assert_eq!(peer.call::<i64>("tools.add", (1, 2)).await?, 3);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn forward(self, pattern: impl Into<Cow<'static, str>>, peer: Peer) -> Self {
        self.forward_to(pattern, move |_| Ok(peer.clone()))
    }

    /// Hands on calls as [`forward`](Self::forward) does, each to the peer that `choose` returns for it. An error of
    /// `choose` is the answer.
    ///
    /// ```
    /// use rpc_core::{Context, ErrorObject, Peer, Router, Service};
    ///
    /// /// The worker of a caller, a value of the caller's connection.
    /// struct Worker(Peer);
    ///
    /// let choose = |cx: &Context| match cx.value::<Worker>() {
    ///     Some(worker) => Ok(worker.0.clone()),
    ///     None => Err(ErrorObject::busy("workers")),
    /// };
    /// assert!(Router::new().forward_to("work.*", choose).check().is_ok());
    /// ```
    #[must_use]
    pub fn forward_to(
        mut self,
        pattern: impl Into<Cow<'static, str>>,
        choose: impl Fn(&Context) -> Result<Peer, ErrorObject> + Send + Sync + 'static,
    ) -> Self {
        let info = MethodInfo::named(pattern.into(), MethodKind::Forward);
        self.add(Box::new(Forward { info: [info], choose }));
        self
    }

    /// Registers the method that hands on the names of a pattern. Returns whether the method is used.
    pub(super) fn insert_forward(&mut self, method: usize, pattern: &str) -> bool {
        let mistake = match pattern.strip_suffix('*') {
            _ if reserved::is_reserved(pattern) && pattern != "$/progress" => {
                reserved::refusal(pattern)
            }
            Some(start) if start.contains('*') => Some(no_pattern(pattern)),
            None if pattern.contains('*') => Some(no_pattern(pattern)),
            Some(start) => (!self.forwards.insert(start, method))
                .then(|| format!("`{pattern}` is handed on twice")),
            None if self.target_of(pattern).is_some() => {
                Some(format!("`{pattern}` is offered twice: once to be handed on"))
            }
            None => {
                self.by_name.insert(pattern.to_owned().into(), Target::Fallback(method));
                None
            }
        };
        let is_used = mistake.is_none();
        self.mistakes.extend(mistake);
        self.check_rest();
        is_used
    }

    /// Records a mistake if two methods serve all names that are left.
    pub(super) fn check_rest(&mut self) {
        if self.forwards.are_all() && self.fallback.is_some() {
            self.mistakes.push("a fallback beside the pattern `*`: no name is left for it".into());
        }
    }
}

fn no_pattern(pattern: &str) -> String {
    format!(
        "`{pattern}` is no pattern: it is a whole name, or the beginning of names and one `*` behind it"
    )
}

/// The methods that hand calls on, by the beginnings of the names.
#[derive(Default)]
pub(super) struct Forwards {
    /// The longest first.
    beginnings: Vec<(Box<str>, usize)>,
}

impl Forwards {
    /// Returns whether there was no method for this beginning.
    fn insert(&mut self, beginning: &str, method: usize) -> bool {
        if self.beginnings.iter().any(|(other, _)| **other == *beginning) {
            return false;
        }
        let at = self.beginnings.partition_point(|(other, _)| other.len() > beginning.len());
        self.beginnings.insert(at, (beginning.into(), method));
        true
    }

    /// Returns the method for a name.
    #[inline]
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let found = self.beginnings.iter().find(|(beginning, _)| name.starts_with(&**beginning));
        found.map(|(_, method)| *method)
    }

    /// Returns the method for a name, but for one that stands for all names.
    pub(super) fn find_but_all(&self, name: &str) -> Option<usize> {
        let all = self.beginnings.last().filter(|(beginning, _)| beginning.is_empty());
        self.find(name).filter(|method| all.is_none_or(|(_, all)| all != method))
    }

    /// Returns whether all names are handed on.
    pub(super) fn are_all(&self) -> bool {
        self.beginnings.last().is_some_and(|(beginning, _)| beginning.is_empty())
    }
}

/// A method that hands calls on.
struct Forward<F> {
    info: [MethodInfo; 1],
    choose: F,
}

impl<F> Service for Forward<F>
where
    F: Fn(&Context) -> Result<Peer, ErrorObject> + Send + Sync + 'static,
{
    fn methods(&self) -> &[MethodInfo] {
        &self.info
    }

    fn call(&self, _: usize, cx: &Context, params: Params<'_>) -> Handler {
        match (self.choose)(cx) {
            Ok(peer) => begin::begin(peer, cx, params),
            Err(error) => Handler::error(error),
        }
    }
}
