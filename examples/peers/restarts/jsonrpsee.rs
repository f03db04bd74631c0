//! The server of crates.io's `jsonrpsee`, which has subscriptions.

use rpc_core::{StreamError, Streaming, service};

use crate::checks::{Checked, check, equal};
use crate::outage::{outage, reconnecting};
use crate::program::Program;

#[service]
trait Foreign {
    #[subscription(item = "tick")]
    fn ticks(&self, count: u64) -> Streaming<u64>;
}

const PEER: &str = "jsonrpsee server, killed";

pub(crate) async fn passes(program: &mut Program) -> bool {
    let client = reconnecting().connect(&program.url).await.expect("there is a server");
    let server = ForeignClient::new(client.peer());
    let mut ticks = server.ticks(3).await.expect("it has ticks");
    let told = "up, fresh session: 1 call lost, 1 stream with a gap";
    let all = [
        check(PEER, "subscribes", counts_to_three(&mut ticks)).await,
        check(PEER, "and started again", outage(&client, program, told)).await,
        check(PEER, "the stream goes on behind a gap", goes_on(&mut ticks)).await,
        check(PEER, "and once more", outage(&client, program, told)).await,
        check(PEER, "the stream goes on", goes_on(&mut ticks)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn counts_to_three(ticks: &mut Streaming<u64>) -> Checked {
    for expected in 0..3 {
        equal(ticks.next().await, Some(Ok(expected)))?;
    }
    Ok(())
}

async fn goes_on(ticks: &mut Streaming<u64>) -> Checked {
    equal(ticks.next().await, Some(Err(StreamError::Gap { missed: 0 })))?;
    counts_to_three(ticks).await
}
