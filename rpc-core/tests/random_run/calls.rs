//! Calls of every kind, each under a token of its own.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};

use super::books::{Terms, Token};
use super::flows::{self, Pace, Shape};
use super::seeds::Random;
use super::steps::Who;

/// Any kind; one that is paid for under a key has one of these tokens.
pub fn any(who: &Who, keyed: &[Token], random: &mut Random) -> BoxFuture<'static, ()> {
    match random.below(14) {
        0..4 => simple(who, random),
        4..6 => {
            let depth = random.below(5);
            nest(who, depth, random)
        }
        6 => steps(who, random),
        7 => paid(who, random.pick(keyed), random),
        8..11 => subscription(who, random),
        _ => with_stream(who, random),
    }
}

/// One that calls nothing itself.
pub fn simple(who: &Who, random: &mut Random) -> BoxFuture<'static, ()> {
    let (books, stub) = (&who.world.books, who.stub());
    let token = books.token();
    match random.below(6) {
        0 | 1 => {
            let (call, terms) = who.on_terms(stub.quick(token), random);
            books.ask("quick", token, terms, call).map(drop).boxed()
        }
        2 | 3 => {
            // Longer than most deadlines, if hardly anyone waits for it.
            let ms = if random.once_in(8) { 3000 } else { random.below(15) };
            let (call, terms) = who.on_terms(stub.nap(token, ms), random);
            books.ask("nap", token, terms, call).map(drop).boxed()
        }
        4 => {
            let (call, terms) = who.on_terms(stub.refuse(token), random);
            books.ask("refuse", token, terms, call).map(drop).boxed()
        }
        _ => {
            let bytes = random.below(7000) as usize;
            let (call, terms) = who.on_terms(stub.big(token, bytes), random);
            books.ask_for("big", token, terms, call, |_| String::new()).map(drop).boxed()
        }
    }
}

/// One that calls back.
pub fn nest(who: &Who, depth: u64, random: &mut Random) -> BoxFuture<'static, ()> {
    let books = &who.world.books;
    let token = books.token();
    let call = who.stub().nest(token, depth, random.below(1 << 31));
    let (call, terms) = who.on_terms(call, random);
    books.ask("nest", token, terms, call).map(drop).boxed()
}

/// One that reports how far it has come: in order, and before its answer.
fn steps(who: &Who, random: &mut Random) -> BoxFuture<'static, ()> {
    let books = who.world.books.clone();
    let token = books.token();
    let count = random.below(30);
    let told = Arc::new(Mutex::new(Vec::new()));
    let listener = told.clone();
    let call = who.stub().steps(token, count);
    let call = call.on_progress(move |step: u64| listener.lock().unwrap().push(step));
    let (extends, most) = (random.once_in(3), Duration::from_secs(1));
    let call = if extends { call.extend_on_progress(most) } else { call };
    let (call, terms) = who.on_terms(call, random);
    // Others may hold the wire for longer than that.
    let extended = Terms { within: terms.within.map(|_| most), has_time: false, ..terms };
    let asked = books.ask("steps", token, if extends { extended } else { terms }, call);
    async move {
        let answer = asked.await;
        let told = std::mem::take(&mut *told.lock().unwrap());
        let in_order = told.windows(2).all(|two| two[0] < two[1]);
        if !in_order || told.last().is_some_and(|last| *last >= count) {
            books.fault(format!("steps {token}: told {told:?} of {count}, answer {answer:?}"));
        }
    }
    .boxed()
}

/// One that others make as well, and that is done once.
fn paid(who: &Who, token: Token, random: &mut Random) -> BoxFuture<'static, ()> {
    if who.world.plain {
        // A plain end sends no key.
        return simple(who, random);
    }
    let call = who.stub().pay(token, token % 10).idempotency_key(format!("key {token}"));
    let (call, terms) = who.on_terms(call, random);
    let terms = Terms { keyed: true, ..terms };
    who.world.books.ask("pay", token, terms, call).map(drop).boxed()
}

/// One whose answer is a stream, which is taken then, here or in another task.
fn subscription(who: &Who, random: &mut Random) -> BoxFuture<'static, ()> {
    let books = who.world.books.clone();
    let (token, flow) = (books.token(), books.token());
    let mut shape = Shape::of(random, flow, true);
    if random.once_in(10) {
        shape.pace = Pace::Never;
    }
    let never = matches!(shape.pace, Pace::Never);
    let (call, terms) = who.on_terms(who.stub().items(token, shape), random);
    let asked = books.ask_for("items", token, terms, call, |_| String::new());
    let (world, elsewhere, random) = (who.world.clone(), random.once_in(2), random.fork());
    async move {
        let Some(stream) = asked.await else { return };
        if never {
            // Whoever has enough of nothing leaves.
            tokio::time::sleep(Duration::from_millis(5)).await;
            return drop(stream);
        }
        let taken = flows::take(world.books.clone(), flow, stream, random).map(drop);
        if elsewhere { world.spawn(taken) } else { taken.await }
    }
    .boxed()
}

/// One with a stream among its params.
fn with_stream(who: &Who, random: &mut Random) -> BoxFuture<'static, ()> {
    let books = who.world.books.clone();
    let (token, flow, back) = (books.token(), books.token(), books.token());
    let mut shape = Shape::of(random, flow, false);
    let leaves = random.once_in(3);
    if leaves && random.once_in(3) {
        shape.pace = Pace::Never;
    }
    let stream = shape.stream(&books, "argument", true);
    let (stub, seed) = (who.stub(), random.below(1 << 31));
    // Its deadline begins anew with each item, if it is the default one.
    let anew = |terms: Terms| Terms {
        within: terms.within.filter(|within| *within < Duration::from_secs(1)),
        ..terms
    };
    if leaves {
        let (call, terms) = who.on_terms(stub.leave(token, flow, seed, stream), random);
        return books.ask("leave", token, anew(terms), call).map(drop).boxed();
    }
    if random.once_in(2) {
        let (call, terms) = who.on_terms(stub.sum(token, flow, seed, stream), random);
        return books.ask("sum", token, anew(terms), call).map(drop).boxed();
    }
    let (call, terms) = who.on_terms(stub.echo(token, back, stream), random);
    let asked = books.ask_for("echo", token, anew(terms), call, |_| String::new());
    let random = random.fork();
    async move {
        if let Some(stream) = asked.await {
            flows::take(books, back, stream, random).await;
        }
    }
    .boxed()
}
