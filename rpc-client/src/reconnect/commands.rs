//! What the program asks of the task of a client that reconnects.

use std::task::{Context, Poll, Waker};

use tokio::sync::{mpsc, oneshot};

/// What the program asks of the task.
pub(crate) enum Command {
    ReconnectNow,
    /// Told when the fresh session is there.
    NewSession(oneshot::Sender<()>),
}

/// The commands that wait for the task.
pub(crate) struct Commands {
    queue: mpsc::UnboundedReceiver<Command>,
    /// The waker that the queue has.
    waker: Option<Waker>,
}

impl Commands {
    pub(crate) fn new(queue: mpsc::UnboundedReceiver<Command>) -> Self {
        Self { queue, waker: None }
    }

    /// Returns the next command.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Command> {
        // The task is woken for each message of its connection. The queue keeps the waker until a command comes, so an
        // empty queue need not be given the waker again.
        let is_waited_for = self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker()));
        if is_waited_for && self.queue.is_empty() {
            return Poll::Pending;
        }
        self.waker = None;
        // The queue is closed when the `Client` is dropped, which ends the connection as well.
        if let Poll::Ready(Some(command)) = self.queue.poll_recv(cx) {
            return Poll::Ready(command);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// However often the task was polled for something else in between, and whatever task that was.
    #[test]
    fn each_command_wakes_the_task_that_polled_last() {
        let (commands, queue) = mpsc::unbounded_channel();
        let mut queue = Commands::new(queue);
        for polls in 1..4 {
            let wakes = [(); 2].map(|()| Arc::<Wakes>::default());
            for wakes in &wakes {
                let waker = wakes.clone().into();
                let cx = &mut Context::from_waker(&waker);
                assert!((0..polls).all(|_| queue.poll_next(cx).is_pending()));
            }
            commands.send(Command::ReconnectNow).unwrap_or_else(|_| panic!("it is open"));
            assert_eq!(wakes.each_ref().map(|wakes| wakes.0.load(Ordering::Relaxed)), [0, 1]);
            let waker = wakes[1].clone().into();
            let cx = &mut Context::from_waker(&waker);
            assert!(queue.poll_next(cx).is_ready() && queue.poll_next(cx).is_pending());
        }
    }
}
