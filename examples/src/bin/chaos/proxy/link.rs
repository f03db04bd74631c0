//! One link: carried, and cut.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::plan::{Cut, Kind, Plan};
use super::pump::{Stopped, pump};
use crate::books::Books;
use crate::random::Random;

/// Carries a link until one of its ends or the plan ends it, or the network `is_out`.
pub(super) async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    plan: Plan,
    books: &Books,
    is_out: impl Fn() -> bool,
    mut random: Random,
) {
    // What the proxy has read of each end, and the other end has not got.
    let (mut late, mut down) = (Vec::new(), Vec::new());
    {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let up = pump(from_client, to_server, &mut late, &plan, books, random.fork());
        let down = pump(from_server, to_client, &mut down, &plan, books, random.fork());
        tokio::select! {
            stopped = up => if let Stopped::ByAnEnd = stopped { return },
            stopped = down => if let Stopped::ByAnEnd = stopped { return },
            () = is_due(plan.cut, books) => {}
            () = until(&is_out) => return,
        }
    }
    let Some(cut) = plan.cut else { return };
    books.count(cut.kind.event(), 1);
    match cut.kind {
        Kind::End => {}
        Kind::Reset => reset(&[&client, &server]),
        Kind::Swallow => {
            let time = Duration::from_millis(random.between(50, 600));
            let _ = timeout(time, swallow(&client, &server)).await;
            reset(&[&client, &server]);
        }
        // Longer than the ends wait for a sign of life.
        Kind::Freeze => sleep(Duration::from_secs(2)).await,
        Kind::Late => {
            // There may be nothing.
            let _ = client.try_read_buf(&mut late);
            drop(client);
            sleep(Duration::from_millis(random.between(50, 900))).await;
            // The server may have left the link.
            let _ = server.write_all(&late).await;
            sleep(random.millis(200)).await;
        }
    }
}

/// Waits for the time of the cut. Never comes when there is none, or when the network has calmed down.
async fn is_due(cut: Option<Cut>, books: &Books) {
    if let Some(cut) = cut {
        sleep(cut.after).await;
        if !books.is_calm() {
            return;
        }
    }
    std::future::pending().await
}

async fn until(is_true: impl Fn() -> bool) {
    while !is_true() {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Takes what both ends send, and loses it.
async fn swallow(client: &TcpStream, server: &TcpStream) {
    let mut lost = [0; 4096];
    loop {
        for socket in [client, server] {
            if matches!(socket.try_read(&mut lost), Ok(0)) {
                return;
            }
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// Lets the ends see a reset when the sockets are dropped.
fn reset(sockets: &[&TcpStream]) {
    for socket in sockets {
        // Otherwise the ends see the end of the stream.
        let _ = socket.set_zero_linger();
    }
}
