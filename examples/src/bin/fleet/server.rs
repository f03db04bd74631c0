//! The server: agents and operators connect to it, and it calls the agents.

use std::time::Duration;

use futures_util::future::join_all;
use rpc_core::{CallError, Context, Peer};
use rpc_server::{BoundServer, Connecting, Rejection, Server, StatusCode};

use crate::Result;
use crate::contract::{Fleet, FleetError, FleetServer, HostClient, Process, Survey};

/// How long an agent may take for its report.
const PATIENCE: Duration = Duration::from_secs(1);

/// Who is at the other end of a connection.
enum Member {
    Agent(String),
    Operator,
}

/// Reads from the path of the handshake's request who wants to connect.
async fn admit(connecting: Connecting) -> Result<Member, Rejection> {
    match connecting.uri().path().strip_prefix("/agent/") {
        Some("") => Err(Rejection::new(StatusCode::BAD_REQUEST, "an agent needs a name")),
        Some(name) => {
            println!("server   lets in agent {name}");
            Ok(Member::Agent(name.to_owned()))
        }
        None => {
            println!("server   lets in an operator");
            Ok(Member::Operator)
        }
    }
}

/// What the server offers.
struct Control;

impl Fleet for Control {
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
        let found = agents(cx).into_iter().find(|(name, _)| name == agent);
        let (_, peer) = found.ok_or_else(|| FleetError::NoAgent(agent.to_owned()))?;
        HostClient::new(peer).find(process).timeout(PATIENCE).await.map_err(|error| match error {
            CallError::Method(error) => error,
            _ => FleetError::Silent(agent.to_owned()),
        })
    }

    async fn label(&self, cx: &Context, label: &str) -> usize {
        let told = agents(cx)
            .into_iter()
            .map(|(_, agent)| async move { HostClient::new(agent).label(label).await.is_ok() });
        join_all(told).await.into_iter().filter(|told| *told).count()
    }
}

/// All agents that are connected, by name.
fn agents(cx: &Context) -> Vec<(String, Peer)> {
    let named = |peer: Peer| match peer.session::<Member>() {
        Some(Member::Agent(name)) => Some((name.clone(), peer.clone())),
        Some(Member::Operator) | None => None,
    };
    cx.peers().into_iter().filter_map(named).collect()
}

/// Binds a server.
pub(crate) async fn bind(listen: &str) -> Result<BoundServer> {
    Ok(Server::builder().service(FleetServer::new(Control)).on_connect(admit).bind(listen).await?)
}

/// Serves until ctrl-c, then lets what runs come to its end.
pub(crate) async fn run(listen: &str) -> Result<()> {
    let server = bind(listen).await?.spawn();
    println!("listening on {}", server.url());
    tokio::signal::ctrl_c().await?;
    server.shutdown(Duration::from_secs(5)).await;
    Ok(())
}
