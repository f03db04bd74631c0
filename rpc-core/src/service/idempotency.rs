//! Calls with an idempotency key: the method runs once, and repeats get the stored answer.
//!
//! The store is inside all layers, next to the method. So a repeated call passes authorization and rate limits as any
//! other call, and the store does not need to know about them.

use std::future::pending;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::sync::watch;

use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::layers::Outcome;
use crate::limits::Limits;
use crate::method::{MethodInfo, MethodKind};
use crate::peer::registry::PeerRegistry;
use crate::service::context::Context;
use crate::service::handler::Handler;
use crate::service::spawn;
use crate::service::{Params, Service};
use crate::util::runtime::{AbortHandle, Handle, Instant, sleep_until, timeout_at, yield_now};
use crate::util::sync::{Arc, Mutex, PoisonError, Weak};

mod caller;
mod reins;
mod table;

pub use caller::IdentifyError;
pub(crate) use reins::{Orphaned, Reins};

use reins::{Listed, Runs};
use table::{Begun, Caller, Fingerprint, KEPT, Lack, Name, Room, Table};

/// A result, or the method's own error.
type Answer = Result<Arc<RawValue>, ErrorObject>;

/// The channel on which repeats wait while the first call runs. It closes without an answer if there is none to
/// repeat.
type Running = watch::Receiver<Option<Answer>>;

/// How many expired answers are dropped under one hold of the lock. Then other tasks get the lock.
const SWEPT: usize = 256;

/// The stored answers of one server, by their keys.
pub(crate) struct Idempotency {
    state: Mutex<State>,
    /// The running calls of callers with a name.
    runs: Runs,
    hasher: RandomState,
    start: Instant,
}

struct State {
    table: Table<Running, Answer>,
    /// The task that drops expired answers.
    sweeper: Option<AbortHandle>,
}

impl Default for Idempotency {
    fn default() -> Self {
        let state = Mutex::new(State { table: Table::new(), sweeper: None });
        let (runs, hasher) = (Runs::default(), RandomState::new());
        Self { state, runs, hasher, start: Instant::now() }
    }
}

impl Room {
    fn new(limits: &Limits) -> Self {
        Self { bytes: limits.idempotency_bytes, running: limits.idempotent_running }
    }
}

/// Serves a call that may have a key.
#[inline]
pub(crate) fn call<S: Service + ?Sized>(
    service: &S,
    method: usize,
    cx: &Context,
    params: Params<'_>,
) -> Handler {
    match cx.idempotency_key() {
        None => service.call(method, cx, params),
        Some(key) => keyed(service, method, cx, params, key),
    }
}

#[cold]
fn keyed<S: Service + ?Sized>(
    service: &S,
    method: usize,
    cx: &Context,
    params: Params<'_>,
    key: &str,
) -> Handler {
    if let Err(why) = can_be_repeated(&service.methods()[method]) {
        return Handler::error(ErrorObject::invalid_params(why));
    }
    let shared = cx.shared();
    let (registry, caller) = (&shared.config.registry, shared.caller());
    let room = Room::new(&shared.config.limits);
    let (sender, receiver) = watch::channel(None);
    match registry.idempotency().begin(&caller, key, (method, cx.called()), params, room, receiver)
    {
        Begun::Run(name) => {
            let run = Run { registry: registry.clone(), name: Some(name), sender };
            if caller.is_named {
                // A caller with a name may repeat the call on another connection, and must find the answer there.
                held(service, method, cx, params, caller, run)
            } else {
                let run = run.until_answered(service.call(method, cx, params), room);
                Handler::from_future(in_time(cx.deadline(), run))
            }
        }
        Begun::Wait(running) => Handler::from_future(wait(running)),
        Begun::Answer(answer) => Handler::from_future(std::future::ready(outcome(answer))),
        Begun::Mismatch => {
            let message = "`idempotencyKey` was used for another call, or for other params";
            Handler::error(ErrorObject::invalid_params(message))
        }
        Begun::Forgotten => Handler::error(ErrorObject::answer_forgotten()),
        Begun::Busy(Lack::Running) => Handler::error(ErrorObject::busy("idempotent_running")),
        Begun::Busy(Lack::Room(wait)) => {
            let busy = ErrorObject::busy("idempotency_bytes");
            Handler::error(wait.map_or(busy.clone(), |wait| busy.with_retry_after(wait)))
        }
    }
}

/// Runs a call that goes on when its connection ends, unless the caller's access was revoked.
fn held<S: Service + ?Sized>(
    service: &S,
    method: usize,
    cx: &Context,
    params: Params<'_>,
    caller: Caller,
    run: Run,
) -> Handler {
    let shared = cx.shared();
    let is_detached = service.methods()[method].flags.detached;
    let listed =
        Listed::new(shared.config.registry.idempotency(), caller.name, shared, is_detached);
    // Checked after the call is listed. A later kick finds the call in the list, an earlier kick is seen here.
    if shared.lock().is_kicked {
        let message = "busy: not executed, the connection is about to be closed";
        return Handler::error(ErrorObject { message: message.into(), ..ErrorObject::busy("") });
    }
    let (cx, reins) = (cx.clone(), listed.reins().clone());
    let room = Room::new(&shared.config.limits);
    let future = run.until_answered(service.call(method, &cx, params), room);
    let future = async move {
        let _listed = listed;
        future.await
    };
    Handler::from_future(async move {
        let deadline = cx.deadline();
        let until = deadline.unwrap_or_else(|| Instant::now() + LONGEST);
        match spawn::held(cx, reins, until, future).await {
            Some(outcome) => outcome,
            None if deadline.is_some() => pending().await, // the connection answers that the deadline has passed
            None => ErrorObject::deadline().into(),
        }
    })
}

