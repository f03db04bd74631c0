//! Measures a call over the pipes of a child process, beside the same call over a WebSocket: the time that the processor
//! spends in the server and in the client, for each call.
//!
//! `pipes` measures our own server in each way, in turn, round after round. `pipes --node MODULES` also measures servers
//! by npm's `vscode-jsonrpc` and `@modelcontextprotocol/sdk`, which are in that folder of modules. The client is always
//! ours.

#![expect(clippy::print_stdout, reason = "a program that talks to people")]

mod server;
mod spent;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bench::{AdderClient, Checked};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use rpc_client::Client;
use server::{Running, Way};
use spent::Spent;

/// Calls in flight, and calls of a round.
const LOADS: [Load; 2] = [Load { at_once: 1, calls: 20_000 }, Load { at_once: 256, calls: 20_000 }];

/// Rounds, of which the median counts.
const ROUNDS: usize = 5;

#[derive(Clone, Copy)]
struct Load {
    at_once: usize,
    calls: usize,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", way] => server::serve(way).await,
        [] => measure(&[Way::WebSocket, Way::Lines, Way::Heads]).await,
        ["--node", modules] => {
            let modules = PathBuf::from(modules);
            let node = [Way::VscodeJsonrpc(modules.clone()), Way::McpSdk(modules)];
            measure(&[&[Way::WebSocket, Way::Lines, Way::Heads][..], &node].concat()).await
        }
        _ => Err("usage: pipes [--node MODULES]".into()),
    }
}

async fn measure(ways: &[Way]) -> Checked {
    for load in LOADS {
        println!("{} in flight: µs of the processor for each call", load.at_once);
        let mut measured: BTreeMap<usize, Vec<Spent>> = BTreeMap::new();
        for _ in 0..ROUNDS {
            for (number, way) in ways.iter().enumerate() {
                let Running { client, pid, _child } = way.start().await?;
                // Node compiles what has run often: that is no part of what a call costs.
                calls(&client, way, Load { calls: load.calls / 2, ..load }).await?;
                let before = Spent::now(pid)?;
                calls(&client, way, load).await?;
                let spent = Spent::now(pid)?.since(before).for_each_of(load.calls);
                measured.entry(number).or_default().push(spent);
                client.close().await;
            }
        }
        let base = measured.get(&0).map(|all| Spent::median(all)).unwrap_or_default();
        for (number, all) in measured {
            let Spent { server, client } = Spent::median(&all);
            let (of_server, of_client) = (server / base.server, client / base.client);
            let name = ways[number].name();
            println!(
                "  {name:<28} server {server:6.2} ({of_server:5.2} ×)   client {client:6.2} ({of_client:5.2} ×)"
            );
        }
    }
    Ok(())
}

/// A load: a number of calls, of which some are outstanding at a time.
async fn calls(client: &Client, way: &Way, load: Load) -> Checked {
    let (peer, adder) = (client.peer(), AdderClient::new(client.peer()));
    let call = async |number: i64| -> Checked {
        if way.is_by_name() {
            peer.call::<Sum>("add", Terms { a: number, b: 1 }).await?;
        } else {
            adder.add(number, 1).await?;
        }
        Ok(())
    };
    let mut under_way = FuturesUnordered::new();
    for number in 0..load.calls as i64 {
        if under_way.len() == load.at_once {
            under_way.next().await.ok_or("no call is under way")??;
        }
        under_way.push(call(number));
    }
    while let Some(sum) = under_way.next().await {
        sum?;
    }
    Ok(())
}

/// Params by name, as the Model Context Protocol has them.
#[derive(serde::Serialize)]
struct Terms {
    a: i64,
    b: i64,
}

#[derive(serde::Deserialize)]
struct Sum {
    #[serde(rename = "sum")]
    _sum: i64,
}
