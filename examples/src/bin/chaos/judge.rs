//! Whether the books of both ends agree.

use crate::books::{Asked, Came, Event, Fault, FaultKind, Pages, Repeat};

/// Returns what has not come yet of all that was sent, in words.
pub(crate) fn unsettled(pages: &Pages) -> Option<String> {
    if let Some((token, asked)) = pages.calls.iter().find(|(_, asked)| asked.came.is_none()) {
        return Some(format!("{} {token} is open", asked.what));
    }
    for (number, client) in pages.clients.iter().enumerate() {
        let session = pages.sessions.get(&client.session);
        if !client.heard.contains(&client.sent) {
            return Some(format!("note {} of client {number} has not come", client.sent));
        }
        if session.is_none_or(|session| session.heard != session.sent) {
            return Some(format!("a note to client {number} has not come: {session:?}"));
        }
    }
    None
}

/// Adds to the faults what does not agree.
pub(crate) fn judge(pages: &mut Pages) {
    let mut faults = Vec::new();
    for (token, asked) in &pages.calls {
        faults.extend(of_call(asked).map(|(kind, why)| {
            Fault::new(kind, format!("{} {token} {why}: {asked:?}", asked.what))
        }));
    }
    of_clients(pages, &mut faults);
    of_sessions(pages, &mut faults);
    if let Some(count @ 1..) = pages.counts.get(&Event::Malformed) {
        let text = format!("{count} messages did not arrive as they were sent");
        faults.push(Fault::new(FaultKind::SilentGap, text));
    }
    pages.faults.append(&mut faults);
}

/// Returns what is wrong with a call.
fn of_call(asked: &Asked) -> Option<(FaultKind, &'static str)> {
    let mut lives = asked.ended_in.clone();
    lives.sort_unstable();
    let once = asked.repeat == Repeat::Never;
    if once && asked.begun > 1 {
        return Some((FaultKind::Double, "ran twice"));
    }
    if asked.repeat == Repeat::Keyed && lives.windows(2).any(|two| two[0] == two[1]) {
        return Some((FaultKind::Double, "ran twice in one life of the server, under one key"));
    }
    match &asked.came {
        None => Some((FaultKind::Stuck, "is still open")),
        Some(Came::Answer) if lives.is_empty() => {
            Some((FaultKind::Untrue, "was answered, and did not run"))
        }
        Some(Came::NotSent(_)) if once && asked.begun > 0 => {
            Some((FaultKind::Untrue, "ran, and its caller was told that it was not sent"))
        }
        Some(_) => None,
    }
}

/// What clients were told is missing must be at least what is missing.
fn of_clients(pages: &Pages, faults: &mut Vec<Fault>) {
    for (number, client) in pages.clients.iter().enumerate() {
        let missing = client.sent.saturating_sub(client.heard.len() as u64);
        let pairs = [
            ("notes of the client are missing", missing, client.lost_notifications),
            ("streams show a gap", client.gaps_seen, client.gaps_told),
        ];
        for (what, seen, told) in pairs.into_iter().filter(|(_, seen, told)| seen > told) {
            let text = format!("client {number}: {seen} {what}, and the client was told of {told}");
            faults.push(Fault::new(FaultKind::SilentGap, text));
        }
    }
}

/// Who counts users counts each once.
fn of_sessions(pages: &Pages, faults: &mut Vec<Fault>) {
    for (id, session) in &pages.sessions {
        let must_end = !pages.crashed.contains(&session.life);
        if session.ends > 1 || (must_end && session.ends == 0) {
            let text = format!("the end of session {id} was told {} times", session.ends);
            let is_double = session.ends > 1;
            let kind = if is_double { FaultKind::Double } else { FaultKind::SilentGap };
            faults.push(Fault::new(kind, text));
        }
    }
}
