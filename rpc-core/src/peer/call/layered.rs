//! Calls within layers, and what is left of a call when it comes out of them.

use std::pin::Pin;
use std::task::{Context, Poll};

use super::{Call, CallSpec, Failure, Options, State};
use crate::error::call::CallError;
use crate::error::rpc_error::RpcError;
use crate::layers::{Answer, BatchQueue, CallFuture, CallRequest, Late, Queue, Route};
use crate::peer::batch::Queued;
use crate::peer::slot::Shared;
use crate::protocol::tables::streams::Wanted;
use crate::util::sync::Arc;
use crate::wire::request::Outgoing;

impl<T, E, P> Call<T, E, P> {
    /// Starts the layers of this call.
    pub(super) fn enter_layers(&mut self, message: Outgoing) -> CallFuture {
        let route = Route::Call(self.wanted.take());
        CallRequest::new(&self.shared, message, std::mem::take(&mut self.options), route).begin()
    }
}

/// Has the layers of a batch's member see it; what they put into the batch, if they do so at once.
pub(crate) fn queue(
    shared: &Arc<Shared>,
    message: Outgoing,
    options: Options,
) -> (CallFuture, Option<(Outgoing, Arc<Queued>)>) {
    let queue = Queue::new();
    let calling = CallRequest::new(shared, message, options, Route::InBatch(queue.clone()));
    let mut called = calling.begin();
    called.poll_early();
    (called, queue.close())
}

/// A call that its layers let go on.
pub(crate) fn bare(
    shared: Arc<Shared>,
    message: Outgoing,
    spec: CallSpec,
    wanted: Option<Box<Wanted>>,
) -> impl Future<Output = Result<Answer, CallError>> {
    let mut call = Call::in_state(shared, State::Done);
    call.wanted = wanted;
    Bare { call, new: Some((message, spec, None)) }
}

/// The same in a batch, or alone if that has left with this call already.
pub(crate) fn bare_in_batch(
    shared: Arc<Shared>,
    message: Outgoing,
    spec: CallSpec,
    queue: Arc<BatchQueue>,
) -> impl Future<Output = Result<Answer, CallError>> {
    Bare { call: Call::in_state(shared, State::Done), new: Some((message, spec, Some(queue))) }
}

struct Bare {
    call: Call<Answer>,
    /// Until it is first polled.
    new: Option<(Outgoing, CallSpec, Option<Arc<BatchQueue>>)>,
}

impl Future for Bare {
    type Output = Result<Answer, CallError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Some((message, spec, queue)) = this.new.take() {
            this.call.options = spec.into();
            this.call.state = match queue {
                Some(queue) => this.call.enter_batch(message, &queue, cx),
                None => this.call.send(message, Some(cx.waker())),
            };
            if let State::Started { .. } | State::InBatch(_) = this.call.state {
                return Poll::Pending;
            }
        }
        Pin::new(&mut this.call).poll(cx)
    }
}

impl Call<Answer> {
    fn enter_batch(&mut self, message: Outgoing, queue: &BatchQueue, cx: &Context<'_>) -> State {
        let queued = Queued::new(self.options.clone());
        match queue.fill((message, queued.clone())) {
            Ok(()) => State::InBatch(queued),
            Err(Late::Left((message, _))) => self.send(message, Some(cx.waker())),
            Err(Late::Missed) => State::Failed(Failure::Unsent),
        }
    }
}

/// What a call comes to that went through layers.
pub(super) fn typed<T: crate::peer::from_answer::FromAnswer, E: RpcError>(
    answer: Result<Answer, CallError>,
) -> Result<T, CallError<E>> {
    T::read(answer.map_err(CallError::typed)?).map_err(|why| CallError::Decode(why.into()))
}
