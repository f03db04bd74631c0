//! What the page shows: a live value, and what happens as two topics.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rpc_core::{Context, Link, Live, Peer, Topic};
use tokio::sync::watch;

use super::contract::{Event, PageClient, Question, Row, RowLink, Sample, State};
use crate::contract::{FleetError, HostClient, Vitals};

/// The group that all pages are in.
const PAGES: &str = "pages";

/// How long people may think about a question.
pub(super) const THINKING: Duration = Duration::from_secs(60);

/// How often the use of all processors is noted for the charts, and how many times make half a minute.
const SAMPLE: Duration = Duration::from_millis(250);
const SAMPLES: usize = 120;

/// How long the row of an agent that has left stays.
const REMEMBERED: Duration = Duration::from_secs(15);

/// A handle to what the page shows.
#[derive(Clone)]
pub(crate) struct Board {
    pub(super) state: Live<State>,
    pub(super) samples: Topic<Sample>,
    pub(super) events: Topic<Event>,
    /// Told of each page that comes.
    arrivals: watch::Sender<()>,
    /// How often an agent tells how it is.
    every: Duration,
}

impl Board {
    pub(super) fn new(every: Duration) -> Self {
        Self {
            state: Live::default(),
            samples: Topic::builder().history(SAMPLES).build(),
            events: Topic::builder().history(30).build(),
            arrivals: watch::Sender::new(()),
            every,
        }
    }

    /// Shows an agent for as long as its session lasts: the server subscribes to what the agent offers.
    pub(crate) fn follow(&self, name: String, agent: Peer) {
        let board = self.clone();
        tokio::spawn(async move {
            let session = agent.id().to_owned();
            board.show(&name, &session, Vitals::default());
            board.tell(&name, "has joined");
            let every = board.every.as_millis().try_into().unwrap_or(u64::MAX);
            if let Ok(mut vitals) = HostClient::new(agent).vitals(every).await {
                while let Some(Ok(vitals)) = vitals.next().await {
                    board.show(&name, &session, vitals);
                }
            }
            if board.set_link(&name, RowLink::Gone, |row| row.session == session) {
                board.tell(&name, "has left");
            }
            tokio::time::sleep(REMEMBERED).await;
            board.state.update(|state| {
                if state.agents.get(&name).is_some_and(|row| row.session == session) {
                    state.agents.remove(&name);
                }
            });
        });
    }

    fn show(&self, name: &str, session: &str, vitals: Vitals) {
        let row = Row { session: session.to_owned(), link: RowLink::Up, vitals };
        self.state.update(|state| state.agents.insert(name.to_owned(), row));
    }

    /// Notes that an agent has lost its link, or has another one.
    pub(crate) fn hear(&self, name: &str, link: Link) {
        let (link, text) = match link {
            Link::Up => (RowLink::Up, "is back, in the same session"),
            _ => (RowLink::Away, "has lost its link"),
        };
        if self.set_link(name, link, |row| row.link != RowLink::Gone) {
            self.tell(name, text);
        }
    }

    fn set_link(&self, name: &str, link: RowLink, of: impl FnOnce(&Row) -> bool) -> bool {
        self.state.update(|state| match state.agents.get_mut(name) {
            Some(row) if of(row) => {
                row.link = link;
                true
            }
            _ => false,
        })
    }

    /// Adds to what has happened.
    pub(super) fn tell(&self, agent: &str, text: &str) {
        let event = Event { at: now(), agent: agent.to_owned(), text: text.to_owned() };
        self.events.publish(event).expect("an event is short");
    }

    /// Notes again and again how busy the agents are.
    pub(super) fn sample(&self) -> impl Future<Output = ()> + use<> {
        let board = self.clone();
        async move {
            let mut times = tokio::time::interval(SAMPLE);
            loop {
                times.tick().await;
                let cpu = board.state.read(|state| {
                    // An agent that has just come has not told yet.
                    let is_told = |row: &Row| !row.vitals.version.is_empty();
                    let up = state.agents.iter();
                    let up = up.filter(|(_, row)| row.link == RowLink::Up && is_told(row));
                    up.map(|(name, row)| (name.clone(), row.vitals.cpu)).collect()
                });
                board.samples.publish(Sample { at: now(), cpu }).expect("a sample is short");
            }
        }
    }

    /// A page has come, which is asked from now on.
    pub(super) fn attend(&self, page: &Peer) {
        // A page that is about to go has no use for a group.
        if page.join_group(PAGES).is_ok() {
            self.arrivals.send_replace(());
        }
    }

    /// Asks all pages whether an agent may upgrade itself, also the pages that come later. The first answer counts, and
    /// takes the question from the other pages.
    pub(crate) async fn ask_for_upgrade(
        &self,
        cx: &Context,
        agent: &str,
        version: &str,
    ) -> Result<bool, FleetError> {
        let question = Question {
            agent: agent.to_owned(),
            text: format!("May {agent} upgrade to {version}?"),
            detail: "The agent asks, through the server. The upgrade takes 5 s.".to_owned(),
            yes: "Upgrade now".to_owned(),
            no: "Not now".to_owned(),
        };
        let answer = tokio::time::timeout(THINKING, self.first_answer(cx, &question)).await;
        let Ok(may) = answer else {
            self.tell(agent, "has had no answer");
            return Err(FleetError::NobodyLooks);
        };
        self.tell(agent, if may { "may upgrade" } else { "may not upgrade now" });
        Ok(may)
    }

    async fn first_answer(&self, cx: &Context, question: &Question) -> bool {
        let mut arrivals = self.arrivals.subscribe();
        let mut asked = HashSet::new();
        let mut answers = FuturesUnordered::new();
        loop {
            for page in cx.group(PAGES).members() {
                if asked.insert(page.id().to_owned()) {
                    answers.push(PageClient::new(page).ask(question).timeout(THINKING));
                }
            }
            tokio::select! {
                // A page that goes does not answer. Those that have not answered in the end are told by the drop.
                Some(answer) = answers.next() => if let Ok(answer) = answer { return answer },
                _ = arrivals.changed() => {}
            }
        }
    }
}

fn now() -> u64 {
    let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    elapsed.as_millis().try_into().unwrap_or(u64::MAX)
}
