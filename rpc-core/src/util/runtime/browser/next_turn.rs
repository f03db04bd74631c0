//! Tasks that are to be polled again after the browser has handled its events.
//!
//! A task that wakes itself is polled in the same turn of the event loop, before any event. A timer of 0 ms would wait
//! for 4 ms. A message of a channel comes in the next turn.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use web_sys::{MessageChannel, MessagePort};

thread_local! {
    static NEXT_TURN: NextTurn = NextTurn::new();
}

/// The wakers of the next turn.
struct NextTurn {
    wakers: Rc<RefCell<Vec<Waker>>>,
    port: MessagePort,
    /// Called by the browser.
    _wake_all: Closure<dyn FnMut()>,
}

impl NextTurn {
    fn new() -> Self {
        let wakers = Rc::<RefCell<Vec<Waker>>>::default();
        let woken = wakers.clone();
        let wake_all = Closure::<dyn FnMut()>::new(move || {
            let wakers = woken.take();
            wakers.into_iter().for_each(Waker::wake);
        });
        let channel =
            MessageChannel::new().expect("each page and each worker has `MessageChannel`");
        channel.port2().set_onmessage(Some(wake_all.as_ref().unchecked_ref()));
        Self { wakers, port: channel.port1(), _wake_all: wake_all }
    }

    fn add(&self, waker: Waker) {
        let mut wakers = self.wakers.borrow_mut();
        if wakers.is_empty() {
            self.port.post_message(&JsValue::NULL).expect("`null` can be sent");
        }
        wakers.push(waker);
    }
}

/// Makes the browser handle its events before the task is polled again.
pub(crate) fn again(cx: &mut Context<'_>) {
    NEXT_TURN.with(|next| next.add(cx.waker().clone()));
}

/// Waits until the browser has handled its events.
pub(crate) async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        again(cx);
        Poll::Pending
    })
    .await;
}
