//! A live feed: who is slow gets the latest price of each symbol, and is told how many it missed.

#![allow(clippy::print_stdout, reason = "it shows what it does")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use rpc_client::Client;
use rpc_core::{Lag, StreamError, Streaming, service};
use rpc_server::Server;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

#[service(namespace = "market")]
trait Market {
    /// Prices, as they change. Of those for which the caller has no room the latest of each symbol
    /// waits; the others are missing.
    fn prices(&self, changes: u32) -> Streaming<Price>;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Price {
    symbol: String,
    cents: u32,
}

struct Exchange;

const SYMBOLS: [&str; 3] = ["ACME", "INIT", "ZORK"];

impl Market for Exchange {
    fn prices(&self, changes: u32) -> Streaming<Price> {
        let prices = (1..=changes)
            .flat_map(|cents| SYMBOLS.map(|symbol| Price { symbol: symbol.to_owned(), cents }));
        // A pause now and then, as in a market.
        let prices = stream::iter(prices).then(|price| async move {
            if price.cents.is_multiple_of(500) {
                sleep(Duration::from_millis(1)).await;
            }
            price
        });
        let by_symbol = Lag::latest_by(|price: &Price| price.symbol.clone());
        Streaming::new(prices).lag(by_symbol, 100)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(MarketServer::new(Exchange));
    let server = server.bind("127.0.0.1:0").await?.spawn();
    let client = Client::builder().connect(server.url()).await?;

    let changes = 5000;
    let mut prices = MarketClient::new(client.peer()).prices(changes).await?;
    let (mut seen, mut missed) = (0, 0);
    let mut latest = BTreeMap::new();
    while let Some(price) = prices.next().await {
        match price {
            Ok(Price { symbol, cents }) => {
                seen += 1;
                latest.insert(symbol, cents);
                if seen == 10 {
                    println!("after 10 prices: busy with something else");
                    sleep(Duration::from_millis(200)).await;
                }
            }
            Err(StreamError::Gap { missed: more }) => missed += more,
            Err(error) => return Err(error.into()),
        }
    }
    println!("missed some: {}", missed > 0);
    println!("all are accounted for: {}", seen + missed == u64::from(changes) * 3);
    for (symbol, cents) in latest {
        println!("{symbol} stands at {cents}");
    }

    client.close().await;
    server.shutdown(Duration::from_secs(1)).await;
    Ok(())
}
