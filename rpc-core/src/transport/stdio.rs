//! The standard input and output of this process as a link.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::byte_stream::{ByteStream, Framing};
use crate::limits::Limits;
use crate::transport::Transport;

#[cfg(target_os = "linux")]
mod files;

/// Makes a link of the standard input and output of this process: for a program that another program starts, such as a
/// language server or a server of the Model Context Protocol.
///
/// Nothing else may print to the standard output: what `println!` writes would stand between the messages. Let logs go to
/// the standard error. Call this once, since two links would take each other's messages.
///
/// When the input ends, the connection answers what was asked, and closes. The other end sees the end of the output when
/// this process exits.
///
/// On Linux the process reads pipes and sockets as other sockets. Elsewhere, and for files and terminals, a thread of the
/// runtime reads the input. Such a thread cannot be stopped: a program that ends before its input ends should call
/// [`std::process::exit`], or `Runtime::shutdown_background` of tokio.
///
/// ```no_run
/// use rpc_core::transport::{Endpoint, EndpointConfig, Framing, stdio};
/// use rpc_core::{Context, Limits, Router};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let limits = Limits::server();
/// let echo = Router::new().method("echo", |_: Context, (text,): (String,)| async move { Ok(text) });
/// let endpoint = Endpoint::new(EndpointConfig::new(echo, limits.clone()));
/// let reason = endpoint.connect(stdio(Framing::Lines, &limits)).await;
/// eprintln!("{reason}");
/// # }
/// ```
///
/// # Panics
/// If called outside of a tokio runtime.
pub fn stdio(framing: Framing, limits: &Limits) -> impl Transport + use<> {
    ByteStream::of_halves(Input::open(), Output::open(), framing, limits)
}

/// The standard input.
enum Input {
    #[cfg(target_os = "linux")]
    Pipe(tokio::net::unix::pipe::Receiver),
    #[cfg(target_os = "linux")]
    Socket(tokio::net::UnixStream),
    Thread(tokio::io::Stdin),
}

/// The standard output.
enum Output {
    #[cfg(target_os = "linux")]
    Pipe(tokio::net::unix::pipe::Sender),
    #[cfg(target_os = "linux")]
    Socket(tokio::net::UnixStream),
    Thread(tokio::io::Stdout),
}

impl Input {
    fn open() -> Self {
        #[cfg(target_os = "linux")]
        if let Some(input) = files::pipe_in()
            .map(Self::Pipe)
            .or_else(|| files::socket(io::stdin()).map(Self::Socket))
        {
            return input;
        }
        Self::Thread(tokio::io::stdin())
    }
}

impl Output {
    fn open() -> Self {
        #[cfg(target_os = "linux")]
        if let Some(output) = files::pipe_out()
            .map(Self::Pipe)
            .or_else(|| files::socket(io::stdout()).map(Self::Socket))
        {
            return output;
        }
        Self::Thread(tokio::io::stdout())
    }
}

/// Calls the same method of whatever the half consists of.
macro_rules! each {
    ($half:expr, $inner:ident => $call:expr) => {
        match $half {
            #[cfg(target_os = "linux")]
            Self::Pipe($inner) => $call,
            #[cfg(target_os = "linux")]
            Self::Socket($inner) => $call,
            Self::Thread($inner) => $call,
        }
    };
}

impl AsyncRead for Input {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), input => Pin::new(input).poll_read(cx, buffer))
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), output => Pin::new(output).poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), output => Pin::new(output).poll_write_vectored(cx, pieces))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), output => Pin::new(output).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), output => Pin::new(output).poll_shutdown(cx))
    }
}
