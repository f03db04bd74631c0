//! A planned restart: the server tells its clients when they may come back, and they come spread over that time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bench::{Adder, AdderServer, Checked};
use rpc_client::State;
use rpc_server::{Rejection, Server, Sessions};

use crate::clients::{all_are, connect};
use crate::{ensure, within_descriptors};

const CLIENTS: usize = 1000;

/// Within these times after the close the clients may come back.
const WINDOW: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// The most clients that come in any one second, in percent: 11 if they are evenly spread.
const AT_ONCE: usize = 25;

struct Sums;

impl Adder for Sums {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

async fn serve(address: &str, connects: &Arc<AtomicUsize>) -> Checked<Server> {
    let connects = connects.clone();
    let server = Server::builder()
        .service(AdderServer::new(Sums))
        .sessions(Sessions::new())
        .reconnect_after(WINDOW.0, WINDOW.1)
        .on_connect(move |_| {
            connects.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Ok::<_, Rejection>(()))
        });
    Ok(server.bind(address).await?.spawn())
}

pub(crate) async fn check() -> Checked<()> {
    let count = within_descriptors(CLIENTS, 2);
    let connects = Arc::<AtomicUsize>::default();
    let server = serve("127.0.0.1:0", &connects).await?;
    let members = connect(&server.url(), count).await?;
    connects.store(0, Ordering::Relaxed);

    let closed = Instant::now();
    server.shutdown(Duration::ZERO).await;
    let _server = serve(&server.local_addr().ok_or("no address")?.to_string(), &connects).await?;
    all_are(&members, |state| matches!(state, State::Fresh { .. })).await?;
    let back = closed.elapsed();

    let (mut planned, mut most) = (Vec::new(), 0);
    for member in &members {
        let told = member.take_told();
        planned.push(told.planned.ok_or("a client was never away")?);
        most = most.max(told.attempts);
    }
    planned.sort();
    let (first, last) = (planned[0], planned[count - 1]);
    ensure(first >= closed + WINDOW.0, "a client comes too early")?;
    // From the first loss to the last one some time passes, in which nobody's window ends.
    ensure(last <= first + WINDOW.1, "a client comes too late")?;
    let busiest = planned.iter().enumerate().map(|(at, first)| {
        planned[at..].iter().take_while(|next| **next < *first + Duration::from_secs(1)).count()
    });
    let busiest = busiest.max().unwrap_or_default();
    ensure(busiest * 100 <= count * AT_ONCE, format!("{busiest} clients come within a second"))?;
    ensure(most <= 2, format!("a client needs {most} attempts"))?;
    let connects = connects.load(Ordering::Relaxed);
    ensure(connects == count, format!("{count} clients make {connects} links"))?;
    println!(
        "restart: {count} clients are back after {:.1} s, at most {busiest} of them come within a second",
        back.as_secs_f64()
    );
    Ok(())
}
