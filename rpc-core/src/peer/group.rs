//! Groups of peers: their members, and messages to all members.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::error::call::{CallError, NotifyError};
use crate::error::rpc_error::RpcError;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::peer::call::Call;
use crate::peer::from_answer::FromAnswer;
use crate::peer::registry::PeerRegistry;
use crate::peer::shared_notification::SharedNotification;
use crate::peer::slot::Shared;
use crate::util::sync::{Arc, Mutex};
use crate::wire::request::Outgoing;

/// The most bytes of a group's name. The name is stored for each group of each connection, and a peer may have chosen
/// it.
const LONGEST_NAME: usize = 256;

/// The members of each group, by the name of the group. An empty group is removed.
#[derive(Default)]
pub(crate) struct Groups {
    /// A push to a group takes the list of members as it is at that moment. Joining and leaving copy the list only if
    /// a push uses it at the same time.
    members: Mutex<HashMap<Arc<str>, Arc<Members>>>,
}

type Members = Vec<Arc<Shared>>;

impl Groups {
    /// Returns the number of groups.
    pub(crate) fn len(&self) -> usize {
        self.members.lock().unwrap().len()
    }

    fn members(&self, name: &str) -> Arc<Members> {
        self.members.lock().unwrap().get(name).cloned().unwrap_or_default()
    }

    pub(crate) fn join(&self, shared: &Arc<Shared>, name: &str) -> Result<(), JoinError> {
        if name.len() > LONGEST_NAME {
            return Err(JoinError::NameTooLong { limit: LONGEST_NAME });
        }
        let mut groups = self.members.lock().unwrap();
        let name: Arc<str> = name.into();
        // Under both locks: the end of the connection removes it from each group that it has joined by then.
        if !shared.lock().join(&name, &shared.config.limits)? {
            return Ok(());
        }
        Arc::make_mut(groups.entry(name).or_default()).push(shared.clone());
        Ok(())
    }

    pub(crate) fn leave(&self, shared: &Arc<Shared>, name: &str) {
        let mut groups = self.members.lock().unwrap();
        shared.lock().groups.retain(|group| &**group != name);
        remove(&mut groups, shared, name);
    }

    /// Removes a connection that has ended from all its groups.
    pub(crate) fn leave_all(&self, shared: &Arc<Shared>) {
        let joined = std::mem::take(&mut shared.lock().groups);
        if joined.is_empty() {
            return;
        }
        let mut groups = self.members.lock().unwrap();
        for name in joined {
            remove(&mut groups, shared, &name);
        }
    }
}

fn remove(groups: &mut HashMap<Arc<str>, Arc<Members>>, shared: &Arc<Shared>, name: &str) {
    let Some(members) = groups.get_mut(name) else { return };
    Arc::make_mut(members).retain(|member| !Arc::ptr_eq(member, shared));
    if members.is_empty() {
        groups.remove(name);
    }
}

/// The reason why a peer cannot join a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The connection is in as many groups as `groups` of its [`Limits`] allows.
    TooMany {
        /// The most groups of a connection.
        limit: usize,
    },
    /// The name has more than 256 bytes.
    NameTooLong {
        /// The most bytes of a name.
        limit: usize,
    },
    /// The connection has ended.
    Closed,
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { limit } => write!(f, "in no more than `groups`, which is {limit}"),
            Self::NameTooLong { limit } => {
                write!(f, "the name of a group has at most {limit} bytes")
            }
            Self::Closed => f.write_str("the connection has ended"),
        }
    }
}

impl std::error::Error for JoinError {}

impl crate::peer::slot::State {
    /// Notes that the connection is in this group. Returns whether it was not in the group before.
    fn join(&mut self, name: &Arc<str>, limits: &Limits) -> Result<bool, JoinError> {
        if self.protocol.ended().is_some() || self.is_to_close() {
            return Err(JoinError::Closed);
        }
        if self.groups.contains(name) {
            return Ok(false);
        }
        if self.groups.len() >= limits.groups {
            return Err(JoinError::TooMany { limit: limits.groups });
        }
        self.groups.push(name.clone());
        Ok(true)
    }
}

/// Peers under a name. A message to the group reaches each member.
///
/// A peer that joins is a member until it leaves or its connection ends. A message is serialised once. It reaches
/// exactly the members at that moment, including the sender if the sender is a member. Sending never waits for a
/// socket.
///
/// A member that does not read for a while loses nothing of a burst: its outbound queue takes messages up to `queue` and
/// one `message_out` of the [`Limits`], 5 MiB by default, of which each message takes its length and 128 bytes. A member
/// without that room, or whose queue is above `queue` for longer than `slow_reader`, is closed with 4008. Through a
/// [`dropping`](Self::dropping) handle it loses messages instead, from `queue` on.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Context, Router, memory};
///
/// let server = Router::new().method("say", |cx: Context, (text,): (String,)| async move {
///     cx.peer().join_group("lobby").unwrap();
///     Ok(cx.group("lobby").notify("message", (text,)).await.unwrap())
/// });
/// let (peer, _) = memory::pair(Router::new(), server);
/// assert_eq!(peer.call::<usize>("say", ("hello",)).await?, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Group {
    registry: PeerRegistry,
    name: Arc<str>,
    dropping: bool,
}

