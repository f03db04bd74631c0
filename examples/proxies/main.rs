//! A client that stays connected, behind proxies that time out, are loaded anew and are started anew; and a client that
//! gets through their default settings by server-sent events: `proxies NAME…`, each `nginx` or `haproxy`, which must be
//! installed.

#[path = "../peers/checks.rs"]
mod checks;

mod events;
mod outages;
mod proxy;
mod world;

use std::env;
use std::process::ExitCode;

use checks::check;
use proxy::Proxy;
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
