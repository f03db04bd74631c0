//! A call in a batch, as its future and the batch share it.
//!
//! The two may be on different threads, so who does what is decided under one lock: the batch claims the
//! call before it writes the message, and from then on its future waits for what comes of that. A future
//! that came first has failed, and the batch leaves the call out.

use std::task::{Context, Poll, Waker};

use crate::error::close::CloseReason;
use crate::layers::CallFuture;
use crate::peer::call::Options;
use crate::peer::slot::Shared;
use crate::service::current::ReleasedPermit;
use crate::util::sync::{Arc, Mutex};

/// A call that waits for its batch to be sent.
#[derive(Default)]
pub(crate) struct Queued {
    pub(crate) options: Mutex<Options>,
    stage: Mutex<Stage>,
}

#[derive(Default)]
enum Stage {
    /// The batch may still take it.
    #[default]
    Open,
    /// The batch writes its message. Whoever waits for the call is woken when that is done.
    Claimed(Option<Waker>),
    Settled(Sent),
    /// Nobody waits for the call.
    Left,
}

/// What came of sending a call.
pub(crate) enum Sent {
    /// It waits for its answer, under this id.
    As(u64, Option<ReleasedPermit>),
    /// `pending_calls` was reached.
    Busy,
    /// Its deadline was over before it could be sent.
    Late,
    /// It is too long with what goes beside it.
    Encode(String),
    /// The connection had ended.
    Closed(CloseReason),
    /// Through layers, which have the rest.
    Layered(CallFuture),
    /// Its batch was not sent.
    Unsent,
}

impl Queued {
    pub(crate) fn new(options: Options) -> Arc<Self> {
        Arc::new(Self { options: Mutex::new(options), stage: Mutex::default() })
    }

    /// Takes the call along, for its batch; `None` if its future has failed or was dropped.
    pub(crate) fn claim(self: &Arc<Self>, shared: &Arc<Shared>) -> Option<Claim> {
        let mut stage = self.stage.lock().unwrap();
        if !matches!(*stage, Stage::Open) {
            return None;
        }
        *stage = Stage::Claimed(None);
        Some(Claim { queued: self.clone(), shared: shared.clone() })
    }

    /// What came of sending it, for its future. A batch that has not begun to be sent leaves it out.
    pub(crate) fn poll_sent(&self, cx: &Context<'_>) -> Poll<Sent> {
        // Wakers are code of the user's: none is made or dropped under the lock.
        let mut waker = Some(cx.waker().clone());
        let mut stage = self.stage.lock().unwrap();
        let polled = match std::mem::replace(&mut *stage, Stage::Left) {
            Stage::Open | Stage::Left => Poll::Ready(Sent::Unsent),
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

    /// The future of the call is dropped; what came of sending it, if that is known.
    pub(crate) fn leave(&self) -> Option<Sent> {
        let mut stage = self.stage.lock().unwrap();
        let before = std::mem::replace(&mut *stage, Stage::Left);
        drop(stage);
        match before {
            Stage::Settled(sent) => Some(sent),
            Stage::Open | Stage::Claimed(_) | Stage::Left => None,
        }
    }
}

/// A call that its batch has taken along, and whose future waits for what comes of that.
pub(crate) struct Claim {
    queued: Arc<Queued>,
    shared: Arc<Shared>,
}

impl Claim {
    pub(crate) fn options(&self) -> Options {
        self.queued.options.lock().unwrap().clone()
    }

    /// Tells the future of the call what came of it. When that was dropped meanwhile, the call is
    /// given up.
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
        if let Sent::As(id, _lent) = sent {
            self.shared.abandon(id);
        }
    }
}

impl Drop for Claim {
    /// Of one that was not sent, since sending was given up.
    fn drop(&mut self) {
        if matches!(*self.queued.stage.lock().unwrap(), Stage::Claimed(_)) {
            self.settle(Sent::Unsent);
        }
    }
}
