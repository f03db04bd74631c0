//! All of it in one process: a server, three agents, an operator, each on its own connection.

use std::time::Duration;

use crate::{Result, agent, operator, server};

/// Shows who calls whom, and ends.
pub(crate) async fn run() -> Result<()> {
    let server = server::bind("127.0.0.1:0").await?.spawn();
    let url = server.url();
    println!("server   listens on {url}");

    let mut agents = Vec::new();
    // Eve takes longer than the server waits.
    for (name, delay) in [("ada", 0), ("bob", 0), ("eve", 5)] {
        agents.push(agent::connect(&url, name, Duration::from_secs(delay)).await?);
    }
    operator::survey(&url).await?;
    operator::find(&url, "ada", "no-such-process").await?;
    operator::watch(&url, Duration::from_millis(300)).await?;
    operator::label(&url, "blue").await?;

    server.shutdown(Duration::from_secs(1)).await;
    for agent in agents {
        agent.closed().await;
    }
    println!("server   is shut down");
    Ok(())
}
