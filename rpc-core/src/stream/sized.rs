//! A stream of bytes that tells its length first.

use std::task::{Context, Poll, ready};

use futures_util::{StreamExt, stream};

use super::source::passed_on;
use super::{Local, Source, Streaming};
use crate::base64::{Base64, SizedBase64};
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;

impl<E> Streaming<Base64, E> {
    /// Tells the receiver that the stream has `length` bytes, before the bytes. The receiver knows how far it is, and
    /// never takes a part of the bytes for all of them.
    ///
    /// A stream that turns out to be longer or shorter ends with an error (-32603), so the receiver is told. A
    /// [`lag`](Self::lag) that was set before has no effect: no byte may be lost.
    ///
    /// ```
    /// use futures_util::StreamExt;
    /// use rpc_core::{Base64, SizedBase64, Streaming};
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let (sender, file) = Streaming::<Base64>::channel(1);
    /// let mut file = file.sized(3);
    /// sender.send(b"abc".into()).await.expect("there is room");
    /// drop(sender);
    /// assert_eq!(file.next().await, Some(Ok(SizedBase64::Length(3))));
    /// assert_eq!(file.next().await, Some(Ok(SizedBase64::Bytes(b"abc".into()))));
    /// assert_eq!(file.next().await, None);
    /// # }
    /// ```
    pub fn sized(self, length: u64) -> Streaming<SizedBase64, E> {
        let mut sized = Measured { source: self.source, length, left: Some(length) };
        let first = stream::iter([Ok(SizedBase64::Length(length))]);
        let stream: Local<SizedBase64> =
            Box::pin(first.chain(stream::poll_fn(move |cx| sized.poll_next(cx))));
        Streaming { ending: self.ending, ..Streaming::of(Source::Local(stream)) }
    }
}

/// Bytes that are counted.
struct Measured {
    source: Source<Base64>,
    length: u64,
    /// The bytes that are still to come; `None` after the end.
    left: Option<u64>,
}

impl Measured {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<SizedBase64, ErrorObject>>> {
        let Some(left) = self.left else { return Poll::Ready(None) };
        let item = match ready!(self.poll_source(cx)) {
            Some(Ok(bytes)) => match left.checked_sub(bytes.len() as u64) {
                Some(left) => {
                    self.left = Some(left);
                    return Poll::Ready(Some(Ok(SizedBase64::Bytes(bytes))));
                }
                None => {
                    Some(wrong(format!("more than the {} bytes that were announced", self.length)))
                }
            },
            Some(Err(error)) => Some(Err(error)),
            None if left > 0 => {
                let (sent, length) = (self.length - left, self.length);
                Some(wrong(format!("{sent} of the {length} bytes that were announced")))
            }
            None => None,
        };
        self.left = None;
        Poll::Ready(item)
    }

    fn poll_source(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Base64, ErrorObject>>> {
        let json = match &mut self.source {
            Source::Local(stream) => return stream.poll_next_unpin(cx),
            Source::Remote(remote) => ready!(remote.poll_next(cx, passed_on)),
            // Bytes are neither events that many take nor changes of a value.
            Source::Topic(_) | Source::Live(_) | Source::Ended => None,
        };
        let read =
            |json: Box<str>| serde_json::from_str(&json).map_err(|_| ErrorObject::internal());
        Poll::Ready(json.map(|json| json.and_then(read)))
    }
}

fn wrong(why: String) -> Result<SizedBase64, ErrorObject> {
    Err(ErrorObject::new(ErrorCode::INTERNAL, why))
}
