//! The states of a client, for those who look and for those who listen.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::stream::{BoxStream, unfold};
use futures_util::{FutureExt, Stream, StreamExt};
use rpc_core::Peer;
use tokio::sync::watch;

use super::hooks::OnState;
use super::state::State;
use crate::fallback::Carrier;

/// How a client is connected.
#[derive(Debug, Clone)]
pub(crate) struct Via {
    pub(crate) carrier: Carrier,
    /// Host and port of the server, or the path of its socket.
    pub(crate) host: Arc<str>,
}

/// Tells the program each state.
pub(crate) struct Reporter {
    states: watch::Sender<State>,
    via: watch::Sender<Via>,
    listener: Option<OnState>,
}

impl Reporter {
    /// Creates the reporter of a client whose first attempt, to this host, is under way.
    pub(crate) fn new(listener: Option<OnState>, host: Arc<str>) -> Self {
        let first = State::Connecting { attempt: 1, next: None, error: None };
        let via = watch::Sender::new(Via { carrier: Carrier::default(), host });
        Self { states: watch::Sender::new(first), via, listener }
    }

    pub(crate) fn watch_via(&self) -> watch::Receiver<Via> {
        self.via.subscribe()
    }

    pub(crate) fn connected(&self, via: Via) {
        self.via.send_replace(via);
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.states.subscribe()
    }

    pub(crate) fn tell(&self, state: State) {
        tracing::debug!(state = state.to_string(), "client");
        self.states.send_replace(state.clone());
        if let Some(listener) = &self.listener {
            listener.hear(&state);
        }
    }
}

/// Returns the present state. A client that does not reconnect has no `states`.
pub(crate) fn present(
    states: Option<&watch::Receiver<State>>,
    peer: &Peer,
    carrier: Carrier,
) -> State {
    let ended = peer.closed().now_or_never();
    let state = states.map(|states| states.borrow().clone());
    match (state, ended) {
        (Some(state @ State::Ended(_)), _) => state,
        (_, Some(reason)) => State::Ended(reason),
        (state, None) => state.unwrap_or(State::Up { resumed: false, carrier }),
    }
}

/// The states of a client, one after the other: [`Client::states`](crate::Client::states) makes this stream.
///
/// The first item is the state at the moment. The last item is [`State::Ended`]. Who reads slowly misses states in
/// between, and never the latest.
#[must_use = "a stream does nothing until it is polled"]
pub struct States(BoxStream<'static, State>);

impl States {
    pub(crate) fn new(
        mut states: Option<watch::Receiver<State>>,
        peer: Peer,
        carrier: Carrier,
    ) -> Self {
        if let Some(states) = &mut states {
            states.mark_changed();
        }
        let told = (states, peer, None);
        Self(Box::pin(unfold(told, move |(mut states, peer, last)| async move {
            let state = match (last, &mut states) {
                (Some(State::Ended(_)), _) => return None,
                (None, None) => present(None, &peer, carrier),
                (Some(_), None) => State::Ended(peer.closed().await),
                (_, Some(states)) => match states.changed().await {
                    Ok(()) => states.borrow_and_update().clone(),
                    // The task was dropped with its runtime.
                    Err(_) => State::Ended(peer.closed().await),
                },
            };
            Some((state.clone(), (states, peer, Some(state))))
        })))
    }

    /// Returns the next state, as soon as there is one. `None` after [`State::Ended`]. Cancel safe.
    pub async fn next(&mut self) -> Option<State> {
        StreamExt::next(&mut self.0).await
    }
}

impl Stream for States {
    type Item = State;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<State>> {
        self.0.poll_next_unpin(cx)
    }
}

impl fmt::Debug for States {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("States")
    }
}
