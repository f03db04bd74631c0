//! The stream of one watcher of a live value.

use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde::Serialize;

use super::published::{self, Published};
use super::shared::{Shared, State};
use super::throttle::Throttle;
use crate::error::object::ErrorObject;
use crate::patch::{Operations, diff};
use crate::protocol::tables::streams::InFlight;
use crate::stream::ended::StreamEnd;
use crate::stream::json;
use crate::stream::source::{Items, Step};
use crate::stream::view::{View, Viewer};
use crate::util::bounded_writer::BoundedWriter;
use crate::util::sync::Arc;
use crate::util::waker_set::Place;

/// A stream of the changes of a value. An item is made when it can leave, so what a slow watcher gets is new.
pub(in crate::stream) struct Changes<T> {
    shared: Arc<Shared<T>>,
    place: Place,
    /// The number of the change up to which the watcher has all.
    change: u64,
    sees: Sees<T>,
    throttle: Throttle,
    /// The place of a watcher that has waited for its time.
    throttled: Option<Place>,
}

/// What a watcher sees and has.
enum Sees<T> {
    /// The value, of which the watcher has this version.
    All(Option<u64>),
    Viewed(Box<Viewed<T>>),
}

/// What a watcher has whose view a function decides.
struct Viewed<T> {
    view: Viewer<T>,
    has: Has,
    /// The item that leads to what the watcher will have.
    item: Arc<str>,
}

enum Has {
    Nothing,
    /// All of the value, in this version.
    All(u64),
    /// This text instead.
    Part(String),
}

impl<T> Changes<T> {
    pub(super) fn new(shared: Arc<Shared<T>>, view: Option<Viewer<T>>) -> Self {
        let place = shared.watchers.join();
        let sees = match view {
            None => Sees::All(None),
            Some(view) => {
                Sees::Viewed(Box::new(Viewed { view, has: Has::Nothing, item: "".into() }))
            }
        };
        Self { shared, place, change: 0, sees, throttle: Throttle::default(), throttled: None }
    }
}

impl<T> Changes<T> {
    /// Waits until the next item may leave. Meanwhile no change wakes the watcher, but the end does: the last value need
    /// not wait.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.throttle.poll_due(cx).is_pending() {
            let place = self.throttled.get_or_insert_with(|| self.shared.throttled.join());
            place.register(cx.waker());
            if self.shared.end().is_none() {
                return Poll::Pending;
            }
        }
        Poll::Ready(())
    }
}

impl<T: Serialize> Changes<T> {
    /// Returns whether there is an item since the last change that this watcher knows of.
    fn look(&mut self) -> Result<bool, ErrorObject> {
        let mut state = self.shared.published(&mut self.change)?;
        let State { value, published, .. } = &mut *state;
        match &mut self.sees {
            Sees::All(has) => Ok(*has != Some(published.version())),
            Sees::Viewed(viewed) => viewed.look(value, published),
        }
    }

    /// Returns the item that leads to what the watcher is to see.
    fn take(&mut self) -> Result<Arc<str>, ErrorObject> {
        self.throttle.note_item();
        match &mut self.sees {
            Sees::All(has) => {
                // The value may have changed while the item could not leave.
                let published = &mut self.shared.published(&mut self.change)?.published;
                let item = published.item(*has);
                *has = Some(published.version());
                Ok(item)
            }
            Sees::Viewed(viewed) => Ok(viewed.item.clone()),
        }
    }
}

impl<T: Serialize> Viewed<T> {
    /// Looks at a value. Returns whether there is an item.
    fn look(&mut self, value: &T, published: &mut Published) -> Result<bool, ErrorObject> {
        let has = std::mem::replace(&mut self.has, Has::Nothing);
        match (self.view)(value) {
            View::All => {
                let version = published.version();
                self.has = Has::All(version);
                let from = if let Has::All(from) = has { Some(from) } else { None };
                if from == Some(version) {
                    return Ok(false);
                }
                self.item = published.item(from);
            }
            View::Part(part) => {
                let text = json::text(&part)?;
                let old = if let Has::Part(old) = &has { Some(old) } else { None };
                if old == Some(&text) {
                    self.has = has;
                    return Ok(false);
                }
                let operations = old.and_then(|old| diff(old, &text, text.len()));
                self.item = published::item(operations.as_ref().map(Operations::text), &text);
                self.has = Has::Part(text);
            }
            View::Hidden => return Ok(false),
        }
        Ok(true)
    }
}

impl<T: Serialize + Send> Items for Changes<T> {
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Step> {
        loop {
            if self.shared.changes() != self.change {
                ready!(self.poll_due(cx));
                match self.look() {
                    Ok(true) => return Poll::Ready(Step::Item),
                    Ok(false) => {}
                    Err(error) => return Poll::Ready(Step::Error(error)),
                }
            }
            self.place.register(cx.waker());
            let end = self.shared.end();
            // Changes may have come before the waker was registered, and before the end.
            if self.shared.changes() == self.change {
                return end.map_or(Poll::Pending, |end| Poll::Ready(Step::of(end)));
            }
        }
    }

    fn write(&mut self, out: &mut BoundedWriter<'_>) -> Result<(), ErrorObject> {
        json::write_raw(out, &self.take()?)
    }

    fn in_flight(&self) -> Option<InFlight> {
        // A slow watcher is to get what is new, so little is on its way.
        Some(InFlight::Fresh)
    }

    fn waiting(&self) -> usize {
        1
    }

    fn tell_end(&self, _: &StreamEnd) {}

    fn throttle(&mut self, interval: Duration) {
        self.throttle.set(interval);
    }
}

/// The changes of a value of any type.
pub(in crate::stream) trait LiveItems: Items {
    /// Takes the next item in this process, as JSON text.
    fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Arc<str>, ErrorObject>>>;

    /// Sets the least time between two items, whatever the watcher asks for.
    fn set_least(&mut self, interval: Duration);
}

impl<T: Serialize + Send> LiveItems for Changes<T> {
    fn poll_text(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Arc<str>, ErrorObject>>> {
        Poll::Ready(match ready!(self.poll_step(cx)) {
            Step::Item => Some(self.take()),
            Step::Error(error) => Some(Err(error)),
            Step::End => None,
        })
    }

    fn set_least(&mut self, interval: Duration) {
        self.throttle.set_least(interval);
    }
}

impl<T> Drop for Changes<T> {
    fn drop(&mut self) {
        self.shared.watchers.leave(&self.place);
        if let Some(place) = &self.throttled {
            self.shared.throttled.leave(place);
        }
    }
}
