//! Items that come before the answer to their subscribe call, since some ends let a stream begin first. The items
//! are kept until the answer comes, while any subscribe call waits for its answer.

use super::cost;

/// How many streams may have early items at once.
const STREAMS: usize = 64;

/// The early items of all streams.
#[derive(Debug, Default)]
pub(crate) struct Early {
    streams: Vec<Stream>,
    bytes: usize,
}

/// The early items of one stream.
#[derive(Debug)]
pub(crate) struct Stream {
    /// The JSON text of its id.
    id: Box<str>,
    /// The params of its items, in order.
    pub(crate) items: Vec<Box<str>>,
    /// How many further items came for which there was no room.
    pub(crate) missed: u64,
    /// Whether the last of them was the end.
    pub(crate) has_ended: bool,
}

impl Early {
    /// Keeps an item of this stream, within `limit` bytes for all streams; an item that does not fit is
    /// counted. Returns whether the item was kept or counted.
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

    /// Takes what came of the stream with this id, when its subscribe call was answered.
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
    for params in ["a", "b", "c", "d"] {
        assert!(early.keep("7", params, false, 3 * 64));
    }
    assert!(early.keep("7", "e", true, 3 * 64));
    assert!(early.keep("8", "x", false, 3 * 64));
    let stream = early.take("7").unwrap();
    assert_eq!((stream.items, stream.missed), (vec!["a".into(), "b".into(), "c".into()], 1));
    assert!(stream.has_ended, "not to be waited for");
    assert!(early.take("7").is_none());
    assert_eq!(early.take("8").unwrap().missed, 1);
    assert_eq!(early.bytes, 0);
    for id in 0..STREAMS {
        assert!(early.keep(&id.to_string(), "x", false, 1 << 20));
    }
    assert!(!early.keep("one more", "x", false, 1 << 20));
}

#[test]
fn nothing_is_kept_behind_an_end_though_there_is_room_again() {
    let mut early = Early::default();
    assert!(early.keep("7", "a", false, 2 * 64));
    assert!(early.keep("8", "x", false, 2 * 64));
    assert!(early.keep("7", "the end", true, 2 * 64));
    early.take("8");
    assert!(early.keep("7", "b", false, 2 * 64));
    let stream = early.take("7").unwrap();
    assert_eq!((stream.items, stream.missed), (vec!["a".into()], 1));
    assert!(stream.has_ended);
}
