//! Calls through an end between caller and target, all in this process: for those who count what that end takes. It hands
//! calls on (`forward`), or decodes them and calls (`handler`); `direct` leaves the end out. Prints the number of calls.

#![expect(clippy::print_stdout, reason = "a program that talks to another")]

use bench::Checked;
use futures_util::future::join_all;
use rpc_client::Client;
use rpc_core::{ErrorObject, Peer, Router, service};
use rpc_server::Server;
use serde::{Deserialize, Serialize};

/// Calls that are outstanding together.
const OUTSTANDING: usize = 256;

/// Lines of an order, which has about 1 KiB then.
const LINES: u32 = 8;

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    number: u64,
    customer: String,
    address: Address,
    lines: Vec<Line>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Address {
    street: String,
    city: String,
    country: String,
    coordinates: (f64, f64),
}

#[derive(Clone, Serialize, Deserialize)]
struct Line {
    article: String,
    description: String,
    count: u32,
    price: f64,
    tags: Vec<String>,
}

fn order() -> Order {
    let line = |number| Line {
        article: format!("A-{number:05}"),
        description: "a small part of steel, with a thread".into(),
        count: number + 1,
        price: f64::from(number) * 1.25 + 0.99,
        tags: vec!["steel".into(), "small".into()],
    };
    Order {
        number: 1_234_567,
        customer: "Ada Lovelace".into(),
        address: Address {
            street: "12 Saint James's Square".into(),
            city: "London".into(),
            country: "England".into(),
            coordinates: (51.507_222, -0.135_833),
        },
        lines: (0..LINES).map(line).collect(),
    }
}

#[service]
trait Calls {
    async fn add(&self, a: i64, b: i64) -> Result<i64, ErrorObject>;
    async fn check(&self, order: Order) -> Result<Order, ErrorObject>;
}

struct Target;

impl Calls for Target {
    async fn add(&self, a: i64, b: i64) -> Result<i64, ErrorObject> {
        Ok(a + b)
    }

    async fn check(&self, order: Order) -> Result<Order, ErrorObject> {
        Ok(order)
    }
}

/// Decodes each call, and calls the target.
struct Handler(Peer);

impl Calls for Handler {
    async fn add(&self, a: i64, b: i64) -> Result<i64, ErrorObject> {
        CallsClient::new(self.0.clone()).add(a, b).forwarded().await
    }

    async fn check(&self, order: Order) -> Result<Order, ErrorObject> {
        CallsClient::new(self.0.clone()).check(order).forwarded().await
    }
}

async fn serve(router: Router) -> Checked<String> {
    let server = Server::builder().service(router).bind("127.0.0.1:0").await?.spawn();
    Ok(server.url())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [way, call, count] = &words[..] else {
        return Err("usage: forwarding direct|forward|handler add|order COUNT".into());
    };
    let target = serve(Router::new().service(CallsServer::new(Target))).await?;
    let to_target = Client::builder().connect(&target).await?;
    let url = match &way[..] {
        "direct" => target,
        "forward" => serve(Router::new().forward("*", to_target.peer())).await?,
        "handler" => {
            let handler = Handler(to_target.peer());
            serve(Router::new().service(CallsServer::new(handler))).await?
        }
        _ => return Err("`direct`, `forward` or `handler`".into()),
    };
    let client = Client::builder().connect(&url).await?;
    let calls = CallsClient::new(client.peer());
    let count: usize = count.parse()?;
    let order = order();
    for begun in (0..count).step_by(OUTSTANDING) {
        let many = OUTSTANDING.min(count - begun);
        match &call[..] {
            "add" => {
                let answers = join_all((0..many).map(|at| calls.add(at as i64, 1))).await;
                for (at, answer) in answers.into_iter().enumerate() {
                    assert_eq!(answer?, at as i64 + 1);
                }
            }
            "order" => {
                let answers = join_all((0..many).map(|_| calls.check(order.clone()))).await;
                for answer in answers {
                    assert_eq!(answer?.lines.len(), order.lines.len());
                }
            }
            _ => return Err("`add` or `order`".into()),
        }
    }
    println!("{count}");
    Ok(())
}
