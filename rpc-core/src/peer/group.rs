//! Groups of peers: who is in, and what is sent to all of them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::error::call::{CallError, NotifyError};
use crate::error::close::CloseCode;
use crate::error::rpc_error::RpcError;
use crate::limits::Limits;
use crate::peer::Peer;
use crate::peer::call::Call;
use crate::peer::from_answer::FromAnswer;
use crate::peer::registry::PeerRegistry;
use crate::peer::slot::{Command, Shared};
use crate::service::current;
use crate::util::sync::{Arc, Mutex};
use crate::wire::request::{Outgoing, fits};

/// Bytes of a name. It is kept for each group of each connection, and often is what a peer has sent.
const LONGEST_NAME: usize = 256;

/// The members of each group, by its name. An empty group is forgotten.
#[derive(Default)]
pub(crate) struct Groups {
    /// Whoever sends to a group takes the list as it is at that moment; joining and leaving copy it
    /// only if someone does that just then.
    members: Mutex<HashMap<Arc<str>, Arc<Members>>>,
}

type Members = Vec<Arc<Shared>>;

impl Groups {
    /// How many groups there are.
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
        // Under both locks: whoever ends the connection takes it out of what it has joined by then.
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

    /// Takes a connection that has ended out of all its groups.
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

/// Why a peer cannot join a group.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The connection is in as many groups as `groups` of its [`Limits`] allows.
    TooMany {
        /// How many that are.
        limit: usize,
    },
    /// The name has more than 256 bytes.
    NameTooLong {
        /// How many bytes a name may have.
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
    /// Notes that the connection is in this group; whether it was not before.
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

/// Peers under a name: what is sent to the group reaches each of its members.
///
/// Who joins is in it until it leaves or its connection ends. A message is serialised once and
/// reaches exactly those who are members at that moment, the sender too if it is one; sending never
/// waits for anyone's socket. A member whose outbound queue has no room is closed with 4008, unless
/// the handle says [`dropping`](Self::dropping).
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

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same group, but what is sent through this handle is dropped for a member without room,
    /// and counted in its [`PeerStats`](crate::types::PeerStats).
    #[must_use]
    pub fn dropping(mut self) -> Self {
        self.dropping = true;
        self
    }

    /// Who is in it at the moment.
    pub fn members(&self) -> Vec<Peer> {
        let members = self.registry.groups().members(&self.name);
        members.iter().map(|shared| Peer { shared: shared.clone() }).collect()
    }

    /// Sends a notification to each member, before this returns; the future is ready and says how
    /// many queues took it. `params` as in [`Peer::notify`].
    ///
    /// If the message is too long for one member (a guest has lower limits), that member does not get the message,
    /// and its [`PeerStats`](crate::types::PeerStats) count a dropped one.
    ///
    /// # Errors
    /// [`Encode`](NotifyError::Encode): the params could not be written, or the message is longer than
    /// `message_out` of the [`Limits`] of every connection in this hub. No member got the message.
    pub fn notify(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Ready<Result<usize, NotifyError>> {
        ready(self.push(Outgoing::new(method, &params, usize::MAX)))
    }

    /// Calls each member; the answers come as a stream, as they arrive.
    pub fn call<T>(&self, method: &str, params: impl Serialize) -> Answers<T> {
        self.call_all(Outgoing::new(method, &params, usize::MAX))
    }

    pub(crate) fn push(&self, message: Result<Outgoing, String>) -> Result<usize, NotifyError> {
        let encode = |why: String| NotifyError::Encode(why.into());
        let message = message.map_err(encode)?.notification(current::trace());
        fits(message.len(), self.registry.message_out()).map_err(encode)?;
        let members = self.registry.groups().members(&self.name);
        let took = members.iter().filter(|member| self.push_to(member, &message));
        Ok(took.count())
    }

    fn push_to(&self, member: &Shared, message: &Bytes) -> bool {
        member.with(|state| {
            if state.protocol.ended().is_some() {
                return false;
            }
            let fits = message.len() <= state.protocol.limits().message_out;
            if fits && state.protocol.is_open() {
                return state.protocol.notify(message.clone()).is_ok();
            }
            // It would take a shorter one: it does not read too slowly.
            if self.dropping || !fits {
                state.protocol.counters.dropped += 1;
            } else {
                let reason = "reads its groups too slowly".to_owned();
                let code = CloseCode::SLOW_READER;
                state.command(Command::Close { code, reason, within: None });
            }
            false
        })
    }

    pub(crate) fn call_all<T, E>(&self, message: Result<Outgoing, String>) -> Answers<T, E> {
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

/// What the members of a [`Group`] answer: a stream of each member and its result, as they arrive.
///
/// All calls begin when it is first polled, and share one deadline: `call_deadline` of the
/// [`Limits`] (30 s) unless said otherwise. A member that is late or has left is named by an error
/// of its own, so there is one item for each member. Dropping it cancels the calls that have no
/// answer yet.
#[must_use = "nobody is called until this is polled"]
pub struct Answers<T, E = Infallible> {
    unstarted: Vec<MemberCall<T, E>>,
    running: FuturesUnordered<MemberCall<T, E>>,
}

struct MemberCall<T, E> {
    /// Taken when it is done.
    peer: Option<Peer>,
    call: Call<T, E>,
}

impl<T, E> Answers<T, E> {
    /// Sets the time until the last answer. Without effect once polled.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        for member in std::mem::take(&mut self.unstarted) {
            let MemberCall { peer, call } = member;
            self.unstarted.push(MemberCall { peer, call: call.timeout(timeout) });
        }
        self
    }

    /// How many answers are still to come.
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
