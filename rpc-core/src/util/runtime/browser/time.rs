//! The clock and the timers of the browser.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::future::{Either, select};
use futures_util::task::AtomicWaker;
use gloo_timers::callback::Timeout;
use send_wrapper::SendWrapper;
pub use web_time::Instant;

use crate::util::sync::{Arc, AtomicBool, Ordering};

/// The longest time that a timer of the browser is asked for. A timer of more than 24.8 days would ring at once.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Waits until a time, however far that is.
pub struct Sleep {
    at: Instant,
    timer: Option<Timer>,
}

/// A timer of the browser.
struct Timer {
    bell: Arc<Bell>,
    /// Dropping it takes the timer away.
    _timeout: SendWrapper<Timeout>,
}

#[derive(Default)]
struct Bell {
    has_rung: AtomicBool,
    waker: AtomicWaker,
}

impl Timer {
    fn new(time: Duration) -> Self {
        let bell = Arc::<Bell>::default();
        let rung = bell.clone();
        // Rounded up: a timer that rings too early is set again.
        let ms = time.min(LONGEST).as_millis() as u32 + 1;
        let timeout = Timeout::new(ms, move || {
            rung.has_rung.store(true, Ordering::Relaxed);
            rung.waker.wake();
        });
        Self { bell, _timeout: SendWrapper::new(timeout) }
    }
}

/// Waits until `at`.
pub fn sleep_until(at: Instant) -> Sleep {
    Sleep { at, timer: None }
}

impl Sleep {
    /// Returns the time that is waited for.
    pub fn deadline(&self) -> Instant {
        self.at
    }

    /// Waits until another time instead. Takes effect with the next poll.
    pub fn reset(mut self: Pin<&mut Self>, at: Instant) {
        self.at = at;
        self.timer = None;
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let left = self.at.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.timer = None;
            return Poll::Ready(());
        }
        let is_set = |timer: &Timer| !timer.bell.has_rung.load(Ordering::Relaxed);
        if !self.timer.as_ref().is_some_and(is_set) {
            self.timer = Some(Timer::new(left));
        }
        if let Some(timer) = &self.timer {
            timer.bell.waker.register(cx.waker());
        }
        Poll::Pending
    }
}

/// A future that did not end in time.
#[derive(Debug)]
pub struct Elapsed(());

/// Returns the output of `future` if it comes before `deadline`.
pub(crate) async fn timeout_at<F: Future>(
    deadline: Instant,
    future: F,
) -> Result<F::Output, Elapsed> {
    match select(pin!(future), sleep_until(deadline)).await {
        Either::Left((output, _)) => Ok(output),
        Either::Right(_) => Err(Elapsed(())),
    }
}

/// Returns the output of `future` if it comes within `time`.
pub async fn timeout<F: Future>(time: Duration, future: F) -> Result<F::Output, Elapsed> {
    timeout_at(Instant::now() + time.min(FAR), future).await
}

/// As good as never: 30 years, which the clock can tell.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
