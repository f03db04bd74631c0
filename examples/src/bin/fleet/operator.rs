//! An operator: a client that offers nothing and asks.

use std::time::Duration;

use futures_util::StreamExt;
use rpc_client::Client;
use rpc_core::CallError;

use crate::contract::{FleetClient, FleetError};
use crate::{Result, table};

async fn connect(url: &str) -> Result<(Client, FleetClient)> {
    let client = Client::builder().connect(url).await?;
    let fleet = FleetClient::new(client.peer());
    Ok((client, fleet))
}

/// Prints how all machines are doing.
pub(crate) async fn survey(url: &str) -> Result<()> {
    let (client, fleet) = connect(url).await?;
    println!("operator asks the server for a survey");
    let survey = fleet.survey().await?;
    print!("{}", table::survey(&survey));
    client.close().await;
    Ok(())
}

/// Prints the processes with a name on one machine, or why there are none.
pub(crate) async fn find(url: &str, agent: &str, process: &str) -> Result<()> {
    let (client, fleet) = connect(url).await?;
    println!("operator asks for the processes `{process}` of {agent}");
    match fleet.find(agent, process).await {
        Ok(found) => found
            .iter()
            .for_each(|process| println!("operator gets {:>7} {}", process.pid, process.name)),
        // The agent's error, as the type that it was there.
        Err(CallError::Method(error @ FleetError::NoProcess { running, .. })) => {
            println!("operator gets the agent's error: {error} (it saw {running})");
        }
        Err(error) => println!("operator gets an error: {error}"),
    }
    client.close().await;
    Ok(())
}

/// Prints how busy all agents are, three times.
pub(crate) async fn watch(url: &str, every: Duration) -> Result<()> {
    let (client, fleet) = connect(url).await?;
    println!("operator watches the fleet");
    let updates = fleet.watch(every.as_millis().try_into()?).await?;
    // What is dropped at the end of this ends at the server as well.
    let mut updates = updates.take(3);
    while let Some(update) = updates.next().await {
        let mut loads: Vec<_> =
            update?.iter().map(|agent| format!("{} {:.2}", agent.agent, agent.load)).collect();
        loads.sort_unstable();
        println!("operator sees the load of {}", loads.join(", "));
    }
    client.close().await;
    Ok(())
}

/// Gives the fleet a label.
pub(crate) async fn label(url: &str, label: &str) -> Result<()> {
    let (client, fleet) = connect(url).await?;
    println!("operator gives the fleet the label `{label}`");
    let told = fleet.label(label).await?;
    println!("operator hears that {told} agents were told");
    client.close().await;
    Ok(())
}
