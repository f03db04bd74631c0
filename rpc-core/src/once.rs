//! Calls under an idempotency key: what they bring about is done once, and its answer given again.
//!
//! The store lies within all layers, next to the method: whoever repeats a call goes through
//! authorization and rates as with any other, and what lies here is not their business.

use std::hash::{BuildHasher, RandomState};

use serde_json::value::RawValue;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ErrorCode;
use crate::context::Context;
use crate::elsewhere;
use crate::error::ErrorObject;
use crate::hub::Hub;
use crate::layers::Outcome;
use crate::method::{MethodInfo, MethodKind};
use crate::service::{Handler, Params, Service};
use crate::shared::Shared;
use crate::sync::{Arc, Mutex, Weak};

mod table;

use table::{Begun, Fingerprint, Name, Table};

/// A result or the method's own error.
type Answer = Result<Arc<RawValue>, ErrorObject>;

/// What those wait for who come while a call runs; closed without an answer if there is none.
type Running = watch::Receiver<Option<Answer>>;

/// The answers of one server by their keys.
pub(crate) struct Once {
    table: Mutex<Table<Running, Answer>>,
    hasher: RandomState,
    start: Instant,
}

impl Default for Once {
    fn default() -> Self {
        let (table, hasher) = (Mutex::new(Table::new()), RandomState::new());
        Self { table, hasher, start: Instant::now() }
    }
}

/// Who a connection belongs to, kept on it as a value.
struct Identity(Arc<str>);

impl Shared {
    /// Says who is at the other end, for keys that are to outlive this connection.
    pub(crate) fn identify(&self, caller: String) {
        drop(self.values.set(Identity(caller.into())));
    }

    /// Whose keys these are, and whether that outlives the connection. A name that a server gives and
    /// the id of a connection never meet.
    fn caller(&self) -> (Arc<str>, bool) {
        match self.values.get::<Identity>() {
            Some(identity) => (format!("named {}", identity.0).into(), true),
            None => (unnamed(&self.id), false),
        }
    }
}

fn unnamed(id: &str) -> Arc<str> {
    format!("connection {id}").into()
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
    let hub = &cx.shared().setup.hub;
    let (caller, is_named) = cx.shared().caller();
    let (sender, receiver) = watch::channel(None);
    match hub.once().begin(cx, &caller, key, method, params, receiver) {
        Begun::Run(name) => {
            let run = Run { hub: hub.clone(), name: Some(name), sender };
            let inner = service.call(method, cx, params);
            let limit = cx.shared().setup.limits.idempotency_bytes;
            let future = run.until_answered(inner, limit);
            if is_named {
                // Whoever comes again on another connection wants to find the answer.
                Handler::of(elsewhere::detached(cx.clone(), future))
            } else {
                Handler::of(future)
            }
        }
        Begun::Wait(running) => Handler::of(wait(running)),
        Begun::Answer(answer) => Handler::of(std::future::ready(outcome(answer))),
        Begun::Mismatch => {
            let message = "`idempotencyKey` was used for another call, or for other params";
            Handler::error(ErrorObject::invalid_params(message))
        }
        Begun::Full => Handler::error(ErrorObject::busy("inflight_requests")),
    }
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
    hub: Hub,
    name: Option<Name>,
    sender: watch::Sender<Option<Answer>>,
}

impl Run {
    /// What the handler comes to, which is kept if it is the method's own answer.
    async fn until_answered(mut self, handler: Handler, room: usize) -> Outcome {
        let mut outcome = handler.await;
        let largest = Table::<Running, Answer>::largest(room);
        let answer = match (outcome.json(largest), outcome.error()) {
            (Some(json), _) => Ok(json),
            // What the framework itself says is no reason to say it again.
            (None, Some(error)) if ErrorCode::is_reserved(error.code) => return outcome,
            (None, Some(error)) => Err(error.clone()),
            // Done is done, though nobody can be told again what came of it.
            (None, None) => Err(ErrorObject::answer_too_big(largest)),
        };
        if let Some(name) = self.name.take() {
            self.hub.once().keep(&name, answer.clone(), room);
        }
        self.sender.send_replace(Some(answer));
        outcome
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            self.hub.once().table.lock().unwrap().forget(name);
        }
    }
}

impl Once {
    fn begin(
        &self,
        cx: &Context,
        caller: &Arc<str>,
        key: &str,
        method: usize,
        params: Params<'_>,
        receiver: Running,
    ) -> Begun<Running, Answer> {
        let text = params.as_str().unwrap_or_default();
        let hash = self.hasher.hash_one(text);
        let fingerprint = Fingerprint { method, hash, length: text.len() };
        let most = cx.shared().setup.limits.inflight_requests;
        let now = self.start.elapsed();
        self.table.lock().unwrap().begin(caller, key, fingerprint, most, now, || receiver)
    }

    fn keep(self: &Arc<Self>, name: &Name, answer: Answer, room: usize) {
        let bytes = match &answer {
            Ok(json) => json.get().len(),
            Err(error) => {
                error.message.len() + error.data.as_ref().map_or(0, |data| data.get().len())
            }
        };
        let mut table = self.table.lock().unwrap();
        table.answer(name, answer, bytes, room, self.start.elapsed());
        if !std::mem::replace(&mut table.is_swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    /// Forgets what a connection had that nobody else can ask for.
    pub(crate) fn forget_connection(&self, id: &str) {
        self.table.lock().unwrap().forget_caller(&unnamed(id));
    }

    /// Bytes of the answers that are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.table.lock().unwrap().bytes()
    }
}

/// Forgets answers when their time is over, while there are some.
async fn sweep(once: Weak<Once>) {
    loop {
        let Some(next) = once.upgrade().and_then(|once| {
            let mut table = once.table.lock().unwrap();
            let next = table.sweep(once.start.elapsed());
            table.is_swept = next.is_some();
            Some(once.start + next?)
        }) else {
            return;
        };
        tokio::time::sleep_until(next).await;
    }
}
