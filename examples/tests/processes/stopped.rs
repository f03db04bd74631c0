//! A client whose process is stopped for longer than a link may be silent, as when a machine sleeps.

use std::time::Duration;

use tokio::time::sleep;

use crate::children::Running;

/// How long a link may be silent, and how long the client is stopped. Under `LONG` these are the real times.
struct Times {
    limits: &'static [&'static str],
    stopped: Duration,
}

fn times() -> Times {
    match std::env::var_os("LONG") {
        None => Times { limits: &["ping=1s", "dead_after=2s"], stopped: Duration::from_secs(5) },
        Some(_) => Times { limits: &[], stopped: Duration::from_secs(60) },
    }
}

/// A client that was stopped and continued, and the last tick that it told before.
async fn stopped(keep: &str) -> (Running, Running, u64) {
    let times = times();
    let mut arguments = vec!["--listen", "127.0.0.1:0", "--sessions"];
    for limit in times.limits.iter().chain([&keep]) {
        arguments.extend(["--limit", limit]);
    }
    let (server, url) = Running::server(&arguments).await;
    let arguments = [&[&*url], times.limits].concat();
    let mut client = Running::start(env!("CARGO_BIN_EXE_steady"), &arguments);
    while client.line().await != "state: up" {}
    assert_eq!(client.line().await, "tick: 0");
    client.signal("STOP").await;
    sleep(times.stopped).await;
    client.signal("CONT").await;
    (server, client, 0)
}

/// The states up to the first that is `up`, and the ticks before it, which have no gap.
async fn until_up(client: &mut Running, last: &mut u64) -> Vec<String> {
    let mut states = Vec::new();
    loop {
        let line = client.line().await;
        if let Some(state) = line.strip_prefix("state: ") {
            states.push(state.to_owned());
            if state.starts_with("up") {
                return states;
            }
        } else {
            assert_eq!(line, format!("tick: {}", *last + 1), "{states:?}");
            *last += 1;
        }
    }
}

#[tokio::test]
async fn a_client_that_was_stopped_resumes_its_session_and_misses_nothing() {
    let (_server, mut client, mut last) = stopped("session_keep=120s").await;
    let states = until_up(&mut client, &mut last).await;
    assert_eq!(states.last().unwrap(), "up, session resumed", "{states:?}");
    assert!(states[0].starts_with("away for "), "{states:?}");
    for _ in 0..200 {
        assert_eq!(client.line().await, format!("tick: {}", last + 1));
        last += 1;
    }
}

#[tokio::test]
async fn a_client_that_was_stopped_for_too_long_begins_anew_and_tells_the_gap() {
    let (_server, mut client, mut last) = stopped("session_keep=1s").await;
    let states = until_up(&mut client, &mut last).await;
    let fresh = "up, fresh session: 1 stream with a gap";
    assert_eq!(states.last().unwrap(), fresh, "{states:?}");
    // Ticks of before, which nobody had read.
    let mut line = client.line().await;
    while line != "gap" {
        assert_eq!(line, format!("tick: {}", last + 1));
        (last, line) = (last + 1, client.line().await);
    }
    for tick in 0..10 {
        assert_eq!(client.line().await, format!("tick: {tick}"));
    }
}
