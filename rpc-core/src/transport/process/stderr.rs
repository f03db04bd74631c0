//! The standard error of a process, which goes to the log.

use std::time::Duration;

use futures_util::future::select;
use memchr::memchr;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::ChildStderr;
use tokio::sync::oneshot;

use crate::util::escaped::Escaped;
use crate::util::runtime::{Instant, spawn, timeout};

/// The longest line. A longer one is logged in pieces.
const LINE: usize = 4096;

/// The lines that are logged in each second.
const LINES: u32 = 100;

/// How long the rest is read after the end of the link.
const REST: Duration = Duration::from_secs(1);

/// A task that reads the standard error of a process. When this is dropped, the task reads what is left and ends.
#[derive(Debug)]
pub(super) struct Stderr {
    _ends: oneshot::Sender<()>,
}

impl Stderr {
    pub(super) fn read(stderr: ChildStderr, program: String, pid: Option<u32>) -> Self {
        let (ends, ended) = oneshot::channel();
        spawn(async move {
            let lines = Box::pin(lines(stderr, Pace::new(), |line| {
                let line = Escaped(String::from_utf8_lossy(line)).to_string();
                tracing::info!(program, pid, "{line}");
            }));
            if let futures_util::future::Either::Right((_, lines)) = select(lines, ended).await {
                // A child of the process may keep the file open for long.
                let _ = timeout(REST, lines).await;
            }
        });
        Self { _ends: ends }
    }
}

/// Tells each line, as often as the pace allows.
async fn lines(mut input: impl AsyncRead + Unpin, mut pace: Pace, tell: impl Fn(&[u8])) {
    let mut bytes = Vec::with_capacity(LINE);
    while let Ok(1..) = (&mut input).take((LINE - bytes.len()) as u64).read_buf(&mut bytes).await {
        let mut start = 0;
        while let Some(end) = memchr(b'\n', &bytes[start..]) {
            pace.tell(&bytes[start..start + end], &tell);
            start += end + 1;
        }
        bytes.drain(..start);
        if bytes.len() == LINE {
            pace.tell(&bytes, &tell);
            bytes.clear();
        }
    }
    if !bytes.is_empty() {
        pace.tell(&bytes, &tell);
    }
}

/// How many lines were told in this second.
struct Pace {
    since: Instant,
    told: u32,
    left_out: u64,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), told: 0, left_out: 0 }
    }

    fn tell(&mut self, line: &[u8], tell: impl Fn(&[u8])) {
        let now = Instant::now();
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            if self.left_out > 0 {
                tell(format!("({} lines were left out)", self.left_out).as_bytes());
            }
            *self = Self { since: now, told: 0, left_out: 0 };
        }
        if self.told == LINES {
            self.left_out += 1;
            return;
        }
        self.told += 1;
        tell(line.strip_suffix(b"\r").unwrap_or(line));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    async fn told(text: &[u8]) -> Vec<String> {
        let told = RefCell::new(Vec::new());
        let tell = |line: &[u8]| told.borrow_mut().push(String::from_utf8_lossy(line).into_owned());
        lines(text, Pace::new(), tell).await;
        told.into_inner()
    }

    #[tokio::test(start_paused = true)]
    async fn each_line_is_told_and_a_long_one_in_pieces() {
        assert_eq!(told(b"one\r\n\ntwo\nthree").await, ["one", "", "two", "three"]);
        let long = told(&[b'x'; 2 * LINE + 1]).await;
        assert_eq!(long.iter().map(String::len).collect::<Vec<_>>(), [LINE, LINE, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_cut_and_counted() {
        assert_eq!(told("x\n".repeat(100_000).as_bytes()).await.len(), LINES as usize);
        let (mut pace, told) = (Pace::new(), RefCell::new(Vec::new()));
        let tell = |line: &[u8]| told.borrow_mut().push(String::from_utf8_lossy(line).into_owned());
        (0..LINES + 7).for_each(|_| pace.tell(b"x", tell));
        tokio::time::advance(Duration::from_secs(1)).await;
        pace.tell(b"y", tell);
        assert_eq!(told.borrow()[LINES as usize..], ["(7 lines were left out)", "y"]);
    }
}
