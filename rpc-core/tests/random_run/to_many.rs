//! Notifications, batches and groups.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{BoxFuture, FutureExt, join, ready};
use rpc_core::{Batch, CloseCode, NotifyError};

use super::books::{Terms, Token};
use super::cut::cut;
use super::ends::{Link, World};
use super::seeds::Random;
use super::services::WorkClient;
use super::steps::Who;

/// A notification, waited for or not.
pub async fn note(who: &Who, random: &mut Random) {
    let books = &who.world.books;
    let (token, ms) = (books.token(), random.below(3));
    if random.once_in(3) {
        let told = who.peer.try_notify("w.note", (token, ms));
        books.noted("now", token, told.map(|()| 1));
    } else {
        let noted = books.note("alone", token, who.peer.notify("w.note", (token, ms)));
        let _ = cut(random, noted).await;
    }
}

/// A batch: members of all kinds, which are given up or asked too early, before and after it is sent.
pub fn batch(who: Who, mut random: Random) -> BoxFuture<'static, ()> {
    async move {
        let batch = who.peer.batch();
        let mut notes = Vec::new();
        let mut members = Vec::new();
        for _ in 0..random.below(8) {
            if random.once_in(5) {
                notes.push(note_in(&who, &batch, &mut random));
            } else {
                members.push(member(&who, &batch, &mut random));
            }
        }
        if random.once_in(4) && !members.is_empty() {
            drop(members.swap_remove(random.below(members.len() as u64) as usize));
        }
        if random.once_in(6) && !members.is_empty() {
            // It fails at once, and says that it is not sent.
            let early = members.swap_remove(random.below(members.len() as u64) as usize);
            early.await;
        }
        if random.once_in(12) {
            drop(batch);
            for token in notes {
                who.world.books.noted("in a batch", token, Err(NotifyError::Full));
            }
            return ask_for(&who, members, &mut random).await;
        }
        let sending = send(&who, batch, notes, random.fork());
        if random.once_in(4) {
            // Its members are asked for while it is being sent.
            join(sending, ask_for(&who, members, &mut random)).await;
        } else {
            sending.await;
            ask_for(&who, members, &mut random).await;
        }
    }
    .boxed()
}

async fn send(who: &Who, batch: Batch, notes: Vec<Token>, mut random: Random) {
    let sent = cut(&mut random, batch.send()).await;
    let books = &who.world.books;
    for token in notes {
        match sent {
            Some(Ok(())) => books.noted("in a batch", token, Ok(1)),
            // A part may have been sent.
            Some(Err(_)) | None => books.note_dropped("in a batch", token),
        }
    }
}

/// Awaits the members of a batch in any order, or does not.
async fn ask_for(who: &Who, mut members: Vec<BoxFuture<'static, ()>>, random: &mut Random) {
    while !members.is_empty() {
        let member = members.swap_remove(random.below(members.len() as u64) as usize);
        match random.below(6) {
            0 => drop(member),
            1 => who.world.spawn(member),
            _ => _ = cut(random, member).await,
        }
    }
}

fn note_in(who: &Who, batch: &Batch, random: &mut Random) -> Token {
    let token = who.world.books.token();
    batch.notify("w.note", (token, random.below(3))).expect("it is short");
    token
}

fn member(who: &Who, batch: &Batch, random: &mut Random) -> BoxFuture<'static, ()> {
    let books = &who.world.books;
    let token = books.token();
    let stub = WorkClient::new(batch);
    match random.below(5) {
        0 => {
            let (call, terms) = who.on_terms(stub.nap(token, random.below(10)), random);
            books.ask("nap in a batch", token, terms, call).map(drop).boxed()
        }
        1 => {
            let bytes = random.below(3000) as usize;
            let (call, terms) = who.on_terms(stub.big(token, bytes), random);
            books.ask_for("big in a batch", token, terms, call, |_| String::new()).map(drop).boxed()
        }
        2 => {
            let depth = if who.inside { random.below(2) } else { random.below(4) };
            let call = stub.nest(token, depth, random.below(1 << 31));
            let (call, terms) = who.on_terms(call, random);
            books.ask("nest in a batch", token, terms, call).map(drop).boxed()
        }
        _ => {
            let (call, terms) = who.on_terms(stub.quick(token), random);
            books.ask("quick in a batch", token, terms, call).map(drop).boxed()
        }
    }
}

const GROUPS: [&str; 2] = ["a", "b"];

/// A connection of the server joins a group, or leaves one.
pub fn come_and_go(link: &Link, random: &mut Random) {
    let group = random.pick(&GROUPS);
    if random.once_in(3) {
        link.far.leave_group(group);
    } else {
        // Refused when it has ended: then nobody is in.
        drop(link.far.join_group(group));
    }
}

/// Sends something to all members of a group, or calls them.
pub async fn group(world: &Arc<World>, random: &mut Random) {
    let books = &world.books;
    let token = books.token();
    let group = world.registry.group(random.pick(&GROUPS));
    if random.once_in(3) {
        let timeout = Duration::from_secs(5);
        let mut answers = group.call::<u64>("w.quick", (token,)).timeout(timeout);
        let most = random.below(4) as usize;
        let terms = Terms { within: Some(timeout), ..Terms::default() };
        while answers.remaining() > most {
            let Some((_, answer)) = answers.next().await else { break };
            books.ask("quick of a group", token, terms, ready(answer)).await;
        }
        for _ in 0..answers.remaining() {
            let given_up = std::future::pending::<Result<u64, rpc_core::CallError>>();
            drop(books.ask("quick of a group", token, terms, given_up));
        }
        return;
    }
    // One that does not drop closes whoever has no room.
    let group = if random.once_in(8) { group } else { group.dropping() };
    let told = group.notify("w.note", (token, random.below(3))).await;
    books.noted("to a group", token, told);
}

/// Whether a close for this reason is what tiny limits may come to without anyone's fault.
pub fn is_of_limits(code: Option<CloseCode>, reason: &str) -> bool {
    let reasons = ["too many notifications", "reads its groups too slowly"];
    code.is_some() && reasons.contains(&reason)
}
