//! Standard files that the runtime can wait for.
//!
//! To wait, a file must be set not to block. All who share the open file then get that: the standard error, if it is the
//! same pipe, or the shell behind a terminal. So a pipe is opened anew by its name in `/proc`. A socket has no such name;
//! nobody but this process has this end of a socket pair, which Node makes for each child.

use std::os::fd::AsFd;
use std::os::unix::net;

use tokio::net::UnixStream;
use tokio::net::unix::pipe::{OpenOptions, Receiver, Sender};

/// Returns the standard input if it is a pipe.
pub(super) fn pipe_in() -> Option<Receiver> {
    OpenOptions::new().open_receiver("/proc/self/fd/0").ok()
}

/// Returns the standard output if it is a pipe.
pub(super) fn pipe_out() -> Option<Sender> {
    OpenOptions::new().open_sender("/proc/self/fd/1").ok()
}

/// Returns a standard file if it is a Unix socket.
pub(super) fn socket(file: impl AsFd) -> Option<UnixStream> {
    let socket = net::UnixStream::from(file.as_fd().try_clone_to_owned().ok()?);
    socket.local_addr().ok()?;
    socket.set_nonblocking(true).ok()?;
    UnixStream::from_std(socket).ok()
}
