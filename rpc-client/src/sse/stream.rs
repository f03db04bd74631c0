//! The stream of events: opened by the hello, read, and asked for again when it is lost.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderMap;
use hyper::body::{Body, Incoming};
use tokio::time::{Instant, sleep, timeout};

use super::http::{Ask, Http, stream};
use super::wait_before;
use crate::error::ConnectError;

type Asking = Pin<Box<dyn Future<Output = (Box<Http>, Result<Incoming, ConnectError>)> + Send>>;

/// A stream that has lasted for so long was no failure.
const STABLE: Duration = Duration::from_secs(1);

/// The stream of a link.
pub(super) struct Stream {
    state: State,
    /// How often the client has asked in vain, and since when.
    tries: usize,
    lost: Option<Instant>,
    began: Instant,
}

enum State {
    /// Nobody has asked for a stream yet.
    Closed(Option<Box<Http>>),
    Asking(Asking),
    Reading {
        body: Incoming,
        http: Option<Box<Http>>,
    },
}

/// What has become of the stream.
pub(super) enum Read {
    /// The stream has begun.
    Began,
    Piece(Bytes),
    /// The stream is lost. It is to be asked for again.
    Lost,
    /// The server has refused the stream.
    Failed(ConnectError),
}

impl Stream {
    pub(super) fn new(http: Box<Http>) -> Self {
        let state = State::Closed(Some(http));
        Self { state, tries: 0, lost: None, began: Instant::now() }
    }

    /// Returns whether events can come.
    pub(super) fn is_reading(&self) -> bool {
        matches!(self.state, State::Reading { .. })
    }

    /// Asks for the stream, with the first message of the link or again. The answer may take `time`.
    pub(super) fn ask(&mut self, headers: HeaderMap, body: Bytes, time: Duration) {
        let http = match &mut self.state {
            State::Closed(http) | State::Reading { http, .. } => http.take(),
            State::Asking(_) => return,
        };
        let Some(mut http) = http else { return };
        let wait = wait_before(self.tries);
        self.tries += 1;
        let ask = Ask { headers, body, wants_stream: true };
        self.state = State::Asking(Box::pin(async move {
            if !wait.is_zero() {
                sleep(wait).await;
            }
            match timeout(time, http.send(&ask)).await {
                Ok(answer) => (http, answer.and_then(stream)),
                Err(_) => {
                    http.reset();
                    (http, Err(ConnectError::Timeout(time)))
                }
            }
        }));
    }

    /// Gives up the stream: nothing came for too long, or it broke.
    pub(super) fn lose(&mut self) {
        let now = Instant::now();
        if let State::Reading { http, .. } = &mut self.state {
            self.state = State::Closed(http.take());
            if now - self.began >= STABLE {
                self.heal();
            }
        }
        self.lost.get_or_insert(now);
    }

    /// An event has come, so all is well.
    pub(super) fn heal(&mut self) {
        (self.tries, self.lost) = (0, None);
    }

    /// Returns for how long there was no stream that worked.
    pub(super) fn lost_for(&self) -> Duration {
        self.lost.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Returns what comes next.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Read> {
        match &mut self.state {
            State::Closed(_) => Poll::Pending,
            State::Asking(asking) => {
                let (http, answer) = ready!(asking.as_mut().poll(cx));
                Poll::Ready(match answer {
                    Ok(body) => {
                        self.began = Instant::now();
                        self.state = State::Reading { body, http: Some(http) };
                        Read::Began
                    }
                    Err(error) => {
                        self.state = State::Closed(Some(http));
                        self.lost.get_or_insert(Instant::now());
                        Read::Failed(error)
                    }
                })
            }
            State::Reading { body, .. } => loop {
                let frame = match ready!(Pin::new(&mut *body).poll_frame(cx)) {
                    Some(Ok(frame)) => frame.into_data(),
                    Some(Err(_)) | None => return Poll::Ready(Read::Lost),
                };
                if let Ok(piece) = frame
                    && !piece.is_empty()
                {
                    return Poll::Ready(Read::Piece(piece));
                }
            },
        }
    }
}
