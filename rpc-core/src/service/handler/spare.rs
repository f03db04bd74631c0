//! The memory of the handler that ended last, for the next handler of the same kind.
//!
//! Most calls have one handler after another, often of one method, and most handlers are done at once. To give their
//! memory back and take it again costs more than all that is done with it.

use std::any::Any;
use std::cell::Cell;
use std::pin::Pin;
use std::thread_local;

use futures_util::future::MaybeDone;

use super::Run;

thread_local! {
    /// Holds no future and no value, only memory.
    static SPARE: Cell<Option<Pin<Box<dyn Run>>>> = const { Cell::new(None) };
}

/// The most bytes that a thread keeps.
const LARGEST: usize = 1024;

/// Puts a future into a box: the box that was left, if a future of the same type has left it.
pub(super) fn boxed<F>(future: F) -> Pin<Box<dyn Run>>
where
    F: Future + 'static,
    MaybeDone<F>: Run,
{
    let spare = match size_of::<MaybeDone<F>>() {
        // A box without memory costs nothing.
        1..=LARGEST => SPARE.try_with(Cell::take).ok().flatten(),
        _ => None,
    };
    let Some(mut spare) = spare else { return Box::pin(MaybeDone::Future(future)) };
    let mut future = Some(future);
    spare.as_mut().refill(&mut future);
    match future {
        None => spare,
        Some(future) => Box::pin(MaybeDone::Future(future)),
    }
}

/// Drops what is in the box of a handler, and keeps the memory.
pub(super) fn keep(mut left: Pin<Box<dyn Run>>) {
    if left.as_mut().clear() && size_of_val(&*left) <= LARGEST {
        // Not in a thread that ends.
        let _ = SPARE.try_with(|spare| spare.set(Some(left)));
    }
}

/// Moves the future out of `future`, an `Option<F>`, into `place`, if the place is for futures of this type.
pub(super) fn refill<F: Future + 'static>(place: Pin<&mut MaybeDone<F>>, future: &mut dyn Any) {
    let mut place = place;
    if let Some(future) = future.downcast_mut::<Option<F>>().and_then(Option::take) {
        place.set(MaybeDone::Future(future));
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;
    use std::sync::Arc;

    use futures_util::FutureExt;

    use super::*;
    use crate::error::object::ErrorObject;
    use crate::service::handler::Handler;

    #[derive(serde::Serialize)]
    struct Counted {
        #[serde(skip)]
        _value: Arc<str>,
    }

    fn handler(value: &Arc<str>) -> Handler {
        Handler::new(ready(Ok::<_, ErrorObject>(Counted { _value: value.clone() })))
    }

    fn address(handler: &Handler) -> *const () {
        (&raw const *handler.0).cast()
    }

    #[test]
    fn the_next_handler_of_the_same_kind_has_the_same_memory_and_its_own_value() {
        let [one, two] = ["one", "two"].map(Arc::<str>::from);
        let mut first = handler(&one);
        let place = address(&first);
        assert!((&mut first).now_or_never().is_some());
        first.recycle();
        assert_eq!(Arc::strong_count(&one), 1, "the value is dropped");
        let second = handler(&two);
        assert_eq!((address(&second), Arc::strong_count(&two)), (place, 2));
        let third = handler(&one);
        assert_ne!(address(&third), place);
        second.recycle();
        assert_eq!(Arc::strong_count(&two), 1);
    }

    #[test]
    fn a_handler_of_another_kind_gets_other_memory() {
        let text = Arc::<str>::from("text");
        handler(&text).recycle();
        let number = Handler::new(ready(Ok::<_, ErrorObject>(7)));
        assert_eq!(number.now_or_never().unwrap().json(9).unwrap().get(), "7");
        let large = [0_u8; LARGEST];
        Handler::new(async move { Ok::<_, ErrorObject>(large.len()) }).recycle();
        assert!(SPARE.take().is_none(), "what is large is not kept");
    }
}