impl Group {
    pub(crate) fn new(registry: PeerRegistry, name: &str) -> Self {
        Self { registry, name: name.into(), dropping: false }
    }

    /// Returns the name of the group.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a handle of the same group that closes no members. A message through this handle is dropped for a
    /// member without room, and counted in the member's [`PeerStats`](crate::types::PeerStats).
    #[must_use]
    pub fn dropping(mut self) -> Self {
        self.dropping = true;
        self
    }

    /// Returns the present members.
    pub fn members(&self) -> Vec<Peer> {
        let members = self.registry.groups().members(&self.name);
        members.iter().map(|shared| Peer { shared: shared.clone() }).collect()
    }

    /// Sends a notification to each member before this returns. The future is ready at once, and returns how many
    /// outbound queues took the message. `params` are as in [`Peer::notify`].
    ///
    /// A member that has [muted](Peer::mute) the method is skipped: the member is not among those that the future
    /// returns, and its [`PeerStats`](crate::types::PeerStats) count a skipped message.
    ///
    /// If the message is too long for one member, that member does not get the message, and its
    /// [`PeerStats`](crate::types::PeerStats) count a dropped message. A guest, for example, has lower limits.
    ///
    /// # Errors
    /// Returns [`Encode`](NotifyError::Encode) if the params could not be written, or if the message is longer than
    /// `message_out` of the [`Limits`] of every connection in this registry. No member gets the message then.
    pub fn notify(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Ready<Result<usize, NotifyError>> {
        ready(self.push(Outgoing::new(method, &params, usize::MAX)))
    }

    /// Calls each member. The answers are a stream, in the order in which they arrive.
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Answers<T> {
        self.call_all(Outgoing::new(method, &params, usize::MAX))
    }

    pub(crate) fn push(&self, message: Result<Outgoing, String>) -> Result<usize, NotifyError> {
        let message = SharedNotification::written(message, self.registry.message_out())?;
        let too_slow = (!self.dropping).then_some("reads its groups too slowly");
        let members = self.registry.groups().members(&self.name);
        Ok(members.iter().filter(|member| message.push_to(member, too_slow)).count())
    }

    pub(crate) fn call_all<T, E>(&self, message: Result<Outgoing, String>) -> Answers<T, E> {
        // Written once for all members: what one of them takes beside the text, another one does not.
        let message = message.map(Outgoing::filled);
        let calls = self.members().into_iter().map(|peer| {
            let limit = peer.shared.config.limits.message_out;
            let message = message.clone().and_then(|message| message.within(limit));
            let call = Call::new(peer.shared.clone(), message);
            MemberCall { peer: Some(peer), call }
        });
        Answers { unstarted: calls.collect(), running: FuturesUnordered::new() }
    }
}

impl fmt::Debug for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The answers of the members of a [`Group`]: a stream of members with their results, as they arrive.
///
/// All calls begin at the first poll. They share one deadline: `call_deadline` of the [`Limits`] (30 s by default),
/// or the [`timeout`](Self::timeout). There is one item for each member. A member that is late or has left gives an
/// error. Dropping the stream cancels the calls that have no answer yet.
#[must_use = "nobody is called until this is polled"]
pub struct Answers<T, E = Infallible> {
    unstarted: Vec<MemberCall<T, E>>,
    running: FuturesUnordered<MemberCall<T, E>>,
}

struct MemberCall<T, E> {
    /// Taken when the call has ended.
    peer: Option<Peer>,
    call: Call<T, E>,
}

impl<T, E> Answers<T, E> {
    /// Sets the time until the last answer. Does nothing after the first poll.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        for member in std::mem::take(&mut self.unstarted) {
            let MemberCall { peer, call } = member;
            self.unstarted.push(MemberCall { peer, call: call.timeout(timeout) });
        }
        self
    }

    /// Returns how many answers are still to come.
    pub fn remaining(&self) -> usize {
        self.unstarted.len() + self.running.len()
    }
}

impl<T: FromAnswer, E: RpcError> Stream for Answers<T, E> {
    type Item = (Peer, Result<T, CallError<E>>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        for member in this.unstarted.drain(..) {
            this.running.push(MemberCall { peer: member.peer, call: member.call.start() });
        }
        this.running.poll_next_unpin(cx)
    }
}

impl<T: FromAnswer, E: RpcError> Future for MemberCall<T, E> {
    type Output = (Peer, Result<T, CallError<E>>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(Pin::new(&mut self.call).poll(cx));
        let peer = self.peer.take().expect("polled until it is ready, and not again");
        Poll::Ready((peer, result))
    }
}

impl<T, E> Unpin for Answers<T, E> {}

impl<T, E> fmt::Debug for Answers<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("remaining", &self.remaining()).finish()
    }
}

#[cfg(test)]
mod properties;
