use super::*;
use crate::error::call::Fate;
use crate::error::close::CloseCode;
use crate::error::object::ErrorObject;
use crate::protocol::tables::streams::Wanted;
use crate::protocol::target::Target;
use crate::wire::decode::{Payload, Rules, decode};
use crate::wire::goaway::GoAway;
use crate::wire::id::Id;
use bytes::Bytes;

mod batches;
mod calls;
mod lifecycle;
mod mutes;
mod notifications;
mod ordered;
mod queue;
mod streams;
mod walk;

pub(super) type TestProtocol = Protocol<&'static str>;

pub(super) fn protocol(change: impl FnOnce(&mut Limits)) -> TestProtocol {
    let mut limits = Limits::server();
    change(&mut limits);
    let mut protocol = Protocol::new(Arc::new(limits));
    protocol.know_other(false);
    protocol
}

fn rules() -> Rules {
    Rules::new(&Limits::server(), false)
}

const ZERO: Duration = Duration::ZERO;

pub(super) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Receives a message; all methods but `none` exist, and none under a reserved name, as a router has none.
pub(super) fn receive<'a>(protocol: &mut TestProtocol, text: &'a str) -> Event<'a> {
    let Payload::Single(incoming) = decode(text, &rules()) else { panic!("{text}") };
    let is_absent = text.contains("none") || text.contains(r#""method":"$/"#);
    let target = if is_absent { None } else { Some(Target::Method(0)) };
    protocol.receive(incoming, arrival(target, None))
}

pub(super) fn request(protocol: &mut TestProtocol, id: u32) -> Option<Key> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":[1]}}"#);
    match receive(protocol, &text) {
        Event::Serve(started, serve) => {
            let id = serve.id.map(Id::new);
            Some(protocol.keep(started, id.as_ref()))
        }
        _ => None,
    }
}

/// How a message arrives at the start of the connection.
fn arrival(target: Option<Target>, batch: Option<usize>) -> Arrival<'static> {
    Arrival { target, orphans: 0, batch, late: false, streams: None, attached: None, now: ZERO }
}

/// A member of a batch; its key if it starts at once.
fn member(protocol: &mut TestProtocol, batch: usize, id: u32) -> Option<Key> {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m"}}"#);
    let Payload::Single(incoming) = decode(&text, &rules()) else { panic!("{text}") };
    let (target, batch) = (Some(Target::Method(0)), Some(batch));
    match protocol.receive(incoming, arrival(target, batch)) {
        Event::Serve(started, serve) => {
            let id = serve.id.map(Id::new);
            Some(protocol.keep(started, id.as_ref()))
        }
        _ => None,
    }
}

/// A member of a batch that calls no method.
fn refused_member(protocol: &mut TestProtocol, batch: usize) {
    let text = r#"{"jsonrpc":"2.0","id":"x","method":"none"}"#;
    let Payload::Single(incoming) = decode(text, &rules()) else { panic!("{text}") };
    let (target, batch) = (None, Some(batch));
    assert!(matches!(protocol.receive(incoming, arrival(target, batch)), Event::Refused { .. }));
}

/// Whether an ordered request starts at once.
fn ordered(protocol: &mut TestProtocol, id: u32) -> bool {
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"m","params":[1]}}"#);
    let Payload::Single(incoming) = decode(&text, &rules()) else { panic!("{text}") };
    let target = Some(Target::Ordered(0));
    matches!(protocol.receive(incoming, arrival(target, None)), Event::Serve(..))
}

/// The id of what may start now; the empty text of a notification.
fn start(protocol: &mut TestProtocol) -> Option<String> {
    let (_running, serve) = protocol.next_to_start(ZERO)?;
    Some(serve.id.unwrap_or_default().into())
}

fn notification(protocol: &mut TestProtocol) -> Option<Key> {
    match receive(protocol, r#"{"jsonrpc":"2.0","method":"m","params":[1]}"#) {
        Event::Serve(started, _) => Some(protocol.keep(started, None)),
        _ => None,
    }
}

pub(super) fn call(protocol: &mut TestProtocol, text: &'static str) -> u64 {
    protocol.start(Start::default(), &mut None, |_| Bytes::from_static(text.as_bytes())).unwrap()
}

pub(super) fn next(protocol: &mut TestProtocol) -> Option<String> {
    protocol.next_message().map(|message| String::from_utf8(message.to_vec()).unwrap())
}

pub(super) fn fate(protocol: &mut TestProtocol, id: u64) -> Fate {
    match protocol.poll_outcome(id, |kept| *kept = Some("waker")) {
        Some(Outcome::Closed(_, fate) | Outcome::Timeout(fate, _)) => fate,
        other => panic!("{other:?}"),
    }
}
