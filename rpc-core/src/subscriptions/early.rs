//! Items that come before the answer to their subscribe call: there are ends that let their stream begin
//! first. They are kept until it comes, for as long as one is awaited.

use super::cost;

/// So many streams have early items kept at once.
const STREAMS: usize = 64;

/// What came early, and for which calls it may be.
#[derive(Debug, Default)]
pub(crate) struct Early {
    /// Subscribe calls that may not be answered yet, by id.
    calls: Vec<u64>,
    streams: Vec<Stream>,
    bytes: usize,
}

/// What came of one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The JSON text of its id.
    id: Box<str>,
    /// The params of its items, in order.
    pub(crate) items: Vec<Box<str>>,
    /// How many came after those for which there was no room.
    pub(crate) missed: u64,
    /// Whether the last of them was the end.
    pub(crate) has_ended: bool,
}

impl Early {
    /// A call was made whose answer may be the id of a stream. Those that are no more are forgotten,
    /// when it is time to look.
    pub(crate) fn expect(&mut self, call: u64, is_open: impl FnMut(&u64) -> bool) {
        if self.calls.len() == self.calls.capacity() {
            self.calls.retain(is_open);
        }
        self.calls.push(call);
    }

    /// Whether a call is awaited, of those that are still open.
    pub(crate) fn is_waiting(&mut self, mut is_open: impl FnMut(&u64) -> bool) -> bool {
        while self.calls.pop_if(|call| !is_open(call)).is_some() {}
        !self.calls.is_empty()
    }

    /// Keeps an item of this stream, within `limit` bytes for all; what does not fit is counted. Whether
    /// it will be given or told of.
    pub(crate) fn keep(&mut self, id: &str, params: &str, is_end: bool, limit: usize) -> bool {
        let known = self.streams.iter().position(|stream| *stream.id == *id);
        let at = match known {
            Some(at) => at,
            None if self.streams.len() >= STREAMS => return false,
            None => {
                let (items, missed, has_ended) = (Vec::new(), 0, false);
                self.streams.push(Stream { id: id.into(), items, missed, has_ended });
                self.streams.len() - 1
            }
        };
        let stream = &mut self.streams[at];
        let bytes = cost(params.len());
        // One after a gap would hide it.
        if stream.missed > 0 || stream.has_ended || self.bytes + bytes > limit {
            stream.missed += u64::from(!is_end);
            stream.has_ended |= is_end;
        } else {
            stream.items.push(params.into());
            self.bytes += bytes;
        }
        true
    }

    /// Takes what came of the stream with this id, which was answered.
    pub(crate) fn take(&mut self, id: &str) -> Option<Stream> {
        let at = self.streams.iter().position(|stream| *stream.id == *id)?;
        let stream = self.streams.swap_remove(at);
        self.bytes -= stream.items.iter().map(|params| cost(params.len())).sum::<usize>();
        Some(stream)
    }
}

#[test]
fn what_comes_early_is_kept_in_its_order_and_what_does_not_fit_is_counted() {
    let mut early = Early::default();
    early.expect(1, |_| true);
    for params in ["a", "b", "c", "d"] {
        assert!(early.keep("7", params, false, 3 * 64));
    }
    assert!(early.keep("7", "e", true, 3 * 64));
    assert!(early.keep("8", "x", false, 3 * 64));
    assert!(early.is_waiting(|_| true));
    let stream = early.take("7").unwrap();
    assert_eq!((stream.items, stream.missed), (vec!["a".into(), "b".into(), "c".into()], 1));
    assert!(stream.has_ended, "not to be waited for");
    assert!(early.take("7").is_none());
    assert_eq!(early.take("8").unwrap().missed, 1);
    assert_eq!(early.bytes, 0);
    assert!(!early.is_waiting(|_| false));
    for id in 0..STREAMS {
        assert!(early.keep(&id.to_string(), "x", false, 1 << 20));
    }
    assert!(!early.keep("one more", "x", false, 1 << 20));
}

#[test]
fn calls_that_are_no_more_leave_nothing_behind() {
    let mut early = Early::default();
    early.expect(0, |_| true);
    for call in 1..1000 {
        early.expect(call, |open| *open == 0 || *open + 3 > call);
    }
    assert!(early.calls.capacity() <= 16);
    assert!(early.is_waiting(|call| *call == 0));
    assert_eq!(early.calls, [0]);
}
