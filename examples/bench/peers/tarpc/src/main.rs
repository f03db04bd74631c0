//! crates.io's `tarpc`, for the benchmark: calls over framed TCP with serde_json. It has neither streams nor pushes.
//!
//! Settings: `TCP_NODELAY`, and queues in both ends that take all calls that are outstanding. Each call runs in a task
//! of its own, as its docs show.

use std::convert::Infallible;

use cases::{Checked, Peer, listening};
use futures::{Future, StreamExt};
use tarpc::server::{self, Channel};
use tarpc::tokio_serde::formats::Json;
use tarpc::{client, context, serde_transport};

/// More than are ever outstanding.
const QUEUE: usize = 1024;

#[tarpc::service]
trait Cases {
    async fn add(a: i64, b: i64) -> i64;
}

#[derive(Clone)]
struct Service;

impl Cases for Service {
    async fn add(self, _: context::Context, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }
}

async fn spawn(future: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(future);
}

struct Tarpc(CasesClient);

impl Peer for Tarpc {
    async fn serve() -> Checked<Infallible> {
        let mut incoming = serde_transport::tcp::listen("127.0.0.1:0", Json::default).await?;
        listening(incoming.local_addr());
        while let Some(accepted) = incoming.next().await {
            let transport = accepted?;
            transport.get_ref().set_nodelay(true)?;
            let config = server::Config { pending_response_buffer: QUEUE };
            let channel = server::BaseChannel::new(config, transport);
            tokio::spawn(channel.execute(Service.serve()).for_each(spawn));
        }
        Err("the server has ended".into())
    }

    async fn connect(address: &str) -> Checked<Self> {
        let transport = serde_transport::tcp::connect(address, Json::default).await?;
        transport.get_ref().set_nodelay(true)?;
        let mut config = client::Config::default();
        config.pending_request_buffer = QUEUE;
        Ok(Self(CasesClient::new(config, transport).spawn()))
    }

    async fn add(&self, a: i64, b: i64) -> Checked<i64> {
        Ok(self.0.add(context::current(), a, b).await?)
    }
}

fn main() -> Checked {
    cases::main::<Tarpc>()
}
