//! How long a probe of the link and its answer take.

use std::time::Duration;

/// How often it is looked at, at most, while somebody wants to know.
const EACH: Duration = Duration::from_secs(1);

/// The round trip of one link.
#[derive(Debug, Default)]
pub(crate) struct RoundTrip {
    /// When the probe left that has no answer yet.
    asked: Option<Duration>,
    /// How many answers have come.
    answers: u64,
    /// The last estimate, and when it was made.
    known: Option<(Duration, Duration)>,
}

impl RoundTrip {
    /// Returns whether a probe is to be sent for somebody who wants to know.
    pub(crate) fn is_due(&self, now: Duration) -> bool {
        self.asked.is_none() && self.known.is_none_or(|(_, at)| now >= at + EACH)
    }

    /// Returns whether a probe has no answer yet.
    pub(crate) fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// Notes that a probe leaves.
    pub(crate) fn asked(&mut self, now: Duration) {
        self.asked.get_or_insert(now);
    }

    /// Notes how many answers have come so far. Returns the estimate if that has changed. Answers wait behind messages,
    /// so that a shorter time counts at once, and a longer one only for an eighth.
    pub(crate) fn heard(&mut self, answers: u64, now: Duration) -> Option<Duration> {
        if answers == self.answers {
            return None;
        }
        self.answers = answers;
        let took = now.saturating_sub(self.asked.take()?);
        let estimate = match self.known {
            Some((before, _)) if took > before => before + (took - before) / 8,
            _ => took,
        };
        self.known = Some((estimate, now));
        Some(estimate)
    }
}

#[test]
fn a_shorter_time_counts_at_once_and_a_longer_one_for_an_eighth() {
    let ms = Duration::from_millis;
    let mut round_trip = RoundTrip::default();
    assert!(round_trip.is_due(ms(0)));
    round_trip.asked(ms(0));
    assert!(!round_trip.is_due(ms(5000)), "one at a time");
    assert_eq!(round_trip.heard(0, ms(50)), None);
    assert_eq!(round_trip.heard(1, ms(100)), Some(ms(100)));
    assert_eq!(round_trip.heard(2, ms(200)), None, "nobody has asked");
    assert!(!round_trip.is_due(ms(1099)) && round_trip.is_due(ms(1100)));
    round_trip.asked(ms(1100));
    assert_eq!(round_trip.heard(3, ms(1280)), Some(ms(110)));
    round_trip.asked(ms(3000));
    assert_eq!(round_trip.heard(4, ms(3050)), Some(ms(50)));
}
