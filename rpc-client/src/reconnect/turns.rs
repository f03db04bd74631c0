//! The servers of a client, in the order of preference, and whose turn it is. Plain values, as in `backoff`.

use crate::reconnect::setback::Setback;

/// Whose turn it is to be connected to.
///
/// A round begins when the client needs a link. First comes the server of the session, which only that one may resume;
/// then the servers have their turns in order. The client waits only when all have failed.
#[derive(Debug)]
pub(crate) struct Turns {
    count: usize,
    /// The server to which the client was connected last.
    home: Option<usize>,
    current: usize,
    /// Those that have not had their turn in this round, the next one last.
    left: Vec<usize>,
    /// What the round has come to so far.
    outcome: Option<Setback>,
}

impl Turns {
    /// Begins with the first of `count` servers.
    pub(crate) fn new(count: usize) -> Self {
        let mut turns = Self { count, home: None, current: 0, left: Vec::new(), outcome: None };
        turns.begin();
        turns
    }

    /// Returns the server whose turn it is.
    pub(crate) fn current(&self) -> usize {
        self.current
    }

    /// Returns whether the round has just begun.
    pub(crate) fn is_first(&self) -> bool {
        self.left.len() + 1 == self.count
    }

    /// Notes that the client has a link to the server whose turn it is.
    pub(crate) fn connected(&mut self) {
        self.home = Some(self.current);
        self.begin();
    }

    /// Notes that there is no session that only one of the servers has.
    pub(crate) fn without_session(&mut self) {
        self.home = None;
        self.begin();
    }

    /// Begins a round.
    pub(crate) fn begin(&mut self) {
        self.outcome = None;
        self.current = self.home.unwrap_or(0);
        self.left = (0..self.count).rev().filter(|server| *server != self.current).collect();
    }

    /// Notes that the server whose turn it was has failed. Returns `None` if it is the turn of another one, and else what
    /// the round has come to: the first setback that allows another attempt, or the first one.
    pub(crate) fn failed(&mut self, setback: Setback) -> Option<Setback> {
        match &self.outcome {
            Some(first) if first.may_retry() || !setback.may_retry() => {}
            _ => self.outcome = Some(setback),
        }
        match self.left.pop() {
            Some(next) => {
                self.current = next;
                None
            }
            None => {
                let outcome = self.outcome.take();
                self.begin();
                outcome
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::StatusCode;

    use super::*;
    use crate::error::ConnectError;

    fn failure(seconds: u64) -> Setback {
        Setback::Failed(Arc::new(ConnectError::Timeout(Duration::from_secs(seconds))))
    }

    fn forbidden() -> Setback {
        Setback::Failed(Arc::new(ConnectError::Rejected {
            status: StatusCode::FORBIDDEN,
            body: String::new(),
            location: None,
            retry_after: None,
        }))
    }

    /// Returns the servers of a round in which all fail, and what the round has come to.
    fn round(turns: &mut Turns, setbacks: &[Setback]) -> (Vec<usize>, String) {
        let mut asked = Vec::new();
        for setback in setbacks {
            asked.push(turns.current());
            if let Some(outcome) = turns.failed(setback.clone()) {
                return (asked, outcome.to_string());
            }
        }
        panic!("the round goes on behind {asked:?}")
    }

    #[test]
    fn all_have_their_turn_in_order_and_the_server_of_the_session_first() {
        let all = [failure(1), failure(2), failure(3)];
        let first = failure(1).to_string();
        let mut turns = Turns::new(3);
        assert_eq!(round(&mut turns, &all), (vec![0, 1, 2], first.clone()));
        assert_eq!(turns.current(), 0);
        assert!(turns.failed(failure(1)).is_none());
        turns.connected();
        assert_eq!(round(&mut turns, &all), (vec![1, 0, 2], first.clone()));
        assert_eq!(round(&mut turns, &all), (vec![1, 0, 2], first.clone()));
        turns.without_session();
        assert_eq!(round(&mut turns, &all), (vec![0, 1, 2], first));
    }

    #[test]
    fn one_server_has_each_turn() {
        let mut turns = Turns::new(1);
        for seconds in 1..4 {
            let outcome = turns.failed(failure(seconds)).unwrap();
            assert_eq!((turns.current(), outcome.to_string()), (0, failure(seconds).to_string()));
        }
    }

    #[test]
    fn a_client_ends_only_if_no_server_wants_it() {
        let mut turns = Turns::new(3);
        let outcome = |turns: &mut Turns, all: [Setback; 3]| round(turns, &all).1;
        let no = forbidden().to_string();
        assert_eq!(
            outcome(&mut turns, [forbidden(), failure(2), failure(3)]),
            failure(2).to_string()
        );
        assert_eq!(
            outcome(&mut turns, [failure(1), forbidden(), forbidden()]),
            failure(1).to_string()
        );
        assert_eq!(outcome(&mut turns, [forbidden(), forbidden(), forbidden()]), no);
    }
}
