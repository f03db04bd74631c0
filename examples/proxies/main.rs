//! A client that stays connected, behind proxies that time out, are loaded anew and are started anew; and a client that
//! gets through their default settings by server-sent events. And a client that reaches its server only through a
//! proxy. `proxies NAME…`, each `nginx`, `haproxy`, `tinyproxy` or `microsocks`, which must be installed.

#[path = "../peers/checks.rs"]
mod checks;

mod events;
mod forward;
mod outages;
mod proxy;
mod through;
mod world;

use std::env;
use std::process::ExitCode;

use checks::check;
use forward::{Forward, Kind};
use proxy::Proxy;
use rpc_client::Carrier;
use world::World;

#[tokio::main]
async fn main() -> ExitCode {
    let mut passed = true;
    for name in env::args().skip(1) {
        passed &= passes(&name).await;
    }
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn passes(name: &str) -> bool {
    match Kind::named(name) {
        Some(kind) => leads(name, kind).await,
        None => stands_before(name).await,
    }
}

/// A proxy before the server.
async fn stands_before(name: &str) -> bool {
    let world = &mut World::start().await;
    let proxy = &mut Proxy::start(name, world.port()).await.expect("the proxy starts");
    let all = [
        check(name, "cuts an idle link, and nothing is lost", outages::idles(world, proxy)).await,
        check(name, "keeps a link that pings", outages::pings(world, proxy)).await,
        check(name, "is loaded anew under load", outages::reloads(world, proxy)).await,
        check(name, "is started anew under load", outages::restarts(world, proxy)).await,
        check(name, "has no server for a while", outages::lacks_a_server(world, proxy)).await,
        check(name, "passes events in its default settings", events::passes(world, name)).await,
    ];
    all.into_iter().all(|passed| passed)
}

/// A proxy that leads the client to the server.
async fn leads(name: &str, kind: Kind) -> bool {
    let world = &World::start().await;
    let proxy = &mut Forward::start(kind).await.expect("the proxy starts");
    let (websocket, sse) = (Carrier::WebSocket, Carrier::Sse);
    let all = [
        check(name, "leads a WebSocket to the server", through::carries(world, proxy, websocket))
            .await,
        check(name, "leads server-sent events to the server", through::carries(world, proxy, sse))
            .await,
        check(name, "wants a user and a password", through::refuses_others(world, proxy)).await,
        check(name, "says that there is no server", through::finds_no_server(proxy)).await,
        check(name, "is started anew, and nothing is lost", through::restarts(world, proxy)).await,
    ];
    all.into_iter().all(|passed| passed)
}
