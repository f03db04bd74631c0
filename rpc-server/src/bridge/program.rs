//! A program that runs, and what is known of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use rpc_core::internal::LogThrottle;
use rpc_core::transport::{Endpoint, EndpointConfig, Process};
use rpc_core::{CloseCode, Peer, Router};
use tokio::process::Command;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::Settings;
use super::heard::Heard;

/// A program that runs. The program is ended by a close of its peer.
#[derive(Clone)]
pub(super) struct Program {
    pub(super) peer: Peer,
    /// Whether a message of the program has come.
    heard: Arc<AtomicBool>,
    start: Duration,
    /// One of the programs that may run.
    _place: Arc<OwnedSemaphorePermit>,
}

/// Why a client gets no program.
pub(super) struct Refused {
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

impl Program {
    /// Starts a program, which is offered the methods of `router`.
    pub(super) fn start(
        settings: &Settings,
        command: impl FnOnce() -> Command,
        router: Router,
    ) -> Result<Self, Refused> {
        let place = settings.programs.clone().try_acquire_owned().map_err(|_| Refused {
            code: CloseCode::TRY_LATER,
            reason: "as many programs run as there may be".into(),
        })?;
        let process = Process::spawn(command(), settings.framing, &settings.limits);
        let process = process.map_err(|error| {
            static THROTTLE: LogThrottle = LogThrottle::new();
            if let Some(left_out) = THROTTLE.allow() {
                tracing::error!(left_out, %error, "the program of a bridge cannot be started");
            }
            // Without the name of the program, which is no business of the client's.
            let why = io::Error::from(error.kind());
            Refused {
                code: CloseCode::INTERNAL,
                reason: format!("the program cannot be started: {why}"),
            }
        })?;
        let heard = Arc::<AtomicBool>::default();
        let config = EndpointConfig::new(router, settings.limits.clone()).with(|config| {
            config.dialect = settings.dialect;
            config.hello = settings.hello;
            config.keepalive = false;
            config.answers_malformed = false;
        });
        let endpoint = Endpoint::new(config);
        let peer = endpoint.peer();
        tokio::spawn(endpoint.connect(Heard::new(process, heard.clone())));
        Ok(Self { peer, heard, start: settings.start, _place: Arc::new(place) })
    }

    /// Returns whether the connection to the program has not ended.
    pub(super) fn is_alive(&self) -> bool {
        self.peer.closed().now_or_never().is_none()
    }

    /// Ready when the program has not answered its first request in time.
    pub(super) async fn never_started(&self) {
        let mut asked = None;
        loop {
            if self.heard.load(Ordering::Relaxed) {
                return std::future::pending().await;
            }
            let now = Instant::now();
            if self.peer.stats().pending > 0 {
                let since = *asked.get_or_insert(now);
                if now >= since + self.start {
                    return;
                }
            }
            sleep_until(now + self.start / 8).await;
        }
    }
}
