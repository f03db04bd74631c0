//! Flow control against plain sums: credit is neither made nor lost, every loss is told, and who keeps
//! to the rules is never stuck.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::limits::Limits;
use crate::wire::item::Values;

const WINDOW: usize = 300;

#[derive(Debug, Clone)]
enum Offering {
    Spend(usize, usize),
    Grant(usize, u64),
    Remove(usize),
}

fn offering() -> impl Strategy<Value = Offering> {
    prop_oneof![
        (0..3usize, 0..400usize).prop_map(|(at, bytes)| Offering::Spend(at, bytes)),
        (0..3usize, 1..400u64).prop_map(|(at, bytes)| Offering::Grant(at, bytes)),
        (0..3usize).prop_map(Offering::Remove),
    ]
}

#[derive(Debug, Clone)]
enum Taking {
    /// An item so many numbers ahead, or behind, of so many bytes.
    Push(usize, i64, usize),
    Next(usize),
    End(usize, i64),
    /// Another one in its place.
    Remove(usize),
}

fn taking() -> impl Strategy<Value = Taking> {
    let ahead = prop_oneof![4 => Just(1i64), 1 => -2..4i64];
    prop_oneof![
        6 => (0..3usize, ahead.clone(), 1..500usize).prop_map(|(at, by, of)| Taking::Push(at, by, of)),
        4 => (0..3usize).prop_map(Taking::Next),
        1 => (0..3usize, ahead).prop_map(|(at, by)| Taking::End(at, by)),
        1 => (0..3usize).prop_map(Taking::Remove),
    ]
}

/// A stream that is taken, and what is known of it.
struct Known {
    id: String,
    key: IncomingKey,
    /// The highest number that came, and how far the taker is.
    seq: u64,
    incoming: u64,
    ended: bool,
    /// The lengths of what waits.
    waiting: VecDeque<usize>,
}

fn begin(incoming: &mut IncomingStreams<()>, id: usize, credit: bool) -> Known {
    let window = credit.then_some(WINDOW);
    let id = id.to_string();
    let key = incoming.register(&id, Stop::Argument, window).expect("a new id");
    incoming.claim(key);
    Known { id, key, seq: 0, incoming: 0, ended: false, waiting: VecDeque::new() }
}

/// Waiting bytes beyond all windows, of which there may be so many.
const BEYOND: usize = 500;

/// Whether an item of so many bytes asks for credit.
fn asks(bytes: usize) -> bool {
    bytes.is_multiple_of(3)
}

fn text(bytes: usize) -> Box<str> {
    "x".repeat(bytes).into()
}

