//! Messages that leave as one frame each, for ends that know no continuation.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::far::*;
use super::serving::*;

const LONG: usize = 300_000;

/// A notification, an answer and the answers to a batch, each above 64 KiB.
#[tokio::test(start_paused = true)]
async fn everything_that_an_end_sends_leaves_whole_if_it_is_told_so() {
    for whole in [true, false] {
        let (peer, far) =
            connect_as(Role::Server, Limits::server(), |config| config.whole_frames = whole);
        let (mut from, mut to) = tokio::io::split(far);
        let text = "x".repeat(LONG);
        peer.notify("told", (&text,)).await.unwrap();
        let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"echo","params":["{text}"]}}"#);
        let batch = format!("[{}]", request.replace(r#""id":1"#, r#""id":2"#));
        tokio::spawn(async move {
            to.write_all(&[masked(TEXT, request), masked(TEXT, batch)].concat()).await.unwrap();
        });
        let mut got = Vec::new();
        while timeout(Duration::from_secs(1), from.read_buf(&mut got)).await.is_ok() {}
        let frames = frames(&got);
        let wholes =
            frames.iter().filter(|(first, payload)| *first == TEXT && payload.len() > LONG);
        assert_eq!((wholes.count(), frames.len()), if whole { (3, 3) } else { (0, 15) });
    }
}
