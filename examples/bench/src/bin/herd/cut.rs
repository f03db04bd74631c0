//! All links are cut at once: each client resumes its session, and the application of the server notices nothing.

use std::time::{Duration, Instant};

use bench::Checked;
use futures_util::{StreamExt, TryStreamExt, stream};
use rpc_client::{Client, State};
use tokio::time::{sleep, timeout};

use crate::clients::{Member, all_are, connect};
use crate::process::start;
use crate::server::{ObservedClient, Seen};
use crate::{ensure, within_descriptors};

const CLIENTS: usize = 5000;

/// How much more of the heap the server may use after the second cut than after the first, in percent.
const MORE: usize = 1;

/// Returns the report of the server for which `is` holds. The time limit only ends a program that hangs.
async fn seen(server: &ObservedClient, is: impl Fn(&Seen) -> bool) -> Checked<Seen> {
    let mut last = None;
    let wait = async {
        loop {
            let seen = server.seen().await?;
            last = Some(seen);
            if is(&seen) {
                return Checked::Ok(seen);
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    let waited = timeout(Duration::from_secs(120), wait).await;
    waited.unwrap_or_else(|_| Err(format!("the server hangs: {last:?}").into()))
}

/// The heap of the server when nothing changes it any more.
async fn heap(server: &ObservedClient) -> Checked<usize> {
    let (mut heap, mut same) = (0, 0);
    while same < 10 {
        let before = std::mem::replace(&mut heap, server.seen().await?.heap);
        // The call itself takes and gives back a little.
        same = if before.abs_diff(heap) < 4096 { same + 1 } else { 0 };
        sleep(Duration::from_millis(100)).await;
    }
    Ok(heap)
}

pub(crate) async fn call(members: &[Member]) -> Checked<()> {
    stream::iter(members.iter().zip(0..))
        .map(|(member, n)| async move {
            let next = ObservedClient::new(member.client.peer()).next(n).await?;
            ensure(next == n + 1, format!("{next} is not {n} + 1"))
        })
        .buffer_unordered(100)
        .try_collect()
        .await
}

pub(crate) async fn check() -> Checked<()> {
    let count = within_descriptors(CLIENTS, 3);
    let (_server, port) = start(&["server", "0"]).await?;
    let (mut wire, from) = start(&["wire", "0", &port]).await?;
    let observer = Client::builder().connect(format!("ws://127.0.0.1:{port}/")).await?;
    let server = ObservedClient::new(observer.peer());
    let members = connect(&format!("ws://127.0.0.1:{from}/"), count).await?;
    call(&members).await?;
    let before = seen(&server, |seen| seen.up == count).await?;
    let mut heaps = vec![heap(&server).await?];
    for cut in 1..=2 {
        wire.kill().await?;
        seen(&server, |seen| seen.away == count).await?;
        let start_again = Instant::now();
        (wire, _) = start(&["wire", &from, &port]).await?;
        all_are(&members, |state| matches!(state, State::Up { resumed: true, .. })).await?;
        let back = start_again.elapsed();
        call(&members).await?;
        let after = seen(&server, |seen| seen.up == count).await?;
        ensure(
            (after.opens, after.disconnects, after.evicted)
                == (before.opens, before.disconnects, 0),
            format!("a hook has run again: {after:?}"),
        )?;
        ensure(after.resumed == (cut * count) as u64, format!("not all resumed: {after:?}"))?;
        let attempts = members.iter().map(|member| member.take_told().attempts).max();
        heaps.push(heap(&server).await?);
        println!(
            "cut: {count} clients have resumed after {:.1} s, in at most {} attempts, with {} connects; {} KiB on the heap",
            back.as_secs_f64(),
            attempts.unwrap_or_default(),
            after.connects,
            heaps[cut] / 1024,
        );
    }
    let [first, once, twice] = heaps[..] else { return Err("two cuts".into()) };
    ensure(
        once <= first + count * 1024,
        format!("{first} bytes are {once} after a cut: more than 1 KiB for each session"),
    )?;
    ensure(twice <= once + once * MORE / 100, format!("{once} bytes are {twice} after another cut"))
}
