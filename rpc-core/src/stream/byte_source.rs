//! An `AsyncRead` as a stream of bytes.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream;
use tokio::io::{AsyncRead, ReadBuf};

use super::Streaming;
use super::byte_writer::CHUNK;
use super::typing::StreamErrorType;
use crate::base64::Base64;
use crate::error::object::ErrorObject;
use crate::util::escaped::Escaped;
use crate::util::log_throttle::LogThrottle;

impl<E: StreamErrorType> Streaming<Base64, E> {
    /// Creates a stream that sends what `reader` reads, in items of up to 48,000 bytes. An item has fewer bytes if the
    /// reader has no more of them now.
    ///
    /// An error of the reader ends the stream with an error (-32603), and the log holds the reason. To tell the receiver the
    /// reason, write into the [`ByteWriter`](crate::ByteWriter) of a [`channel`](Self::channel), and call its `fail`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use rpc_core::{Router, SizedBase64, Streaming, memory, service};
    /// use tokio::io::AsyncReadExt;
    ///
    /// #[service]
    /// trait Files {
    ///     async fn download(&self) -> Streaming<SizedBase64>;
    /// }
    /// struct Disk;
    /// impl Files for Disk {
    ///     async fn download(&self) -> Streaming<SizedBase64> {
    ///         let file = &b"hello"[..]; // or a `tokio::fs::File`, whose metadata has the length
    ///         Streaming::from_reader(file).sized(5)
    ///     }
    /// }
    ///
    /// let (peer, _) = memory::pair(Router::new(), FilesServer::new(Disk));
    /// let mut text = String::new();
    /// FilesClient::new(peer).download().await?.into_reader().read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok(()) }
    /// ```
    pub fn from_reader(reader: impl AsyncRead + Send + 'static) -> Self {
        let mut source =
            ByteSource { reader: Some(Box::pin(reader)), chunk: Vec::new(), filled: 0 };
        Self::local(stream::poll_fn(move |cx| source.poll_next(cx)))
    }
}

/// A reader, and what was read of the next item.
struct ByteSource<R> {
    /// `None` after the end.
    reader: Option<Pin<Box<R>>>,
    chunk: Vec<u8>,
    /// The bytes of the chunk that were read.
    filled: usize,
}

impl<R: AsyncRead> ByteSource<R> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Base64, ErrorObject>>> {
        while let Some(reader) = &mut self.reader {
            self.chunk.resize(CHUNK, 0);
            let mut rest = ReadBuf::new(&mut self.chunk[self.filled..]);
            let read = reader.as_mut().poll_read(cx, &mut rest);
            let count = rest.filled().len();
            match read {
                Poll::Pending if self.filled == 0 => return Poll::Pending,
                Poll::Pending => break,
                Poll::Ready(Ok(())) if count == 0 => self.reader = None,
                Poll::Ready(Ok(())) => {
                    self.filled += count;
                    if self.filled == CHUNK {
                        break;
                    }
                }
                Poll::Ready(Err(error)) => {
                    *self = Self { reader: None, chunk: Vec::new(), filled: 0 };
                    return Poll::Ready(Some(Err(unreadable(&error))));
                }
            }
        }
        Poll::Ready((self.filled > 0).then(|| Ok(self.take())))
    }

    fn take(&mut self) -> Base64 {
        let filled = std::mem::take(&mut self.filled);
        if filled < CHUNK / 2 {
            // The chunk is used again. An item would keep all of its memory.
            return Base64::from(&self.chunk[..filled]);
        }
        self.chunk.truncate(filled);
        std::mem::take(&mut self.chunk).into()
    }
}

fn unreadable(error: &io::Error) -> ErrorObject {
    static THROTTLE: LogThrottle = LogThrottle::new();
    if let Some(left_out) = THROTTLE.allow() {
        tracing::error!(left_out, error = %Escaped(error), "a stream of bytes cannot be read");
    }
    ErrorObject::internal()
}
