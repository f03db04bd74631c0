//! The server of npm's `jsonrpc-bidirectional`, which calls its clients.

use rpc_core::{Peer, service};

use crate::checks::{Checked, check, equal};
use crate::outage::{outage, reconnecting};
use crate::program::Program;

#[service]
trait Foreign {
    fn call_back(&self, method: &str, params: &[String]) -> rpc_core::Result<String>;
}

#[service]
trait Here {
    fn shout(&self, text: &str) -> String;
}

struct Me;

impl Here for Me {
    fn shout(&self, text: &str) -> String {
        text.to_uppercase()
    }
}

const PEER: &str = "jsonrpc-bidirectional server, killed";

pub(crate) async fn passes(program: &mut Program) -> bool {
    let client = reconnecting().service(HereServer::new(Me)).connect(&program.url).await;
    let client = client.expect("there is a server");
    let (peer, told) = (client.peer(), "up, fresh session: 1 call lost");
    let all = [
        check(PEER, "calls back", calls_back(&peer)).await,
        check(PEER, "and started again", outage(&client, program, told)).await,
        check(PEER, "calls back as before", calls_back(&peer)).await,
        check(PEER, "and once more", outage(&client, program, told)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn calls_back(peer: &Peer) -> Checked {
    let shouted = ForeignClient::new(peer.clone()).call_back("shout", &["hi".to_owned()]).await?;
    equal(shouted.as_str(), "HI")
}
