//! From the text of a request, or of a batch, to the text of its answer.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::answer::Answers;
use crate::batch::Batch;
use crate::connection::{Paused, Shared};

/// Borrowed from the message. An id of `null` counts as none.
#[derive(Deserialize)]
pub(crate) struct Request<'a> {
    #[serde(borrow)]
    pub(crate) id: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) params: &'a RawValue,
}

/// What a call that paused will be answered with.
pub(crate) struct Pause {
    pub(crate) id: Box<RawValue>,
    pub(crate) sum: i64,
}

pub(crate) const INVALID_REQUEST: (i32, &str) = (-32600, "invalid request");
const METHOD_NOT_FOUND: (i32, &str) = (-32601, "method not found");
pub(crate) const INVALID_PARAMS: (i32, &str) = (-32602, "invalid params");

/// Writes what is answered at once; what pauses is answered later, by itself.
pub(crate) fn serve(text: &str, shared: &mut Shared, paused: &Paused, answers: &mut Answers) {
    if text.starts_with('[') {
        return serve_batch(text, shared, paused, answers);
    }
    match serde_json::from_str::<Request<'_>>(text) {
        Ok(request) => call(&request, shared, paused, answers),
        Err(_) => answers.push_error("null", INVALID_REQUEST),
    }
}

fn serve_batch(text: &str, shared: &mut Shared, paused: &Paused, answers: &mut Answers) {
    answers.begin_batch();
    if (Batch { shared, paused, answers }).serve(text).is_some() {
        return answers.end_batch();
    }
    answers.give_up_batch();
    answers.push_error("null", INVALID_REQUEST);
}

pub(crate) fn call(
    request: &Request<'_>,
    shared: &mut Shared,
    paused: &Paused,
    answers: &mut Answers,
) {
    let called = match &*request.method {
        "add" => add(request, answers),
        "echo" => echo(request, answers),
        "pause" => pause(request, paused),
        "join" => join(request, shared, answers),
        "publish" => publish(request, shared, answers),
        _ => Err(METHOD_NOT_FOUND),
    };
    if let (Err(error), Some(id)) = (called, request.id) {
        answers.push_error(id.get(), error);
    }
}

type CallFuture = Result<(), (i32, &'static str)>;

fn params<'a, T: Deserialize<'a>>(request: &Request<'a>) -> Result<T, (i32, &'static str)> {
    serde_json::from_str(request.params.get()).map_err(|_| INVALID_PARAMS)
}

fn add(request: &Request<'_>, answers: &mut Answers) -> CallFuture {
    let (a, b): (i64, i64) = params(request)?;
    let sum = a.checked_add(b).ok_or(INVALID_PARAMS)?;
    if let Some(id) = request.id {
        answers.push_result(id.get(), itoa::Buffer::new().format(sum));
    }
    Ok(())
}

fn echo(request: &Request<'_>, answers: &mut Answers) -> CallFuture {
    let (value,): (&RawValue,) = params(request)?;
    if let Some(id) = request.id {
        answers.push_result(id.get(), value.get());
    }
    Ok(())
}

/// Suspends once, as a handler that waits for something does.
fn pause(request: &Request<'_>, paused: &Paused) -> CallFuture {
    let (a, b): (i64, i64) = params(request)?;
    let sum = a.checked_add(b).ok_or(INVALID_PARAMS)?;
    if let Some(id) = request.id {
        let id = id.to_owned();
        paused.push(Box::pin(async move {
            tokio::task::yield_now().await;
            Pause { id, sum }
        }));
    }
    Ok(())
}

fn join(request: &Request<'_>, shared: &mut Shared, answers: &mut Answers) -> CallFuture {
    let (group,): (&str,) = params(request)?;
    shared.join(group);
    if let Some(id) = request.id {
        answers.push_result(id.get(), "null");
    }
    Ok(())
}

fn publish(request: &Request<'_>, shared: &Shared, answers: &mut Answers) -> CallFuture {
    let (group, value): (&str, &RawValue) = params(request)?;
    let [before, between, after] =
        [r#"{"jsonrpc":"2.0","method":"message","params":[""#, r#"","#, "]}"];
    let text = [before, group, between, value.get(), after].concat();
    let taken = shared.groups.publish(group, &Utf8Bytes::from(text));
    if let Some(id) = request.id {
        answers.push_result(id.get(), itoa::Buffer::new().format(taken));
    }
    Ok(())
}
