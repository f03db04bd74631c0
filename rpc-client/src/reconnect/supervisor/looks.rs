//! When a client that has something second-best looks for something better. Plain values, as in `backoff`.

use std::time::Duration;

/// The longest time between two looks.
const MOST: Duration = Duration::from_secs(60 * 60);

/// The times at which the client looks: each time in vain doubles the wait, up to an hour.
#[derive(Debug)]
pub(super) struct Looks {
    first: Duration,
    wait: Duration,
    next: Option<Duration>,
}

impl Looks {
    /// The first look comes this long behind the time from which the client has the second-best.
    pub(super) fn new(first: Duration) -> Self {
        Self { first, wait: first, next: None }
    }

    /// Returns when the client looks next; `None` if it has the best.
    pub(super) fn next(&self) -> Option<Duration> {
        self.next
    }

    /// Notes that the client has the second-best, maybe again. That puts off no look that is to come.
    pub(super) fn has_less(&mut self, now: Duration) {
        self.next.take_if(|next| *next <= now);
        self.next.get_or_insert(now.saturating_add(self.wait));
    }

    /// Notes that the client has looked in vain.
    pub(super) fn looked_in_vain(&mut self, now: Duration) {
        // Who wants a longer wait than an hour at first, has that.
        self.wait = self.first.max(MOST.min(self.wait.saturating_mul(2)));
        self.next = Some(now.saturating_add(self.wait));
    }

    /// Forgets what is known: the client has the best, or the network may be another one.
    pub(super) fn forget(&mut self) {
        (self.next, self.wait) = (None, self.first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_look_in_vain_doubles_the_wait_up_to_an_hour() {
        let secs = Duration::from_secs;
        let mut looks = Looks::new(secs(600));
        assert_eq!(looks.next(), None);
        looks.has_less(secs(1));
        looks.has_less(secs(300));
        assert_eq!(looks.next(), Some(secs(601)), "another link of the same kind puts nothing off");
        looks.looked_in_vain(secs(601));
        assert_eq!(looks.next(), Some(secs(601 + 1200)));
        (0..9).for_each(|_| looks.looked_in_vain(secs(2000)));
        assert_eq!(looks.next(), Some(secs(2000 + 3600)));
        looks.forget();
        assert_eq!(looks.next(), None);
        looks.has_less(secs(5000));
        assert_eq!(looks.next(), Some(secs(5600)), "the wait begins anew");
    }

    #[test]
    fn a_long_wait_stays_as_long_and_never_ends_at_worst() {
        for first in [Duration::from_secs(86_400), Duration::MAX] {
            let mut looks = Looks::new(first);
            looks.looked_in_vain(Duration::ZERO);
            assert_eq!(looks.next(), Some(first));
        }
    }
}
