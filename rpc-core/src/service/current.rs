//! The handler that runs on this thread at the moment, if any.
//!
//! A call under this mark releases the handler's permit until the call has its result, and inherits the handler's
//! deadline. This holds through a stored clone of a peer and across connections, because the mark belongs to the poll
//! and not to the arguments of the handler.

use std::cell::{Cell, RefCell};

use crate::peer::remote_profile::RemoteSupport;
use crate::peer::slot::Shared;
use crate::protocol::Caller;
use crate::protocol::tables::key::Key;
use crate::util::runtime::Instant;
use crate::util::sync::{Arc, thread_local};
use crate::wire::trace::TraceContext;

thread_local! {
    static CONNECTION: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
    static HANDLER: Cell<Option<Mark>> = const { Cell::new(None) };
    static METHOD: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The facts about a handler that the calls in it need.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    pub(crate) key: Key,
    pub(crate) deadline: Option<Instant>,
    /// Whether the caller sent a trace. Without a trace the lookup is skipped.
    pub(crate) traced: bool,
}

/// While this value lives, handlers on this thread belong to one connection.
pub(crate) struct Turn {
    previous: (Option<Arc<Shared>>, Option<Mark>, Option<usize>),
}

impl Turn {
    pub(crate) fn begin(shared: &Arc<Shared>) -> Self {
        let connection = CONNECTION.with(|current| current.replace(Some(shared.clone())));
        Self { previous: (connection, HANDLER.with(Cell::take), METHOD.with(Cell::take)) }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let previous = self.previous.0.take();
        // The replaced value is dropped after the borrow has ended.
        drop(CONNECTION.with(|current| current.replace(previous)));
        HANDLER.with(|handler| handler.set(self.previous.1));
        METHOD.with(|method| method.set(self.previous.2));
    }
}

/// Returns whether this thread runs something for a connection.
pub(crate) fn is_any() -> bool {
    // The cell is borrowed only where no code of the application runs. It is gone only when the thread ends.
    let is_one =
        |current: &RefCell<Option<Arc<Shared>>>| current.try_borrow().is_ok_and(|it| it.is_some());
    CONNECTION.try_with(is_one).unwrap_or_default()
}

/// Runs `poll` as a part of this handler.
#[inline]
pub(crate) fn with_handler<R>(mark: Mark, poll: impl FnOnce() -> R) -> R {
    struct Restore(Option<Mark>);
    impl Drop for Restore {
        fn drop(&mut self) {
            HANDLER.with(|handler| handler.set(self.0));
        }
    }
    let _restore = Restore(HANDLER.with(|handler| handler.replace(Some(mark))));
    poll()
}

/// Runs code of this method that is not a poll of its handler: a stream, or work on a thread. Calls in it release no
/// permit. The mark serves the log only.
pub(crate) fn with_method<R>(method: usize, run: impl FnOnce() -> R) -> R {
    struct Restore(Option<usize>);
    impl Drop for Restore {
        fn drop(&mut self) {
            METHOD.with(|method| method.set(self.0));
        }
    }
    let _restore = Restore(METHOD.with(|current| current.replace(Some(method))));
    run()
}

/// Runs `poll` as a part of the code that opens a session of `shared`. Calls in it are not held back until the session
/// is open. The mark names no handler.
pub(crate) fn with_opening<R>(shared: &Arc<Shared>, poll: impl FnOnce() -> R) -> R {
    let _turn = Turn::begin(shared);
    with_handler(Mark { key: Key::default(), deadline: None, traced: false }, poll)
}

/// Returns whether this thread runs the code that opens a session.
pub(crate) fn opens_session() -> bool {
    HANDLER.with(Cell::get).is_some_and(|mark| mark.key == Key::default())
}

/// Returns the connection for which this thread runs something, and the method, if it is known.
pub(crate) fn origin() -> Option<(Arc<Shared>, Option<usize>)> {
    let borrowed = |current: &RefCell<Option<Arc<Shared>>>| current.try_borrow().ok()?.clone();
    let shared = CONNECTION.try_with(borrowed).ok()??;
    let method = match HANDLER.with(Cell::get) {
        Some(mark) => shared.lock().protocol.method(mark.key),
        None => METHOD.with(Cell::get),
    };
    Some((shared, method))
}

/// Returns the deadline that a call made now inherits.
pub(crate) fn deadline() -> Option<Instant> {
    HANDLER.with(Cell::get)?.deadline
}

/// Returns the trace that a call made now belongs to.
pub(crate) fn trace() -> Option<TraceContext> {
    let Mark { key, .. } = HANDLER.with(Cell::get).filter(|mark| mark.traced)?;
    let current = CONNECTION.with(|current| current.borrow().clone())?;
    let state = current.lock();
    state.protocol.extensions(key)?.members.trace.clone()
}

/// Returns the trace that a call made now sends, if the peer is known to understand traces.
pub(crate) fn trace_for(shared: &Shared) -> Option<TraceContext> {
    if shared.remote.get() == RemoteSupport::Extended { trace() } else { None }
}

/// The permit of a running handler, released to other requests of its connection until this value is dropped.
pub(crate) struct ReleasedPermit {
    shared: Arc<Shared>,
    key: Key,
}

impl Drop for ReleasedPermit {
    fn drop(&mut self) {
        self.shared.with(|state| state.protocol.reacquire_permit(self.key));
    }
}

/// Returns the caller of a call that is made now on the connection of `shared`. For a handler of the same connection
/// the protocol releases the permit. The permit of a handler of another connection is released here.
pub(crate) fn caller(shared: &Arc<Shared>) -> (Caller, Option<ReleasedPermit>) {
    let Some(Mark { key, .. }) = HANDLER.with(Cell::get) else {
        return (Caller::Outside, None);
    };
    let (caller, elsewhere) = CONNECTION.with(|current| match &*current.borrow() {
        Some(current) if Arc::ptr_eq(current, shared) => (Caller::Handler(key), None),
        Some(current) => (Caller::Outside, Some(current.clone())),
        None => (Caller::Outside, None),
    });
    let Some(shared) = elsewhere else {
        return (caller, None);
    };
    // An ordered request may have waited for this handler.
    shared.with(|state| state.protocol.release_permit(key));
    (Caller::Elsewhere, Some(ReleasedPermit { shared, key }))
}
