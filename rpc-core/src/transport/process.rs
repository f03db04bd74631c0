//! A child process as a link: started, watched, and ended in good order.

mod ending;
mod exit;
mod group;
mod stderr;

use std::io;
use std::pin::{Pin, pin};
use std::process::{ExitStatus, Stdio};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::io::{AsyncWrite, Join};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use self::ending::Ending;
use self::exit::{Exit, Wait, text};
use self::group::Group;
use self::stderr::Stderr;
use super::byte_stream::{ByteStream, Framing};
use crate::error::close::CloseCode;
use crate::limits::Limits;
use crate::transport::{LinkError, Received, Transport};

/// A child process whose standard input and output are a link.
///
/// What the process writes to its standard error goes to the log, line by line (`tracing`, level `INFO`, at most 100
/// lines in a second).
///
/// When the process ends, the connection ends with a reason such as `the process exited with code 3` or `the process was
/// ended by signal 9`. A process that exits with code 0 has closed the link in good order; after any other end the link is
/// lost. A process that closes its standard output and goes on is killed after a second.
///
/// **The end.** On Unix the process leads a process group of its own, and the whole group is ended: with `npx` or `sh -c`
/// the program is a child of the process. Elsewhere the process alone is ended.
///
/// | when this end closes | what follows |
/// |---|---|
/// | at once | the standard input of the process is closed |
/// | after half of [`close`](Limits::close) (2.5 s) | the group gets `SIGTERM` |
/// | after [`close`](Limits::close) (5 s), and whenever the transport is dropped | the group gets `SIGKILL` |
///
/// The close is over when no process of the group is left. A process that ends by itself, or whose link is lost, takes
/// its group with it at once. A daemon that is to outlive the process leaves the group, as `setsid` does.
///
/// **In a terminal** Ctrl-C reaches the group in the foreground, which is not that of the process. So the program that
/// has started the process must end it: wait for the signal (`tokio::signal::ctrl_c`), and close the peer. If the program
/// is ended by the signal instead, the process sees only the end of its input. For the same reason a process cannot ask
/// at the terminal, such as `ssh` for a password.
///
/// ```
/// # #[cfg(unix)]
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use rpc_core::transport::{Endpoint, EndpointConfig, Framing, Process};
/// use rpc_core::{CloseCode, Limits, Router};
/// use tokio::process::Command;
///
/// // A program that answers each line.
/// let mut command = Command::new("sed");
/// command.args(["-u", "s/.*\"id\":\\([0-9]*\\).*/{\"jsonrpc\":\"2.0\",\"id\":\\1,\"result\":\"hello\"}/"]);
///
/// let limits = Limits::client();
/// let config = EndpointConfig::new(Router::new(), limits.clone());
/// let endpoint = Endpoint::new(config.with(|config| config.answers_malformed = false));
/// let peer = endpoint.peer();
/// tokio::spawn(endpoint.connect(Process::spawn(command, Framing::Lines, &limits)?));
/// assert_eq!(peer.call::<String>("hello", ()).await?, "hello");
/// peer.close(CloseCode::NORMAL, "");
/// peer.closed().await; // the process has ended
/// # Ok(()) }
/// # #[cfg(not(unix))] fn main() {}
/// ```
#[derive(Debug)]
pub struct Process {
    stream: ByteStream<Join<ChildStdout, Stdin>>,
    child: Child,
    group: Group,
    /// How long a close may take.
    close: Duration,
    /// This end has closed.
    ending: Option<Ending>,
    /// What reads the standard error ends with this.
    _stderr: Option<Stderr>,
    /// The end of the link, for which the process is waited for.
    exit: Option<Exit>,
}

