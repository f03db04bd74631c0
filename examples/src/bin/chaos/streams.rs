//! Streams: each item comes once and in order, or a gap says that a session was lost.

use std::time::Duration;

use futures_util::stream;
use rpc_core::{StreamError, Streaming};
use tokio::time::sleep;

use crate::actors::Actor;
use crate::books::{AtWork, Event, FaultKind, Repeat};
use crate::random::Random;
use crate::work::End;

/// Takes a stream, mostly to its end.
pub(crate) async fn subscribe(actor: &Actor, random: &mut Random, at_work: &AtWork) {
    let (count, ms) = (random.below(200), random.below(10));
    let leaves_at = random.once_in(4).then(|| random.below(60));
    let Ok(mut items) = actor.work().count(count, ms).await else { return };
    actor.books.count(Event::Stream, 1);
    let mut expected = 0;
    while leaves_at != Some(expected) {
        at_work.at(&format!("item {expected} of {count} of a stream"));
        match items.next().await {
            Some(Ok(item)) => {
                actor.books.item(item, expected, "an item of a stream");
                expected = item + 1;
            }
            // The stream goes on in another session, from its beginning.
            Some(Err(StreamError::Gap { missed: 0 })) => {
                actor.books.write(|pages| pages.clients[actor.client].gaps_seen += 1);
                if !matches!(actor.end, End::Client(_)) {
                    let text = "a stream to the server goes on behind the end of its session";
                    actor.books.fault(FaultKind::Stuck, text);
                }
                expected = 0;
            }
            // Only a client subscribes again. The end of a session may hit it twice.
            Some(Err(StreamError::Closed { .. } | StreamError::Remote(_))) => return,
            Some(Err(error)) => {
                return actor.books.fault(FaultKind::Untrue, format!("a stream ends by {error:?}"));
            }
            None => {
                if expected != count {
                    let text = format!("a stream ends after {expected} of {count} items");
                    actor.books.fault(FaultKind::SilentGap, text);
                }
                return;
            }
        }
    }
}

/// Makes a call with a stream, and hears how many items have arrived.
pub(crate) async fn upload(actor: &Actor, random: &mut Random) {
    let (count, ms) = (random.below(100), random.below(10));
    let items = stream::unfold(0, move |next| async move {
        sleep(Duration::from_millis(ms)).await;
        (next < count).then_some((next, next + 1))
    });
    let token = actor.books.asks("upload", Repeat::Never);
    let call = actor.work().sum(token, Streaming::new(items));
    actor.books.settle(token, count, call.into_future()).await;
}
