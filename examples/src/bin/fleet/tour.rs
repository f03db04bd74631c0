//! All of it in one process: a server, three agents, an operator, each on its own connection.

use std::time::Duration;

use rpc_client::{Client, States};

use crate::line::Line;
use crate::{Result, agent, operator, server};

/// Shows who calls whom, and ends.
pub(crate) async fn run() -> Result<()> {
    let server = server::bind("127.0.0.1:0").await?.spawn();
    let (url, address) = (server.url(), server.local_addr().ok_or("it listens on TCP")?);
    println!("server   listens on {url}");

    let line = Line::to(address).await?;
    let ada = agent::connect(&url, "ada", Duration::ZERO).await?;
    let bob = agent::connect(&line.url(), "bob", Duration::ZERO).await?;
    // Eve takes longer than the server waits.
    let eve = agent::connect(&url, "eve", Duration::from_secs(10)).await?;
    operator::survey(&url).await?;
    eve.close().await;
    operator::find(&url, "ada", "no-such-process").await?;
    operator::watch(&url, Duration::from_millis(300)).await?;
    operator::label(&url, "blue").await?;

    let of_bob = watch(&bob).await;
    survey_over_a_cut(&url, &line).await?;
    is_back(of_bob).await;

    let (of_ada, of_bob) = (watch(&ada).await, watch(&bob).await);
    println!("server   restarts");
    server.shutdown(Duration::from_secs(1)).await;
    let server = server::bind(&address.to_string()).await?.spawn();
    is_back(of_ada).await;
    is_back(of_bob).await;
    operator::survey(&url).await?;

    ada.close().await;
    bob.close().await;
    server.shutdown(Duration::from_secs(1)).await;
    println!("server   is shut down");
    Ok(())
}

/// Cuts the line of an agent while the server waits for the agent's report. A report takes longer than this waits.
async fn survey_over_a_cut(url: &str, line: &Line) -> Result<()> {
    let cut = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        println!("network  cuts the line of bob");
        line.cut();
    };
    tokio::join!(operator::survey(url), cut).0
}

/// Looks at an agent that is up now. To be called before its link is lost.
async fn watch(agent: &Client) -> States {
    let mut states = agent.states();
    states.next().await;
    states
}

/// Waits until the agent is up again.
async fn is_back(mut states: States) {
    while states.next().await.is_some_and(|state| !state.is_up()) {}
}