impl Process {
    /// Starts the process. Its standard input and output are the link, and its standard error is read; what `command` says
    /// of these is replaced.
    ///
    /// # Errors
    /// The process cannot be started. The text names the program. A `command` that calls `setsid` before the program
    /// starts is refused by the system, since the process leads a group already.
    ///
    /// # Panics
    /// If called outside of a tokio runtime.
    pub fn spawn(mut command: Command, framing: Framing, limits: &Limits) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Group::prepare(&mut command);
        let program = command.as_std().get_program().to_string_lossy().into_owned();
        let mut child = command.kill_on_drop(true).spawn().map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot start `{}`: {error}", program.escape_debug()),
            )
        })?;
        let group = Group::of(&child);
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let stdin = Stdin(Some(child.stdin.take().ok_or_else(missing)?));
        let stdout = child.stdout.take().ok_or_else(missing)?;
        let stderr = child.stderr.take();
        let stderr = stderr.map(|stderr| Stderr::read(stderr, program, child.id()));
        let stream = ByteStream::of_child(stdout, stdin, framing, limits);
        let close = limits.close;
        Ok(Self { stream, child, group, close, ending: None, _stderr: stderr, exit: None })
    }

    /// Returns the id that the system has given the process. `None` after the process has ended.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    fn poll_exit(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<ExitStatus>> {
        let exited = ready!(pin!(self.child.wait()).poll_unpin(cx));
        // Not later: once the child was waited for, an empty group's number may become another one's.
        self.group.kill();
        Poll::Ready(exited)
    }

    /// Waits for the end of a process whose output has ended. Returns how the link has ended.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        let exited = self.poll_exit(cx);
        let Some(exit) = &mut self.exit else { return Poll::Pending };
        let reason = match exited {
            Poll::Ready(Ok(status)) if status.success() && exit.is_clean() => {
                return Poll::Ready(Received::Closed { code: None, reason: text(status) });
            }
            Poll::Ready(Ok(status)) if exit.is_clean() || !status.success() => text(status),
            Poll::Ready(Ok(status)) => format!("{}, and {}", text(status), exit.error()),
            Poll::Ready(Err(error)) => format!("the process cannot be waited for: {error}"),
            Poll::Pending => {
                ready!(exit.poll_late(cx));
                format!("the process goes on, but {}", exit.error())
            }
        };
        Poll::Ready(Received::Failed(io::Error::other(reason).into()))
    }

    /// A process that has ended takes nothing more. How it has ended is found by reading, and says more than the failure.
    fn poll_failed(
        &mut self,
        cx: &mut Context<'_>,
        error: LinkError,
    ) -> Poll<Result<(), LinkError>> {
        let LinkError::Io(error) = error else { return Poll::Ready(Err(error)) };
        let exit = self.exit.get_or_insert_with(|| Exit::new(Wait::ForOutput, Some(error)));
        ready!(exit.poll_late(cx));
        let error = io::Error::other(format!("the process goes on, but {}", exit.error()));
        Poll::Ready(Err(error.into()))
    }
}

impl Transport for Process {
    fn poll_receive(&mut self, cx: &mut Context<'_>, allowance: usize) -> Poll<Received> {
        if !self.exit.as_ref().is_some_and(Exit::has_read_all) {
            match ready!(self.stream.poll_receive(cx, allowance)) {
                Received::Ended => self.exit = Some(Exit::new(Wait::ForExit, None)),
                Received::Failed(LinkError::Io(error)) => {
                    self.exit = Some(Exit::new(Wait::ForExit, Some(error)));
                }
                received => return Poll::Ready(received),
            }
        }
        self.poll_end(cx)
    }

    #[inline]
    fn message(&self) -> &[u8] {
        self.stream.message()
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        match ready!(self.stream.poll_ready(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => self.poll_failed(cx, error),
        }
    }

    fn send(&mut self, message: Bytes) -> Result<(), LinkError> {
        self.stream.send(message)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        match ready!(self.stream.poll_flush(cx)) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(error) => self.poll_failed(cx, error),
        }
    }

    fn accepted(&self) -> u64 {
        self.stream.accepted()
    }

    fn backlog(&self) -> usize {
        self.stream.backlog()
    }

    fn received_bytes(&self) -> u64 {
        self.stream.received_bytes()
    }

    fn assembling(&self) -> Option<u64> {
        self.stream.assembling()
    }

    fn shrink(&mut self) {
        self.stream.shrink();
    }

    fn set_limits(&mut self, limits: &Limits) {
        self.close = limits.close;
        self.stream.set_limits(limits);
    }

    /// Ready when the process and its group have ended.
    fn poll_close(&mut self, cx: &mut Context<'_>, code: CloseCode, reason: &str) -> Poll<()> {
        let ending = self.ending.get_or_insert_with(|| Ending::new(self.close));
        ending.poll_terminate(cx, &mut self.group);
        ready!(self.stream.poll_close(cx, code, reason));
        let _ = ready!(pin!(self.child.wait()).poll_unpin(cx));
        ending.poll_empty(cx, &mut self.group)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.group.kill();
    }
}

/// The standard input of a process, which is closed by its shutdown.
#[derive(Debug)]
struct Stdin(Option<ChildStdin>);

impl Stdin {
    fn open(&mut self) -> io::Result<Pin<&mut ChildStdin>> {
        self.0.as_mut().map(Pin::new).ok_or(io::ErrorKind::BrokenPipe.into())
    }
}

impl AsyncWrite for Stdin {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.open()?.poll_write_vectored(cx, pieces)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.open()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0 = None;
        Poll::Ready(Ok(()))
    }
}
