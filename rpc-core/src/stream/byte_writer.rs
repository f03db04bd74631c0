//! The sender of a stream of bytes as an `AsyncWrite`.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Sink;
use tokio::io::AsyncWrite;

use super::sender::StreamSender;
use super::typing::{EndsWith, Untyped};
use crate::base64::Base64;
use crate::error::code::ErrorCode;
use crate::error::object::ErrorObject;
use crate::error::rpc_error::RpcError;

/// The most bytes of an item. Their text and the message around it fit into one WebSocket frame of 64 KiB.
pub(super) const CHUNK: usize = 48_000;

/// The error of a stream whose writer was dropped.
const UNFINISHED: &str = "the sender has stopped before its end";

/// Writes bytes into a [`Streaming`](crate::Streaming) of [`Base64`], by tokio's [`AsyncWrite`].
/// [`StreamSender::into_writer`] makes it.
///
/// Bytes that are written become items of 48,000 bytes. `flush` sends what there is
/// before. While the channel is full, the writer waits.
///
/// `shutdown` sends the rest and ends the stream. A writer that is dropped without
/// it ends the stream with an error (-32603): the receiver never takes a part of the bytes for all of them.
///
/// An [`io::Error`] tells that nobody takes the bytes any more; its kinds stand at the conversion from
/// [`StreamEnd`](crate::types::StreamEnd). Cancel safe: a write that was dropped before it was ready has written nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::{Base64, Router, Streaming, memory, service};
/// use tokio::io::{AsyncReadExt, AsyncWriteExt};
///
/// #[service]
/// trait Files {
///     async fn upload(&self, file: Streaming<Base64>) -> usize;
/// }
/// struct Disk;
/// impl Files for Disk {
///     async fn upload(&self, file: Streaming<Base64>) -> usize {
///         let mut bytes = Vec::new();
///         file.into_reader().read_to_end(&mut bytes).await.unwrap_or(0)
///     }
/// }
///
/// let (peer, _) = memory::pair(Router::new(), FilesServer::new(Disk));
/// let (sender, file) = Streaming::channel(2);
/// let stored = FilesClient::new(peer).upload(file).start();
/// let mut writer = sender.into_writer();
/// tokio::io::copy(&mut &b"hello"[..], &mut writer).await?;
/// writer.shutdown().await?;
/// assert_eq!(stored.await?, 5);
/// # Ok(()) }
/// ```
pub struct ByteWriter<E = Untyped> {
    /// `None` after the end.
    sender: Option<StreamSender<Base64, E>>,
    /// Bytes that were written and not sent.
    chunk: Vec<u8>,
}

impl<E> StreamSender<Base64, E> {
    /// Returns a writer of the bytes. Other clones of this sender keep the stream open until they are dropped.
    pub fn into_writer(self) -> ByteWriter<E> {
        ByteWriter { sender: Some(self), chunk: Vec::new() }
    }
}

impl<E> ByteWriter<E> {
    /// Ends the stream with an error, behind the items that were sent. Bytes that were not flushed are dropped.
    pub fn fail<F: RpcError>(mut self, error: F)
    where
        E: EndsWith<F>,
    {
        if let Some(sender) = self.sender.take() {
            sender.fail(error);
        }
    }

    /// Sends the bytes that were not sent. Ready when they are in the channel.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Some(sender) = &mut self.sender else { return Poll::Ready(Err(shut_down())) };
        if self.chunk.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut sender = Pin::new(sender);
        ready!(sender.as_mut().poll_ready(cx))?;
        let chunk = std::mem::take(&mut self.chunk);
        sender.start_send(chunk.into())?;
        Poll::Ready(Ok(()))
    }
}

fn shut_down() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the writer has ended its stream")
}

impl<E> AsyncWrite for ByteWriter<E> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.chunk.len() == CHUNK {
            ready!(this.poll_send(cx))?;
        }
        if this.sender.as_ref().is_none_or(StreamSender::is_closed) {
            let closed = this.sender.as_ref().map(|sender| sender.ending.get().into());
            return Poll::Ready(Err(closed.unwrap_or_else(shut_down)));
        }
        let count = bytes.len().min(CHUNK - this.chunk.len());
        if this.chunk.capacity() == 0 {
            // Whoever writes more than a small text is likely to go on.
            this.chunk.reserve_exact(if count > 1024 { CHUNK } else { count });
        }
        this.chunk.extend_from_slice(&bytes[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().poll_send(cx)
    }

    /// Sends the rest, and ends the stream. Ready when the rest is in the channel.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.sender.is_some() {
            ready!(this.poll_send(cx))?;
            this.sender = None;
        }
        Poll::Ready(Ok(()))
    }
}

impl<E> Drop for ByteWriter<E> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.fail_with(ErrorObject::new(ErrorCode::INTERNAL, UNFINISHED));
        }
    }
}

impl<E> Unpin for ByteWriter<E> {}

impl<E> fmt::Debug for ByteWriter<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ByteWriter")
    }
}