proptest! {
    #[test]
    fn credit_that_was_granted_is_what_may_be_spent(steps in vec(offering(), 0..60)) {
        let mut outgoing = OutgoingStreams::default();
        let insert = |outgoing: &mut OutgoingStreams, id: usize| {
            let origin = Origin::Call(id as u64);
            (outgoing.register(id.to_string().into(), origin, Some(WINDOW as u64)), id, WINDOW as i64)
        };
        let mut streams: Vec<_> = (0..3).map(|id| insert(&mut outgoing, id)).collect();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Offering::Spend(at, bytes) => {
                    outgoing.spend(streams[at].0, bytes);
                    streams[at].2 -= bytes.max(LEAST) as i64;
                }
                Offering::Grant(at, bytes) => {
                    let (key, id, left) = &mut streams[at];
                    let (before, after) = (*left, *left + bytes as i64);
                    let granted = outgoing.grant(&id.to_string(), bytes, None, Duration::ZERO);
                    prop_assert_eq!(granted, Ok((before <= 0 && after > 0).then_some(*key)));
                    *left = after;
                }
                Offering::Remove(at) => {
                    prop_assert!(outgoing.remove(streams[at].0).is_some());
                    prop_assert_eq!(outgoing.grant(&streams[at].1.to_string(), 1, None, Duration::ZERO), Ok(None));
                    streams[at] = insert(&mut outgoing, number + 3);
                }
            }
            for (key, _, left) in &streams {
                prop_assert_eq!(outgoing.has_room(*key, 0), *left > 0);
            }
            prop_assert_eq!(outgoing.wait_for_credit(), streams.iter().any(|it| it.2 <= 0));
            prop_assert_eq!((outgoing.len(), outgoing.arguments()), (3, 3));
        }
    }

    /// Whatever comes: what was given and what is said to be missing add up, in order, and nothing
    /// waits without bound.
    #[test]
    fn every_item_is_given_or_told_missing(steps in vec(taking(), 0..120), credit: bool) {
        let mut incoming = IncomingStreams::<()>::new(BEYOND);
        let mut streams: Vec<_> = (0..3).map(|id| begin(&mut incoming, id, credit)).collect();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Taking::Push(at, ahead, bytes) => {
                    let known = &mut streams[at];
                    let seq = known.seq.saturating_add_signed(ahead);
                    // As the protocol does: one that has ended is not found.
                    let found = incoming.find(&known.id);
                    prop_assert_eq!(found, (!known.ended).then_some(known.key));
                    if let Some(key) = found {
                        let pushed = incoming.push(key, text(bytes), Some(seq), WINDOW);
                        prop_assert_eq!(pushed.is_ok(), seq > known.seq);
                        known.seq = known.seq.max(seq);
                    }
                }
                Taking::Next(at) => {
                    let known = &mut streams[at];
                    match incoming.next(known.key, |kept| *kept = Some(())) {
                        Some(Some(Entry::One(Item::Result(_)))) => known.incoming += 1,
                        Some(Some(Entry::One(Item::Gap(missed)))) => known.incoming += missed,
                        Some(Some(other)) => prop_assert!(false, "{:?}", other),
                        Some(None) => prop_assert!(known.ended && known.incoming == known.seq),
                        None => prop_assert!(!known.ended && known.incoming == known.seq),
                    }
                }
                Taking::End(at, ahead) => {
                    let known = &mut streams[at];
                    let seq = known.seq.saturating_add_signed(ahead);
                    if let Some(key) = incoming.find(&known.id) {
                        let ended = incoming.end(key, None, Some(seq)).is_ok();
                        prop_assert_eq!(ended, seq > known.seq);
                        if ended {
                            // Its own number is no item's.
                            (known.seq, known.ended) = (seq - 1, true);
                        }
                    }
                }
                Taking::Remove(at) => {
                    let to_wake = incoming.remove(streams[at].key).and_then(|removed| removed.stop);
                    prop_assert_eq!(to_wake.is_some(), !streams[at].ended);
                    streams[at] = begin(&mut incoming, number + 3, credit);
                }
            }
            prop_assert!(incoming.beyond().0 <= BEYOND);
            for known in &streams {
                prop_assert!(known.incoming <= known.seq);
            }
        }
        streams.iter().for_each(|known| drop(incoming.remove(known.key)));
        prop_assert_eq!((incoming.len(), incoming.beyond()), (0, (0, 0)));
    }

    /// A sender that keeps to its credit loses nothing, and has some again when all was taken, however the window grows
    /// and shrinks. What it may still send, and what waits, is never more than the windows may be.
    #[test]
    fn who_keeps_to_the_credit_is_never_stuck(
        steps in vec((any::<bool>(), 0..2usize, 0..900usize, 0..3u64), 0..300),
    ) {
        let mut limits = Limits::server();
        (limits.stream_window_max, limits.stream_windows) = (5 * WINDOW, 6 * WINDOW);
        let mut incoming = IncomingStreams::<()>::new(usize::MAX);
        incoming.round_trip = Some(Duration::from_millis(100));
        let mut streams = [0, 1].map(|id| (begin(&mut incoming, id, true), WINDOW as i64));
        let (mut now, mut bank) = (Duration::ZERO, 0);
        for (sends, at, bytes, time) in steps {
            // A moment, a time within two round trips, or a long one.
            now += Duration::from_millis([1, 150, 5000][time as usize]);
            let (known, left) = &mut streams[at];
            if sends && *left > 0 {
                known.seq += 1;
                incoming.push(known.key, text(bytes), Some(known.seq), WINDOW).unwrap();
                if asks(bytes) {
                    incoming.ask_credit(known.key);
                }
                known.waiting.push_back(bytes);
                *left -= cost(bytes) as i64;
            } else if let Some(bytes) = known.waiting.pop_front() {
                let next = incoming.next(known.key, |kept| *kept = Some(())).flatten();
                prop_assert_eq!(next, Some(Entry::One(Item::Result(text(bytes)))));
                let lend = |wanted| {
                    bank += wanted;
                    wanted
                };
                let granted = incoming.credit(known.key, &limits, || now, lend);
                prop_assert!(granted.is_some() || !asks(bytes), "it asked and was consumed");
                if let Some(Granted { bytes, seq, .. }) = granted {
                    *left += bytes as i64;
                    prop_assert_eq!(seq, Some(known.seq - known.waiting.len() as u64));
                }
            }
            bank -= std::mem::take(&mut incoming.given_back);
            let (_, lent) = incoming.beyond();
            prop_assert_eq!(lent, bank, "what is lent is known to the one who lends");
            prop_assert!(lent <= limits.stream_windows, "{} bytes are lent", lent);
            let mut promised = 0;
            for (known, left) in &streams {
                prop_assert!(*left > 0 || !known.waiting.is_empty(), "nobody would ever go on");
                let waiting = known.waiting.iter().map(|bytes| cost(*bytes) as i64).sum::<i64>();
                // The last item that waits may have overdrawn the credit.
                let overdrawn = known.waiting.back().map_or(0, |bytes| cost(*bytes) as i64);
                prop_assert!(left + waiting <= limits.stream_window_max as i64 + overdrawn);
                promised += left + waiting - overdrawn;
            }
            prop_assert!(promised <= (2 * WINDOW + lent) as i64, "{} is promised", promised);
        }
        for (known, _) in streams {
            incoming.remove(known.key);
        }
        prop_assert_eq!((incoming.beyond(), bank), ((0, 0), incoming.given_back));
    }

    /// What comes together is taken as if it had come one by one: the same values and gaps, and when all was consumed
    /// the same credit.
    #[test]
    fn items_may_come_together(
        steps in vec((1..4u64, vec(0..150usize, 1..5), 0..8usize), 0..60),
        most_beyond in prop_oneof![Just(usize::MAX), 0..400usize],
    ) {
        let mut tables = [(); 2].map(|()| IncomingStreams::<()>::new(most_beyond));
        let [one, several] = &mut tables;
        let mut known = begin(one, 0, true);
        begin(several, 0, true);
        let (mut taken, mut now) = (None, Duration::ZERO);
        for (ahead, lengths, takes) in steps {
            let first = known.seq + ahead;
            known.seq = first + lengths.len() as u64 - 1;
            for (seq, bytes) in (first..).zip(&lengths) {
                one.push(known.key, text(*bytes), Some(seq), WINDOW).unwrap();
            }
            let texts: Vec<_> = lengths.into_iter().map(text).collect();
            let mut end = 0;
            let ends = texts.iter().map(|text| {
                end += text.len() + 1;
                end as u16 - 1
            });
            let values = Values { ends: ends.collect(), text: &texts.join(",") };
            several.push_several(known.key, values, Some(first), WINDOW).unwrap();
            let mut takes = takes;
            // Items that were taken together wait until the last is consumed, and count beyond the window until then.
            while takes > 0 || (taken.is_some() && most_beyond < usize::MAX) {
                let next = one.next(known.key, |_| ()).flatten();
                prop_assert_eq!(take_one(several, known.key, &mut taken), next);
                takes = takes.saturating_sub(1);
            }
            if taken.is_none() {
                now += Duration::from_secs(1);
                let limits = Limits::server();
                let [one, several] = [&mut *one, &mut *several]
                    .map(|it| it.credit(known.key, &limits, || now, |_| 0).map(|it| it.bytes));
                prop_assert_eq!(one, several);
            }
        }
        while let Some(next) = one.next(known.key, |_| ()).flatten() {
            prop_assert_eq!(take_one(several, known.key, &mut taken), Some(next));
        }
        prop_assert_eq!(take_one(several, known.key, &mut taken), None);
        prop_assert_eq!(one.beyond(), several.beyond());
    }
}

/// Takes the next item, also of those that were taken together.
fn take_one(
    incoming: &mut IncomingStreams<()>,
    key: IncomingKey,
    taken: &mut Option<Box<Texts>>,
) -> Option<Entry> {
    if taken.is_none() {
        match incoming.next(key, |_| ()).flatten()? {
            Entry::Several(texts) => *taken = Some(texts),
            one => return Some(one),
        }
    }
    let texts = taken.as_mut()?;
    let is_last = texts.is_at_last();
    let entry = texts.next().map(|text| Entry::One(Item::Result(text.into())));
    if is_last {
        incoming.consume(key, texts);
        *taken = None;
    }
    entry
}
