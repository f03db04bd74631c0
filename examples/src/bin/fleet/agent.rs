//! An agent: a client that offers what it knows of its machine.

use std::time::Duration;

use futures_util::stream;
use rpc_client::{Client, ClientBuilder, Reconnect};
use rpc_core::{Progress, Streaming};

use crate::Result;
use crate::contract::{FleetClient, FleetError, Host, HostServer, Process, Report, Vitals};
use crate::machine::{self, Gauge};

/// What an agent offers.
struct Agent {
    name: String,
    /// How long it thinks about each report.
    delay: Duration,
}

impl Host for Agent {
    async fn report(&self, busiest: usize) -> Report {
        println!("{:<8} is asked for a report", self.name);
        tokio::time::sleep(self.delay).await;
        // Looking around blocks, which must not keep the connection from its other work.
        let report = tokio::task::spawn_blocking(move || machine::report(busiest)).await;
        report.expect("looking around does not panic").expect("the system tells about itself")
    }

    async fn load(&self) -> f64 {
        machine::load().expect("the system tells about itself")
    }

    async fn find(&self, name: &str) -> Result<Vec<Process>, FleetError> {
        println!("{:<8} is asked for its processes called `{name}`", self.name);
        let name = name.to_owned();
        let found = tokio::task::spawn_blocking(move || machine::find(&name)).await;
        found.expect("looking around does not panic")
    }

    async fn vitals(&self, every_ms: u64) -> Streaming<Vitals> {
        let every = Duration::from_millis(every_ms.max(100));
        Streaming::new(stream::unfold(Gauge::default(), move |mut gauge| async move {
            tokio::time::sleep(every).await;
            let read = tokio::task::spawn_blocking(move || (gauge.read(), gauge));
            let (vitals, gauge) = read.await.expect("looking around does not panic");
            Some((vitals.expect("the system tells about itself"), gauge))
        }))
    }

    async fn work(&self, seconds: u32, progress: Progress<u32>) {
        println!("{:<8} works for {seconds} s", self.name);
        let part = Duration::from_secs(u64::from(seconds)) / 100;
        for percent in 1..=100 {
            // A caller that cancels drops this handler, which then begins no further part.
            let part = tokio::task::spawn_blocking(move || machine::spin(part));
            part.await.expect("spinning does not panic");
            progress.report(&percent);
        }
    }

    async fn label(&self, label: &str) {
        println!("{:<8} is told the label `{label}`", self.name);
    }
}

/// Connects an agent, which connects again whenever its link is lost, and enlists whenever the server knows nothing of
/// it. The name goes into the path, where the server's `on_connect` finds it.
pub(crate) async fn connect(url: &str, name: &str, delay: Duration) -> Result<Client> {
    let agent = Agent { name: name.to_owned(), delay };
    let told = name.to_owned();
    let client = builder(agent).on_state(move |state| println!("{told:<8} is {state}"));
    Ok(client.connect(address(url, name)).await?)
}

/// What every agent is, whatever its machine.
pub(crate) fn builder(host: impl Host) -> ClientBuilder {
    Client::builder()
        .service(HostServer::new(host))
        .reconnect(Reconnect::default())
        .on_session(|server| async { FleetClient::new(server).enlist().await })
}

/// Where an agent connects to.
pub(crate) fn address(url: &str, name: &str) -> String {
    format!("{}/agent/{name}", url.trim_end_matches('/'))
}

/// Is an agent until ctrl-c, or until the server does not want it any more.
pub(crate) async fn run(url: &str, name: &str, delay: Duration) -> Result<()> {
    let client = connect(url, name, delay).await?;
    println!("{name:<8} is connected to {url}");
    tokio::select! {
        // `on_state` has said why.
        _ = client.closed() => {}
        stopped = tokio::signal::ctrl_c() => {
            stopped?;
            client.close().await;
        }
    }
    Ok(())
}
