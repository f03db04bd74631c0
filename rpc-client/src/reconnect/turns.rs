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
    /// The client has a link, and looks for a server before that one.
    is_ahead: bool,
    /// What the round has come to so far.
    outcome: Option<Setback>,
}

impl Turns {
    /// Begins with the first of `count` servers.
    pub(crate) fn new(count: usize) -> Self {
        let mut turns = Self {
            count,
            home: None,
            current: 0,
            left: Vec::new(),
            is_ahead: false,
            outcome: None,
        };
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

    /// Returns whether the client has the server that it prefers to all others.
    pub(crate) fn has_preferred(&self) -> bool {
        self.home == Some(0)
    }

    /// Gives their turns to the servers before the one that the client is connected to. Returns whether there is one.
    pub(crate) fn look_ahead(&mut self) -> bool {
        self.left = (0..self.home.unwrap_or(0)).rev().collect();
        self.is_ahead = !self.left.is_empty();
        self.look_further()
    }

    /// Returns whether the client looks for a server before the one that it is connected to.
    pub(crate) fn is_ahead(&self) -> bool {
        self.is_ahead
    }

    /// Notes that there is nobody at the server whose turn it was. Returns whether there is another one before the one
    /// that the client is connected to.
    pub(crate) fn look_further(&mut self) -> bool {
        match self.left.pop().filter(|_| self.is_ahead) {
            Some(next) => {
                self.current = next;
                true
            }
            None => {
                self.begin();
                false
            }
        }
    }

    /// Begins a round, since the client has lost its link. If the client looks ahead, that attempt goes on and is
    /// the first of the round.
    pub(crate) fn lost(&mut self) {
        let looked_for = self.is_ahead.then_some(self.current);
        self.begin();
        if let Some(server) = looked_for {
            self.begin_with(server);
        }
    }

    /// Begins a round.
    fn begin(&mut self) {
        (self.outcome, self.is_ahead) = (None, false);
        self.begin_with(self.home.unwrap_or(0));
    }

    /// The server of the session comes next behind `first`.
    fn begin_with(&mut self, first: usize) {
        let home = self.home.filter(|home| *home != first);
        let others =
            (0..self.count).rev().filter(|server| *server != first && Some(*server) != home);
        self.left = others.chain(home).collect();
        self.current = first;
    }

    /// Notes that the server whose turn it was has failed. Returns `None` if it is the turn of another one, and else what
    /// the round has come to: the first setback that allows another attempt, or the first one.
    pub(crate) fn failed(&mut self, setback: Setback) -> Option<Setback> {
        if self.is_ahead {
            // The link was given up for this one.
            self.lost();
        }
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
    fn a_client_looks_at_the_servers_before_its_own_in_order_and_stays() {
        let mut turns = Turns::new(3);
        let ahead = |turns: &mut Turns| {
            let mut asked = Vec::new();
            let mut goes_on = turns.look_ahead();
            while goes_on {
                asked.push(turns.current());
                goes_on = turns.look_further();
            }
            asked
        };
        turns.connected();
        assert!(turns.has_preferred());
        assert_eq!((ahead(&mut turns), turns.current()), (vec![], 0));
        (0..2).for_each(|_| assert!(turns.failed(failure(1)).is_none()));
        turns.connected();
        assert!(!turns.has_preferred());
        assert_eq!((ahead(&mut turns), turns.current(), turns.is_ahead()), (vec![0, 1], 2, false));
        assert!(turns.look_ahead());
        turns.connected();
        assert!(turns.has_preferred() && !turns.is_ahead());
    }

    #[test]
    fn a_link_that_is_lost_while_the_client_looks_ahead_has_its_server_asked_next() {
        let all = [failure(1), failure(2), failure(3), failure(4)];
        let own = |turns: &mut Turns| {
            turns.begin();
            (0..2).for_each(|_| assert!(turns.failed(failure(1)).is_none()));
            turns.connected();
        };
        let mut turns = Turns::new(4);
        own(&mut turns);
        assert!(turns.look_ahead() && turns.look_further());
        turns.lost();
        assert_eq!(round(&mut turns, &all).0, [1, 2, 0, 3]);
        // The same if the link was given up for the one that is looked at, and that one fails.
        assert!(turns.look_ahead());
        assert_eq!(round(&mut turns, &all).0, [0, 2, 1, 3]);
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
