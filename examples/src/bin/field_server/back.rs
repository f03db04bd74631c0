//! What no server of the field does to its clients: it tells them something and asks them something, and sees that
//! nothing of theirs suffers.
//!
//! Many of them know no calls from the server, and take any message with the id of a call of their own for its
//! answer. So they keep calls in flight while they are asked.

use std::time::Duration;

use futures_util::future::join_all;
use rpc_core::{CallError, Context, service};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

#[service(namespace = "field", separator = "_", rename_all = "camelCase")]
pub(crate) trait Field {
    /// Answers `n` once the caller has been asked; until then such calls are in flight.
    async fn later(&self, cx: &Context, n: u64) -> u64;

    /// Sends the caller a notification.
    async fn tell(&self, cx: &Context);

    /// Asks the caller something, many times at once, and says what came of each question.
    async fn ask_back(&self, cx: &Context) -> Vec<Outcome>;
}

/// The methods that a client may offer.
#[service(namespace = "caller", separator = "_")]
pub(crate) trait Caller {
    #[notification]
    fn told(&self, news: &str);

    fn confirm(&self, question: &str) -> bool;
}

/// What became of a question.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Answered(bool),
    /// With this code.
    Refused(i64),
    /// Nothing came within a second.
    Ignored,
}

/// One connection: whether it has been asked.
#[derive(Default)]
pub(crate) struct Asked(watch::Sender<bool>);

pub(crate) struct Back;

impl Field for Back {
    async fn later(&self, cx: &Context, n: u64) -> u64 {
        let mut asked = asked(cx).subscribe();
        // The sender lives as long as the connection.
        let _ = asked.wait_for(|asked| *asked).await;
        n
    }

    async fn tell(&self, cx: &Context) {
        // It fails if the connection has ended, and then nobody needs it.
        let _ = CallerClient::new(cx.peer()).told("news").await;
    }

    async fn ask_back(&self, cx: &Context) -> Vec<Outcome> {
        let caller = CallerClient::new(cx.peer());
        // As many as have the ids of the caller's first calls, were they numbered from 1.
        let questions =
            (0..50).map(|_| caller.confirm("all well?").timeout(Duration::from_secs(1)));
        let answers = join_all(questions).await;
        asked(cx).send_replace(true);
        answers.into_iter().map(Outcome::from).collect()
    }
}

impl From<Result<bool, CallError>> for Outcome {
    fn from(answer: Result<bool, CallError>) -> Self {
        match answer {
            Ok(yes) => Self::Answered(yes),
            Err(CallError::Remote(error)) => Self::Refused(error.code),
            Err(_) => Self::Ignored,
        }
    }
}

fn asked(cx: &Context) -> &watch::Sender<bool> {
    &cx.caller::<Asked>().expect("each connection has one").0
}
