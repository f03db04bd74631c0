//! A stream of bytes as an `AsyncRead`.

use std::fmt;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::Streaming;
use super::error::StreamError;
use super::typing::StreamErrorType;
use crate::base64::{Base64, SizedBase64};

/// Reads the bytes of a [`Streaming`], by tokio's [`AsyncRead`] and [`AsyncBufRead`].
/// [`Streaming::into_reader`] makes it.
///
/// The input ends only if the sender has ended the stream without an error. An error of the stream is an error of the
/// read, and of each read after it: a part of the bytes is never taken for all of them. The kinds of the errors stand at
/// the conversion from [`StreamError`] to [`io::Error`]. If the sender has told the length, there are two kinds more:
/// [`UnexpectedEof`](ErrorKind::UnexpectedEof) if the stream ends too early, and
/// [`InvalidData`](ErrorKind::InvalidData) if more bytes come.
///
/// Cancel safe: a read that was dropped before it was ready has taken no bytes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use futures_util::stream;
/// use rpc_core::{Base64, Router, SizedBase64, Streaming, memory, service};
/// use tokio::io::AsyncReadExt;
///
/// #[service]
/// trait Files {
///     async fn download(&self) -> Streaming<SizedBase64>;
/// }
/// struct Disk;
/// impl Files for Disk {
///     async fn download(&self) -> Streaming<SizedBase64> {
///         Streaming::new(stream::iter(["hello, ", "world"].map(|part| part.as_bytes().into()))).sized(12)
///     }
/// }
///
/// let (peer, _) = memory::pair(Router::new(), FilesServer::new(Disk));
/// let mut file = FilesClient::new(peer).download().await?.into_reader();
/// assert_eq!(file.length().await?, Some(12));
/// let mut text = String::new();
/// file.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello, world");
/// # Ok(()) }
/// ```
pub struct ByteReader {
    source: Source,
    /// Bytes that have come and were not read.
    chunk: Bytes,
    length: Length,
}

enum Source {
    Open(Pin<Box<dyn Stream<Item = io::Result<SizedBase64>> + Send>>),
    Ended,
    /// The stream has failed, with this error.
    Failed(ErrorKind, String),
}

/// What the sender has told of the number of bytes.
enum Length {
    /// It tells nothing.
    Untold,
    /// It is the next item.
    Awaited,
    Told {
        all: u64,
        /// The bytes that are still to come.
        left: u64,
    },
}

impl<E: StreamErrorType + std::error::Error + Sync> Streaming<Base64, E> {
    /// Returns a reader of the bytes. The stream ends if the reader is dropped.
    ///
    /// The end of the input is the end of the stream. Only a [`sized`](Self::sized) stream lets the reader check that no
    /// byte is missing. A peer that speaks this framework's extensions tells the end of its stream in any case, and a
    /// connection that ends before is an error.
    pub fn into_reader(self) -> ByteReader {
        ByteReader::new(self.map(|item| item.map(SizedBase64::Bytes)), Length::Untold)
    }
}

impl<E: StreamErrorType + std::error::Error + Sync> Streaming<SizedBase64, E> {
    /// Returns a reader of the bytes. The stream ends if the reader is dropped.
    pub fn into_reader(self) -> ByteReader {
        ByteReader::new(self, Length::Awaited)
    }
}

impl ByteReader {
    fn new<E: std::error::Error + Send + Sync + 'static>(
        stream: impl Stream<Item = Result<SizedBase64, StreamError<E>>> + Send + 'static,
        length: Length,
    ) -> Self {
        let stream = stream.map(|item| item.map_err(io::Error::from));
        Self { source: Source::Open(Box::pin(stream)), chunk: Bytes::new(), length }
    }

    /// Returns the number of all bytes, those that were read among them. The sender of a `Streaming<SizedBase64>` tells the
    /// number first, and this waits for it. A `Streaming<Base64>` tells none. Cancel safe.
    ///
    /// # Errors
    /// Returns the error of the stream if the length has not come.
    pub async fn length(&mut self) -> io::Result<Option<u64>> {
        poll_fn(|cx| self.poll_length(cx)).await
    }

    fn poll_length(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<u64>>> {
        loop {
            match self.length {
                Length::Untold => return Poll::Ready(Ok(None)),
                Length::Told { all, .. } => return Poll::Ready(Ok(Some(all))),
                Length::Awaited => ready!(self.poll_item(cx))?,
            }
        }
    }

    /// Takes the next item of the stream, or its end.
    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let taken = match &mut self.source {
            Source::Open(stream) => match ready!(stream.as_mut().poll_next(cx)) {
                Some(item) => item.and_then(|item| self.take(item)),
                None => self.end(),
            },
            Source::Ended => Ok(()),
            Source::Failed(kind, why) => Err(io::Error::new(*kind, why.clone())),
        };
        if let Err(error) = &taken {
            // The stream is dropped. Later reads fail, too: they must not find an end.
            self.source = Source::Failed(error.kind(), error.to_string());
        }
        Poll::Ready(taken)
    }

    fn take(&mut self, item: SizedBase64) -> io::Result<()> {
        match (item, &mut self.length) {
            (SizedBase64::Length(all), Length::Awaited) => {
                self.length = Length::Told { all, left: all };
            }
            (SizedBase64::Bytes(bytes), Length::Untold) => self.chunk = bytes.into(),
            (SizedBase64::Bytes(bytes), Length::Told { all, left }) => {
                let Some(rest) = left.checked_sub(bytes.len() as u64) else {
                    return Err(invalid(format!("more than the {all} bytes that were announced")));
                };
                *left = rest;
                self.chunk = bytes.into();
            }
            (SizedBase64::Bytes(_), Length::Awaited) => {
                return Err(invalid("bytes came before their length".into()));
            }
            (SizedBase64::Length(_), Length::Untold | Length::Told { .. }) => {
                return Err(invalid("a length came among the bytes".into()));
            }
        }
        Ok(())
    }

    fn end(&mut self) -> io::Result<()> {
        let why = match self.length {
            Length::Untold | Length::Told { left: 0, .. } => {
                self.source = Source::Ended;
                return Ok(());
            }
            Length::Told { all, left } => {
                format!("the stream has ended after {} of {all} bytes", all - left)
            }
            Length::Awaited => "the stream has ended before the length of the bytes".into(),
        };
        Err(io::Error::new(ErrorKind::UnexpectedEof, why))
    }
}

fn invalid(why: String) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

impl AsyncBufRead for ByteReader {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        // An empty chunk is not the end.
        while this.chunk.is_empty() && !matches!(this.source, Source::Ended) {
            ready!(this.poll_item(cx))?;
        }
        Poll::Ready(Ok(&this.chunk))
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        self.get_mut().chunk.advance(bytes);
    }
}

impl AsyncRead for ByteReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let bytes = chunk.len().min(buf.remaining());
        buf.put_slice(&chunk[..bytes]);
        self.consume(bytes);
        Poll::Ready(Ok(()))
    }
}

impl fmt::Debug for ByteReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteReader")
    }
}
