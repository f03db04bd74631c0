//! A call of a batch, as its future and the batch share it.
//!
//! The future and the batch may be on different threads, so one lock decides between them. The batch claims the call
//! before it writes the message. From then on the future waits until the message is sent. A future that was polled
//! before has failed, and the batch leaves the call out.

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
    /// The batch writes its message, and wakes the future of the call afterwards.
    Claimed(Option<Waker>),
    Settled(Sent),
    /// The future of the call was dropped, or has what it waited for.
    Left,
}

/// What the batch has done with a call.
pub(crate) enum Sent {
    /// Sent the call under this id.
    As(u64, Option<ReleasedPermit>),
    /// Left the call to its layers, which resolve it.
    Layered(CallFuture),
    /// Left the call out.
    Not(Failure),
}

impl QueuedCall {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        Arc::new(Self { options: Mutex::new(options), stage: Mutex::default() })
    }

    /// A call that is claimed already.
    pub(crate) fn claimed(options: Options, shared: &Arc<Shared>) -> (Arc<Self>, Claim) {
        let stage = Mutex::new(Stage::Claimed(None));
        let queued = Arc::new(Self { options: Mutex::new(options), stage });
        (queued.clone(), Claim { queued, shared: shared.clone() })
    }

    pub(crate) fn set_options(&self, options: Options) {
        let before = std::mem::replace(&mut *self.options.lock().unwrap(), options);
        drop(before); // without the lock: a listener is code of the user's
    }

    /// Claims the call for its batch. Returns `None` if the future of the call has failed or was dropped.
    pub(crate) fn claim(self: &Arc<Self>, shared: &Arc<Shared>) -> Option<Claim> {
        let mut stage = self.stage.lock().unwrap();
        if !matches!(*stage, Stage::Open) {
            return None;
        }
        *stage = Stage::Claimed(None);
        Some(Claim { queued: self.clone(), shared: shared.clone() })
    }

    /// Waits, for the future of the call, until the batch is sent. A call that is polled before that is left out.
    pub(super) fn poll_sent(&self, cx: &Context<'_>) -> Poll<Sent> {
        // Wakers are code of the user's: none is made or dropped under the lock.
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

    /// Notes that the future of the call waits no more. Returns what the batch has done with the call, if the batch
    /// was sent.
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

/// A call that its batch has claimed: the future of the call waits until this is settled or dropped.
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

    /// Tells the future of the call what the batch has done with the call. If the future was dropped meanwhile, a
    /// call that was sent is cancelled.
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
    /// Fails a call that was not sent because the batch was given up.
    fn drop(&mut self) {
        if self.is_awaited() {
            self.settle(Sent::Not(Failure::Unsent));
        }
    }
}
