//! Calls under an idempotency key: what they bring about is done once, and its answer given again.
//!
//! The store lies within all layers, next to the method: whoever repeats a call goes through
//! authorization and rates as with any other, and what lies here is not their business.

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

/// A result or the method's own error.
type Answer = Result<Arc<RawValue>, ErrorObject>;

/// What those wait for who come while a call runs; closed without an answer if there is none.
type Running = watch::Receiver<Option<Answer>>;

/// So much is forgotten at once when its time is over; then others have the lock.
const SWEPT: usize = 256;

/// The answers of one server by their keys.
pub(crate) struct Once {
    state: Mutex<State>,
    /// What runs for callers with a name.
    runs: Runs,
    hasher: RandomState,
    start: Instant,
}

struct State {
    table: Table<Running, Answer>,
    /// The task that forgets what is over.
    sweeper: Option<AbortHandle>,
}

impl Default for Once {
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
    match registry.once().begin(&caller, key, (method, cx.called()), params, room, receiver) {
        Begun::Run(name) => {
            let run = Run { registry: registry.clone(), name: Some(name), sender };
            if caller.is_named {
                // Whoever comes again on another connection wants to find the answer.
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

/// Runs a call that goes on when its connection ends, unless its caller may not stay.
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
    let listed = Listed::new(shared.config.registry.once(), caller.name, shared, is_detached);
    // Asked when it is listed: whoever throws him out now finds it there, whoever did before is found here.
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
            None if deadline.is_some() => pending().await, // the connection answers that the time is over
            None => ErrorObject::deadline().into(),
        }
    })
}

/// So long a call may run whose caller has set no deadline: it has a place that others want as well.
const LONGEST: Duration = KEPT;

/// What `future` comes to, in any case within [`LONGEST`], where no `deadline` sees to that.
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

/// What a repeat is told that waited in vain.
const NO_ANSWER: &str =
    "busy: not executed, the first call under this `idempotencyKey` has no answer";

async fn wait(mut running: Running) -> Outcome {
    match running.wait_for(Option::is_some).await.map(|answer| answer.clone()) {
        Ok(Some(answer)) => outcome(answer),
        // It was cancelled, or its own answer is none to be given again: nothing of this one was done.
        _ => ErrorObject { message: NO_ANSWER.into(), ..ErrorObject::busy("") }.into(),
    }
}

fn outcome(answer: Answer) -> Outcome {
    match answer {
        Ok(json) => Outcome::from_json(json),
        Err(error) => error.into(),
    }
}

/// The first call under a key, while it runs. Dropped, it is forgotten.
struct Run {
    registry: PeerRegistry,
    name: Option<Name>,
    sender: watch::Sender<Option<Answer>>,
}

impl Run {
    /// What the handler comes to, which is kept if it is the method's own answer.
    async fn until_answered(mut self, handler: Handler, room: Room) -> Outcome {
        let mut outcome = handler.await;
        let answer = match (outcome.json(room.longest()), outcome.error()) {
            (Some(json), _) => Ok(json),
            // What the framework itself says is no reason to say it again.
            (None, Some(error)) if ErrorCode::is_reserved(error.code) => return outcome,
            (None, Some(error)) => Err(error.clone()),
            // Done is done, though nobody can be told again what came of it.
            (None, None) => Err(ErrorObject::answer_forgotten()),
        };
        if let Some(name) = self.name.take() {
            self.registry.once().keep(&name, answer.clone(), room);
        }
        self.sender.send_replace(Some(answer));
        outcome
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.registry.once().state.lock().unwrap().table.forget(name);
        }
    }
}

impl Once {
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
            // The fallback serves many, each of which is a method of its own.
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

    /// Forgets what a connection had that nobody else can ask for.
    pub(crate) fn forget_connection(self: &Arc<Self>, id: &str) {
        let caller = Caller::of_connection(id);
        let mut state = self.state.lock().unwrap();
        let gone = state.table.forget_caller(&caller);
        self.see_to_sweeper(&mut state);
        drop(state);
        drop(gone); // others need not wait for that
    }

    /// Has what is kept forgotten when it is over. The task that did so may have gone with its runtime.
    fn see_to_sweeper(self: &Arc<Self>, state: &mut State) {
        let is_swept = state.sweeper.as_ref().is_some_and(|sweeper| !sweeper.is_finished());
        if !is_swept
            && state.table.due().is_some()
            && let Ok(runtime) = Handle::try_current()
        {
            state.sweeper = Some(runtime.spawn(sweep(Arc::downgrade(self))).abort_handle());
        }
    }

    /// Bytes of the answers that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.state.lock().unwrap().table.bytes()
    }

    /// How many calls run under a key.
    pub(crate) fn running(&self) -> usize {
        self.state.lock().unwrap().table.running()
    }
}

/// The task that forgets what is over must not outlive it.
impl Drop for Once {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.sweeper.take().inspect(AbortHandle::abort);
    }
}

/// Forgets answers when their time is over, while there are some.
async fn sweep(once: Weak<Once>) {
    loop {
        let Some(next) = once.upgrade().and_then(|once| {
            let mut state = once.state.lock().unwrap();
            let next = state.table.sweep(once.start.elapsed(), SWEPT);
            if next.is_none() {
                state.sweeper = None; // under the lock: whoever keeps an answer now starts another one
            }
            Some(once.start + next?)
        }) else {
            return;
        };
        // If that is over already: others have their turn in between.
        yield_now().await;
        sleep_until(next).await;
    }
}
