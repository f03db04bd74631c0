//! What has happened, as text.

use std::fmt::Write;

use crate::books::{Came, ClientPage, Event, FaultKind, Pages};

/// A line for each thing, with how often it has happened.
pub(crate) fn of(pages: &Pages) -> String {
    let mut text = String::new();
    let mut line = |what: &str, times: u64| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "  {what:<40}{times:>9}");
    };
    for event in Event::ALL {
        line(event.name(), pages.counts.get(&event).copied().unwrap_or_default());
    }
    for (what, is) in CALLS {
        let calls = pages.calls.values().filter(|asked| asked.came.as_ref().is_some_and(is));
        line(what, calls.count() as u64);
    }
    for (what, of) in NOTES {
        line(what, pages.clients.iter().map(of).sum());
    }
    line("notes of the server", pages.sessions.values().map(|session| session.sent).sum());
    line(
        "notes of the server that came",
        pages.sessions.values().map(|session| session.heard).sum(),
    );
    for (what, kind) in FAULTS {
        line(what, pages.faults.iter().filter(|fault| fault.kind == kind).count() as u64);
    }
    text
}

type OfCall = fn(&Came) -> bool;
type OfClient = fn(&ClientPage) -> u64;

const CALLS: [(&str, OfCall); 4] = [
    ("calls answered", |came| matches!(came, Came::Answer)),
    ("calls not sent", |came| matches!(came, Came::NotSent(_))),
    ("calls maybe executed", |came| matches!(came, Came::MaybeExecuted(_))),
    ("calls given up by their callers", |came| matches!(came, Came::Dropped)),
];

const NOTES: [(&str, OfClient); 5] = [
    ("gaps that streams have shown", |client| client.gaps_seen),
    ("gaps that clients were told of", |client| client.gaps_told),
    ("notes of clients", |client| client.sent),
    ("notes of clients that came", |client| client.heard.len() as u64),
    ("notes that clients were told as lost", |client| client.lost_notifications),
];

const FAULTS: [(&str, FaultKind); 4] = [
    ("doubles", FaultKind::Double),
    ("silent gaps", FaultKind::SilentGap),
    ("untrue fates and answers", FaultKind::Untrue),
    ("stuck", FaultKind::Stuck),
];
