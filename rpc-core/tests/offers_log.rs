//! What the log says of two ends of different versions. Alone in its process: lines of this kind have a rate.

mod support;

use rpc_core::schema::{Discovery, Model, Offer};
use rpc_core::{Limits, Router, service};
use support::ends::{ends, settle};
use support::log::Log;
use tracing_subscriber::filter::LevelFilter;

mod old {
    #[rpc_core::service(namespace = "chat", version = "1.1", schema)]
    pub(super) trait Chat {
        async fn join(&self, room: &str, seat: u8) -> u32;
    }
}

#[service(namespace = "chat", version = "1.2", schema)]
trait Chat {
    async fn join(&self, room: &str) -> u32;
}

#[service(namespace = "admin", schema)]
trait Admin {
    async fn stop(&self);
}

#[tokio::test(start_paused = true)]
async fn one_line_of_the_log_names_what_differs() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber(LevelFilter::INFO));
    let served = Model::server().serves(old::ChatServer::INFO).build().unwrap();
    let called = Model::client().calls(ChatClient::INFO).calls(AdminClient::INFO).build().unwrap();
    let tells = |model| Router::new().service(Discovery::new(&()).with_model(model).in_hello());
    let connect = || ends((tells(&called), Limits::client()), (tells(&served), Limits::server()));
    let (peer, _far) = connect();
    settle().await;
    assert!(matches!(peer.offers::<ChatClient>().await, Offer::Differs(_)));
    // A fleet of old clients does not fill the log.
    let (_another, _far) = connect();
    settle().await;
    let text = log.text();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("versions of services")).collect();
    let [line] = &*lines else { panic!("{text}") };
    let differs = "the other end's `chat` is version 1.1, not 1.2; the other end offers no `admin`";
    assert!(line.contains(differs), "{line}");
}
