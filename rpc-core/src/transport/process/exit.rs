//! How a process has ended, and how long its end is waited for.

use std::io;
use std::pin::Pin;
use std::process::ExitStatus;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::util::runtime::{Instant, Sleep, sleep_until};

/// How long the end of a process is waited for when its link is over.
const WAIT: Duration = Duration::from_secs(1);

/// What is still to come of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wait {
    /// The rest of its output. It takes no more input.
    ForOutput,
    /// Its exit.
    ForExit,
}

/// A link whose process is waited for.
#[derive(Debug)]
pub(super) struct Exit {
    wait: Wait,
    /// The failure of the link. `None` if the output has ended between two messages.
    error: Option<io::Error>,
    until: Pin<Box<Sleep>>,
}

impl Exit {
    pub(super) fn new(wait: Wait, error: Option<io::Error>) -> Self {
        Self { wait, error, until: Box::pin(sleep_until(Instant::now() + WAIT)) }
    }

    /// Returns whether nothing more is to be read.
    pub(super) fn has_read_all(&self) -> bool {
        self.wait == Wait::ForExit
    }

    /// Returns whether the output has ended between two messages.
    pub(super) fn is_clean(&self) -> bool {
        self.error.is_none()
    }

    /// Returns what is wrong with the link.
    pub(super) fn error(&self) -> String {
        match &self.error {
            Some(error) => error.to_string(),
            None => "it has closed its standard output".to_owned(),
        }
    }

    /// Ready when the process was waited for long enough.
    pub(super) fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.until.as_mut().poll(cx)
    }
}

/// Returns how a process has ended.
pub(super) fn text(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("the process was ended by signal {signal}");
    }
    match status.code() {
        Some(code) => format!("the process exited with code {code}"),
        None => format!("the process has ended: {status}"),
    }
}
