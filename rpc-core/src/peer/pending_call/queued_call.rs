//! The state of a call of a batch, which the future of the call and the batch share.
//!
//! The future and the batch may be on different threads, so one lock guards the state. The batch claims the call
//! before it writes the message. After the claim, the future waits until the message is sent. A future that is polled
//! before the claim fails, and the batch leaves the call out.

use std::task::{Context, Poll, Waker};

use super::{CallFuture, Failure, Options};
use crate::peer::slot::Shared;
use crate::service::current::ReleasedPermit;
use crate::util::sync::{Arc, Mutex};

/// A call that waits for its batch to be sent.
#[derive(Default)]
pub(crate) struct QueuedCall {
    options: Mutex<Options>,
    stage: Mutex<Stage>,
}

#[derive(Default)]
enum Stage {
    /// The batch may still claim the call.
    #[default]
    Open,
    /// The batch writes its message, and then wakes the future of the call.
    Claimed(Option<Waker>),
    Settled(Sent),
    /// The future of the call was dropped, or has received its [`Sent`].
    Left,
}

/// The result of sending a batch, for one of its calls.
pub(crate) enum Sent {
    /// The call was sent under this id.
    As(u64, Option<ReleasedPermit>),
    /// The layers of the call resolve the call.
    Layered(CallFuture),
    /// The call was left out.
    Not(Failure),
}

impl QueuedCall {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        Arc::new(Self { options: Mutex::new(options), stage: Mutex::default() })
    }

    /// Creates a call that is already claimed.
    pub(crate) fn claimed(options: Options, shared: &Arc<Shared>) -> (Arc<Self>, Claim) {
        let stage = Mutex::new(Stage::Claimed(None));
        let queued = Arc::new(Self { options: Mutex::new(options), stage });
        (queued.clone(), Claim { queued, shared: shared.clone() })
    }

    pub(crate) fn set_options(&self, options: Options) {
        let before = std::mem::replace(&mut *self.options.lock().unwrap(), options);
        drop(before); // after the lock is released: a listener is code of the application
    }

    /// Claims the call for its batch. Returns `None` if the call's future has failed or was dropped.
    pub(crate) fn claim(self: &Arc<Self>, shared: &Arc<Shared>) -> Option<Claim> {
        let mut stage = self.stage.lock().unwrap();
        if !matches!(*stage, Stage::Open) {
            return None;
        }
        *stage = Stage::Claimed(None);
        Some(Claim { queued: self.clone(), shared: shared.clone() })
    }

    /// Polls, for the future of the call, until the batch is sent. A call that is polled before its batch claims it
    /// fails, and is left out.
    pub(super) fn poll_sent(&self, cx: &Context<'_>) -> Poll<Sent> {
        // Wakers are code of the application, so they are cloned and dropped without the lock.
        let mut waker = Some(cx.waker().clone());
        let mut stage = self.stage.lock().unwrap();
        let polled = match std::mem::replace(&mut *stage, Stage::Left) {
            Stage::Open | Stage::Left => Poll::Ready(Sent::Not(Failure::Unsent)),
            Stage::Settled(sent) => Poll::Ready(sent),
            Stage::Claimed(mut kept) => {
                std::mem::swap(&mut kept, &mut waker);
                *stage = Stage::Claimed(kept);
                Poll::Pending
            }
        };
        drop(stage);
        polled
    }

    /// Records that the future of the call no longer waits. Returns the call's result if the batch was sent.
    pub(super) fn leave(&self) -> Option<Sent> {
        let mut stage = self.stage.lock().unwrap();
        let before = std::mem::replace(&mut *stage, Stage::Left);
        drop(stage);
        match before {
            Stage::Settled(sent) => Some(sent),
            Stage::Open | Stage::Claimed(_) | Stage::Left => None,
        }
    }
}

/// A call that its batch has claimed. The future of the call waits until the claim is settled or dropped.
pub(crate) struct Claim {
    queued: Arc<QueuedCall>,
    shared: Arc<Shared>,
}

impl Claim {
    pub(crate) fn options(&self) -> Options {
        self.queued.options.lock().unwrap().clone()
    }

    /// Returns whether the future of the call still waits.
    pub(crate) fn is_awaited(&self) -> bool {
        matches!(*self.queued.stage.lock().unwrap(), Stage::Claimed(_))
    }

    /// Passes the result to the future of the call. If the future was dropped meanwhile, a call that was sent is
    /// cancelled.
    pub(crate) fn settle(&self, sent: Sent) {
        let mut stage = self.queued.stage.lock().unwrap();
        if let Stage::Claimed(waker) = &mut *stage {
            let waker = waker.take();
            *stage = Stage::Settled(sent);
            drop(stage);
            if let Some(waker) = waker {
                waker.wake();
            }
            return;
        }
        drop(stage);
        if let Sent::As(id, _released) = sent {
            self.shared.abandon(id);
        }
    }
}

impl Drop for Claim {
    /// Fails a call that was not settled because the batch was dropped.
    fn drop(&mut self) {
        if self.is_awaited() {
            self.settle(Sent::Not(Failure::Unsent));
        }
    }
}
