//! Both ends of a stream of small items, so that each end can be counted: `server` says where it listens, `client`
//! takes a number of items and ends. An ordinary user: annotated traits, default limits.

#![expect(clippy::print_stdout, reason = "programs that talk to another")]

use bench::{Checked, usage};
use futures_util::stream;
use rpc_client::Client;
use rpc_core::{Streaming, service};
use rpc_server::Server;

#[service]
trait Numbers {
    /// The numbers from 0 on, as many as are wanted.
    #[subscription]
    fn count(&self, count: u64) -> Streaming<u64>;

    /// The same, of which few enough are on their way that each leaves by itself.
    #[subscription]
    fn count_alone(&self, count: u64) -> Streaming<u64>;
}

struct Service;

impl Numbers for Service {
    fn count(&self, count: u64) -> Streaming<u64> {
        Streaming::new(stream::iter(0..count))
    }

    fn count_alone(&self, count: u64) -> Streaming<u64> {
        self.count(count).in_flight(10_000)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Checked {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match *args {
        ["server"] => serve().await,
        ["client", kind, url, count] => take(kind, url, count.parse()?).await,
        _ => Err("usage: items server | client together|alone URL COUNT".into()),
    }
}

async fn serve() -> Checked {
    let server = Server::builder().service(NumbersServer::new(Service));
    let server = server.bind("127.0.0.1:0").await?.spawn();
    println!("listening on {}", server.url());
    std::future::pending().await
}

async fn take(kind: &str, url: &str, count: u64) -> Checked {
    let client = Client::builder().connect(url).await?;
    let numbers = NumbersClient::new(client.peer());
    let before = usage::cpu_nanoseconds("self")?;
    let mut items = match kind {
        "together" => numbers.count(count).await?,
        "alone" => numbers.count_alone(count).await?,
        _ => return Err(format!("no kind `{kind}`").into()),
    };
    let mut next = 0;
    while let Some(item) = items.next().await {
        if item? != next {
            return Err(format!("{next} is missing").into());
        }
        next += 1;
    }
    if next != count {
        return Err(format!("{next} items instead of {count}").into());
    }
    let cpu_ns = usage::cpu_nanoseconds("self")? - before;
    println!("{}", serde_json::json!({ "count": count, "cpu_ns": cpu_ns }));
    Ok(())
}
