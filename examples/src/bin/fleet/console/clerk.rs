//! What the server does for a page.

use std::time::Duration;

use rpc_core::types::GoAway;
use rpc_core::{CallError, Change, CloseCode, Context, Progress, Streaming};

use super::board::{Board, THINKING};
use super::contract::{Console, Event, PageClient, Question, Sample, State};
use crate::contract::{FleetError, HostClient, Report};
use crate::server::{PATIENCE, find};

/// How long an agent works at the push of a button, in seconds.
const WORK: u32 = 6;

/// Who serves the pages.
pub(crate) struct Clerk {
    board: Board,
}

impl Clerk {
    pub(crate) fn new(board: Board) -> Self {
        Self { board }
    }
}

impl Console for Clerk {
    async fn attend(&self, cx: &Context) {
        self.board.attend(&cx.peer());
    }

    async fn state(&self) -> Streaming<Change<State>> {
        self.board.state.subscribe()
    }

    async fn samples(&self) -> Streaming<Sample> {
        self.board.samples.subscribe()
    }

    async fn events(&self) -> Streaming<Event> {
        self.board.events.subscribe()
    }

    async fn report(&self, cx: &Context, agent: &str) -> Result<Report, FleetError> {
        let host = HostClient::new(find(cx, agent)?);
        self.board.tell(agent, "is asked for a report");
        host.report(4).timeout(PATIENCE).await.map_err(silent(agent))
    }

    async fn work(
        &self,
        cx: &Context,
        agent: &str,
        progress: Progress<u32>,
    ) -> Result<(), FleetError> {
        let host = HostClient::new(find(cx, agent)?);
        self.board.tell(agent, "works");
        // If the page cancels its call, this future is dropped, and the agent is told to stop.
        let work = host.work(WORK).on_progress(move |percent: u32| progress.report(&percent));
        work.await.map_err(silent(agent))?;
        self.board.tell(agent, "has done its work");
        Ok(())
    }

    async fn restart(&self, cx: &Context, agent: &str) -> Result<bool, FleetError> {
        let peer = find(cx, agent)?;
        let question = Question {
            agent: agent.to_owned(),
            text: format!("Restart {agent}?"),
            detail:
                "The server asks, inside the call of your button. The agent comes back by itself."
                    .to_owned(),
            yes: "Restart".to_owned(),
            no: "Leave it".to_owned(),
        };
        let sure = PageClient::new(cx.peer()).ask(&question).timeout(THINKING).await;
        if !sure.unwrap_or(false) {
            return Ok(false);
        }
        self.board.tell(agent, "is restarted");
        let (least, most) = (Duration::from_secs(2), Duration::from_secs(3));
        let news = GoAway::new("restart").reconnect_after(least, most);
        peer.drain(CloseCode::GOING_AWAY, &news, Duration::from_secs(1));
        Ok(true)
    }
}

/// The error of an agent that is connected and has not answered.
fn silent(agent: &str) -> impl Fn(CallError) -> FleetError {
    move |_| FleetError::Silent(agent.to_owned())
}