/// The longest time that a call without a deadline may run, because it occupies a place that other calls need.
const LONGEST: Duration = KEPT;

/// Returns the output of `future`. Without a `deadline` the future is stopped after [`LONGEST`].
async fn in_time(deadline: Option<Instant>, future: impl Future<Output = Outcome>) -> Outcome {
    if deadline.is_some() {
        return future.await;
    }
    let late = |_| ErrorObject::deadline().into();
    timeout_at(Instant::now() + LONGEST, future).await.unwrap_or_else(late)
}

fn can_be_repeated(method: &MethodInfo) -> Result<(), &'static str> {
    let takes_streams = method.params.iter().any(|param| param.is_stream);
    if takes_streams || matches!(method.kind, MethodKind::Subscription { .. }) {
        return Err("`idempotencyKey`: a stream cannot be given again");
    }
    Ok(())
}

/// The answer to a repeat that waited for nothing.
const NO_ANSWER: &str =
    "busy: not executed, the first call under this `idempotencyKey` has no answer";

async fn wait(mut running: Running) -> Outcome {
    match running.wait_for(Option::is_some).await.map(|answer| answer.clone()) {
        Ok(Some(answer)) => outcome(answer),
        // The first call was cancelled, or its answer cannot be repeated. Nothing was done for this repeat.
        _ => ErrorObject { message: NO_ANSWER.into(), ..ErrorObject::busy("") }.into(),
    }
}

fn outcome(answer: Answer) -> Outcome {
    match answer {
        Ok(json) => Outcome::from_json(json),
        Err(error) => error.into(),
    }
}

/// The first call under a key, while it runs. Dropping the value forgets the call.
struct Run {
    registry: PeerRegistry,
    name: Option<Name>,
    sender: watch::Sender<Option<Answer>>,
}

impl Run {
    /// Returns the outcome of the handler, and stores it if it is the method's own answer.
    async fn until_answered(mut self, handler: Handler, room: Room) -> Outcome {
        let mut outcome = handler.await;
        let answer = match (outcome.json(room.longest()), outcome.error()) {
            (Some(json), _) => Ok(json),
            // An error of the framework itself is no reason to give the same answer again.
            (None, Some(error)) if ErrorCode::is_reserved(error.code) => return outcome,
            (None, Some(error)) => Err(error.clone()),
            // The method has run, though its answer is too long to be stored.
            (None, None) => Err(ErrorObject::answer_forgotten()),
        };
        if let Some(name) = self.name.take() {
            self.registry.idempotency().keep(&name, answer.clone(), room);
        }
        self.sender.send_replace(Some(answer));
        outcome
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.registry.idempotency().state.lock().unwrap().table.forget(name);
        }
    }
}

impl Idempotency {
    fn begin(
        &self,
        caller: &Caller,
        key: &str,
        (method, called): (usize, Option<&str>),
        params: Params<'_>,
        room: Room,
        receiver: Running,
    ) -> Begun<Running, Answer> {
        let text = params.as_str().unwrap_or_default();
        let hash = match called {
            None => self.hasher.hash_one(text),
            // The fallback serves many names, and each of them is a method of its own.
            Some(name) => self.hasher.hash_one((name, text)),
        };
        let fingerprint = Fingerprint { method, hash, length: text.len() };
        let mut state = self.state.lock().unwrap();
        state.table.begin(caller, key, fingerprint, room, self.start.elapsed(), || receiver)
    }

    fn keep(self: &Arc<Self>, name: &Name, answer: Answer, room: Room) {
        let text = match &answer {
            Ok(json) => json.get().len(),
            Err(error) => {
                error.message.len() + error.data.as_ref().map_or(0, |data| data.get().len())
            }
        };
        let mut state = self.state.lock().unwrap();
        state.table.answer(name, answer, text, room, self.start.elapsed());
        self.see_to_sweeper(&mut state);
    }

    /// Drops the answers of a connection that no other connection can ask for.
    pub(crate) fn forget_connection(self: &Arc<Self>, id: &str) {
        let caller = Caller::of_connection(id);
        let mut state = self.state.lock().unwrap();
        let gone = state.table.forget_caller(&caller);
        self.see_to_sweeper(&mut state);
        drop(state);
        drop(gone); // without the lock, so that other tasks need not wait
    }

    /// Starts the task that drops expired answers, if it does not run. An earlier task may have ended with its
    /// runtime.
    fn see_to_sweeper(self: &Arc<Self>, state: &mut State) {
        let is_swept = state.sweeper.as_ref().is_some_and(|sweeper| !sweeper.is_finished());
        if !is_swept
            && state.table.due().is_some()
            && let Ok(runtime) = Handle::try_current()
        {
            state.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(self))).abort_handle());
        }
    }

    /// Returns the number of bytes of the stored answers.
    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().unwrap().table.bytes()
    }

    /// Returns the number of calls that run under a key.
    pub(crate) fn running(&self) -> usize {
        self.state.lock().unwrap().table.running()
    }
}

/// The task that drops expired answers must not outlive the store.
impl Drop for Idempotency {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.sweeper.take().inspect(AbortHandle::abort);
    }
}

/// Drops expired answers, until no answer is left.
async fn sweep(idempotency: Weak<Idempotency>) {
    loop {
        let Some(next) = idempotency.upgrade().and_then(|idempotency| {
            let mut state = idempotency.state.lock().unwrap();
            let next = state.table.sweep(idempotency.start.elapsed(), SWEPT);
            if next.is_none() {
                state.sweeper = None; // under the lock: the next stored answer starts another task
            }
            Some(idempotency.start + next?)
        }) else {
            return;
        };
        // The next answer may have expired already. Other tasks get a turn in between.
        yield_now().await;
        sleep_until(next).await;
    }
}
