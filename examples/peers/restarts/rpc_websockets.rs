//! The server of npm's `rpc-websockets`. Its events are no JSON-RPC: `{"notification":"tick","params":[0]}`.

use rpc_core::Peer;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::checks::{Checked, check, equal};
use crate::outage::{outage, reconnecting};
use crate::program::Program;

const PEER: &str = "rpc-websockets server, killed";

pub(crate) async fn passes(program: &mut Program) -> bool {
    let (heard, mut events) = unbounded_channel();
    let client = reconnecting()
        .on_foreign(move |text| _ = heard.send(text.to_owned()))
        // The server has forgotten who subscribed.
        .on_session(|peer: Peer| async move {
            peer.call::<Box<serde_json::value::RawValue>>("rpc.on", ("tick",)).await.map(drop)
        })
        .connect(&program.url)
        .await
        .expect("there is a server");
    let (peer, told) = (client.peer(), "up, fresh session: 1 call lost");
    let all = [
        check(PEER, "its events are heard", hears(&peer, &mut events)).await,
        check(PEER, "and started again", outage(&client, program, told)).await,
        check(PEER, "`on_session` subscribes again", hears(&peer, &mut events)).await,
        check(PEER, "and once more", outage(&client, program, told)).await,
        check(PEER, "`on_session` subscribes again", hears(&peer, &mut events)).await,
    ];
    all.into_iter().all(|passed| passed)
}

async fn hears(peer: &Peer, events: &mut UnboundedReceiver<String>) -> Checked {
    equal(peer.call::<u64>("push", (2,)).await?, 2)?;
    for n in 0..2 {
        let event = events.recv().await.ok_or("the client has ended")?;
        equal(event, format!(r#"{{"notification":"tick","params":[{n}]}}"#))?;
    }
    Ok(())
}
