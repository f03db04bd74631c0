//! The stream of one taker of a topic.

use std::task::{Context, Poll};

use super::ring::{Event, Found};
use super::shared::Shared;
use crate::stream::emitted::Emitted;
use crate::stream::source::{Emitter, Next};
use crate::stream::view::{View, Viewer};
use crate::util::sync::Arc;
use crate::util::waker_set::Place;

/// How many events that the taker may not see are passed at once, before other streams get their turn.
const AT_ONCE: usize = 64;

/// A taker of a topic.
pub(super) struct Taker<T> {
    shared: Arc<Shared<T>>,
    place: Place,
    /// The number of the next event.
    next: u64,
    /// Decides what the taker sees; `None` if the taker sees all.
    view: Option<Viewer<T>>,
}

impl<T> Taker<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, view: Option<Viewer<T>>) -> Self {
        let place = shared.takers.join();
        let next = shared.first();
        Self { shared, place, next, view }
    }

    /// Finds what comes next. If nothing does, the task of `cx` is woken when something does.
    fn find(&self, cx: &Context<'_>) -> Found<T> {
        match self.shared.find(self.next) {
            // The event may come before the waker is registered.
            Found::None => {
                self.place.register(cx.waker());
                self.shared.find(self.next)
            }
            found => found,
        }
    }

    fn seen(&mut self, event: Arc<Event<T>>) -> Option<Emitted<T>>
    where
        T: Send + Sync + 'static,
    {
        match self.view.as_mut().map_or(View::All, |view| view(&event.value)) {
            View::All => Some(Emitted::Shared(event)),
            View::Part(part) => Some(Emitted::Own(part)),
            View::Hidden => None,
        }
    }
}

impl<T: Send + Sync + 'static> Emitter<T> for Taker<T> {
    fn poll_emit(&mut self, cx: &mut Context<'_>) -> Poll<Next<T>> {
        for _ in 0..AT_ONCE {
            match self.find(cx) {
                Found::Event(event) => {
                    self.next += 1;
                    if let Some(item) = self.seen(event) {
                        return Poll::Ready(Next::Item(item));
                    }
                }
                Found::Gone(first) => {
                    let missed = first - self.next;
                    self.next = first;
                    return Poll::Ready(Next::Missed(missed));
                }
                Found::None => match self.shared.end() {
                    // Events may have come before the end.
                    Some(end) if matches!(self.shared.find(self.next), Found::None) => {
                        return Poll::Ready(Next::End(end));
                    }
                    Some(_) => {}
                    None => return Poll::Pending,
                },
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T> Drop for Taker<T> {
    fn drop(&mut self) {
        self.shared.takers.leave(&self.place);
    }
}
