//! The messages of the client, in one `POST` at a time: what comes meanwhile gathers for the next.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use rpc_core::internal::sse::{Outbound, headers, lines};
use tokio::time::{Instant, sleep, timeout};

use super::http::{Ask, Http};
use super::wait_before;
use crate::error::ConnectError;

/// Bytes of messages in one `POST`, unless one message has more.
const POST: usize = 256 * 1024;

/// How long the answer to a `POST` may take.
const ANSWER: Duration = Duration::from_secs(30);

/// How a `POST` was answered: how far the server has taken in the messages.
type Answer = Result<Option<u64>, ConnectError>;

type Posting = Pin<Box<dyn Future<Output = (Box<Http>, Answer)> + Send>>;

/// The way up of a link.
pub(super) struct Posts {
    pub(super) outbound: Outbound,
    state: State,
    tries: usize,
    lost: Option<Instant>,
}

enum State {
    Idle(Option<Box<Http>>),
    Posting { posting: Posting, closes: bool },
}

/// What has become of a `POST`.
pub(super) enum Posted {
    TakenIn {
        closes: bool,
    },
    /// It failed, and is to be repeated.
    Lost,
    /// The server has refused it.
    Refused(ConnectError),
    /// The server says of the numbers what cannot be.
    Wrong,
}

impl Posts {
    pub(super) fn new(http: Box<Http>) -> Self {
        let state = State::Idle(Some(http));
        Self { outbound: Outbound::default(), state, tries: 0, lost: None }
    }

    pub(super) fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle(_))
    }

    /// Returns whether there are messages that the server does not have, as far as is known.
    pub(super) fn has_more(&self) -> bool {
        self.outbound.acknowledged() < self.outbound.last()
    }

    /// Returns for how long no `POST` was answered.
    pub(super) fn lost_for(&self) -> Duration {
        self.lost.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Posts what there is, with `headers` of the link. There may be no message. The link `closes` with it or does not.
    pub(super) fn post(&mut self, mut headers: HeaderMap, closes: bool) {
        let State::Idle(http) = &mut self.state else { return };
        let Some(mut http) = http.take() else { return };
        let first = self.outbound.acknowledged() + 1;
        let (mut body, mut number) = (Vec::new(), first);
        while body.len() < POST
            && let Some(text) = self.outbound.get(number)
        {
            lines::write(text, &mut body);
            number += 1;
        }
        self.outbound.note_sent(number - 1);
        if !body.is_empty() {
            headers.insert(HeaderName::from_static(headers::FIRST), first.into());
        }
        let wait = wait_before(self.tries);
        self.tries += 1;
        let ask = Ask { headers, body: Bytes::from(body), wants_stream: false };
        let posting = Box::pin(async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            let answer = timeout(ANSWER, http.send(&ask)).await;
            match answer {
                Ok(Ok(response)) => {
                    let received = number_of(response.headers());
                    (http, Ok(received))
                }
                Ok(Err(error)) => (http, Err(error)),
                Err(_) => {
                    http.reset();
                    (http, Err(ConnectError::Timeout(ANSWER)))
                }
            }
        });
        self.state = State::Posting { posting, closes };
    }

    /// Returns what has become of the `POST` that is under way.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Posted> {
        let State::Posting { posting, closes } = &mut self.state else { return Poll::Pending };
        let (http, answer) = ready!(posting.as_mut().poll(cx));
        let closes = *closes;
        self.state = State::Idle(Some(http));
        let error = match answer {
            Ok(Some(received)) => {
                (self.tries, self.lost) = (0, None);
                let is_possible = self.outbound.acknowledge(received).is_ok();
                return Poll::Ready(if is_possible {
                    Posted::TakenIn { closes }
                } else {
                    Posted::Wrong
                });
            }
            Ok(None) => return Poll::Ready(Posted::Wrong),
            Err(error) => error,
        };
        self.lost.get_or_insert(Instant::now());
        Poll::Ready(if is_final(&error) { Posted::Refused(error) } else { Posted::Lost })
    }
}

/// Returns whether the same request would be refused again. A gap is filled by the next `POST`, which begins with the
/// first message that was not acknowledged.
pub(super) fn is_final(error: &ConnectError) -> bool {
    match error {
        ConnectError::Rejected { status, .. } => {
            let may_pass = [
                StatusCode::REQUEST_TIMEOUT,
                StatusCode::CONFLICT,
                StatusCode::TOO_EARLY,
                StatusCode::TOO_MANY_REQUESTS,
            ];
            status.is_client_error() && !may_pass.contains(status)
        }
        error => !error.may_retry(),
    }
}

fn number_of(map: &HeaderMap) -> Option<u64> {
    map.get(headers::RECEIVED).map(HeaderValue::as_bytes).and_then(headers::number)
}
