//! Streams, of which each item comes once and in order, or a gap says that a session was lost.

use futures_util::stream;
use rpc_core::{StreamError, Streaming};
use tokio::time::sleep;

use super::actors::Actor;
use super::books::Asked;
use super::seeds::Random;
use super::services::{Item, item};

/// Takes a subscription, at times not to its end.
pub async fn subscribe(actor: &Actor, random: &mut Random) {
    let (count, ms) = (random.below(60), random.below(40));
    let resubscribes = !random.once_in(3);
    let leaves_at = random.once_in(4).then(|| random.below(60));
    let length = random.below(actor.longest);
    let Ok(items) = actor.work().items(count, length, ms).await else { return };
    let mut items: Streaming<Item> = items.resubscribe(resubscribes);
    let mut next = 0;
    loop {
        if leaves_at == Some(next) {
            return;
        }
        match items.next().await {
            Some(Ok(came)) => {
                actor.books.write(|pages| pages.items += 1);
                if came != item(next, length) {
                    actor.books.fault(format!("item {came:?} came instead of {next} of {count}"));
                }
                next = came.0 + 1;
            }
            Some(Err(StreamError::Gap { missed: 0 })) if resubscribes => {
                actor.books.write(|pages| pages.gaps += 1);
                next = 0;
            }
            // Asked for before the hello of the client came, so that the stream has no credit.
            Some(Err(StreamError::Gap { missed })) if missed > 0 => {
                actor.books.write(|pages| pages.gaps += 1);
                next += missed;
            }
            Some(Err(StreamError::Closed { .. })) => return,
            // The subscription could not be made anew.
            Some(Err(StreamError::Remote(_))) => return,
            Some(Err(error)) => {
                if !error.to_string().contains("cannot read") {
                    actor.books.fault(format!("a stream ends by {error:?}"));
                }
                return;
            }
            None => {
                if next != count {
                    actor.books.fault(format!("a stream ends behind {next} of {count} items"));
                }
                return;
            }
        }
    }
}

/// Makes a call with a stream.
pub async fn sum(actor: &Actor, random: &mut Random) {
    let (count, ms) = (random.below(50), random.below(30));
    let length = random.below(actor.longest);
    let items = stream::unfold(0, move |next| async move {
        sleep(std::time::Duration::from_millis(ms)).await;
        (next < count).then(|| (item(next, length), next + 1))
    });
    let token = actor.books.token();
    let call = actor.work().sum(token, length, Streaming::new(items));
    let asked = Asked::new("sum", None); // each item begins the deadline anew
    actor.books.clone().ask(token, asked, |sum| *sum == count, call.into_future()).await;
}
