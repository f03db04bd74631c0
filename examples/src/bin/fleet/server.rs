//! The server: agents and operators connect to it, and it calls the agents.

use std::time::Duration;

use futures_util::future::{join_all, ready};
use futures_util::{StreamExt, stream};
use rpc_core::{CallError, Context, Link, Peer, Streaming};
use rpc_server::{BoundServer, Connecting, Rejection, Server, ServerBuilder, Sessions, StatusCode};

use crate::Result;
use crate::console::{Board, Clerk, ConsoleServer};
use crate::contract::{Fleet, FleetError, FleetServer, HostClient, Load, Process, Survey};

/// The group that all agents are in.
const AGENTS: &str = "agents";

/// How long an agent may take for its report.
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Who is at the other end of a connection.
#[derive(PartialEq)]
enum Member {
    Agent(String),
    Operator,
}

/// Reads from the path of the handshake's request who wants to connect. Runs for each link, also for one that resumes a
/// session.
async fn admit(connecting: Connecting) -> Result<Member, Rejection> {
    match connecting.uri().path().strip_prefix("/agent/") {
        Some("") => Err(Rejection::new(StatusCode::BAD_REQUEST, "an agent needs a name")),
        Some(name) => Ok(Member::Agent(name.to_owned())),
        None => Ok(Member::Operator),
    }
}

/// Greets who begins a session.
async fn greet(peer: Peer) {
    match name(&peer) {
        Some(name) => println!("server   lets in agent {name}"),
        None => println!("server   lets in an operator"),
    }
}

/// Hears that a session has lost its link, or has another one. Whatever runs on the session goes on.
fn hear(peer: &Peer, link: Link) {
    let Some(name) = name(peer) else { return };
    match link {
        Link::Up => println!("server   has {name} back, in the same session"),
        _ => println!("server   has lost the link to {name}, and keeps the session"),
    }
}

/// What the server offers.
struct Control {
    /// What the page of the fleet shows, if there is a page.
    board: Option<Board>,
}

impl Fleet for Control {
    async fn enlist(&self, cx: &Context) -> Result<(), FleetError> {
        let Some(name) = name(&cx.peer()) else {
            return Err(FleetError::NotEnlisted("an operator is no agent".to_owned()));
        };
        // From here on whatever is sent to the group is sent to this agent, too.
        let joined = cx.peer().join_group(AGENTS);
        joined.map_err(|error| FleetError::NotEnlisted(error.to_string()))?;
        if let Some(board) = &self.board {
            board.follow(name, cx.peer());
        }
        Ok(())
    }

    async fn survey(&self, cx: &Context) -> Survey {
        let agents = agents(cx);
        println!("server   is asked for a survey and asks {} agents", agents.len());
        let asked = agents.into_iter().map(|(name, agent)| async move {
            let report = HostClient::new(agent).report(3).timeout(PATIENCE).await;
            (name, report)
        });
        let mut survey = Survey { reports: Vec::new(), silent: Vec::new() };
        for (name, report) in join_all(asked).await {
            match report {
                Ok(report) => survey.reports.push((name, report)),
                Err(error) => {
                    println!("server   has nothing from {name}: {error}");
                    survey.silent.push(name);
                }
            }
        }
        survey
    }

    async fn find(
        &self,
        cx: &Context,
        agent: &str,
        process: &str,
    ) -> Result<Vec<Process>, FleetError> {
        HostClient::new(find(cx, agent)?).find(process).timeout(PATIENCE).await.map_err(|error| {
            match error {
                CallError::Method(error) => error,
                _ => FleetError::Silent(agent.to_owned()),
            }
        })
    }

    async fn watch(&self, cx: &Context, every_ms: u64) -> Streaming<Vec<Load>> {
        println!("server   is watched, and asks its agents again and again");
        let every = Duration::from_millis(every_ms.max(100));
        Streaming::new(stream::unfold(cx.group(AGENTS), move |agents| async move {
            tokio::time::sleep(every).await;
            // Answers come as a stream, each with the agent that it is from.
            let answers = HostClient::new(agents.clone()).load().timeout(PATIENCE);
            let loads = answers.filter_map(|(agent, load)| {
                ready(name(&agent).zip(load.ok()).map(|(agent, load)| Load { agent, load }))
            });
            Some((loads.collect().await, agents))
        }))
    }

    async fn label(&self, cx: &Context, label: &str) -> usize {
        // Written once, and put into the queue of each agent.
        HostClient::new(cx.group(AGENTS)).label(label).await.unwrap_or_default()
    }

    async fn may_upgrade(&self, cx: &Context, version: &str) -> Result<bool, FleetError> {
        let (Some(board), Some(agent)) = (&self.board, name(&cx.peer())) else {
            return Err(FleetError::NobodyLooks);
        };
        board.ask_for_upgrade(cx, &agent, version).await
    }
}

/// All agents that are connected, by name.
fn agents(cx: &Context) -> Vec<(String, Peer)> {
    let members = cx.group(AGENTS).members();
    members.into_iter().filter_map(|agent| Some((name(&agent)?, agent))).collect()
}

/// The agent with this name.
pub(crate) fn find(cx: &Context, agent: &str) -> Result<Peer, FleetError> {
    let found = agents(cx).into_iter().find(|(name, _)| name == agent);
    found.map(|(_, peer)| peer).ok_or_else(|| FleetError::NoAgent(agent.to_owned()))
}

/// The name of an agent.
fn name(peer: &Peer) -> Option<String> {
    match peer.caller::<Member>()? {
        Member::Agent(name) => Some(name.clone()),
        Member::Operator => None,
    }
}

/// A server, with a page if there is a board for it.
pub(crate) fn builder(board: Option<Board>) -> ServerBuilder {
    let server = Server::builder()
        .service(FleetServer::new(Control { board: board.clone() }))
        .on_connect(admit)
        .sessions(Sessions::new().same(|old: &Member, new: &Member| old == new))
        .on_open(greet)
        .reconnect_after(Duration::ZERO, Duration::from_millis(500));
    let Some(board) = board else {
        return server.on_link(|peer, link| hear(&peer, link));
    };
    server.service(ConsoleServer::new(Clerk::new(board.clone()))).on_link(move |peer, link| {
        hear(&peer, link);
        if let Some(name) = name(&peer) {
            board.hear(&name, link);
        }
    })
}

/// Binds a server.
pub(crate) async fn bind(listen: &str) -> Result<BoundServer> {
    Ok(builder(None).bind(listen).await?)
}

/// Serves until ctrl-c, then lets what runs come to its end.
pub(crate) async fn run(listen: &str) -> Result<()> {
    let server = bind(listen).await?.spawn();
    println!("listening on {}", server.url());
    tokio::signal::ctrl_c().await?;
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
