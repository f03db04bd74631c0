//! What must be true of the books at the end of a run.

use std::collections::{BTreeSet, HashSet};

use rpc_core::transport::SessionMode;

use super::books::{Books, Came, Pages};

/// Adds what is wrong to the `faults`.
#[expect(clippy::print_stdout, reason = "who runs one seed wants to know what it did")]
pub fn judge(books: &Books, mode: SessionMode, faults: &mut Vec<String>) {
    books.write(|pages| {
        faults.append(&mut pages.faults);
        judge_calls(pages, faults);
        judge_notes(pages, mode, faults);
        let gaps = pages.pushed.windows(2).filter(|two| two[1] != two[0] + 1).count();
        if pages.pushed.windows(2).any(|two| two[1] <= two[0]) {
            faults.push("pushes came twice or in another order".to_owned());
        }
        if gaps as u64 > pages.fresh {
            faults.push(format!("{gaps} gaps among pushes in {} sessions", pages.fresh));
        }
        if ["SESSION_SEED", "CUTS_SEED"].iter().any(|name| std::env::var(name).is_ok()) {
            println!(
                "{} links, {} fresh, {} resumed, {} renewed, {} moves, {} calls, {} items, {} gaps, {} notes, {} lost",
                pages.links,
                pages.fresh,
                pages.resumed,
                pages.renewed,
                pages.moves,
                pages.calls.len(),
                pages.items,
                pages.gaps,
                pages.noted,
                pages.lost_notifications
            );
        }
    });
}

/// Adds what is wrong with one session that outlives all its links, over which it was resumed so often.
pub fn judge_one_session(books: &Books, least_resumed: u64, faults: &mut Vec<String>) {
    books.write(|pages| judge_session(pages, least_resumed, faults));
}

fn judge_calls(pages: &Pages, faults: &mut Vec<String>) {
    for (token, asked) in &pages.calls {
        let runs = pages.runs.get(token).copied().unwrap_or_default();
        let is_true = match &asked.came {
            Some(Came::Answer) if asked.may_run_twice => runs >= 1,
            Some(Came::Answer) => runs == 1,
            Some(Came::NotRun(_)) => runs == 0,
            Some(Came::MayHaveRun(_) | Came::Dropped) => runs <= 1 || asked.may_run_twice,
            None => false,
        };
        if !is_true {
            faults.push(format!("call {token} ran {runs} times: {asked:?}"));
        }
    }
}

fn judge_notes(pages: &Pages, mode: SessionMode, faults: &mut Vec<String>) {
    let mut from_client = HashSet::new();
    for ((session, is_client), numbers) in &pages.heard {
        if let Some(two) = numbers.windows(2).find(|two| two[1] != two[0] + 1) {
            faults.push(format!("note {} behind {} in {session}, {is_client}", two[1], two[0]));
        }
        if !is_client && numbers[0] != 1 {
            faults.push(format!("the first note of {session} is {}", numbers[0]));
        }
        if *is_client && !numbers.iter().all(|number| from_client.insert(*number)) {
            faults.push("a note was taken in twice, in two sessions".to_owned());
        }
    }
    let missing = pages.noted - from_client.len().min(pages.noted as usize) as u64;
    let told = pages.lost_notifications + pages.dropped;
    if mode == SessionMode::Renew {
        return; // Nobody acknowledges without a session: nobody knows what is lost.
    }
    if missing > told {
        faults.push(format!("{missing} notes are missing, and {told} are said to be lost"));
    }
    let is_of_last_session = pages.noted_at > pages.fresh_at;
    if pages.noted > 0 && is_of_last_session && !from_client.contains(&pages.noted) {
        faults.push(format!("the last note, {}, is missing", pages.noted));
    }
}

/// One session has no gap, loses nothing, and tells no caller of its links.
fn judge_session(pages: &Pages, least_resumed: u64, faults: &mut Vec<String>) {
    let Pages { fresh, resumed, gaps, lost_notifications, dropped, .. } = *pages;
    if fresh != 1 || resumed < least_resumed {
        faults.push(format!("{fresh} sessions were resumed {resumed} times"));
    }
    if gaps + lost_notifications + dropped > 0 {
        faults.push(format!("{gaps} gaps, {lost_notifications} lost, {dropped} dropped"));
    }
    if pages.pushed.iter().zip(1..).any(|(number, expected)| *number != expected) {
        faults.push("a push has not come".to_owned());
    }
    let heard = pages.heard.iter().filter(|((_, is_client), _)| *is_client);
    let heard: usize = heard.map(|(_, numbers)| numbers.len()).sum();
    if heard as u64 != pages.noted {
        faults.push(format!("{heard} of {} notes were heard", pages.noted));
    }
    let told = pages.calls.values().filter(|asked| match &asked.came {
        Some(Came::NotRun(why) | Came::MayHaveRun(why)) => !why.starts_with("Timeout"),
        _ => false,
    });
    faults.extend(told.map(|asked| format!("the caller is told: {asked:?}")));
    let answered = pages.calls.values().filter(|asked| asked.came == Some(Came::Answer));
    let answered: BTreeSet<_> = answered.map(|asked| asked.what).collect();
    if !answered.is_superset(&["batch", "echo", "long", "steps", "sum", "twice"].into()) {
        faults.push(format!("nothing else than {answered:?} was answered"));
    }
    if pages.items == 0 || pages.noted == 0 || pages.pushed.is_empty() {
        faults.push("there was no load".to_owned());
    }
}
