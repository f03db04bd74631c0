//! Writes the items of a stream into messages. Items that are ready together go into one message, where the other end
//! takes that: a message costs far more than a small item.

use bytes::BufMut;

use crate::error::object::ErrorObject;
use crate::protocol::tables::outbox::OVERHEAD;
use crate::protocol::tables::streams::cost;
use crate::protocol::{ItemMessage, ItemRoom};
use crate::util::bounded_writer::BoundedWriter;
use crate::wire::attached::AttachedWriter;
use crate::wire::buffer::Scratch;
use crate::wire::encode::{self, ItemHead};

/// Bytes behind the last value of a message.
const TAIL: usize = 3;

/// Messages that were written and not handed to the protocol.
pub(super) struct ItemWriter {
    /// Begins with the open message.
    scratch: Scratch,
    open: Option<Open>,
    attached: AttachedWriter,
    written: Vec<ItemMessage>,
    /// The memory that the written messages take in the queue.
    queue: usize,
    /// The credit that all items take.
    cost: usize,
    /// The most bytes of a message.
    limit: usize,
}

/// A message without its end, to which items may be added.
struct Open {
    /// Where the value of the first item begins.
    values: usize,
    /// The values are in an array.
    is_array: bool,
    cost: usize,
    /// The credit that the last item takes.
    last: usize,
    /// The number of the last item.
    seq: Option<u64>,
}

impl Open {
    /// Returns whether another item like the last one may be added.
    fn has_room(&self, room: &ItemRoom) -> bool {
        self.cost + self.last <= room.together
    }

    fn add(&mut self, cost: usize, seq: Option<u64>) {
        self.cost += cost;
        self.last = cost;
        self.seq = seq;
    }
}

impl ItemWriter {
    /// Creates a writer of messages of at most `limit` bytes, which uses `scratch` and `attached`, and puts the messages
    /// behind those in `written`.
    pub(super) fn new(
        scratch: Scratch,
        attached: AttachedWriter,
        written: Vec<ItemMessage>,
        limit: usize,
    ) -> Self {
        Self { scratch, open: None, attached, written, queue: 0, cost: 0, limit }
    }

    /// Returns what the writer was given, and the messages.
    pub(super) fn finish(mut self) -> (Scratch, AttachedWriter, Vec<ItemMessage>) {
        self.close();
        (self.scratch, self.attached, self.written)
    }

    /// Returns whether there is room for another item.
    pub(super) fn is_within(&self, room: &ItemRoom) -> bool {
        self.cost < room.credit && self.queue + self.scratch.buffer.len() < room.queue
    }

    /// Returns how many messages were begun.
    pub(super) fn messages(&self) -> usize {
        self.written.len() + usize::from(self.open.is_some())
    }

    /// Adds an item, whose value `write` writes. `is_next` tells that no item is missing before it.
    ///
    /// # Errors
    /// The value cannot be written, or is too long. The items before are not affected.
    pub(super) fn add(
        &mut self,
        head: ItemHead<'_>,
        is_next: bool,
        room: &ItemRoom,
        write: impl FnOnce(&mut BoundedWriter<'_>) -> Result<(), ErrorObject>,
    ) -> Result<(), ErrorObject> {
        let open = self.open.take_if(|open| is_next && open.has_room(room));
        let joins = open.is_some();
        let mut open = open.unwrap_or_else(|| self.begin(head));
        let start = if joins { self.begin_value(&mut open) } else { open.values };
        // As if the item were alone: then the items before do not decide whether it is too long.
        let limit = self.limit.saturating_add(start - open.values);
        let attachments = room.takes_bytes.then(|| self.attached.attachments());
        let out = &mut BoundedWriter::new(&mut self.scratch.buffer, limit, TAIL)
            .with_attachments(attachments);
        let written = write(out);
        let is_exceeded = out.is_exceeded();
        if let Err(error) = written {
            self.attached.clear();
            if joins {
                self.scratch.buffer.truncate(start - 1);
                self.open = Some(open);
            } else {
                self.scratch.discard();
            }
            return Err(if is_exceeded { ErrorObject::answer_too_big(self.limit) } else { error });
        }
        if !self.attached.is_empty() {
            if joins {
                open = self.move_to_next(open, start, head);
                self.attached.attachments().shift(start, open.values);
            }
            self.attach(&open, head.seq);
            return Ok(());
        }
        let cost = cost(self.scratch.buffer.len() - start);
        let is_too_long = || self.scratch.buffer.len() + TAIL > self.limit;
        if joins && (open.cost + cost > room.together || is_too_long()) {
            open = self.move_to_next(open, start, head);
        }
        open.add(cost, head.seq);
        self.open = Some(open);
        self.cost += cost;
        Ok(())
    }

    /// Begins another message.
    fn begin(&mut self, head: ItemHead<'_>) -> Open {
        self.close();
        self.scratch.prepare();
        encode::write_item_head(head, &mut self.scratch.buffer);
        let values = self.scratch.buffer.len();
        Open { values, is_array: false, cost: 0, last: 0, seq: None }
    }

    /// Makes the message one of several items. Returns where the value of the next item begins.
    fn begin_value(&mut self, open: &mut Open) -> usize {
        let buffer = &mut self.scratch.buffer;
        if !open.is_array {
            open.values = encode::begin_item_array(open.values, buffer);
            open.is_array = true;
        }
        buffer.put_u8(b',');
        buffer.len()
    }

    /// Moves the last value, which begins at `start`, from a message in which it has no room into the next one.
    #[cold]
    fn move_to_next(&mut self, open: Open, start: usize, head: ItemHead<'_>) -> Open {
        let value = self.scratch.buffer.split_off(start);
        self.scratch.buffer.truncate(start - 1);
        self.open = Some(open);
        let next = self.begin(head);
        self.scratch.buffer.extend_from_slice(&value);
        next
    }

    /// Completes a message whose item has bytes beside its text. Such an item is alone in its message.
    #[inline(never)]
    fn attach(&mut self, open: &Open, seq: Option<u64>) {
        let value = self.scratch.buffer.len() - open.values;
        let cost = cost(value + self.attached.attachments().absent());
        encode::write_item_tail(false, &mut self.scratch.buffer);
        let message = self.attached.finish(&self.scratch.buffer);
        self.scratch.buffer.clear();
        self.queue += message.len() + OVERHEAD;
        self.cost += cost;
        self.written.push(ItemMessage { message, cost, seq });
    }

    /// Completes the open message.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        encode::write_item_tail(open.is_array, &mut self.scratch.buffer);
        let message = self.scratch.cut();
        self.queue += message.len() + OVERHEAD;
        self.written.push(ItemMessage { message, cost: open.cost, seq: open.seq });
    }
}
